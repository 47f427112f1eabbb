"""Runs a `.tflite` with LiteRT and its XNNPACK delegate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.runners import Images, Runner, adapted, one_by_one


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises ToolchainMissing without LiteRT, ArtifactError when LiteRT cannot load the file."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ToolchainMissing("ai-edge-litert", "tflite") from error
    try:
        signature = Interpreter(str(path), num_threads=threads).get_signature_runner()
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(f"{path} is not a TFLite model that LiteRT can load: {error}") from error

    def run(image: Images) -> NDArray[np.generic]:
        return np.asarray(signature(**{source.name: adapted(image, source)})[result.name])

    return one_by_one(run)
