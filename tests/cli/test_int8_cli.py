"""`convert --precision int8` as it is typed: notes, contracts, refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import Run
from PIL import Image
from support.command import ask

from levit_mobile.model.fake_quant import fake_quants_of
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.plan import Origin, Plan
from levit_mobile.targets import TARGETS

# Stem, head, and the linears of 3 blocks and of 2 that shrink: 6 in each.
PRODUCTS = 4 + 1 + 6 * 3 + 6 * 2


def unboxed(output: str) -> str:
    """Words without the frame that typer draws around them."""
    return " ".join(output.replace("│", " ").split())


@pytest.fixture(scope="module")
def converted(
    levit_mobile: Run, shallow_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict]:
    """stderr and JSON of a conversion on synthetic pictures, by a plan that was searched on another checkpoint."""
    out = tmp_path_factory.mktemp("int8")
    origin = Origin(
        checkpoint_sha256="ab" * 32, calibration="x", pictures=1, pictures_sha256="1", seed=0, compared=1, max_kl=0.1
    )
    Plan(variant="levit_128s", target="tflite", origin=origin).write(out / "plan.json")
    done = levit_mobile(
        "convert", "-t", "tflite", "-p", "int8", "-c", shallow_checkpoint, "--calibration", "synthetic",
        "--calibration-count", "8", "--observer", "mse", "--seed", "3", "--out", out, "--json", "--no-emulation",
        "--plan", out / "plan.json", shallow=True, converted_once=True,
    )  # fmt: skip
    return done.stderr, json.loads(done.stdout)


def test_a_plan_of_another_checkpoint_is_said(converted: tuple[str, dict]) -> None:
    assert re.search("tflite-int8: NOTE: .* plan .*different checkpoint.* abababababab", " ".join(converted[0].split()))


def test_what_is_said_of_integers(converted: tuple[str, dict]) -> None:
    """The one conversion of these tests that is timed."""
    stated = converted[1]["bundles"][0]["integers"]
    assert stated["float_by_plan"] == []
    assert stated["bias_tables"]["stored"] == "float32, int8 a head"
    assert 20 < stated["bias_tables"]["sqnr_db"] < 90
    assert len(stated["speed"]["samples_ms"]) == len(stated["speed"]["float32_samples_ms"]) >= 24
    slower = stated["speed"]["ratio"] > 1
    assert ("tflite-int8: NOTE: slower than float32 on this machine: " in converted[0]) == slower


def test_a_plan_that_leaves_everything_float_is_one_sentence(
    levit_mobile: Run, shallow_checkpoint: Path, shallow: SourceModel, tmp_path: Path
) -> None:
    form = convert.to_deploy_form(shallow, TARGETS["tflite"])
    everything = Plan(variant="levit_128s", target="tflite", float_edges=tuple(fake_quants_of(form)))
    everything.write(tmp_path / "plan.json")
    done = levit_mobile("convert", "-t", "tflite", "-p", "int8", "-c", shallow_checkpoint, "--calibration", "synthetic",
                        "--calibration-count", "2", "--plan", tmp_path / "plan.json", "-o", tmp_path,
                        shallow=True)  # fmt: skip
    assert done.returncode == 1
    assert re.search("error: tflite-int8: .* plan .*levit_128s in float", " ".join(done.stderr.split()))
    assert not list(tmp_path.rglob("model.tflite"))


def test_synthetic_pictures_mark_the_bundle(converted: tuple[str, dict]) -> None:
    stderr, found = converted
    assert re.search("^tflite-int8: NOTE: .*synthetic noise.* not for release$", stderr, re.M)
    (bundle,) = found["bundles"]
    stated = bundle["contract"]["calibration"]
    assert (stated["source"], stated["pictures"], stated["seed"]) == ("synthetic", 8, 3)
    assert (stated["observer"], stated["for_release"]) == ("mse", False)
    assert (bundle["integer_products"], bundle["products"]) == (PRODUCTS, PRODUCTS)


@pytest.mark.usefixtures("in_this_process", "one_block")
def test_the_bundle_can_be_validated_and_drilled(converted: tuple[str, dict], shallow_checkpoint: Path) -> None:
    """Noise is drawn anew, by the contract's seed."""
    (bundle,) = converted[1]["bundles"]
    done = ask("validate", bundle["path"], "--reference", str(shallow_checkpoint), "-n", "8", "--min-sqnr-db", "1",
               "--min-top1-agreement", "0", "--drill", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    printed = done.stdout[done.stdout.index("{") :]  # in this process the toolchain talks on stdout too
    (found,) = json.loads(printed)["validations"]
    assert (found["drill"]["same_logits"], found["drill"]["pictures"]) == (True, 8)
    assert all("NOT RUN" not in note for note in found["notes"])


def test_a_folder_for_calibration_is_for_the_drill(converted: tuple[str, dict], levit_mobile: Run) -> None:
    (bundle,) = converted[1]["bundles"]
    done = levit_mobile("validate", bundle["path"], "--calibration", "train")
    assert done.returncode == 2
    assert re.search("--calibration.* --drill", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "code", "facts"),
    [
        (("-p", "fp32", "--calibration", "synthetic"), 2, ["tflite-fp32: ", "--calibration", "int8"]),
        (("-p", "int8", "--observer", "max"), 2, ["observer 'max'", "min-max, percentile, mse, entropy, output"]),
        (("-p", "int8", "--calibration", "nowhere"), 1, ["nowhere does not exist"]),
        (("-p", "int8", "--plan", "none.json"), 2, ["none.json cannot be read"]),
    ],
)
def test_one_sentence_and_nothing_written(
    levit_mobile: Run, shallow_checkpoint: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, facts: list[str]
) -> None:
    done = levit_mobile(
        "convert", "-t", "tflite", "-c", shallow_checkpoint, "--out", tmp_path / "out", *arguments, shallow=True
    )
    assert done.returncode == code
    said = unboxed(done.stderr)
    assert [fact for fact in facts if fact not in said] == []
    assert not list(tmp_path.rglob("model.tflite"))


def test_a_plan_of_another_target_and_a_damaged_one_are_refused(
    levit_mobile: Run, shallow_checkpoint: Path, tmp_path: Path
) -> None:
    Plan(variant="levit_128s", target="coreml").write(tmp_path / "other.json")
    (tmp_path / "damaged.json").write_text('{"schema_version": 1, "variant": 3}')
    common = ("convert", "-t", "tflite", "-p", "int8", "-c", shallow_checkpoint, "--out", tmp_path / "out", "--plan")
    other = levit_mobile(*common, tmp_path / "other.json", shallow=True)
    said = unboxed(other.stderr)
    assert said.index(" for coreml") < said.index(" for tflite")
    damaged = levit_mobile(*common, tmp_path / "damaged.json", shallow=True)
    assert "damaged.json" in "".join(unboxed(damaged.stderr).split())  # a path is broken where the box ends
    assert "schema 1: variant: " in unboxed(damaged.stderr)
    assert (other.returncode, damaged.returncode) == (2, 2)


def test_the_same_folder_and_seed_make_the_same_bytes(
    levit_mobile: Run, shallow_checkpoint: Path, tmp_path: Path, photograph: Image.Image
) -> None:
    for number in range(20):
        photograph.crop((9 * number, 0, 9 * number + 120, 120)).save(tmp_path / f"{number:02d}.png")
    contracts = []
    for name in ("one", "two"):
        levit_mobile("convert", "-t", "tflite", "-p", "int8", "-c", shallow_checkpoint, "--calibration", tmp_path,
                     "--calibration-count", "16", "--no-timing", "--no-emulation", "--out", tmp_path / name,
                     shallow=True, converted_once=True)  # fmt: skip
        contracts.append(json.loads((tmp_path / name / "levit_128s-tflite-int8" / "contract.json").read_text()))
    assert contracts[0] == contracts[1]
    assert contracts[0]["calibration"]["pictures"] == 16
