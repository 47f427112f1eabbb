"""Runs a `.mlpackage` with Core ML itself, which exists on macOS only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from levit_mobile.contract import Input, Output
from levit_mobile.errors import RunnerUnavailable, ToolchainMissing
from levit_mobile.runners import Images, Runner, one_by_one, refusing


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises RunnerUnavailable off a Mac, ToolchainMissing without coremltools, ArtifactError when Core ML refuses it.

    Runs on the CPU, where results are repeatable; Core ML chooses its own threads, so `threads` must stay 1.
    """
    if threads != 1:
        raise ValueError("Core ML chooses its own threads")
    model = _model(path)

    def run(image: Images) -> NDArray[np.generic]:
        return np.asarray(model.predict({source.name: _picture(image)})[result.name])

    return one_by_one(run)


def call(path: Path, *, source: Input) -> Callable[[], object]:
    """Core ML's own `predict`: what is timed. Raises as `load` does."""
    model = _model(path)
    side = source.shape[2]
    asked = {source.name: _picture(np.random.default_rng(0).random((3, side, side), np.float32))}
    return lambda: model.predict(asked)


def _model(path: Path) -> Any:
    if sys.platform != "darwin":
        raise RunnerUnavailable(f"Core ML runs on macOS only, and this is {sys.platform}")
    try:
        import coremltools
    except ImportError as error:
        raise ToolchainMissing("coremltools", "coreml") from error
    with refusing(f"{path} is not a model that Core ML can load:"):
        return coremltools.models.MLModel(str(path), compute_units=coremltools.ComputeUnit.CPU_ONLY)


def _picture(image: Images) -> Image.Image:
    """[3,H,W] in [0,1] -> what an image input takes."""
    return Image.fromarray(np.rint(image.transpose(1, 2, 0) * 255).astype(np.uint8))
