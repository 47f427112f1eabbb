"""Ours against the stock path, from the same weights, in one run.

    python benchmarks/stock.py            latency, then what converting costs
    python benchmarks/stock.py --rounds 200 --json build/benchmark.json

Stock is transformers' LeViT-128S as it is, straight through litert-torch, and through ExecuTorch's XNNPACK partitioner;
vendor int8 is ai-edge-quantizer's static_wi8_ai8 of our float `.tflite`.
All are timed by `bench`: one thread of one core, rounds shared by five processes, only the runtime's own call.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from models import SIDE_PX, SUFFIXES, levit_128s, lower
from rich.console import Console
from rich.table import Table

from levit_mobile.reporting.text import ratio_text
from levit_mobile.system.capture_output import diverted
from levit_mobile.timing import machine, ratios, samples
from levit_mobile.timing.bench import BenchOptions, bench

PRECISIONS = ("fp32", "int8")
Pairs = Sequence[tuple[str, str, float]]  # ours, against what, ratio to reach
PAIRS = (
    ("tflite fp32", "tflite stock", 1.0),
    ("tflite int8", "tflite stock", 0.40),
    ("tflite int8", "tflite vendor int8", 0.30),
    ("executorch fp32", "executorch stock", 0.80),
    ("executorch int8", "executorch fp32", 0.40),
)
CONVERSION_LIMITS = 30.0, 3.0  # seconds and GB, per target


@dataclass(frozen=True, slots=True)
class Timed:
    """Every sample of one candidate, in order, in ms, how many are of each process, and the size of its file."""

    name: str
    megabytes: float
    samples_ms: samples.Samples
    process_samples: tuple[int, ...]

    @property
    def by_process(self) -> ratios.ByProcess:
        """The samples of each process by themselves."""
        return ratios.by_process(self.samples_ms, self.process_samples)


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one `levit-mobile convert` from a cold start, its proof included."""

    target: str
    seconds: float
    peak_gb: float


def main(
    rounds: Annotated[int, typer.Option(help="Number of timed rounds; each round runs every candidate once.")] = 150,
    warmup: Annotated[int, typer.Option(help="Number of rounds for warm-up, which are not kept.")] = 10,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write every sample to.")] = None,
) -> None:
    """Latency of both runtimes, ours against stock, and the cost of converting each target."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        # First, while this process is small: a child's peak memory counts from what its parent held when it was forked.
        costs = [convert_cost(target, Path(folder) / "bundles") for target in ("coreml", "executorch", "tflite")]
        with diverted(Path(folder) / "vendor.log"):
            files = candidates(Path(folder))
        timed = timed_in_turn(files, rounds=rounds, warmup=warmup)
    console = Console()
    console.print(f"{this_machine()}; one thread, {rounds} rounds of {ratios.PROCESSES} processes, interleaved")
    console.print(latency_table(timed))
    console.print(ratio_table(timed, PAIRS))
    console.print(cost_table(costs))
    if json_file is not None:
        record = {"machine": this_machine(), "timed": [asdict(t) for t in timed], "costs": [asdict(c) for c in costs]}
        json_file.write_text(json.dumps(record, indent=2) + "\n")


def candidates(folder: Path) -> dict[str, Path]:
    """Stock, ours and the vendor's int8 for both runtimes, made from one set of weights: name -> file."""
    from levit_mobile import convert

    weights = folder / "stock"
    stock: Any = levit_128s()
    stock.save_pretrained(weights)
    files = {f"{runtime} stock": path for runtime, path in lower(stock, "stock", folder).items()}
    for runtime in SUFFIXES:
        for precision in PRECISIONS:
            bundle = convert(weights, f"{runtime}-{precision}", out=folder, timing=False)
            files[f"{runtime} {precision}"] = bundle.path / bundle.contract.artifact.file
    files["tflite vendor int8"] = folder / "vendor.tflite"
    quantize_by_vendor(files["tflite fp32"], files["tflite vendor int8"])
    return files


def quantize_by_vendor(source: Path, path: Path) -> None:
    """ai-edge-quantizer's static int8, as its documentation has it; the ranges do not matter for the time."""
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(str(source))
    tool.load_quantization_recipe(recipe.static_wi8_ai8())
    picture = np.random.default_rng(0).random((1, SIDE_PX, SIDE_PX, 3), np.float32)
    ranges = tool.calibrate({"serving_default": [{"image": picture}]})
    tool.quantize(ranges).export_model(str(path), overwrite=True)


def timed_in_turn(files: dict[str, Path], *, rounds: int, warmup: int) -> list[Timed]:
    """Every candidate once per round, by `bench`."""
    run = bench(list(files.values()), options=BenchOptions(rounds=rounds, warmup=warmup))
    if missing := [timing.not_run for timing in run.timings if timing.not_run]:
        raise SystemExit("; ".join(missing))
    taken = zip(files, run.timings, strict=True)
    return [Timed(name, timing.bytes / 1e6, timing.samples_ms, timing.process_samples) for name, timing in taken]


def convert_cost(target: str, out: Path) -> Cost:
    """One cold `levit-mobile convert` of the bundled checkpoint, at the target's default precision."""
    command = [sys.executable, "-m", "levit_mobile", "convert", "--target", target, "--out", str(out)]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"convert --target {target} failed with status {status}")
    return Cost(target, time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e9)


def latency_table(timed: Sequence[Timed]) -> Table:
    """One row per candidate."""
    table = Table("candidate", "MB", "min ms", "median ms", "IQR/median")
    for candidate in timed:
        table.add_row(*_row(candidate))
    return table


def ratio_table(timed: Sequence[Timed], pairs: Pairs) -> Table:
    """One row per pair: the ratio of their times."""
    table = Table("ours", "against", f"ratio (95% over {ratios.PROCESSES} processes)", "goal")
    by_name = {candidate.name: candidate for candidate in timed}
    for ours, against, goal in pairs:
        of = ratios.ratio(by_name[ours].by_process, by_name[against].by_process)
        table.add_row(ours, against, ratio_text(of), f"<= {goal:.2f}")
    return table


def cost_table(costs: Sequence[Cost]) -> Table:
    """One row per target."""
    seconds, gigabytes = CONVERSION_LIMITS
    table = Table("convert", f"seconds (goal <= {seconds:.0f})", f"peak GB (goal <= {gigabytes:.0f})")
    for cost in costs:
        table.add_row(cost.target, f"{cost.seconds:.1f}", f"{cost.peak_gb:.2f}")
    return table


def this_machine() -> str:
    """Processor and system, in one line."""
    found = machine.device()
    return f"{found.soc}, {found.cores} cores, {found.os}"


def _row(timed: Timed) -> tuple[str, ...]:
    spread = samples.spread(timed.samples_ms)
    noisy = " noisy" if spread > samples.NOISY else ""
    median = statistics.median(timed.samples_ms)
    return (
        timed.name,
        f"{timed.megabytes:.2f}",
        f"{min(timed.samples_ms):.2f}",
        f"{median:.2f}",
        f"{spread:.1%}{noisy}",
    )


if __name__ == "__main__":
    typer.run(main)
