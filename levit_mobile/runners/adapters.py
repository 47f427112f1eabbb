"""Between a runner's pictures and logits and an artifact's own layout, type and range; and a runtime's failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, LevitMobileError
from levit_mobile.interfaces.runner import Images, InputForm, Logits, Runner, Tensor
from levit_mobile.interfaces.toolchain import surveyor
from levit_mobile.targets import TARGETS

DTYPES = {"float32": np.float32, "float16": np.float16, "int8": np.int8, "image": np.float32}  # by the contract's word


def adapted(image: Images, to: Input) -> NDArray[np.generic]:
    """One picture [3,H,W] as the artifact's input takes it: batch of one, its layout, range and type."""
    low, high = to.range
    scaled = image[None] * np.float32(high - low) + np.float32(low)
    laid_out = scaled.transpose(0, 2, 3, 1) if to.layout == "NHWC" else scaled
    if to.quantization is not None:
        laid_out = np.rint(laid_out / to.quantization.scale) + to.quantization.zero_point
    return np.ascontiguousarray(_saturated(laid_out, np.dtype(DTYPES[to.dtype])))


def _saturated(values: NDArray[np.float32], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """In a type that may be of integers: a white pixel just above the highest level would wrap round to the lowest."""
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    limits = np.iinfo(dtype)  # type: ignore[type-var]
    return np.clip(values, limits.min, limits.max).astype(dtype)


def in_memory(values: NDArray[np.generic], dim_order: Sequence[int]) -> NDArray[np.generic]:
    """The same values with their axes nested in memory in this order, the outermost first; () for their own order."""
    if not dim_order:
        return np.ascontiguousarray(values)
    return np.ascontiguousarray(values.transpose(dim_order)).transpose(np.argsort(dim_order))


def stated_form(path: Path, target: str) -> InputForm:
    """The order in memory that an artifact states for its input; ExecuTorch reads values in it and reports none."""
    try:
        inputs = surveyor(TARGETS[target])(path).inputs
    except LevitMobileError:  # a runtime may accept what the reader does not
        return InputForm()
    return InputForm(dim_order=inputs[0].dim_order) if inputs else InputForm()


def noise(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Tensor:
    """An input to time an artifact with: floats in [0,1), integers over their whole range. Always the same.

    Integers of 32 and 64 bits are rather indices than levels: they are 0 and 1.
    """
    drawn = np.random.default_rng(0)
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)  # type: ignore[type-var]
        low, high = (limits.min, limits.max) if limits.bits < 32 else (0, 1)
        return drawn.integers(low, high, shape, dtype=dtype, endpoint=True)
    return drawn.random(shape, np.float32).astype(dtype)


def only_input(found: int, path: object) -> None:
    """Raise ArtifactError unless the artifact takes one input."""
    if found != 1:
        raise ArtifactError(f"{path} has {found} inputs, expected one image", fault="not-one-image")


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
    with refusing("the runtime could not run the artifact:", fault="failed"):
        yield


@contextmanager
def refusing(sentence: str, *, fault: str = "refused") -> Iterator[None]:
    """Whatever is raised inside becomes one ArtifactError of one line, which begins with `sentence`.

    An ArtifactError keeps its own words and fault; all else is `fault`, unless its type tells more. A ToolchainMissing
    or RunnerUnavailable is no verdict on the artifact.
    """
    try:
        yield
    except ArtifactError as error:  # it may quote the names in a damaged file, which hold anything
        raise error.reworded(" ".join(str(error).splitlines())) from error
    except LevitMobileError:
        raise
    except Exception as error:
        first = (str(error).strip() or "no message").splitlines()[0]
        named = f"{sentence} {type(error).__name__}: {first}"
        raise ArtifactError(named, fault=ArtifactError.fault_of(error, fault)) from error
