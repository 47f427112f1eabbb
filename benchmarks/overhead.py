"""The time that `bench` adds to a call: each sample reads the clock before and after, and calls through Python.

    python benchmarks/overhead.py

An empty call and LiteRT's call of the smallest model here (LeViT's last block) are timed in two ways: once per sample,
as `bench` does, and many in a row between two readings of the clock. The difference per call is what `bench` adds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from levit_mobile.conversion.tflite_blocks import blocks
from rich.console import Console
from rich.table import Table

from levit_mobile import convert
from levit_mobile.runners import tflite
from levit_mobile.system.capture_output import diverted
from levit_mobile.timing.machine import pinned
from levit_mobile.timing.profile import block_of
from levit_mobile.timing.samples import Call, interleaved

CALLS, REPEATS = 2000, 15


def main(repeats: Annotated[int, typer.Option(help="Number of repeats of each way, in turn.")] = REPEATS) -> None:
    """Time both calls in both ways."""
    with tempfile.TemporaryDirectory() as place, pinned(1):
        table = Table("call", "in a row, us", "by bench, us", "added by bench, us (min to max)")
        for name, call in {"nothing": lambda: None, "LiteRT, LeViT's head": head(Path(place))}.items():
            row, sampled = zip(*((in_a_row(call), by_bench(call)) for _ in range(repeats)), strict=True)
            added = [one - other for one, other in zip(sampled, row, strict=True)]
            figures = (f"{statistics.median(row):.2f}", f"{statistics.median(sampled):.2f}")
            table.add_row(name, *figures, f"{statistics.median(added):.2f} ({min(added):.2f} to {max(added):.2f})")
    Console().print(table)


def head(place: Path) -> Call:
    """The last block of the bundled model, alone."""
    with diverted(place / "vendor.log"):
        artifact = convert(recipe="tflite-fp32", out=place).path / "model.tflite"
    *_, (_, path, _) = blocks(artifact, place, block_of)
    return tflite.repeated(path)


def in_a_row(call: Call) -> float:
    """us per call, between two readings of the clock."""
    start = time.perf_counter_ns()
    for _ in range(CALLS):
        call()
    return (time.perf_counter_ns() - start) / CALLS / 1e3


def by_bench(call: Call) -> float:
    """us that the whole of a round takes, its bookkeeping included."""
    start = time.perf_counter_ns()
    interleaved({"it": call}, rounds=CALLS, warmup=0)
    return (time.perf_counter_ns() - start) / CALLS / 1e3


if __name__ == "__main__":
    typer.run(main)
