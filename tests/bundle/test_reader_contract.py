"""A bundle whose contract or proof cannot be kept is refused before anything in it runs, in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.stored_bundles import BROKEN_JSON, edited, refusal

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import BundleError
from levit_mobile.parity.compare import Proof, judge

# The contract


@pytest.mark.parametrize("damage", BROKEN_JSON)
def test_a_damaged_contract_is_named(bundle: Path, damage: str) -> None:
    BROKEN_JSON[damage](bundle / "contract.json")
    assert refusal(bundle).startswith(f"{bundle / 'contract.json'} is not a contract of schema 1: ")


def test_a_folder_without_a_contract_is_no_bundle(bundle: Path) -> None:
    (bundle / "contract.json").unlink()
    wanted = f"{bundle} is not a bundle: contract.json cannot be read"
    assert refusal(bundle) == f"{wanted} (No such file or directory)"
    (bundle / "contract.json").mkdir()
    assert refusal(bundle) == f"{wanted} (Is a directory)"


SCHEMA = "is not a contract of schema 1: "
OUTSIDE = "which is no file inside the bundle"
CONTRADICTIONS: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "a later schema": (("schema_version",), 2, f"{SCHEMA}schema_version: Input should be 1"),
    "an earlier schema": (("schema_version",), 0, f"{SCHEMA}schema_version: Input should be 1"),
    "a schema in words": (("schema_version",), "1", f"{SCHEMA}schema_version: Input should be 1"),
    "no schema": (("schema_version",), ..., f"{SCHEMA}schema_version: Field required"),
    "an unknown field": (("surprise",), 1, f"{SCHEMA}surprise: Extra inputs are not permitted"),
    "an unknown field inside": (("input", "mean"), [0, 0, 0], f"{SCHEMA}input.mean: Extra inputs are not permitted"),
    "an unknown bound": (("tolerance", "max_psnr"), 1, f"{SCHEMA}tolerance.max_psnr: Unexpected keyword argument"),
    "a field of several lines": (("a\nb",), 1, f"{SCHEMA}a b: Extra inputs are not permitted"),
    "no verdict": (("verdict",), ..., f"{SCHEMA}verdict: Field required"),
    "a bound that is none": (("tolerance", "min_sqnr_db"), -1, f"{SCHEMA}tolerance: "),
    "an unknown recipe": (("recipe",), "tflite-int2", "names the recipe tflite-int2, known are coreml-fp32, "),
    "a recipe of several lines": (("recipe",), "a\r\nb", "names the recipe a b, known are coreml-fp32, "),
    "another recipe's artifact": (
        ("recipe",),
        "executorch-fp32",
        "names model.tflite, expected the .pte that executorch-fp32 makes",
    ),
    "another artifact": (
        ("artifact", "file"),
        "model.pte",
        "names model.pte, expected the .tflite that tflite-fp32 makes",
    ),
    "an artifact beside it": (("artifact", "file"), "../o/model.tflite", f"names '../o/model.tflite', {OUTSIDE}"),
    "an artifact anywhere": (("artifact", "file"), "/o/model.tflite", f"names '/o/model.tflite', {OUTSIDE}"),
    "an artifact around it": (("artifact", "file"), "a/../../o.tflite", f"names 'a/../../o.tflite', {OUTSIDE}"),
    "an artifact of no name": (("artifact", "file"), "a\0.tflite", f"names 'a\\x00.tflite', {OUTSIDE}"),
    "labels beside it": (("output", "labels_file"), "../labels.txt", f"names '../labels.txt', {OUTSIDE}"),
    "a picture anywhere": (("golden", 1, "rgb8_file"), "/dev/zero", f"names '/dev/zero', {OUTSIDE}"),
    "logits beside it": (("golden", 0, "logits_file"), "../x.f32", f"names '../x.f32', {OUTSIDE}"),
    "an input of another side": (("input", "shape"), [1, 32, 32, 3], ": the input is [1, 32, 32, 3], expected [1, 64"),
    "an input of two": (("input", "shape"), [2, 64, 64, 3], ": the input is [2, 64, 64, 3], expected [1, 64, 64, 3]"),
    "an input in another order": (("input", "layout"), "NCHW", ": the input is [1, 64, 64, 3], expected [1, 3, 64"),
    "another crop": (("preprocessing", "crop_px"), 56, ": the input is [1, 64, 64, 3], expected [1, 56, 56, 3]"),
    "a crop of nothing": (("preprocessing", "crop_px"), 0, ": no picture can be prepared so: side_px is 0, expected"),
    "a crop beyond the picture": (("preprocessing", "resize_px"), 63, ": no picture can be prepared so: side_px is 64"),
    "no antialias": (("preprocessing", "antialias"), False, ": no picture can be prepared so: "),
    "more classes": (("model", "classes"), 6, ": the output is [1, 5], and the model has 6 classes"),
    "an output of another size": (("output", "shape"), [1, 6], ": the output is [1, 6], and the model has 5 classes"),
    "an output of two": (("output", "shape"), [2, 5], ": the output is [2, 5], and the model has 5 classes"),
}  # fmt: skip


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_contract_that_cannot_be_kept_is_refused(bundle: Path, what: str) -> None:
    keys, value, words = CONTRADICTIONS[what]
    edited(bundle / "contract.json", *keys, to=value)
    sentence = refusal(bundle)
    assert sentence.startswith(str(bundle / "contract.json"))
    assert words in sentence


def test_a_model_without_classes_is_refused(bundle: Path) -> None:
    edited(bundle / "contract.json", "model", "classes", to=0)
    edited(bundle / "contract.json", "output", "shape", to=[1, 0])
    assert refusal(bundle).endswith(": the output is [1, 0], and the model has 0 classes")


@pytest.mark.parametrize(
    ("field", "shape", "words"),
    [
        ("rgb8_shape", [48, 64, 4], "golden/picture2.rgb8 is no picture of 64 x 64 x 3 bytes"),
        ("logits_shape", [4], "golden/picture2.logits.f32 does not hold 5 float32 logits"),
    ],
)
def test_a_golden_vector_of_another_shape_is_refused(bundle: Path, field: str, shape: list[int], words: str) -> None:
    edited(bundle / "contract.json", "golden", 2, field, to=shape)
    assert refusal(bundle) == f"{bundle}/{words}"


# The proof


@pytest.mark.parametrize("damage", BROKEN_JSON)
def test_a_damaged_proof_is_named(bundle: Path, damage: str) -> None:
    (bundle / "parity.json").write_text((bundle / "parity.json").read_text().replace("candidate", "random"))
    BROKEN_JSON[damage](bundle / "parity.json")
    assert refusal(bundle).startswith(f"{bundle / 'parity.json'} is no proof of schema 1: ")


def test_a_missing_proof_is_named(bundle: Path) -> None:
    (bundle / "parity.json").unlink()
    assert refusal(bundle) == f"{bundle / 'parity.json'} cannot be read (No such file or directory)"


PROOFS: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "a later schema": (("schema_version",), 2, "is no proof of schema 1: schema_version: Input should be 1"),
    "an unknown field": (("report", "psnr"), 1, "is no proof of schema 1: report.psnr: Extra inputs are not"),
    "another verdict": (("verdict",), "not run", "says not run, and the contract proven"),
    "numbers that break it": (
        ("report", "sqnr_db"),
        99.9,
        "says proven, and by its own numbers the artifact is broken",
    ),
    "no number": (("report", "top1_agreement"), "NaN", "says proven, and by its own numbers the artifact is broken"),
    "no numbers": (("report",), None, "says proven, and by its own numbers the artifact is not run"),
    "other bounds": (("report", "tolerance", "max_kl"), 1.0, "was judged by other bounds than the contract asks"),
}


@pytest.mark.parametrize("what", PROOFS)
def test_a_proof_that_does_not_belong_here_is_refused(bundle: Path, what: str) -> None:
    keys, value, words = PROOFS[what]
    edited(bundle / "parity.json", *keys, to=value)
    assert refusal(bundle).startswith(f"{bundle / 'parity.json'} {words}")


def test_a_verdict_cannot_be_bettered(bundle: Path) -> None:
    edited(bundle / "parity.json", "report", "sqnr_db", to=20.0)
    broken = judge(Proof.model_validate_json((bundle / "parity.json").read_bytes()).report)  # type: ignore[arg-type]
    broken.write(bundle)
    edited(bundle / "contract.json", "verdict", to="broken")
    assert open_bundle(bundle).proof.verdict == "broken"
    for file in ("parity.json", "contract.json"):
        edited(bundle / file, "verdict", to="proven")
    assert "says proven, and by its own numbers the artifact is broken" in refusal(bundle)
    edited(bundle / "contract.json", "tolerance", "min_sqnr_db", to=10.0)
    edited(bundle / "parity.json", "report", "sqnr_db", to=120.0)
    assert "was judged by other bounds than the contract asks" in refusal(bundle)


# Any damage


@pytest.mark.parametrize("file", ["contract.json", "parity.json"])
def test_damage_anywhere_is_a_refusal_or_changes_nothing_that_decides(bundle: Path, file: str) -> None:
    whole, verdict = (bundle / file).read_bytes(), open_bundle(bundle).contract.verdict
    refusals = []
    for seed in range(400):
        drawn, data = np.random.default_rng(seed), bytearray(whole)
        data[drawn.integers(len(data))] ^= 1 << int(drawn.integers(8))
        (bundle / file).write_bytes(data)
        try:
            assert open_bundle(bundle).contract.verdict == verdict, seed
        except BundleError as error:
            refusals.append(str(error))
    assert [sentence for sentence in refusals if sentence.splitlines() != [sentence]] == []
    assert len(refusals) > 200
