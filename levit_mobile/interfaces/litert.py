"""What LiteRT's complaints mean: which of them are about a sound model, and whether its own kernels take the model."""

from __future__ import annotations

from collections.abc import Callable

# LiteRT's message for an intact model with ops that it lacks.
UNSUPPORTED = ("unresolved custom op", "Didn't find op for builtin opcode", "Select TensorFlow op", "out of range")
BY_DELEGATE = ("failed to delegate", "XNNPack", "XNNPACK")  # in what XNNPACK complains of


def fault_of(why: str, without_delegate: Callable[[], object]) -> str:
    """The fault of ArtifactError for a complaint of LiteRT with XNNPACK, its default delegate, about a model.

    Args:
        why: The complaint.
        without_delegate: Prepares the model with LiteRT's own kernels alone.

    Returns:
        ``unsupported-op`` or ``unsupported-model`` for a sound model; ``refused`` for any other.
    """
    if any(mark in why for mark in UNSUPPORTED):
        return "unsupported-op"
    if not any(mark in why for mark in BY_DELEGATE):
        return "refused"
    try:
        without_delegate()
    except (RuntimeError, ValueError):
        return "refused"
    return "unsupported-model"
