"""Runners: an artifact on a runtime, whatever its own layout, type and range.

A runner takes pictures [N,3,H,W] float32 RGB in [0,1] and gives logits [N,classes] float32: it reads the artifact's own
layout, type and range from the contract and adapts. Artifacts take one picture a call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]  # [N,3,H,W] in [0,1]
Logits = NDArray[np.float32]  # [N,classes]
Runner = Callable[[Images], Logits]
Outputs = Callable[[Images], dict[str, NDArray[np.generic]]]  # one picture [3,H,W] -> what is asked for, by name
Tensor = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An artifact that a runtime has loaded, with one input of `shape` and `dtype`.

    `call` is the runtime's own call with an input in place: what is timed. `run` takes an input as the artifact does,
    and gives all its outputs in its own types, copied.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    call: Callable[[], object]
    run: Callable[[Tensor], tuple[Tensor, ...]]
