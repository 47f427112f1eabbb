"""A `.mlpackage` on disk -> the main function of its ML program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levit_mobile.errors import ArtifactError
from levit_mobile.mil.protobuf import Schema, model_file, read_model, schema

OPSETS = {"CoreML6": 16, "CoreML7": 17, "CoreML8": 18}  # MIL's name -> the iOS that brought it


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
    by = schema()
    file = model_file(path)
    model = read_model(file, by)
    kind = model.WhichOneof("Type")
    if kind is None:
        raise ArtifactError(
            f"{path} holds no model, expected an mlProgram: copy the whole package again", fault="damaged"
        )
    if kind != "mlProgram":
        raise ArtifactError(
            f"{path} holds a model of the kind {kind}, expected an mlProgram", fault="unsupported-model"
        )
    return _main(path, file.parent, model, by)


def _main(path: Path, folder: Path, model: Any, by: Schema) -> Package:
    if "main" not in model.mlProgram.functions:
        raise ArtifactError(f"{path} has no function main, expected one", fault="unsupported-model")
    main = model.mlProgram.functions["main"]
    if main.opset not in OPSETS:
        raise ArtifactError(
            f"{path} is a program of opset {main.opset!r}, expected one of {', '.join(OPSETS)}",
            fault="unsupported-model",
        )
    if main.opset not in main.block_specializations:
        raise ArtifactError(
            f"{path} has no block for the opset {main.opset!r} of its function main", fault="unsupported-model"
        )
    images = {
        feature.name: feature.type.imageType.ColorSpace.Name(feature.type.imageType.colorSpace)
        for feature in model.description.input
        if feature.type.WhichOneof("Type") == "imageType"
    }
    block = main.block_specializations[main.opset]
    return Package(folder, OPSETS[main.opset], tuple(main.inputs), block, by.elements, images)
