"""Core ML's protobuf classes, and the model file of a `.mlpackage`."""

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

SCHEMA = "levit_mobile_mil_schema"  # coremltools.proto under a name of its own


@dataclass(frozen=True, slots=True)
class Schema:
    """The class of a model, MIL's DataType, and what a parser raises."""

    Model: Any
    elements: Any
    reading_error: type[Exception]


def schema() -> Schema:
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
    return Schema(model.Model, mil.DataType, message.DecodeError)


def read_model(file: Path, by: Schema) -> Any:
    """The protobuf of a model file. Raises ArtifactError."""
    model = by.Model()
    try:
        model.ParseFromString(file.read_bytes())
    except OSError as error:
        raise ArtifactError(
            f"{file} cannot be read as a Core ML model: {error.strerror}", fault="unreadable"
        ) from error
    except (ValueError, by.reading_error) as error:
        why = " ".join(str(error).split())
        raise ArtifactError(
            f"{file} cannot be read as a Core ML model: {why}; copy the whole package again", fault="damaged"
        ) from error
    return model


def model_file(path: Path) -> Path:
    """The file that the manifest calls the root model, inside the package. Raises ArtifactError."""
    data = path / "Data"
    try:
        manifest = json.loads((path / "Manifest.json").read_text(encoding="utf-8"))
        file = data / str(manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise ArtifactError(
            f"{path} cannot be read as an .mlpackage, its Manifest.json is missing or damaged ({why}): "
            "copy the whole folder again",
            fault="damaged",
        ) from error
    if not file.resolve().is_relative_to(data.resolve()):
        raise ArtifactError(f"{path} is not an .mlpackage: its manifest names {file}, outside it", fault="damaged")
    return file
