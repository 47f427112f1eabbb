"""Runners: an artifact on this machine's own runtime.

A runner takes pictures [N,3,H,W] float32 RGB in [0,1] and gives logits [N,classes] float32, whatever the artifact's
own layout, type and range: it reads them from the contract and adapts. Artifacts take one picture a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, LevitMobileError

Images = NDArray[np.float32]  # [N,3,H,W] in [0,1]
Logits = NDArray[np.float32]  # [N,classes]
Runner = Callable[[Images], Logits]
DTYPES = {"float32": np.float32, "float16": np.float16, "int8": np.int8, "image": np.float32}  # by the contract's word
Outputs = Callable[[Images], dict[str, NDArray[np.generic]]]  # one picture [3,H,W] -> what is asked for, by name


def adapted(image: Images, to: Input) -> NDArray[np.generic]:
    """One picture [3,H,W] as the artifact's input takes it: batch of one, its layout, range and type."""
    low, high = to.range
    scaled = image[None] * np.float32(high - low) + np.float32(low)
    laid_out = scaled.transpose(0, 2, 3, 1) if to.layout == "NHWC" else scaled
    if to.quantization is not None:
        laid_out = np.rint(laid_out / to.quantization.scale) + to.quantization.zero_point
    return np.ascontiguousarray(laid_out, dtype=DTYPES[to.dtype])


def noise(to: Input) -> NDArray[np.generic]:
    """A picture to time an artifact with, as it takes it."""
    side = to.shape[2]
    return adapted(np.random.default_rng(0).random((3, side, side), np.float32), to)


def as_logits(made: NDArray[np.generic], result: Output) -> Logits:
    """What the artifact gave as its output, [1,classes] in its own type, as real values."""
    values = np.asarray(made, np.float32).reshape(result.shape)
    if result.quantization is None:
        return values
    return (values - np.float32(result.quantization.zero_point)) * np.float32(result.quantization.scale)


def one_by_one(run: Callable[[Images], NDArray[np.generic]]) -> Runner:
    """A runner over a call that takes one picture [3,H,W] and gives its logits [1,classes].

    Whatever the runtime raises becomes one ArtifactError.
    """

    def runner(images: Images) -> Logits:
        with running():
            return np.concatenate([np.asarray(run(image), np.float32) for image in images])

    return runner


@contextmanager
def running() -> Iterator[None]:
    """Whatever a runtime raises inside becomes one ArtifactError."""
    with refusing("the runtime failed to run the artifact with"):
        yield


@contextmanager
def refusing(sentence: str) -> Iterator[None]:
    """Whatever is raised inside becomes one ArtifactError of one line, which begins with `sentence`.

    An ArtifactError keeps its own words, a ToolchainMissing or RunnerUnavailable is no verdict on the artifact.
    """
    try:
        yield
    except ArtifactError as error:  # it may quote the names in a damaged file, which hold anything
        raise ArtifactError(" ".join(str(error).splitlines())) from error
    except LevitMobileError:
        raise
    except Exception as error:
        first = (str(error).strip() or "no message").splitlines()[0]
        raise ArtifactError(f"{sentence} {type(error).__name__}: {first}") from error
