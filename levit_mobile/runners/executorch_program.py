"""One method of a `.pte`, loaded by ExecuTorch's runtime; where that cannot be, what the runtime lacks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from levit_mobile.errors import ArtifactError, LevitMobileError
from levit_mobile.interfaces.inspection import IN_DATA_FILE, Inspection
from levit_mobile.interfaces.runner import Placement
from levit_mobile.interfaces.toolchain import surveyor
from levit_mobile.runners.adapters import refusing
from levit_mobile.system.file_signature import begins_as
from levit_mobile.system.files import is_text
from levit_mobile.targets import TARGETS

REFUSED = "cannot be loaded by ExecuTorch:"


@dataclass(frozen=True, slots=True)
class Method:
    """What a runner needs of a loaded method: ExecuTorch's own call, and its description of inputs and outputs."""

    execute: Callable[[Sequence[Any]], Sequence[Any]]
    metadata: Any
    kept: object = None  # the runtime refers to a program's bytes, and does not keep them


def method(path: Path, on: Placement, runtime_type: Any, native: Any) -> Method:
    """Load the method that `on` names, with its data file if there is one.

    Args:
        path: The program.
        on: The threads, the method and the data file.
        runtime_type: ExecuTorch's ``Runtime``.
        native: The module that has ExecuTorch's thread pool.

    Raises:
        ArtifactError: The file is damaged, or the runtime lacks a delegate, an op, the method or the data file for it
            (``artifact.unsupported-op``, ``artifact.unsupported-model``).
    """
    if native._threadpool_get_thread_count() != (on.threads or 1):
        native._unsafe_reset_threadpool(on.threads or 1)
    _require_program(path)
    with refusing(f"{path} {REFUSED}"):
        given = path if is_text(path) else path.read_bytes()
        program = runtime_type.get().load_program(given)
        _require_method(path, on.method, program.method_names)
        try:
            return _with_data(path, on.method, on.data, native) if on.data else _alone(program, on.method, given)
        except Exception as error:
            if lacking := _lacking(path, native, has_data=on.data is not None):
                raise lacking from error
            raise


def _alone(program: Any, name: str, given: object) -> Method:
    found = program.load_method(name)
    return Method(found.execute, found.metadata, given)


def _with_data(path: Path, name: str, data: Path, native: Any) -> Method:
    """The other interface of the runtime, which is the one that takes a data file."""
    module = native._load_for_executorch(str(path), str(data))
    return Method(partial(module.run_method, name, clone_outputs=False), module.method_meta(name))


def _require_program(path: Path) -> None:
    """The runtime's own complaint about a foreign file can abort the whole process: it decodes these bytes as text."""
    if not begins_as(path, "executorch"):
        raise ArtifactError(f"{path} is not an ExecuTorch program: it does not begin like one", fault="unknown-format")


def _require_method(path: Path, name: str, known: set[str]) -> None:
    if name not in known:
        raise ArtifactError(
            f"{path} has no method {name}: choose one of {', '.join(sorted(known))} with --method",
            fault="unsupported-model",
        )


# What a sound program needs and this runtime does not have


def _lacking(path: Path, native: Any, *, has_data: bool) -> ArtifactError | None:
    """The error that names it; None where nothing is known to be lacking, so that the file itself is at fault."""
    try:
        found = surveyor(TARGETS["executorch"])(path)
    except LevitMobileError:
        return None
    return _delegate(path, found, native) or _op(path, found, native) or _data(path, found, has_data=has_data)


def _delegate(path: Path, found: Inspection, native: Any) -> ArtifactError | None:
    known = set(native._get_registered_backend_names())
    if not (missing := [name for name in found.delegates if name not in known]):
        return None
    return ArtifactError(
        f"{path} needs the delegate {', '.join(missing)}, which ExecuTorch on this machine does not have; it has "
        f"{', '.join(sorted(known))}",
        fault="unsupported-model",
    )


def _op(path: Path, found: Inspection, native: Any) -> ArtifactError | None:
    """Ops outside a delegate have the name of their namespace; the runtime names every overload."""
    known = {name.partition(".")[0] for name in native._get_operator_names()}
    if not (missing := [name for name in found.ops if "::" in name and name not in known]):
        return None
    return ArtifactError(
        f"{path} calls {', '.join(missing)}, which ExecuTorch on this machine does not have; a custom op runs in an "
        "app that registers it",
        fault="unsupported-op",
    )


def _data(path: Path, found: Inspection, *, has_data: bool) -> ArtifactError | None:
    if has_data or not any(IN_DATA_FILE in note for note in found.notes):
        return None
    return ArtifactError(
        f"{path} has constants in a separate file: pass it too, with --data FILE.ptd", fault="unsupported-model"
    )
