"""What Dask adds to work that this machine's own pool of processes does, and what a client holds as pictures grow.

    python benchmarks/spread.py              # efficiency: the pool's time over the cluster's, interleaved
    python benchmarks/spread.py --memory     # peak memory of a client with 1,000 and with 20,000 pictures

Both ways do the same items, each a fixed amount of arithmetic on one thread, in as many processes. The order of the two
changes at every repeat. The memory is that of a fresh client process; its items are the rows that a validation counts
of eight digits of ten classes, made up instead of computed.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from levit_mobile.cluster.connect import open_cluster
from levit_mobile.parity.logit_stats import LogitStats
from levit_mobile.system import workers
from levit_mobile.validation.run_pair import PairLogits, PairStats

ITEMS, REPEATS, PROCESSES = 60, 7, 2
BATCH, CLASSES = 8, 10
PICTURES = (1_000, 20_000)


def main(
    repeats: Annotated[int, typer.Option(help="Number of repeats of each way, in turn.")] = REPEATS,
    items: Annotated[int, typer.Option(help="Number of items of one repeat, about 0.2 s each.")] = ITEMS,
    memory: Annotated[bool, typer.Option("--memory", help="Measure a client's memory instead.")] = False,
    count: Annotated[int, typer.Option("--count", hidden=True)] = 0,
) -> None:
    """Compare both ways, or measure the memory of a client."""
    if count:
        print(peak_mb(count))
    elif memory:
        show_memory()
    else:
        show_efficiency(repeats, items)


def show_efficiency(repeats: int, items: int) -> None:
    """A row per way, and the ratio with its spread."""
    seconds: dict[str, list[float]] = {"pool": [], "cluster": []}
    with open_cluster(f"local:{PROCESSES}") as cluster:
        ways = {
            "pool": lambda: list(workers.spread(arithmetic, repeat(0, items), processes=PROCESSES)),
            "cluster": lambda: list(cluster.spread(arithmetic, repeat(0, items))),
        }
        for number in range(repeats):
            for name in list(ways)[:: 1 if number % 2 else -1]:
                seconds[name].append(timed_s(ways[name]))
    ratios = [pool / there for pool, there in zip(*seconds.values(), strict=True)]
    table = Table("way", "median, s", "min to max, s")
    for name, taken in seconds.items():
        table.add_row(name, f"{statistics.median(taken):.2f}", f"{min(taken):.2f} to {max(taken):.2f}")
    Console().print(table)
    print(f"efficiency: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


def arithmetic() -> Callable[[int], float]:
    """About 0.2 s of one core for each item."""
    values = np.random.default_rng(0).standard_normal((600, 600))
    return partial(products, values)


def products(values: np.ndarray, _: int) -> float:
    for _step in range(25):
        total = float((values @ values).sum())
    return total


def timed_s(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


# Memory


def show_memory() -> None:
    """A row per number of pictures, each in a process of its own."""
    table = Table("pictures", "peak memory of the client, MB")
    for count in PICTURES:
        done = subprocess.run(
            [sys.executable, __file__, "--count", str(count)], capture_output=True, text=True, check=True
        )
        table.add_row(f"{count:,}", done.stdout.strip())
    Console().print(table)


def peak_mb(count: int) -> float:
    """Of this process, which counts so many pictures."""
    seen = PairStats(LogitStats(), {})
    with open_cluster(f"local:{PROCESSES}") as cluster:
        for part in cluster.spread(counting, iter(range(0, count, BATCH))):
            seen.merge(part)
    assert len(seen.tally.rows) == count
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def counting() -> Callable[[int], PairStats]:
    """Rows of made-up logits."""
    return counted


def counted(first: int) -> PairStats:
    drawn = np.random.default_rng(first)
    reference = drawn.standard_normal((BATCH, CLASSES)).astype(np.float32)
    candidate = reference + drawn.standard_normal((BATCH, CLASSES)).astype(np.float32) / 100
    names = {f"digit-{first + index:06d}": f"{first + index:064x}" for index in range(BATCH)}
    part = PairStats(LogitStats(), {})
    part.add(PairLogits(names, reference, candidate, None))
    return part


if __name__ == "__main__":
    import spread  # under a name by which the other processes find its functions

    typer.run(spread.main)
