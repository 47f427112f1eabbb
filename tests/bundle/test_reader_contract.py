"""A bundle whose contract or proof cannot be kept is refused before anything in it runs, in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.stored_bundles import BROKEN_JSON, Made, edited, require_refusal

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import BundleError
from levit_mobile.parity.report import Proof, judge
from levit_mobile.recipe import RECIPES

# The contract


@pytest.mark.parametrize("damage", BROKEN_JSON)
def test_a_damaged_contract_is_named(bundle: Path, damage: str) -> None:
    BROKEN_JSON[damage](bundle / "contract.json")
    require_refusal(bundle, "bundle.schema", bundle / "contract.json", "schema 1 or 2: ")


def test_a_folder_without_a_contract_is_no_bundle(bundle: Path) -> None:
    (bundle / "contract.json").unlink()
    require_refusal(bundle, "bundle.unreadable", bundle, "contract.json", "No such file or directory")
    (bundle / "contract.json").mkdir()
    require_refusal(bundle, "bundle.unreadable", bundle, "contract.json", "Is a directory")


Contradiction = tuple[tuple[str | int, ...], Any, str, tuple[str, ...]]  # keys, what stands there, fault, facts
CONTRADICTIONS: dict[str, Contradiction] = {
    "a later schema": (("schema_version",), 3, "schema", ("schema 1 or 2: schema_version: ", "should be 2")),
    "an earlier schema": (("schema_version",), 0, "schema", ("schema 1 or 2: schema_version: ", "should be 2")),
    "a schema in words": (("schema_version",), "1", "schema", ("schema 1 or 2: schema_version: ", "should be 2")),
    "no schema": (("schema_version",), ..., "schema", ("schema 1 or 2: schema_version: ", "required")),
    "an unknown field": (("surprise",), 1, "schema", ("schema 1 or 2: surprise: ", "not permitted")),
    "an unknown field inside": (("input", "mean"), [0, 0, 0], "schema", ("input.mean: ", "not permitted")),
    "an unknown bound": (("tolerance", "max_psnr"), 1, "schema", ("schema 1 or 2: tolerance.max_psnr: ", "Unexpected")),
    "a field of several lines": (("a\nb",), 1, "schema", ("schema 1 or 2: a b: ", "not permitted")),
    "no verdict": (("verdict",), ..., "schema", ("schema 1 or 2: verdict: ", "required")),
    "a bound that is none": (("tolerance", "min_sqnr_db"), -1, "schema", ("schema 1 or 2: tolerance: ",)),
    "an unknown recipe": (("recipe",), "tflite-int2", "recipe", ("tflite-int2", *RECIPES)),
    "a recipe of several lines": (("recipe",), "a\r\nb", "recipe", (r"recipe 'a\r\nb'", *RECIPES)),
    "another recipe's artifact": (
        ("recipe",),
        "executorch-fp32",
        "inconsistent",
        ("model.tflite", "expected a .pte", "executorch-fp32"),
    ),
    "another artifact": (
        ("artifact", "file"),
        "model.pte",
        "inconsistent",
        ("model.pte", "expected a .tflite", "tflite-fp32"),
    ),
    "an artifact beside it": (("artifact", "file"), "../o/model.tflite", "path", ("'../o/model.tflite'",)),
    "an artifact anywhere": (("artifact", "file"), "/o/model.tflite", "path", ("'/o/model.tflite'",)),
    "an artifact around it": (("artifact", "file"), "a/../../o.tflite", "path", ("'a/../../o.tflite'",)),
    "an artifact of no name": (("artifact", "file"), "a\0.tflite", "path", ("'a\\x00.tflite'",)),
    "labels beside it": (("output", "labels_file"), "../labels.txt", "path", ("'../labels.txt'",)),
    "a picture anywhere": (("golden", 1, "rgb8_file"), "/dev/zero", "path", ("'/dev/zero'",)),
    "logits beside it": (("golden", 0, "logits_file"), "../x.f32", "path", ("'../x.f32'",)),
    "another arithmetic": (
        ("artifact", "arithmetic"),
        "fp16 where the core has it",
        "inconsistent",
        ("contract.json states an arithmetic", "tflite-fp32", "use tflite-fp16"),
    ),
    "an input of side 32": (("input", "shape"), [1, 32, 32, 3], "inconsistent", ("[1, 32, 32, 3], expected [1, 64",)),
    "an input of two": (("input", "shape"), [2, 64, 64, 3], "inconsistent", ("[2, 64, 64, 3], expected [1, 64, 64",)),
    "an input in another order": (("input", "layout"), "NCHW", "inconsistent", ("[1, 64, 64, 3], expected [1, 3, 64",)),
    "another crop": (("preprocessing", "crop_width"), 56, "inconsistent", ("[1, 64, 64, 3], expected [1, 64, 56, 3]",)),
    "a crop of nothing": (("preprocessing", "crop_height"), 0, "inconsistent", ("preprocessing", "crop_height is 0")),
    "resized to nothing": (("preprocessing", "height"), 0, "inconsistent", ("preprocessing", "height is 0")),
    "no contrast": (("preprocessing", "std"), [0.2, 0.0, 0.2], "inconsistent", ("preprocessing", "std is (0.2, 0.0")),
    "no antialias": (("preprocessing", "antialias"), False, "inconsistent", ("preprocessing", "antialias")),
    "more classes": (("model", "classes"), 6, "inconsistent", ("shape is [1, 5]", "6 classes")),
    "an output of another size": (("output", "shape"), [1, 6], "inconsistent", ("shape is [1, 6]", "5 classes")),
    "an output of two": (("output", "shape"), [2, 5], "inconsistent", ("shape is [2, 5]", "5 classes")),
}  # fmt: skip


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_contract_that_cannot_be_kept_is_refused(bundle: Path, what: str) -> None:
    keys, value, fault, facts = CONTRADICTIONS[what]
    edited(bundle / "contract.json", *keys, to=value)
    require_refusal(bundle, f"bundle.{fault}", bundle / "contract.json", *facts)


def test_a_model_without_classes_is_refused(bundle: Path) -> None:
    edited(bundle / "contract.json", "model", "classes", to=0)
    edited(bundle / "contract.json", "output", "shape", to=[1, 0])
    require_refusal(bundle, "bundle.inconsistent", bundle / "contract.json", "0 classes, expected 1 or more")


@pytest.mark.parametrize(
    ("field", "shape", "file", "fact"),
    [
        ("rgb8_shape", [48, 64, 4], "golden/picture2.rgb8", "64 x 64 x 3 bytes"),
        ("logits_shape", [4], "golden/picture2.logits.f32", "5 float32 logits"),
    ],
)
def test_a_golden_vector_of_another_shape_is_refused(
    bundle: Path, field: str, shape: list[int], file: str, fact: str
) -> None:
    edited(bundle / "contract.json", "golden", 2, field, to=shape)
    require_refusal(bundle, "bundle.inconsistent", bundle / file, fact)


# The proof


@pytest.mark.parametrize("damage", BROKEN_JSON)
def test_a_damaged_proof_is_named(bundle: Path, damage: str) -> None:
    (bundle / "parity.json").write_text((bundle / "parity.json").read_text().replace("candidate", "random"))
    BROKEN_JSON[damage](bundle / "parity.json")
    require_refusal(bundle, "bundle.schema", bundle / "parity.json", "schema 1: ")


def test_a_missing_proof_is_named(bundle: Path) -> None:
    (bundle / "parity.json").unlink()
    require_refusal(bundle, "bundle.unreadable", bundle / "parity.json", "No such file or directory")


PROVEN_YET_BROKEN = ("verdict proven", "expected broken", "numbers")
PROOFS: dict[str, tuple[tuple[str, ...], Any, str, tuple[str, ...]]] = {
    "a later schema": (("schema_version",), 2, "schema", ("schema 1", "schema_version: ", "should be 1")),
    "an unknown field": (("report", "psnr"), 1, "schema", ("schema 1", "report.psnr: ", "not permitted")),
    "another verdict": (("verdict",), "not run", "inconsistent", ("verdict not run", "expected proven", "contract")),
    "numbers that break it": (("report", "centred_sqnr_db"), 99.9, "inconsistent", PROVEN_YET_BROKEN),
    "no number": (("report", "top1_agreement"), "NaN", "inconsistent", PROVEN_YET_BROKEN),
    "no numbers": (("report",), None, "inconsistent", ("verdict proven", "expected not run", "numbers")),
    "other bounds": (("report", "tolerance", "max_kl"), 1.0, "inconsistent", ("bounds", "contract")),
}


@pytest.mark.parametrize("what", PROOFS)
def test_a_proof_that_does_not_belong_here_is_refused(bundle: Path, what: str) -> None:
    keys, value, fault, facts = PROOFS[what]
    edited(bundle / "parity.json", *keys, to=value)
    require_refusal(bundle, f"bundle.{fault}", bundle / "parity.json", *facts)


def test_what_emulated_cores_refute_is_read_as_broken(made: Made, tmp_path: Path) -> None:
    """This machine's figures are sound then: the reasons alone say what a core has computed."""
    bundle = Path(shutil.copytree(made("tflite-int8"), tmp_path / "bundle"))
    for file in ("contract.json", "parity.json"):
        edited(bundle / file, "verdict", to="broken")
    edited(bundle / "parity.json", "reasons", to=["on an emulated cortex-a76, SQNR is 20.0 dB"])
    edited(bundle / "contract.json", "artifact", "arithmetic", to="fp32")
    require_refusal(bundle, "bundle.inconsistent", "verdict broken", "expected proven", "numbers")
    edited(bundle / "contract.json", "artifact", "arithmetic", to="fp16 where the core has it")
    assert open_bundle(bundle).proof.verdict == "broken"


def test_a_verdict_cannot_be_bettered(bundle: Path) -> None:
    edited(bundle / "parity.json", "report", "centred_sqnr_db", to=20.0)
    broken = judge(Proof.model_validate_json((bundle / "parity.json").read_bytes()).report)  # type: ignore[arg-type]
    broken.write(bundle)
    edited(bundle / "contract.json", "verdict", to="broken")
    assert open_bundle(bundle).proof.verdict == "broken"
    for file in ("parity.json", "contract.json"):
        edited(bundle / file, "verdict", to="proven")
    require_refusal(bundle, "bundle.inconsistent", bundle / "parity.json", *PROVEN_YET_BROKEN)
    edited(bundle / "contract.json", "tolerance", "min_sqnr_db", to=10.0)
    edited(bundle / "parity.json", "report", "centred_sqnr_db", to=120.0)
    require_refusal(bundle, "bundle.inconsistent", bundle / "parity.json", "bounds", "contract")


# Any damage


@pytest.mark.slow
@pytest.mark.parametrize("file", ["contract.json", "parity.json"])
def test_damage_anywhere_is_a_refusal_or_changes_nothing_that_decides(bundle: Path, file: str) -> None:
    whole, verdict = (bundle / file).read_bytes(), open_bundle(bundle).contract.verdict
    refusals, codes = [], set()
    for seed in range(400):
        drawn, data = np.random.default_rng(seed), bytearray(whole)
        data[drawn.integers(len(data))] ^= 1 << int(drawn.integers(8))
        (bundle / file).write_bytes(data)
        try:
            assert open_bundle(bundle).contract.verdict == verdict, seed
        except BundleError as error:
            refusals.append(str(error))
            codes.add(error.code)
    assert [sentence for sentence in refusals if sentence.splitlines() != [sentence]] == []
    assert len(refusals) > 200
    assert codes <= {f"bundle.{fault}" for fault in BundleError.FAULTS}
