"""Runs a `.pte` with ExecuTorch's own runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.runners import Images, Runner, adapted, one_by_one

MAGIC = b"ET"  # at byte 4, before two digits


def load(path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
    """Raises ToolchainMissing without executorch, ArtifactError when it cannot load the file.

    The thread pool is the process's own: `threads` holds for every ExecuTorch program in it.
    """
    try:
        from executorch.extension.pybindings import _portable_lib
        from executorch.runtime import Runtime
    except ImportError as error:
        raise ToolchainMissing("executorch", "executorch") from error
    _portable_lib._unsafe_reset_threadpool(threads)
    _require_program(path)
    try:
        method = Runtime.get().load_program(path).load_method("forward")
    except (RuntimeError, ValueError) as error:
        raise ArtifactError(f"{path} is not an ExecuTorch program that its runtime can load: {error}") from error

    def run(image: Images) -> NDArray[np.generic]:
        (logits,) = method.execute([torch.from_numpy(adapted(image, source))])
        return np.array(logits.float().numpy()).reshape(result.shape)  # a copy: the runtime reuses its buffer

    return one_by_one(run)


def _require_program(path: Path) -> None:
    """The runtime's own complaint about a foreign file can abort the whole process: it decodes these bytes as text."""
    try:
        with path.open("rb") as stream:
            known = stream.read(8)[4:6] == MAGIC
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if not known:
        raise ArtifactError(f"{path} is not an ExecuTorch program: it does not start as one")
