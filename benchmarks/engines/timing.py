"""CPU times on this machine, one thread, all rows in turn: ratios to one row, since a shared machine is not steady."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engines.running import Served

Ratio = tuple[float, float, float]  # median and quartiles
Key = tuple[str, str]  # an engine and its row


def ratios(served: Mapping[Key, Served], base: Key, picture: NDArray[np.float32], rounds: int) -> dict[Key, Ratio]:
    """Each row's time over that of `base`, by rounds that run every one, in random order, on one core.

    Raises Unavailable.
    """
    _pin()
    order, times = list(served), dict[Key, list[float]]((name, []) for name in served)
    for one in served.values():
        one.seconds(picture, 5)  # warm-up
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            times[name].append(float(served[name].seconds(picture, 3).min()))
    return {name: quartiles(times[name], times[base]) for name in served}


def quartiles(times: Sequence[float], base: Sequence[float]) -> Ratio:
    """Of the ratios within each round."""
    low, middle, high = np.quantile(np.asarray(times) / np.asarray(base), (0.25, 0.5, 0.75))
    return float(middle), float(low), float(high)


def _pin() -> None:
    """This process and those that it starts from now on stay on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
