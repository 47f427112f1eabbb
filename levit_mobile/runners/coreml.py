"""Runs a `.mlpackage` with Core ML itself, which exists on macOS only."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import RunnerUnavailable, ToolchainMissing
from levit_mobile.runners import Images, Runner, one_by_one, refusing


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises RunnerUnavailable off a Mac, ToolchainMissing without coremltools, ArtifactError when Core ML refuses it.

    Runs on the CPU, where results are repeatable; Core ML chooses its own threads, so `threads` must stay 1.
    """
    if threads != 1:
        raise ValueError("Core ML chooses its own threads")
    if sys.platform != "darwin":
        raise RunnerUnavailable(f"Core ML runs on macOS only, and this is {sys.platform}")
    try:
        import coremltools
    except ImportError as error:
        raise ToolchainMissing("coremltools", "coreml") from error
    from PIL import Image

    with refusing(f"{path} is not a model that Core ML can load:"):
        model = coremltools.models.MLModel(str(path), compute_units=coremltools.ComputeUnit.CPU_ONLY)

    def run(image: Images) -> NDArray[np.generic]:
        pixels = np.rint(image.transpose(1, 2, 0) * 255).astype(np.uint8)
        return np.asarray(model.predict({source.name: Image.fromarray(pixels)})[result.name])

    return one_by_one(run)
