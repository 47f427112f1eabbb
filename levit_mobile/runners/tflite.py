"""Runs a `.tflite` with LiteRT and its XNNPACK delegate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ToolchainMissing
from levit_mobile.runners import Images, Outputs, Runner, adapted, as_logits, noise, one_by_one, refusing


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises ToolchainMissing without LiteRT, ArtifactError when LiteRT cannot load the file."""
    run = outputs(path, source=source, names=(result.name,), threads=threads)
    return one_by_one(lambda image: as_logits(run(image)[result.name], result))


def outputs(path: Path, *, source: Input, names: tuple[str, ...], threads: int = 1) -> Outputs:
    """The outputs of these names, in the file's own types and layouts. Raises as `load` does."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ToolchainMissing("ai-edge-litert", "tflite") from error
    with refusing(f"{path} is not a TFLite model that LiteRT can load:"):
        signature = Interpreter(str(path), num_threads=threads).get_signature_runner()

    def run(image: Images) -> dict[str, NDArray[np.generic]]:
        made = signature(**{source.name: adapted(image, source)})
        return {name: np.asarray(made[name]) for name in names}

    return run


def call(path: Path, *, source: Input) -> Callable[[], object]:
    """LiteRT's own `invoke` on one thread, its input set once: what is timed. Raises as `load` does."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ToolchainMissing("ai-edge-litert", "tflite") from error
    with refusing(f"{path} is not a TFLite model that LiteRT can load:"):
        interpreter = Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], noise(source))
    invoke: Callable[[], object] = interpreter.invoke
    return invoke
