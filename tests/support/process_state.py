"""What a library call must leave as it found it: settings of the whole process."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

REGISTRY = "coremltools.converters.mil.frontend.torch.torch_op_registry"
POOL = "executorch.extension.pybindings._portable_lib"


def snapshot(target: str) -> dict[str, Any]:
    """Settings by name; the target's toolchain is imported first, since importing it is not what is asked about."""
    found: dict[str, Any] = {
        "torch threads": torch.get_num_threads(),
        "torch gradients": torch.is_grad_enabled(),
        "torch dtype": torch.get_default_dtype(),
        "socket timeout": socket.getdefaulttimeout(),
        "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)},
        "folder": Path.cwd(),
        "streams": [(os.fstat(number).st_dev, os.fstat(number).st_ino) for number in (0, 1, 2)],
        "python's streams": (sys.stdout, sys.stderr),
    }
    if target == "coreml":
        from coremltools.converters.mil.frontend.torch import torch_op_registry

        found["coremltools' registry"] = dict(torch_op_registry._TORCH_OPS_REGISTRY.name_to_func_mapping)
    if target == "executorch":
        from executorch.backends.xnnpack import xnnpack_preprocess
        from executorch.extension.pybindings import _portable_lib

        found["ExecuTorch's passes"] = xnnpack_preprocess.XNNPACKPassManager
        found["ExecuTorch's threads"] = _portable_lib._threadpool_get_thread_count()
    return found


@contextmanager
def left_as_found(target: str) -> Iterator[None]:
    """What is inside changes nothing of the process beyond its own end."""
    before = snapshot(target)
    yield
    after = snapshot(target)
    assert {name for name, value in before.items() if after[name] != value} == set()
