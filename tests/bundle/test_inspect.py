"""`levit-mobile inspect`: what is at a path, what differs between two, and what is said of what is neither."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Bundles, Run
from support.refusals import refused
from support.stored_bundles import edited

from levit_mobile.bundle.inspect import Difference, differences, inspect
from levit_mobile.contract import CONTRACT_FILE
from levit_mobile.errors import ArtifactError, BundleError
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.reporting.tables.inspect import difference_table, differences_json, equality, inspections_json, shown
from levit_mobile.system.files import digest, size_bytes

RECIPES = ("tflite-fp32", "executorch-fp32", "coreml-fp16")
# What baking saves of the trained model's: one of two heads, and the last contraction for 15 of 16 tokens.
SAVED_MACS = 384 * 10 + 15 * 768 * 384
HEAVY = {"torch", "coremltools", "executorch", "litert_torch", "torchao"}


@pytest.fixture(params=RECIPES)
def bundle(bundles: Bundles, request: pytest.FixtureRequest) -> Bundle:
    return bundles(request.param)


def artifact(bundle: Bundle) -> Path:
    return bundle.path / bundle.contract.artifact.file


# A bundle and its artifact


def test_a_bundle_agrees_with_its_contract(bundle: Bundle) -> None:
    found, stated = inspect(bundle.path), bundle.contract
    assert found.contract == stated
    assert found.contradictions == ()
    assert (found.sha256, found.bytes) == (stated.artifact.sha256, stated.artifact.bytes)
    assert found.inspection.macs == stated.model.macs - SAVED_MACS


def test_an_artifact_alone_is_what_it_is_in_its_bundle(bundle: Bundle) -> None:
    alone = inspect(artifact(bundle))
    assert alone.inspection == inspect(bundle.path).inspection
    assert alone.contract is None
    assert (alone.sha256, alone.bytes) == (digest(artifact(bundle)), size_bytes(artifact(bundle)))


def test_the_kinds_of_our_own_artifacts(bundle: Bundle) -> None:
    found = inspect(artifact(bundle)).inspection
    size = 2 if bundle.contract.recipe.endswith("fp16") else 4
    assert found.kind_bytes["head"] == 384 * 10 * size
    assert found.kind_bytes["bias tables"] == 448_114 * size
    assert found.kind_bytes["convolutions"] == 27 * (3 * 16 + 16 * 32 + 32 * 64 + 64 * 128) // 3 * size
    assert sum(found.kind_bytes.values()) == sum(found.weight_bytes.values())


def test_what_convert_saw_is_what_inspect_says(bundle: Bundle) -> None:
    assert inspect(artifact(bundle)).inspection == bundle.inspection


def test_a_damaged_bundle_is_named(bundles: Bundles, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundles("executorch-fp32").path, tmp_path / "bundle"))
    with (copy / "model.pte").open("ab") as stream:
        stream.write(b"\0")
    with refused(BundleError, "bundle.digest", copy / "model.pte"):
        inspect(copy)


def contradicting(bundles: Bundles, tmp_path: Path, **changes: Any) -> tuple[str, ...]:
    """What is said of a bundle whose contract has other words, and digests that are right."""
    copy = Path(shutil.copytree(bundles("tflite-fp32").path, tmp_path / "bundle", dirs_exist_ok=True))
    contract = json.loads((copy / CONTRACT_FILE).read_text())
    for part, values in changes.items():
        contract[part] |= values
    (copy / CONTRACT_FILE).write_text(json.dumps(contract))
    return inspect(copy).contradictions


def test_what_the_contract_says_otherwise_is_said(bundles: Bundles, tmp_path: Path) -> None:
    assert contradicting(bundles, tmp_path, input={"name": "picture"}) == (
        "the artifact has no input or output picture, which the contract names",
    )
    both = contradicting(bundles, tmp_path, input={"name": "image", "dtype": "int8"}, artifact={"partitions": 3})
    assert both == (
        "the type of image is float32 in the artifact, expected int8 by the contract",
        "the number of partitions is 1 in the artifact, expected 3 by the contract",
    )


def test_an_arithmetic_that_the_artifact_does_not_have_is_said(shallow_bundles: Bundles, tmp_path: Path) -> None:
    half, bundle = "fp16 where the core has it", shallow_bundles("tflite-fp16")
    assert (bundle.contract.artifact.arithmetic, inspect(bundle.path).contradictions) == (half, ())
    copy = Path(shutil.copytree(bundle.path, tmp_path / "bundle"))
    edited(copy / CONTRACT_FILE, "artifact", "arithmetic", to="fp32")
    assert inspect(copy).contradictions == (
        f"the float arithmetic is {half} in the artifact, expected fp32 by the contract",
    )


# What is at a path


def test_a_format_is_told_by_content(bundles: Bundles, tmp_path: Path) -> None:
    renamed = tmp_path / "model.pte"
    shutil.copy(artifact(bundles("tflite-fp32")), renamed)
    found = inspect(renamed)
    assert found.target == "tflite"
    assert found.inspection.notes == ("the file is called model.pte but holds a .tflite",)


@pytest.mark.parametrize(
    ("name", "content", "fault", "facts"),
    [
        ("empty.tflite", b"", "unknown-format", ("empty", ".tflite", ".pte", ".mlpackage", ".mlmodel", "bundle")),
        ("text.pte", b"not a model at all", "unknown-format", ("signature",)),
        ("model.zip", b"PK\x03\x04" + bytes(30), "unknown-format", ("zip", "unpack")),
        ("model.bpte", bytes(4) + b"BP08" + bytes(30), "unknown-format", ("ExecuTorch bundled program",)),
        ("data.ptd", bytes(4) + b"FT01" + bytes(30), "unknown-format", ("ExecuTorch data file",)),
        ("old.pth", b"\x80\x02" + bytes(30), "unknown-format", ("pickle",)),
        ("empty.mlmodel", b"", "unknown-format", ("empty",)),
        ("noise.mlmodel", b"\xff" * 30, "damaged", ("Core ML",)),
        ("head.tflite", bytes(4) + b"TFL3", "damaged", ("TFLite",)),
        ("head.pte", bytes(4) + b"ET12", "damaged", ("ExecuTorch",)),
    ],
)
def test_what_is_no_model_is_one_sentence(
    tmp_path: Path, name: str, content: bytes, fault: str, facts: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(content)
    with refused(ArtifactError, f"artifact.{fault}", tmp_path / name, *facts):
        inspect(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "file", "code", "facts"),
    [
        ("folder", "readme.txt", "artifact.unknown-format", ("contract.json", ".mlpackage", "Manifest.json")),
        ("model.mlpackage", "Data/weights.bin", "artifact.damaged", ("Manifest.json", "copy the whole folder again")),
        ("model.mlmodelc", "coremldata.bin", "artifact.unsupported-model", ("compiled", ".mlpackage")),
        ("packed.mlpackage", "Manifest.json", "artifact.damaged", ("Manifest.json",)),
        ("bundle", "contract.json", "bundle.schema", ("contract.json", "schema 1")),
    ],
)
def test_a_folder_that_is_no_model_is_one_sentence(
    tmp_path: Path, name: str, file: str, code: str, facts: tuple[str, ...]
) -> None:
    (tmp_path / name / file).parent.mkdir(parents=True)
    (tmp_path / name / file).write_text("x")
    kind = ArtifactError if code.startswith("artifact") else BundleError
    with refused(kind, code, tmp_path / name, *facts):
        inspect(tmp_path / name)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with refused(ArtifactError, "artifact.missing", tmp_path / "model.tflite", "does not exist", "expected a .tflite"):
        inspect(tmp_path / "model.tflite")


def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(bytes(100))

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with refused(ArtifactError, "artifact.unreadable", path, "Permission denied"):
        inspect(path)


# Two


def test_a_file_does_not_differ_from_itself(bundle: Bundle) -> None:
    found = inspect(artifact(bundle))
    assert differences(found, inspect(bundle.path)) == ()
    assert equality(()) == "no difference: the files are identical"


def test_what_differs_has_a_row(bundles: Bundles) -> None:
    a, b = (inspect(bundles(name).path) for name in ("tflite-fp32", "tflite-int8"))
    rows = {(row.group, row.name): (row.a, row.b) for row in differences(a, b)}
    assert rows["op", "QUANTIZE"][0] is None
    assert rows["weight bytes, type", "float32"][1] is None
    assert rows["activations", "int8"][0] is None
    assert rows["weight bytes, kind", "head"] == (15360, 3840)
    assert rows["", "of them in integers"] == (0, 71)
    assert rows["file", "sha256"] == (a.sha256, b.sha256)
    assert rows["bundle", "recipe"] == ("tflite-fp32", "tflite-int8")
    zeros = 16 * 112 * 112 * 3 * 3  # in the first convolution of int8, whose kernel of 3 x 3 reads two pairs of columns
    assert rows["", "MACs"] == (a.inspection.macs, a.inspection.macs + zeros)
    assert not {("", "partitions"), ("input", "image")} & rows.keys()
    assert difference_table(a, b, differences(a, b)).row_count == len(rows)


def test_another_digest_alone_is_no_difference(bundles: Bundles) -> None:
    a = inspect(artifact(bundles("executorch-fp32")))
    rows = differences(a, replace(a, sha256="0" * 64))
    assert [row.name for row in rows] == ["sha256"]
    assert equality(rows) == "no difference except the digest: everything else that inspect reads is equal"
    assert json.loads(differences_json(a, a, rows))["equal"] is True


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"partitions": 2}, Difference("", "partitions", 1, 2)),
        ({"metadata": {"methods": "forward", "author": "X"}}, Difference("metadata", "author", None, "X")),
        ({"max_rank": 5}, Difference("", "highest rank", 4, 5)),
        ({"notes": ("look out",)}, Difference("note", "1", None, "look out")),
    ],
)
def test_any_fact_that_differs_is_a_row(bundles: Bundles, change: dict[str, Any], row: Difference) -> None:
    a = inspect(artifact(bundles("executorch-fp32")))
    b = replace(a, inspection=replace(a.inspection, **change))
    assert row in differences(a, b)
    assert equality(differences(a, b)) is None


# The command


def test_the_table_says_what_an_engineer_asks(bundle: Bundle, levit_mobile: Run) -> None:
    done = levit_mobile("inspect", bundle.path, env={"COLUMNS": "200"})
    assert (done.returncode, done.stderr) == (0, "")
    macs = bundle.contract.model.macs
    for text in ("agrees with the artifact", f"{macs - SAVED_MACS:,}; trained model: {macs:,}", "bias tables"):
        assert text in done.stdout
    assert bundle.contract.artifact.sha256 in done.stdout


def test_the_json_says_the_same(bundle: Bundle, levit_mobile: Run) -> None:
    done = levit_mobile("inspect", bundle.path, artifact(bundle), "--json")
    said = json.loads(done.stdout)
    first, second = said["artifacts"]
    assert (said["schema_version"], said["broken"], done.returncode) == (1, [], 0)
    assert first["ops"] == dict(bundle.inspection.ops)
    assert first["bundle"]["verdict"] == bundle.contract.verdict
    assert second["bundle"] is None
    assert {**first, "path": "", "bundle": None} == {**second, "path": "", "bundle": None}


def test_the_json_of_what_cannot_be_read_has_its_code(tmp_path: Path, levit_mobile: Run) -> None:
    damaged = tmp_path / "model.tflite"
    damaged.write_bytes(b"\xff\xff\xff\x7fTFL3" + bytes(40))
    (tmp_path / "empty.pte").touch()
    done = levit_mobile("inspect", damaged, tmp_path / "empty.pte", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, len(said["artifacts"]), len(said["broken"])) == (1, 0, 2)
    codes = {str(damaged): "artifact.damaged", str(tmp_path / "empty.pte"): "artifact.unknown-format"}
    assert said["error_codes"] == codes


def test_a_contradiction_fails(bundles: Bundles, tmp_path: Path, levit_mobile: Run) -> None:
    contradicting(bundles, tmp_path, artifact={"partitions": 3})
    done = levit_mobile("inspect", tmp_path / "bundle")
    assert done.returncode == 1
    assert "the number of partitions is 1 in the artifact, expected 3 by the contract" in done.stderr
    assert "bias tables" in done.stdout


def test_the_command_compares_two(bundles: Bundles, levit_mobile: Run) -> None:
    a, b = bundles("tflite-fp32").path, bundles("tflite-int8").path
    done = levit_mobile("inspect", "--diff", a, b)
    assert done.returncode == 0
    assert "QUANTIZE" in done.stdout
    assert "BATCH_MATMUL" not in done.stdout
    rows = json.loads(levit_mobile("inspect", "--diff", a, b, "--json").stdout)["differences"]
    assert {"group": "", "name": "of them in integers", "a": 0, "b": 71} in rows
    same = levit_mobile("inspect", "--diff", a, a / "model.tflite")
    assert (same.returncode, same.stdout) == (0, "no difference: the files are identical\n")


def test_two_are_compared_only_when_both_are_whole(bundles: Bundles, tmp_path: Path, levit_mobile: Run) -> None:
    (tmp_path / "empty.tflite").touch()
    done = levit_mobile("inspect", "--diff", bundles("tflite-fp32").path, tmp_path / "empty.tflite")
    assert (done.returncode, done.stdout) == (1, "")
    assert "empty.tflite is not an artifact: it is empty" in done.stderr
    assert levit_mobile("inspect", "--diff", bundles("tflite-fp32").path).returncode == 2


def test_names_in_a_file_do_not_reach_the_terminal_raw(bundles: Bundles) -> None:
    found = inspect(artifact(bundles("executorch-fp32")))
    evil = replace(found, inspection=replace(found.inspection, metadata={"[red]x": "\x1b[31m"}))
    assert "\\u001b" in inspections_json([evil], [], {})
    assert shown("[red]\x1b") == "\\[red]\N{REPLACEMENT CHARACTER}"


# What it costs


def test_inspecting_loads_neither_torch_nor_a_toolchain(bundle: Bundle) -> None:
    script = (
        "import sys, pathlib\nfrom levit_mobile.bundle.inspect import inspect\n"
        f"inspect(pathlib.Path({str(bundle.path)!r}))\nprint('loaded', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    names = set(done.stdout.rpartition("loaded ")[2].split())
    assert "levit_mobile.bundle.inspect" in names
    assert not {name.partition(".")[0] for name in names} & HEAVY
