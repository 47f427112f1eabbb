"""Sound files of others that `inspect` shows or names: functions and states of Core ML, Git LFS pointers, types."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.installed import needs
from support.refusals import refused

from levit_mobile.bundle.inspect import inspect
from levit_mobile.errors import ArtifactError
from levit_mobile.inspection import coreml_program, executorch
from levit_mobile.inspection.executorch import ELEMENT_BYTES, TYPES
from levit_mobile.inspection.executorch_ports import TYPES as PORT_TYPES
from levit_mobile.mil import protobuf

needs("coremltools")

by = protobuf.schema()
mil: Any = importlib.import_module(f"{protobuf.SCHEMA}.MIL_pb2")
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 123456\n"
MODEL, WEIGHTS = "com.apple.CoreML/model.mlmodel", "com.apple.CoreML/weights/weight.bin"


def described(at: Any, name: str, size: int) -> None:
    """An input and an output with a name and a size of their own."""
    for features, word in ((at.input, "image"), (at.output, "scores")):
        feature = features.add(name=f"{word} of {name}")
        feature.type.multiArrayType.dataType = (
            by.Model.DESCRIPTOR.file.pool.FindEnumTypeByName("CoreML.Specification.ArrayFeatureType.ArrayDataType")
            .values_by_name["FLOAT32"]
            .number
        )
        feature.type.multiArrayType.shape.extend([1, size])


def model(*functions: str) -> Any:
    """A program of several functions, each of which returns what it takes."""
    made = by.Model(specificationVersion=9)
    for number, name in enumerate(functions):
        made.description.functions.add(name=name)
        described(made.description.functions[number], name, number + 4)
        made.mlProgram.functions[name].opset = "CoreML8"
        made.mlProgram.functions[name].block_specializations["CoreML8"].SetInParent()
    return made


def package(folder: Path, content: bytes) -> Path:
    entries = {"itemInfoEntries": {"model": {"path": MODEL}}, "rootModelIdentifier": "model"}
    (folder / "Data" / MODEL).parent.mkdir(parents=True)
    (folder / "Manifest.json").write_text(json.dumps(entries))
    (folder / "Data" / MODEL).write_bytes(content)
    return folder


# Core ML


@pytest.mark.parametrize(("default", "shown", "size"), [("second", "second", 5), ("", "first", 4)])
def test_a_function_has_its_own_inputs_and_outputs(tmp_path: Path, default: str, shown: str, size: int) -> None:
    made = model("first", "second")
    made.description.defaultFunctionName = default
    found = inspect(package(tmp_path / "x.mlpackage", made.SerializeToString())).inspection
    assert [(port.name, port.shape) for port in found.inputs] == [(f"image of {shown}", (1, size))]
    assert [(port.name, port.shape) for port in found.outputs] == [(f"scores of {shown}", (1, size))]
    assert f"the figures are those of {shown}" in found.notes[0]


def test_a_state_is_named_with_its_type_and_shape(tmp_path: Path) -> None:
    made = by.Model(specificationVersion=9)
    described(made.description, "it", 4)
    made.mlProgram.functions["main"].opset = "CoreML8"
    made.mlProgram.functions["main"].block_specializations["CoreML8"].SetInParent()
    state = made.description.state.add(name="cache")
    state.type.stateType.arrayType.CopyFrom(made.description.input[0].type.multiArrayType)
    found = inspect(package(tmp_path / "x.mlpackage", made.SerializeToString())).inspection
    assert [port.name for port in found.inputs] == ["image of it"]
    assert "the state cache, float32 [1, 4]" in found.notes[0]


def test_the_states_of_a_function_are_those_of_its_description(tmp_path: Path) -> None:
    made = model("first", "second")
    state = made.description.functions[0].state.add(name="cache")
    state.type.stateType.arrayType.CopyFrom(made.description.functions[0].input[0].type.multiArrayType)
    found = inspect(package(tmp_path / "x.mlpackage", made.SerializeToString())).inspection
    assert any("the state cache" in note for note in found.notes)


# Git LFS


@pytest.mark.parametrize("name", ["net.tflite", "net.pte", "net.mlmodel", "net.bin"])
def test_a_pointer_in_the_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(POINTER)
    with refused(ArtifactError, "artifact.unknown-format", tmp_path / name, "Git LFS pointer", "git lfs pull"):
        inspect(tmp_path / name)


def test_a_pointer_in_the_place_of_a_packages_model_is_named(tmp_path: Path) -> None:
    path = package(tmp_path / "x.mlpackage", POINTER.encode())
    with refused(ArtifactError, "artifact.damaged", path / "Data" / MODEL, "Git LFS pointer", "git lfs pull"):
        inspect(path)


def test_a_pointer_in_the_place_of_a_packages_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "weight.bin").write_text(POINTER)
    with pytest.raises(ValueError, match=r"weight\.bin .*Git LFS pointer: run `git lfs pull`"):
        coreml_program._require_weights(tmp_path, {("@model_path/weights/weight.bin", 64): 10})


@pytest.mark.parametrize("name", [MODEL, WEIGHTS])
def test_a_pipe_in_a_package_is_not_waited_for(tmp_path: Path, name: str) -> None:
    made = by.Model(specificationVersion=9)
    block = made.mlProgram.functions["main"].block_specializations["CoreML7"]
    block.operations.add(type="const").outputs.add(name="weight")
    blob = block.operations[0].attributes["val"]
    blob.type.tensorType.dataType = mil.FLOAT32
    blob.blobFileValue.fileName = "@model_path/weights/weight.bin"
    path = package(tmp_path / "x.mlpackage", made.SerializeToString())
    (path / "Data" / name).unlink(missing_ok=True)
    (path / "Data" / name).parent.mkdir(exist_ok=True)
    os.mkfifo(path / "Data" / name)
    with refused(ArtifactError, "artifact.damaged", Path(name).name, "is not a file"):
        inspect(path)


# Types of ExecuTorch


@pytest.mark.parametrize(
    ("number", "name", "port", "size"),
    [
        (8, "COMPLEXHALF", "complex32", 4),
        (9, "COMPLEXFLOAT", "complex64", 8),
        (10, "COMPLEXDOUBLE", "complex128", 16),
    ],
)
def test_complex_numbers_are_known(number: int, name: str, port: str, size: int) -> None:
    needs("executorch")
    program, _ = executorch._schemas()
    assert program.enums["ScalarType"][1][number] == name
    assert program.enums["ScalarType"][1][6] == "FLOAT"
    assert (PORT_TYPES[name], ELEMENT_BYTES[TYPES[name]]) == (port, size)
