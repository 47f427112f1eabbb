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
LFS_POINTER = b"version https://git-lfs"  # how the text begins that stands for a file until it is fetched
FETCH = "it is a Git LFS pointer: run `git lfs pull` in its folder, which fetches the file itself"


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
        require_readable(file)
        data = file.read_bytes()
        if data.startswith(LFS_POINTER):
            raise ArtifactError(f"{file} cannot be read as a Core ML model: {FETCH}", fault="damaged")
        model.ParseFromString(data)
    except OSError as error:
        at = " ".join(str(file).split())  # a manifest names it
        raise ArtifactError(f"{at} cannot be read as a Core ML model: {error.strerror}", fault="unreadable") from error
    except (ValueError, by.reading_error) as error:
        why = " ".join(str(error).split())
        raise ArtifactError(
            f"{file} cannot be read as a Core ML model: {why}; copy the whole package again", fault="damaged"
        ) from error
    return model


def require_readable(file: Path) -> None:
    """Raises ValueError for a pipe or a device, from which reading may never end."""
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise ValueError(f"{file.name} is not a file")


def model_file(path: Path) -> Path:
    """The file that the manifest calls the root model, inside the package. Raises ArtifactError."""
    data = path / "Data"
    try:
        manifest = json.loads((path / "Manifest.json").read_text(encoding="utf-8"))
        name = str(manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"])
        name.encode()  # JSON may hold half of a surrogate pair, which no file name does
        file = data / name
        inside = file.resolve().is_relative_to(data.resolve())  # a path with NUL in it is a ValueError here
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise ArtifactError(
            f"{path} cannot be read as an .mlpackage, its Manifest.json is missing or damaged ({why}): "
            "copy the whole folder again",
            fault="damaged",
        ) from error
    if not inside:
        at = " ".join(str(file).split())
        raise ArtifactError(f"{path} is not an .mlpackage: its manifest names {at}, outside it", fault="damaged")
    return file
