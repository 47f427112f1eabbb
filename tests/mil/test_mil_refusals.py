"""What the MIL reference refuses, by name: programs that it does not know, damaged files, wrong inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.installed import needs
from support.mil_programs import MODEL, Edit, case, constant, edited, function, numbers, op, save
from support.refusals import refused

from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.mil import protobuf
from levit_mobile.mil.program import Mode, read

needs("coremltools")

DATA = Path("Data/com.apple.CoreML")
WEIGHTS = DATA / "weights/weight.bin"
X, WEIGHT = numbers(2, 64), numbers(32, 64)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """gelu(linear(x)): weights in their file, bias and mode in the program."""

    def build(mb: Any, x: Any) -> Any:
        return mb.gelu(x=mb.linear(x=x, weight=WEIGHT, bias=numbers(32)), mode="TANH_APPROXIMATION")

    one = case("x", build, torch.neg, X)
    return save(function([one], 17), tmp_path_factory.mktemp("refusals") / "whole.mlpackage", ios=17)


def main(model: Any) -> Any:
    return model.mlProgram.functions["main"]


def shape_of(named: Any) -> Any:
    return named.type.tensorType.dimensions


def unknown(model: Any, *more: str) -> None:
    """The program's gelu is an op that nobody knows; it makes `more` too, or nothing without them."""
    known = op(model, "gelu")
    for name in more:
        known.outputs.add().CopyFrom(known.outputs[0])
        known.outputs[-1].name = name
    if not more:
        known.ClearField("outputs")
    known.type = "frobnicate"


def change(path: Path, offset: int, content: bytes) -> None:
    data = bytearray(path.read_bytes())
    data[offset : offset + len(content)] = content
    path.write_bytes(data)


def test_the_copy_runs(package: Path) -> None:
    found = read(package).run({"x_in0": X})
    wanted = torch.nn.functional.gelu(torch.from_numpy(X @ WEIGHT.T + numbers(32)), approximate="tanh")
    np.testing.assert_allclose(found["x_out0"], wanted, rtol=0, atol=1e-4)


UNKNOWN: dict[str, tuple[Edit, str, tuple[str, ...]]] = {
    "op": (
        lambda m: setattr(op(m, "gelu"), "type", "frobnicate"),
        "unsupported-op",
        ("op frobnicate of iOS 17", "gelu_0"),
    ),
    "op of a later iOS": (
        lambda m: setattr(op(m, "gelu"), "type", "scaled_dot_product_attention"),
        "unsupported-op",
        ("op scaled_dot_product_attention of iOS 17", "gelu_0"),
    ),
    "op of two results": (lambda m: unknown(m, "second"), "unsupported-op", ("op frobnicate", "produces gelu_0")),
    "op without a result": (lambda m: unknown(m), "unsupported-op", ("op frobnicate", "produces nothing")),
    "input of an op": (
        lambda m: op(m, "gelu").inputs["surprise"].CopyFrom(op(m, "gelu").inputs["mode"]),
        "unsupported-op",
        ("gelu gelu_0", "'surprise'"),
    ),
    "missing input": (
        lambda m: op(m, "linear").inputs.pop("weight"),
        "unsupported-op",
        ("linear linear_0", "missing", "'weight'"),
    ),
    "two values": (
        lambda m: op(m, "gelu").inputs["x"].arguments.add(name="x_in0"),
        "unsupported-op",
        ("x of gelu gelu_0", "2 values", "expected one"),
    ),
    "attribute": (
        lambda m: op(m, "gelu").attributes["rounding"].CopyFrom(op(m, "gelu").attributes["name"]),
        "unsupported-op",
        ("gelu gelu_0", "attribute rounding"),
    ),
    "element type": (
        lambda m: setattr(op(m, "gelu").outputs[0].type.tensorType, "dataType", 12),
        "unsupported-tensor",
        ("gelu_0", "FLOAT64"),
    ),
    "open shape": (
        lambda m: setattr(shape_of(op(m, "gelu").outputs[0])[0].unknown, "variadic", True),
        "unsupported-tensor",
        ("gelu_0", "no fixed shape"),
    ),
    "open input": (
        lambda m: setattr(shape_of(main(m).inputs[0])[0].unknown, "variadic", True),
        "unsupported-tensor",
        ("x_in0", "no fixed shape"),
    ),
    "nested block": (lambda m: op(m, "gelu").blocks.add(), "unsupported-op", ("gelu gelu_0", "nested block")),
    "list": (
        lambda m: op(m, "gelu").outputs[0].type.listType.SetInParent(),
        "unsupported-tensor",
        ("gelu_0", "listType"),
    ),
    "name": (
        lambda m: setattr(op(m, "gelu").inputs["x"].arguments[0], "name", "nothing"),
        "damaged",
        ("x of gelu gelu_0 is nothing,",),
    ),
    "output": (
        lambda m: main(m).block_specializations["CoreML7"].outputs.append("elsewhere"),
        "damaged",
        ("output is elsewhere,",),
    ),
    "opset": (
        lambda m: setattr(main(m), "opset", "CoreML99"),
        "unsupported-model",
        ("x.mlpackage", "opset 'CoreML99'", "CoreML6"),
    ),
    "function": (lambda m: m.mlProgram.functions.pop("main"), "unsupported-model", ("x.mlpackage", "function main")),
    "kind of model": (
        lambda m: m.neuralNetwork.SetInParent(),
        "unsupported-model",
        ("x.mlpackage", "neuralNetwork", "expected an mlProgram"),
    ),
    "constant without a value": (
        lambda m: constant(m, "mode_0").attributes["val"].immediateValue.tensor.Clear(),
        "damaged",
        ("constant", "mode_0", "no value"),
    ),
    "constant that is a tuple": (
        lambda m: constant(m, "mode_0").attributes["val"].immediateValue.tuple.SetInParent(),
        "damaged",
        ("constant", "mode_0", "stored as tuple", "expected a tensor"),
    ),
    "constant of an unknown kind": (
        lambda m: constant(m, "mode_0").attributes["val"].type.dictionaryType.SetInParent(),
        "unsupported-tensor",
        ("constant", "mode_0", "dictionaryType"),
    ),
    "constant of too few values": (
        lambda m: constant(m, "mode_0").attributes["val"].immediateValue.tensor.strings.ClearField("values"),
        "damaged",
        ("constant", "mode_0", "0 values", "[]"),
    ),
    "constant elsewhere": (
        lambda m: setattr(constant(m, "weight_0").attributes["val"].blobFileValue, "fileName", "@model_path/../../x"),
        "damaged",
        ("outside", "@model_path/../../x"),
    ),
    "constant in no file": (
        lambda m: setattr(constant(m, "weight_0").attributes["val"].blobFileValue, "fileName", "@model_path/x"),
        "unreadable",
        ("com.apple.CoreML/x", "No such file"),
    ),
    "constant beyond": (
        lambda m: setattr(constant(m, "weight_0").attributes["val"].blobFileValue, "offset", 1 << 20),
        "damaged",
        ("weight_0", "beyond the end", "@model_path/weights/weight.bin"),
    ),
    "constant between entries": (
        lambda m: setattr(constant(m, "weight_0").attributes["val"].blobFileValue, "offset", 128),
        "damaged",
        ("weight_0", "no entry at byte 128"),
    ),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_a_program_beyond_the_reference_is_refused_by_name(package: Path, what: str) -> None:
    edit, fault, facts = UNKNOWN[what]
    edited(package, edit)
    with refused(ArtifactError, f"artifact.{fault}", *facts):
        read(package)


@pytest.mark.parametrize("mode", ["declared", "float32"])
def test_a_result_of_another_shape_or_type_than_declared_is_refused(package: Path, mode: Mode) -> None:
    edited(package, lambda m: setattr(shape_of(op(m, "gelu").outputs[0])[1].constant, "size", 33))
    with refused(ArtifactError, "artifact.failed", "gelu_0", "has the shape [2, 32]", "declared [2, 33]"):
        read(package, mode=mode).run({"x_in0": X})

    def retyped(model: Any) -> None:
        shape_of(op(model, "gelu").outputs[0])[1].constant.size = 32
        op(model, "gelu").outputs[0].type.tensorType.dataType = 23  # INT32

    edited(package, retyped)
    with refused(ArtifactError, "artifact.failed", "gelu_0", "has the type float32", "declared INT32"):
        read(package, mode=mode).run({"x_in0": X})


def test_an_unknown_value_of_an_input_is_refused(package: Path) -> None:
    value = lambda m: constant(m, "mode_0").attributes["val"].immediateValue.tensor.strings.values  # noqa: E731
    edited(package, lambda m: value(m).__setitem__(0, "SOFT"))
    with refused(ArtifactError, "artifact.failed", "gelu gelu_0", "mode is SOFT", "expected EXACT"):
        read(package).run({"x_in0": X})


def test_wrong_inputs_are_refused(package: Path) -> None:
    program = read(package)
    with refused(ArtifactError, "artifact.mismatch", "inputs are image", "expected the program's x_in0"):
        program.run({"image": X})
    with refused(ArtifactError, "artifact.mismatch", "inputs are nothing", "expected the program's x_in0"):
        program.run({})
    with refused(ArtifactError, "artifact.mismatch", "x_in0 has the shape [64, 2]", "expected [2, 64]"):
        program.run({"x_in0": X.T})


# Damaged files


def test_a_weight_file_cut_short_is_refused(package: Path) -> None:
    data = (package / WEIGHTS).read_bytes()
    (package / WEIGHTS).write_bytes(data[:-100])
    with refused(ArtifactError, "artifact.damaged", "linear_0_bias_0", "[32]", "weight.bin", "cut short"):
        read(package)
    (package / WEIGHTS).write_bytes(data[:70])
    with refused(ArtifactError, "artifact.damaged", "weight_0", "weight.bin", "beyond the end"):
        read(package)


def test_a_damaged_entry_is_refused(package: Path) -> None:
    change(package / WEIGHTS, 64, b"\0")
    with refused(ArtifactError, "artifact.damaged", "weight_0", "no entry at byte 64", "weight.bin"):
        read(package)


def test_an_entry_of_another_type_or_size_is_refused(package: Path) -> None:
    change(package / WEIGHTS, 68, b"\1")
    with refused(ArtifactError, "artifact.damaged", "weight_0", "stored as FLOAT16", "declared FLOAT32"):
        read(package)
    change(package / WEIGHTS, 68, b"\2")
    change(package / WEIGHTS, 72, (32 * 64 * 4 - 4).to_bytes(8, "little"))
    with refused(ArtifactError, "artifact.damaged", "weight_0", "8188 bytes", "expected 8192 for 2048 x FLOAT32"):
        read(package)


def test_a_damaged_model_is_refused(package: Path) -> None:
    (package / MODEL).write_bytes(b"\x08\x07\xff\xff nonsense")
    with refused(ArtifactError, "artifact.damaged", package / MODEL, "Core ML", "copy the whole package again"):
        read(package)
    (package / MODEL).unlink()
    with refused(ArtifactError, "artifact.unreadable", package / MODEL, "Core ML", "No such file"):
        read(package)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rootModelIdentifier": "A", "itemInfoEntries": {}}'])
def test_a_damaged_manifest_is_refused(package: Path, content: str) -> None:
    (package / "Manifest.json").write_text(content)
    with refused(ArtifactError, "artifact.damaged", package, "Manifest.json"):
        read(package)


def test_a_manifest_that_points_outside_is_refused(package: Path) -> None:
    manifest = json.loads((package / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = "../../elsewhere"
    (package / "Manifest.json").write_text(json.dumps(manifest))
    with refused(ArtifactError, "artifact.damaged", package, "manifest", "outside", "../../elsewhere"):
        read(package)


def test_no_package_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "missing.mlpackage"
    with refused(ArtifactError, "artifact.damaged", path, "as an .mlpackage", "Manifest.json"):
        read(path)


def test_without_coremltools_the_pip_line_is_named(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf, "find_spec", lambda _: None)
    with pytest.raises(ToolchainMissing, match=r"pip install 'levit-mobile\[coreml\]'"):
        read(package)
