"""A `.mlpackage` on disk -> the main function of its ML program."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from levit_mobile.errors import ArtifactError, ToolchainMissing

OPSETS = {"CoreML6": 16, "CoreML7": 17, "CoreML8": 18}  # MIL's name -> the iOS that brought it
SCHEMA = "levit_mobile_mil_schema"  # coremltools.proto under a name of its own


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of a package that decide what it computes.

    `folder` holds the model file and is what a weight file's name is relative to; `block` is the protobuf of the main
    function's body; `inputs` its arguments; `elements` MIL's DataType; `images` input name -> its colour space.
    """

    folder: Path
    ios: int
    inputs: tuple[Any, ...]
    block: Any
    elements: Any
    images: dict[str, str]


def open_package(path: Path) -> Package:
    """Raises ArtifactError when the folder is no ML program of a known opset, ToolchainMissing without coremltools."""
    schema = _schema()
    file = _model_file(path)
    model = schema.Model()
    try:
        model.ParseFromString(file.read_bytes())
    except (OSError, ValueError, schema.reading_error) as error:
        raise ArtifactError(f"{file} is not a Core ML model that can be read: {error}") from error
    if model.WhichOneof("Type") != "mlProgram":
        raise ArtifactError(f"{path} holds a {model.WhichOneof('Type')}, expected an mlProgram")
    return _main(path, file.parent, model, schema)


def _main(path: Path, folder: Path, model: Any, schema: Any) -> Package:
    if "main" not in model.mlProgram.functions:
        raise ArtifactError(f"{path} has no function main")
    main = model.mlProgram.functions["main"]
    if main.opset not in OPSETS or main.opset not in main.block_specializations:
        raise ArtifactError(f"{path} is a program of opset {main.opset!r}, expected one of {', '.join(OPSETS)}")
    images = {
        feature.name: feature.type.imageType.ColorSpace.Name(feature.type.imageType.colorSpace)
        for feature in model.description.input
        if feature.type.WhichOneof("Type") == "imageType"
    }
    block = main.block_specializations[main.opset]
    return Package(folder, OPSETS[main.opset], tuple(main.inputs), block, schema.elements, images)


def _model_file(path: Path) -> Path:
    """The file that the manifest calls the root model, inside the package."""
    data = path / "Data"
    try:
        manifest = json.loads((path / "Manifest.json").read_text(encoding="utf-8"))
        file = data / str(manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ArtifactError(f"{path} is not an .mlpackage: its Manifest.json cannot be read ({error!r})") from error
    if not file.resolve().is_relative_to(data.resolve()):
        raise ArtifactError(f"{path} is not an .mlpackage: its manifest points outside it, to {file}")
    return file


@dataclass(frozen=True, slots=True)
class _Schema:
    Model: Any
    elements: Any
    reading_error: type[Exception]


def _schema() -> _Schema:
    """Core ML's protobuf classes, without the rest of coremltools: its import takes seconds and talks on stderr.

    The modules of coremltools.proto refer to each other relatively, so they can live in a package of another name;
    protobuf registers equal descriptors once, and importing coremltools before or after changes nothing.
    """
    found = find_spec("coremltools")
    if found is None or not found.submodule_search_locations:
        raise ToolchainMissing("coremltools", "coreml")
    if SCHEMA not in sys.modules:
        package = ModuleType(SCHEMA)
        package.__path__ = [str(Path(found.submodule_search_locations[0]) / "proto")]
        sys.modules[SCHEMA] = package
    model = importlib.import_module(f"{SCHEMA}.Model_pb2")
    mil = importlib.import_module(f"{SCHEMA}.MIL_pb2")
    message = importlib.import_module("google.protobuf.message")
    return _Schema(model.Model, mil.DataType, message.DecodeError)
