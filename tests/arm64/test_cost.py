"""Costs against a baseline, and as tables and JSON: nothing is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Run
from rich.console import Console
from rich.table import Table
from support.refusals import refused

import levit_mobile
from levit_mobile.arm64 import cost as module
from levit_mobile.arm64.cost import (
    Baseline,
    Cost,
    Function,
    artifact_of,
    grown,
    outside_by_name,
    read_baseline,
    require_one_shape,
    write_baseline,
)
from levit_mobile.arm64.counting import TITLES
from levit_mobile.arm64.folder import Arm64, Manifest
from levit_mobile.cli.cost import _share
from levit_mobile.errors import ArtifactError, BundleError, RecipeError
from levit_mobile.interfaces.inspection import Inspection, Port
from levit_mobile.reporting.tables.cost import IS_NOT, cost_table, costs_json, function_table

VERSIONS = {"executorch": "1.4.1", "ai-edge-litert": "2.3.0"}


def cost(instructions: int = 43_080_000, *, artifact: str = "levit_128s-tflite-int8", cpu: str = "cortex-a76") -> Cost:
    classes = dict.fromkeys(TITLES.values(), 0)
    return Cost(
        artifact=artifact,
        artifact_sha256="5f" * 32,
        runtime="LiteRT 2.3.0",
        cpu=cpu,
        instructions=instructions,
        classes=classes | {"sdot, udot": instructions // 2, "loads": instructions - instructions // 2},
        outside=instructions // 100,
        outside_by="names",
        functions=(
            Function(file="liblite.so", name="xnn_gemm[bold]", instructions=instructions // 2),
            Function(file="libc.so.6", name="", instructions=instructions // 100),
        ),
    )


def baseline(instructions: int, cpu: str = "cortex-a76") -> Baseline:
    return Baseline(versions=VERSIONS, instructions={"levit_128s-tflite-int8": {cpu: instructions}})


@pytest.mark.parametrize("cpus", [["cortex-a99"], ["cortex-a76", "x"], [], [""]])
def test_an_unknown_core_is_refused_before_anything_runs(cpus: list[str]) -> None:
    with refused(RecipeError, "recipe.unknown-cpu", "cortex-a53, cortex-a76, i8mm"):
        levit_mobile.cost(["nowhere.tflite"], cpus=cpus)


def drawn(table: Table, width: int = 80) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(table)
    return console.export_text()


# The gate


@pytest.mark.parametrize("before", [43_080_000, 50_000_000, 42_653_466])
def test_what_has_not_grown_passes(before: int) -> None:
    assert grown((cost(),), baseline(before), max_growth=0.01) == ()


def test_what_has_grown_is_a_sentence() -> None:
    (sentence,) = grown((cost(),), baseline(42_000_000), max_growth=0.01)
    assert sentence == (
        "levit_128s-tflite-int8 on cortex-a76 executes 43.080 M instructions per inference, 2.57% more than the "
        "42.000 M of the baseline, expected at most 1.00% more"
    )


def test_one_more_instruction_than_allowed_is_too_many() -> None:
    assert grown((cost(1_010_000),), baseline(1_000_000), max_growth=0.01) == ()
    assert len(grown((cost(1_010_001),), baseline(1_000_000), max_growth=0.01)) == 1
    assert len(grown((cost(1_000_001),), baseline(1_000_000), max_growth=0.0)) == 1


@pytest.mark.parametrize("other", [baseline(1, "cortex-a53"), baseline(0), Baseline(versions={}, instructions={})])
def test_what_has_no_baseline_does_not_pass(other: Baseline) -> None:
    assert grown((cost(),), other, max_growth=9.0) == (
        "levit_128s-tflite-int8 on cortex-a76 is not in the baseline: --write-baseline writes one",
    )


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = Manifest(versions=VERSIONS, python="3.11", debian="bookworm", digests={})
    both = cost(), cost(129_770_000, cpu="cortex-a53"), cost(7, artifact="model.pte")
    write_baseline(tmp_path / "b.json", both, Arm64(tmp_path, manifest))
    found = read_baseline(tmp_path / "b.json")
    assert found.versions == VERSIONS
    assert found.instructions == {
        "levit_128s-tflite-int8": {"cortex-a76": 43_080_000, "cortex-a53": 129_770_000},
        "model.pte": {"cortex-a76": 7},
    }
    assert grown(both, found, max_growth=0.0) == ()


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version": 2, "versions": {}, "instructions": {}}'])
def test_a_foreign_baseline_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "b.json").write_text(content)
    with refused(BundleError, "bundle.schema", tmp_path / "b.json", "baseline of schema 1: "):
        read_baseline(tmp_path / "b.json")
    with refused(BundleError, "bundle.unreadable", tmp_path / "none.json", "No such file"):
        read_baseline(tmp_path / "none.json")


@pytest.mark.parametrize(("written", "share"), [("1%", 0.01), ("0.5%", 0.005), ("0.02", 0.02), ("0", 0.0)])
def test_a_growth_is_a_share(written: str, share: float) -> None:
    assert _share(written) == pytest.approx(share)


@pytest.mark.parametrize("written", ["one", "-1%", "nan", "inf", "%"])
def test_another_growth_is_a_usage_error(levit_mobile: Run, tmp_path: Path, written: str) -> None:
    done = levit_mobile("cost", tmp_path, f"--max-growth={written}")
    assert done.returncode == 2
    assert "is not a growth, expected a share" in done.stderr


# What is measured


def test_what_arm64_cannot_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.mlpackage").mkdir()
    for name in ("model.mlpackage", "model.onnx"):
        with refused(ArtifactError, "artifact.unknown-format", tmp_path / name, ".tflite", ".pte"):
            artifact_of(tmp_path / name)
    with refused(BundleError, "bundle.unreadable", tmp_path, "contract.json"):
        artifact_of(tmp_path)
    assert artifact_of(tmp_path / "model.pte") == ("model.pte", tmp_path / "model.pte")


@pytest.mark.parametrize("suffix", [".pte", ".tflite"])
def test_sizes_that_are_set_at_run_time_are_not_counted(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runtime would count a `.tflite` at its stored sizes, and a `.pte` at the highest."""
    inside = Inspection({}, 0, (), 4, {}, 0, 0, inputs=(Port("x", "float32", (-1, 3), ranges=((1, 8), (3, 3))),))
    monkeypatch.setattr(module, "surveyor", lambda _: lambda _: inside)
    with refused(ArtifactError, "artifact.not-one-image", tmp_path / f"x{suffix}", "float32 [1 to 8, 3]"):
        require_one_shape(tmp_path / f"x{suffix}")


def test_a_file_that_cannot_be_read_is_left_to_its_runtime(tmp_path: Path) -> None:
    (tmp_path / "x.pte").write_bytes(b"nothing")
    require_one_shape(tmp_path / "x.pte")


def test_outside_is_what_xnnpack_does_not_name() -> None:
    found = {
        ("a.so", "xnn_f32_gemm"): 90,
        ("a.so", "pthreadpool_parallelize_1d"): 5,
        ("libc.so.6", ""): 3,
        ("p", "f"): 2,
    }
    assert outside_by_name(found) == 5


# Tables and JSON


def test_a_table_has_what_was_executed_and_against_what() -> None:
    ours, other = cost(), cost(86_160_000, artifact="vendor.tflite")
    text = drawn(cost_table([ours, other], [other]))
    assert "sdot, udot" in text
    assert "smmla" not in text  # nothing ran of it
    assert "vs vendor.tflite" in text
    assert "0.500" in text
    assert "1.00%" in text
    assert max(map(len, text.splitlines())) <= 80


def test_names_are_no_markup_and_nameless_ones_name_their_file() -> None:
    text = drawn(function_table(cost(), 2))
    assert "xnn_gemm[bold]" in text
    assert "- in libc.so.6" in text
    assert "libc" not in drawn(function_table(cost(), 1))


def test_json_says_what_the_number_is_not() -> None:
    found = json.loads(costs_json([cost()], [cost(7)], ["too many"]))
    assert found["is_not"] == IS_NOT
    assert "not milliseconds" in IS_NOT
    assert (found["costs"][0]["instructions"], found["against"][0]["instructions"]) == (43_080_000, 7)
    assert found["broken"] == ["too many"]
    assert Cost.model_validate(found["costs"][0]) == cost()
