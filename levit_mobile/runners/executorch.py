"""Runs a `.pte` with ExecuTorch's own runtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.interfaces.runner import ONE_THREAD, Images, InputForm, Loaded, Outputs, Placement, Runner, Tensor
from levit_mobile.runners.adapters import (
    adapted,
    as_logits,
    in_memory,
    noise,
    one_by_one,
    only_input,
    refusing,
    stated_form,
)
from levit_mobile.runners.executorch_program import method

# executorch/schema/scalar_type.fbs
SCALAR_TYPES = {0: "uint8", 1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64"}


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises ToolchainMissing without executorch, ArtifactError when it cannot load the file.

    The thread pool is the process's own: `threads` holds for every ExecuTorch program in it.
    """
    run = outputs(path, source=source, names=(result.name,), threads=threads)
    return one_by_one(lambda image: as_logits(run(image)[result.name], result))


def outputs(path: Path, *, source: Input, names: tuple[str, ...], threads: int = 1) -> Outputs:
    """All of the program's outputs as float32, named in their order: a `.pte` has no names. Raises as `load` does."""
    loaded = method(path, Placement(threads=threads), *runtime())
    order = stated_form(path, "executorch").dim_order

    def run(image: Images) -> dict[str, NDArray[np.generic]]:
        made = loaded.execute([torch.from_numpy(in_memory(adapted(image, source), order))])
        # np.array copies: the runtime reuses its buffers.
        return {name: np.array(value.float().numpy()) for name, value in zip(names, made, strict=True)}

    return run


def load_for_timing(path: Path, on: Placement = ONE_THREAD, form: InputForm | None = None) -> Loaded:
    """Any `.pte` whose method takes one tensor: ExecuTorch's own `execute`. Raises as `load` does."""
    found = method(path, on, *runtime())
    form = form or stated_form(path, "executorch")
    with refusing(f"{path} has no input that is an image:", fault="not-one-image"):
        only_input(found.metadata.num_inputs(), path)
        source = found.metadata.input_tensor_meta(0)
        shape, dtype = form.shape or tuple(source.sizes()), _dtype(source.dtype())
    example = torch.from_numpy(in_memory(noise(shape, dtype), form.dim_order))

    def run(given: Tensor) -> tuple[Tensor, ...]:
        # np.array copies: the runtime reuses its buffers.
        made = found.execute([torch.from_numpy(in_memory(given, form.dim_order))])
        return tuple(np.array(value.numpy()) for value in made)

    return Loaded(shape, dtype, lambda: found.execute([example]), run)


def runtime() -> tuple[Any, Any]:
    """ExecuTorch's runtime, and the module that has its thread pool. Raises ToolchainMissing."""
    try:
        from executorch.extension.pybindings import _portable_lib
        from executorch.runtime import Runtime
    except ImportError as error:
        raise ToolchainMissing("executorch", "executorch") from error
    return Runtime, _portable_lib


@contextmanager
def thread_pool_kept() -> Iterator[None]:
    """Inside, runners set the size of ExecuTorch's thread pool, which is the whole process's; it is put back.

    Programs that were loaded inside must not run afterwards: they hold the pool that was. Raises ToolchainMissing.
    """
    _, native = runtime()
    before = native._threadpool_get_thread_count()
    try:
        yield
    finally:
        if native._threadpool_get_thread_count() != before:
            native._unsafe_reset_threadpool(before)


def _dtype(scalar_type: int) -> np.dtype[np.generic]:
    if scalar_type not in SCALAR_TYPES:
        raise ArtifactError(
            f"the input has ExecuTorch's scalar type {scalar_type}, expected an image of "
            f"{', '.join(SCALAR_TYPES.values())}",
            fault="not-one-image",
        )
    return np.dtype(SCALAR_TYPES[scalar_type])
