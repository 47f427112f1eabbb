"""Whatever a runtime raises is one line about the artifact, unless it is no word about the artifact at all."""

from __future__ import annotations

import numpy as np
import pytest
from support.refusals import refused

from levit_mobile.errors import ArtifactError, RunnerUnavailable, ToolchainMissing
from levit_mobile.runners.adapters import one_by_one, only_input, refusing


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
        (ValueError("no signature\nin the file\n"), "refused", "x is no model: ValueError: no signature"),
        (MemoryError(), "out-of-memory", "x is no model: MemoryError: no message"),
        (KeyError("logits"), "refused", "x is no model: KeyError: 'logits'"),
        (TimeoutError("no answer"), "timeout", "x is no model: TimeoutError: no answer"),
        (ChildProcessError("SIGABRT"), "crashed", "x is no model: ChildProcessError: SIGABRT"),
        (ArtifactError("op a\r\nb is\u2028unknown", fault="unsupported-op"), "unsupported-op", "op a b is unknown"),
    ],
)
def test_any_error_is_one_line(error: Exception, fault: str, words: str) -> None:
    with refused(ArtifactError, f"artifact.{fault}") as caught, refusing("x is no model:"):
        raise error
    assert str(caught.value) == words
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [ToolchainMissing("vendor", "tflite"), RunnerUnavailable("no Mac")])
def test_what_is_no_verdict_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, refusing("x is no model:"):
        raise error
    assert caught.value is error


def test_an_interruption_passes() -> None:
    with pytest.raises(KeyboardInterrupt), refusing("x is no model:"):
        raise KeyboardInterrupt


def test_a_runner_says_what_failed() -> None:
    def run(_: object) -> np.ndarray:
        raise RuntimeError("node 3 failed\nto prepare")

    with refused(ArtifactError, "artifact.failed", "RuntimeError", "node 3 failed") as caught:
        one_by_one(run)(np.zeros((1, 3, 2, 2), np.float32))
    assert "to prepare" not in str(caught.value)


def test_two_inputs_are_not_one_picture() -> None:
    only_input(1, "one.tflite")
    with refused(ArtifactError, "artifact.not-one-image", "two.tflite", "2 inputs", "one image"):
        only_input(2, "two.tflite")
