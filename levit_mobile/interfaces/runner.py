"""Runners: an artifact on a runtime, whatever its own layout, type and range. Artifacts take one picture a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]  # [N,3,H,W] in [0,1]
Logits = NDArray[np.float32]  # [N,classes]
Outputs = Callable[[Images], dict[str, NDArray[np.generic]]]  # one picture [3,H,W] -> what is asked for, by name
Tensor = NDArray[np.generic]
ComputeUnits = Literal["cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine", "all"]  # Core ML's MLComputeUnits


class Runner(Protocol):
    """A model as a function, which adapts pictures to the artifact's own layout, type and range."""

    def __call__(self, images: Images, /) -> Logits:
        """Return the logits: RGB pictures [N,3,H,W] float32 in [0,1] -> [N,classes] float32, N of 1 or more."""
        ...


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an artifact runs while it is timed, and what of it; None leaves the choice to the runtime.

    Attributes:
        threads: Number of CPU threads.
        compute_units: The processors that Core ML may use.
        method: The method of an ExecuTorch program.
        data: An ExecuTorch program's data file (``.ptd``); None for a program that has all its constants.
    """

    threads: int | None = None
    compute_units: ComputeUnits | None = None
    method: str = "forward"
    data: Path | None = None


ONE_THREAD = Placement(threads=1)
CPU_ONLY = Placement(compute_units="cpuOnly")


@dataclass(frozen=True, slots=True)
class InputForm:
    """The form in which an artifact takes its one input.

    Attributes:
        shape: Size of each axis, also where the artifact leaves some to the run; None for what is stored.
        dim_order: Its axes as they are nested in memory, the outermost first; empty if that is their own order.
    """

    shape: tuple[int, ...] | None = None
    dim_order: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """An artifact that a runtime has loaded.

    Attributes:
        shape: Shape of its one input.
        dtype: Element type of that input.
        call: The runtime's own call with an input in place, which is what is timed.
        run: Takes an input as the artifact does, and returns copies of all outputs in their own types.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    call: Callable[[], object]
    run: Callable[[Tensor], tuple[Tensor, ...]]
