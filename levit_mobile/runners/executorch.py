"""Runs a `.pte` with ExecuTorch's own runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.runners import Images, Outputs, Runner, adapted, as_logits, noise, one_by_one, refusing

MAGIC = b"ET"  # at byte 4, before two digits


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises ToolchainMissing without executorch, ArtifactError when it cannot load the file.

    The thread pool is the process's own: `threads` holds for every ExecuTorch program in it.
    """
    run = outputs(path, source=source, names=(result.name,), threads=threads)
    return one_by_one(lambda image: as_logits(run(image)[result.name], result))


def outputs(path: Path, *, source: Input, names: tuple[str, ...], threads: int = 1) -> Outputs:
    """All of the program's outputs as float32, named in their order: a `.pte` has no names. Raises as `load` does."""
    method = _method(path, threads)

    def run(image: Images) -> dict[str, NDArray[np.generic]]:
        made = method.execute([torch.from_numpy(adapted(image, source))])
        # np.array copies: the runtime reuses its buffers.
        return {name: np.array(value.float().numpy()) for name, value in zip(names, made, strict=True)}

    return run


def call(path: Path, *, source: Input) -> Callable[[], object]:
    """ExecuTorch's own `execute` on one thread: what is timed. Raises as `load` does."""
    method, image = _method(path, threads=1), torch.from_numpy(noise(source))
    return lambda: method.execute([image])


def _method(path: Path, threads: int) -> Any:
    try:
        from executorch.extension.pybindings import _portable_lib
        from executorch.runtime import Runtime
    except ImportError as error:
        raise ToolchainMissing("executorch", "executorch") from error
    _portable_lib._unsafe_reset_threadpool(threads)
    _require_program(path)
    with refusing(f"{path} is not an ExecuTorch program that its runtime can load:"):
        return Runtime.get().load_program(path).load_method("forward")


def _require_program(path: Path) -> None:
    """The runtime's own complaint about a foreign file can abort the whole process: it decodes these bytes as text."""
    try:
        with path.open("rb") as stream:
            known = stream.read(8)[4:6] == MAGIC
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if not known:
        raise ArtifactError(f"{path} is not an ExecuTorch program: it does not start as one")
