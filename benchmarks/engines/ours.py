"""Our own artifacts, as `levit-mobile convert` writes them, measured by the same code as every engine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.engine import Given, Loaded, Row

NAME, PACKAGE = "levit-mobile", "levit-mobile"
ROWS = (
    Row("tflite-fp32", "float32", "convert", "fp32.tflite"),
    Row("executorch-fp32", "float32", "convert", "fp32.pte"),
    Row("executorch-fp16", "float16", "convert", "fp16.pte"),
    Row("tflite-int8", "int8", "convert", "int8.tflite"),
    Row("executorch-int8", "int8", "convert", "int8.pte"),
)


def make(row: Row, given: Given, path: Path) -> None:
    """See `Engine.make`; the bundled checkpoint is read again, not `given`."""
    import levit_mobile

    del given
    bundle = levit_mobile.convert(recipe=row.name, out=path.with_name("bundles"), force=True, timing=False)
    shutil.copy(bundle.path / bundle.contract.artifact.file, path)


def load(path: str, options: Mapping[str, Any]) -> Loaded:
    """See `Engine.load`; there are no options."""
    del options
    return _tflite(path) if path.endswith(".tflite") else _executorch(path)


def _tflite(path: str) -> Loaded:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()

    def put(picture: NDArray[np.float32]) -> None:
        interpreter.set_tensor(source["index"], np.ascontiguousarray(picture.transpose(0, 2, 3, 1)))

    return Loaded(put, interpreter.invoke, lambda: interpreter.get_tensor(result["index"]))


def _executorch(path: str) -> Loaded:
    import torch

    from levit_mobile.interfaces.runner import ONE_THREAD
    from levit_mobile.runners.adapters import in_memory
    from levit_mobile.runners.executorch import SCALAR_TYPES, runtime
    from levit_mobile.runners.executorch_program import method

    program, found = method(Path(path), ONE_THREAD, *runtime()), {}
    order, dtype = dim_order(Path(path)), SCALAR_TYPES[int(program.metadata.input_tensor_meta(0).dtype())]

    def put(picture: NDArray[np.float32]) -> None:
        found["image"] = torch.from_numpy(in_memory(picture.astype(dtype), order))

    def run() -> None:
        found["logits"] = program.execute([found["image"]])[0]

    return Loaded(put, run, lambda: found["logits"].float().numpy().copy())


def dim_order(path: Path) -> tuple[int, ...]:
    """The order in memory of a `.pte`'s input, the outermost axis first."""
    from levit_mobile.runners.adapters import stated_form

    return stated_form(path, "executorch").dim_order
