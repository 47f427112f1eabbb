"""Runs a `.mlpackage` with Core ML itself, which exists on macOS only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from levit_mobile.contract import Input, Output
from levit_mobile.errors import RunnerUnavailable, ToolchainMissing
from levit_mobile.interfaces.runner import CPU_ONLY, ComputeUnits, Images, InputForm, Loaded, Placement, Runner, Tensor
from levit_mobile.runners.adapters import noise, one_by_one, only_input, refusing

REFUSED = "cannot be loaded by Core ML:"
UNITS: dict[ComputeUnits, str] = {
    "cpuOnly": "CPU_ONLY",
    "cpuAndGPU": "CPU_AND_GPU",
    "cpuAndNeuralEngine": "CPU_AND_NE",
    "all": "ALL",
}


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises RunnerUnavailable off a Mac, ToolchainMissing without coremltools, ArtifactError when Core ML refuses it.

    Runs on the CPU, where results are repeatable; Core ML chooses its own threads, so `threads` must stay 1.
    """
    if threads != 1:
        raise ValueError(f"threads is {threads}, expected 1: Core ML chooses its own threads")
    model = _model(path)

    def run(image: Images) -> NDArray[np.generic]:
        return np.asarray(model.predict({source.name: _picture(image)})[result.name])

    return one_by_one(run)


def load_for_timing(path: Path, on: Placement = CPU_ONLY, form: InputForm | None = None) -> Loaded:
    """Any package with one input: Core ML's own `predict`, which chooses its threads. Raises as `load` does.

    `run` takes a picture as [1,3,H,W] in 0..255, and an array as it is.
    """
    model = _model(path, on.compute_units or "cpuOnly")
    with refusing(f"{path} {REFUSED}"):
        description = model.get_spec().description
        only_input(len(description.input), path)
        (source,) = description.input
        shape, dtype = _stated(source.type)
        shape = form.shape or shape if form else shape
    is_image = source.type.WhichOneof("Type") == "imageType"
    given_as = _picture_of if is_image else np.asarray
    example = {source.name: given_as(noise(shape, dtype) * (255 if is_image else 1))}

    def run(given: Tensor) -> tuple[Tensor, ...]:
        made = model.predict({source.name: given_as(given)})
        values = (made[result.name] for result in description.output)
        return tuple(value for value in values if isinstance(value, np.ndarray))

    return Loaded(shape, dtype, lambda: model.predict(example), run)


def _stated(kind: Any) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """The shape and type of an input by its own description."""
    if kind.WhichOneof("Type") == "imageType":
        return (1, 3, kind.imageType.height, kind.imageType.width), np.dtype(np.float32)
    array = kind.multiArrayType
    name = array.ArrayDataType.Name(array.dataType).lower()
    return tuple(array.shape), np.dtype({"double": "float64"}.get(name, name))


def _picture_of(given: Tensor) -> Image.Image:
    return _picture(np.asarray(given[0] / 255, np.float32))


def runtime() -> Any:
    """coremltools, which is how Python reaches Core ML. Raises RunnerUnavailable off a Mac, ToolchainMissing."""
    if sys.platform != "darwin":
        raise RunnerUnavailable(f"Core ML runs on macOS only; this machine runs {sys.platform}", fault="platform")
    try:
        import coremltools
    except ImportError as error:
        raise ToolchainMissing("coremltools", "coreml") from error
    return coremltools


def _model(path: Path, compute_units: ComputeUnits = "cpuOnly") -> Any:
    coremltools = runtime()
    with refusing(f"{path} {REFUSED}"):
        return coremltools.models.MLModel(str(path), compute_units=coremltools.ComputeUnit[UNITS[compute_units]])


def _picture(image: Images) -> Image.Image:
    """[3,H,W] in [0,1] -> what an image input takes."""
    return Image.fromarray(np.rint(image.transpose(1, 2, 0) * 255).astype(np.uint8))
