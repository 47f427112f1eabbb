"""Runs a `.tflite` with LiteRT and its XNNPACK delegate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.interfaces.litert import fault_of
from levit_mobile.interfaces.runner import ONE_THREAD, Images, InputForm, Loaded, Outputs, Placement, Runner, Tensor
from levit_mobile.runners.adapters import adapted, as_logits, noise, one_by_one, only_input, refusing
from levit_mobile.system.files import is_text

REFUSED = "cannot be loaded by LiteRT:"


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises ToolchainMissing without LiteRT, ArtifactError when LiteRT cannot load the file."""
    run = outputs(path, source=source, names=(result.name,), threads=threads)
    return one_by_one(lambda image: as_logits(run(image)[result.name], result))


def outputs(path: Path, *, source: Input, names: tuple[str, ...], threads: int = 1) -> Outputs:
    """The outputs of these names, in the file's own types and layouts. Raises as `load` does."""
    interpreter = runtime()
    with refusing(f"{path} {REFUSED}"):
        signature = opened(interpreter, path, threads).get_signature_runner()

    def run(image: Images) -> dict[str, NDArray[np.generic]]:
        made = signature(**{source.name: adapted(image, source)})
        return {name: np.asarray(made[name]) for name in names}

    return run


def load_for_timing(path: Path, on: Placement = ONE_THREAD, form: InputForm | None = None) -> Loaded:
    """Any `.tflite` with one input, a signature or none: LiteRT's own `invoke`. Raises as `load` does."""
    interpreter = _filled(path, on.threads or 1, form.shape if form else None)
    inputs, results = interpreter.get_input_details(), interpreter.get_output_details()
    only_input(len(inputs), path)
    (source,) = inputs

    def run(given: Tensor) -> tuple[Tensor, ...]:
        interpreter.set_tensor(source["index"], given)
        interpreter.invoke()
        return tuple(interpreter.get_tensor(result["index"]) for result in results)

    return Loaded(tuple(source["shape"].tolist()), np.dtype(source["dtype"]), interpreter.invoke, run)


def repeated(path: Path, on: Placement = ONE_THREAD) -> Callable[[], object]:
    """The same for a part of a model, which may have several inputs: the call alone. Raises as `load` does."""
    invoke: Callable[[], object] = _filled(path, on.threads or 1).invoke
    return invoke


def _filled(path: Path, threads: int, shape: tuple[int, ...] | None = None) -> Any:
    """An interpreter with noise in all its inputs. `shape` is for its one input, whose stored sizes may be mere 1."""
    interpreter_type = runtime()
    with refusing(f"{path} {REFUSED}"):
        interpreter = _allocated(interpreter_type, path, threads, shape)
        for source in interpreter.get_input_details():
            interpreter.set_tensor(source["index"], noise(tuple(source["shape"].tolist()), np.dtype(source["dtype"])))
    return interpreter


def opened(interpreter: Any, path: Path, threads: int) -> Any:
    """An interpreter of a file; one whose path is not text is handed over as bytes."""
    if is_text(path):
        return interpreter(str(path), num_threads=threads)
    return interpreter(model_content=path.read_bytes(), num_threads=threads)


def _resize(interpreter: Any, path: Path, shape: tuple[int, ...]) -> None:
    inputs = interpreter.get_input_details()
    only_input(len(inputs), path)
    if tuple(inputs[0]["shape"].tolist()) != shape:
        interpreter.resize_tensor_input(inputs[0]["index"], shape, strict=True)  # only sizes that the file leaves open


def _allocated(interpreter_type: Any, path: Path, threads: int, shape: tuple[int, ...] | None) -> Any:
    """Raises ArtifactError for a sound model that LiteRT or XNNPACK cannot prepare, and what they raise for others."""
    try:
        interpreter = opened(interpreter_type, path, threads)
        if shape is not None:
            _resize(interpreter, path, shape)
        interpreter.allocate_tensors()
    except RuntimeError as error:
        why = " ".join(str(error).split())
        if (fault := fault_of(why, partial(_prepare_plainly, path))) not in ArtifactError.NOT_RUNNABLE:
            raise
        raise ArtifactError(f"{path} is sound, and LiteRT on this machine cannot run it: {why}", fault=fault) from error
    return interpreter


def _prepare_plainly(path: Path) -> None:
    """With LiteRT's own kernels alone."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain: Any = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    Interpreter(str(path), num_threads=1, experimental_op_resolver_type=plain).allocate_tensors()


def runtime() -> Any:
    """LiteRT's interpreter. Raises ToolchainMissing."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ToolchainMissing("ai-edge-litert", "tflite") from error
    return Interpreter
