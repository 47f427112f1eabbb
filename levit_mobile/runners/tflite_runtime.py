"""Runs a `.tflite` with tflite-runtime 2.14.0, LiteRT's frozen predecessor, that apps in the field still ship.

It wants numpy below 2, so it lives in an isolated environment, and here in a process of its own: a model that crashes
the runtime takes only that process with it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError
from levit_mobile.interfaces.runner import Images, Runner
from levit_mobile.runners import tflite_runtime_child
from levit_mobile.runners.adapters import adapted, as_logits, one_by_one
from levit_mobile.runners.child import Child
from levit_mobile.system import environments
from levit_mobile.system.file_signature import begins_as

LIMIT_S = 300.0  # to load, and for each picture; both take well below a second
MODULE = "tflite_runtime.interpreter"
REFUSED = f"cannot be loaded by tflite-runtime {environments.TFLITE_RUNTIME}"


def load(path: Path, *, source: Input, result: Output, threads: int = 1, limit_s: float = LIMIT_S) -> Runner:
    """The first call on a machine installs the runtime, in seconds; its process lives as long as the runner.

    Raises RunnerUnavailable where the runtime cannot be installed, and ArtifactError when it cannot load the file:
    refuses it, crashes on it, or does not answer within `limit_s`. The runner raises ArtifactError likewise.
    """
    _require_model(path)
    child = Child([str(environments.tflite_runtime_python()), "-I", tflite_runtime_child.__file__], limit_s)
    order = {"path": str(path), "module": MODULE, "threads": threads, "source": source.name, "result": result.name}
    try:
        child.ask(order)
    except (RuntimeError, OSError) as error:
        child.end()
        raise ArtifactError(f"{path} {REFUSED}: {error}", fault=ArtifactError.fault_of(error, "refused")) from error

    def run(image: Images) -> NDArray[np.generic]:
        return as_logits(child.ask({}, adapted(image, source)), result)

    return one_by_one(run)


def _require_model(path: Path) -> None:
    """The runtime's own complaint about a foreign file quotes its bytes, and those beyond its end."""
    if not begins_as(path, "tflite"):
        raise ArtifactError(f"{path} {REFUSED}: it does not begin like a TFLite model", fault="unknown-format")
