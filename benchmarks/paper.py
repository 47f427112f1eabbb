"""The paper's headline plot on this machine: published accuracy against measured latency.

    python benchmarks/paper.py                       every network, both runtimes, float32 and our int8: build/paper/
    python benchmarks/paper.py --networks levit_128s,deit_tiny --recipes tflite-fp32

LeViT, DeiT and ViT go through `convert`, and transformers' EfficientNet through each vendor's shortest way. No accuracy
of a graft is published with its weights, so none is drawn: families.py times one. `bench` times
all artifacts of a runtime in one run. Weights are random, which does not change the time. Each artifact is compared
with its own network in torch. One that misses its bound is drawn hollow; int8 of an untrained network may miss it.
`levit-mobile report build/paper` shows every sample.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import models
import numpy as np
import torch
import typer
from paper_plot import Point, plot
from rich.console import Console
from rich.table import Table

from levit_mobile.interfaces.toolchain import timing_loader
from levit_mobile.parity import metrics
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import load_source
from levit_mobile.quantization.prepare import Int8Options
from levit_mobile.recipe import RECIPES, Precision
from levit_mobile.system.atomic_write import write_text
from levit_mobile.system.capture_output import diverted
from levit_mobile.targets import TARGETS
from levit_mobile.timing.bench import BenchOptions, bench
from levit_mobile.timing.golden import SAME_MODEL
from levit_mobile.timing.record import Parity, Timing, TimingRun
from levit_mobile.timing.samples import Summary

CALIBRATION = 32  # pictures; ranges do not change the time
Make = Callable[[], torch.nn.Module]
VITS = {
    "deit_tiny": "deit_tiny_patch16_224",
    "deit_small": "deit_small_patch16_224",
    "vit_small": "vit_small_patch16_224",
}  # and their names in timm
OTHERS: dict[str, Make] = {"efficientnet_b0": models.efficientnet_b0}
# Top-1 in % on ImageNet's validation set at 224 px, all by one evaluation: results/results-imagenet.csv of
# pytorch-image-models, read in November 2026. LeViT and DeiT are their authors' weights (fb_dist_in1k, fb_in1k), ViT-S
# is augreg_in21k_ft_in1k, which saw ImageNet-21k too, EfficientNet-B0 is ra_in1k.
TOP1 = {
    "levit_128s": 76.52,
    "levit_128": 78.49,
    "levit_192": 79.86,
    "levit_256": 81.51,
    "levit_384": 82.60,
    "deit_tiny": 72.19,
    "deit_small": 79.86,
    "vit_small": 81.40,
    "efficientnet_b0": 77.70,
}


def main(
    networks: Annotated[str, typer.Option(help="Networks to time, separated by commas.")] = ",".join(TOP1),
    recipes: Annotated[str, typer.Option(help="Recipes for LeViT, separated by commas; others are float32.")] = (
        "tflite-fp32,tflite-int8,executorch-fp32,executorch-int8"
    ),
    rounds: Annotated[
        int, typer.Option(help="Number of rounds, shared by five processes; each runs every artifact once.")
    ] = 60,
    out: Annotated[Path, typer.Option(help="Folder for the plot and the records.")] = Path("build/paper"),
    redraw: Annotated[bool, typer.Option(help="Only draw the existing records again.")] = False,
) -> None:
    """Convert, time and draw."""
    torch.set_num_threads(1)
    asked, console = networks.split(","), Console()
    if redraw:
        for record in sorted(out.glob("*.json")):
            draw(TimingRun.read(record), record.with_suffix(".svg"))
        return
    with tempfile.TemporaryDirectory() as place:
        for target in dict.fromkeys(recipe.partition("-")[0] for recipe in recipes.split(",")):
            chosen = [recipe for recipe in recipes.split(",") if recipe.startswith(target)]
            with diverted(Path(place) / "vendor.log"):
                artifacts = made(asked, chosen, target, Path(place))
            run = timed(artifacts, rounds)
            write_text(out / f"{target}.json", run.written())
            draw(run, out / f"{target}.svg")
            console.print(table(target, run))


def made(networks: list[str], recipes: list[str], target: str, place: Path) -> dict[Path, Parity | None]:
    """Every artifact of one target, with its verdict where no bundle has one."""
    found: dict[Path, Parity | None] = {}
    for network in networks:
        if network in OTHERS:
            path = stock(network, target, place)
            found[path] = of_torch(OTHERS[network](), path, target)
        else:
            found |= dict.fromkeys(converted(network, recipes, place))
    return found


def converted(network: str, recipes: list[str], place: Path) -> Iterator[Path]:
    """A bundle of one of our families for each recipe; of a ViT in float32 alone."""
    trained = load_source(checkpoint(network, place))
    for recipe in (RECIPES[name] for name in recipes):
        if network in VITS and recipe.precision is not Precision.FLOAT32:
            continue
        options = {"count": CALIBRATION} if recipe.has_integers else {}
        quantization = convert.quantized(trained, recipe, Int8Options(**options))
        yield convert.build(trained, recipe, quantization=quantization, out=place).path


def checkpoint(network: str, place: Path) -> Path:
    """Weights of one of our families, made once for both targets."""
    if network not in VITS:
        return models.saved(network, place / f"{network}.pth")
    folder = place / network
    return folder if folder.exists() else models.saved_vit(VITS[network], folder)


def stock(network: str, target: str, place: Path) -> Path:
    """transformers' network; both targets are made at once."""
    path = place / f"{network}{models.SUFFIXES[target]}"
    return path if path.exists() else models.lower(OTHERS[network](), network, place)[target]


def of_torch(model: torch.nn.Module, path: Path, target: str) -> Parity:
    """Compares the artifact with its own network, on one picture of noise."""
    loaded = timing_loader(TARGETS[target])(path)
    picture = np.random.default_rng(0).random((1, 3, models.SIDE_PX, models.SIDE_PX), np.float32)
    with torch.no_grad():
        expected = models.Logits(model)(torch.from_numpy(picture)).numpy()
    found = metrics.sqnr_db(expected, loaded.run(picture)[0])
    proven = found >= SAME_MODEL.min_sqnr_db
    return Parity(
        verdict="proven" if proven else "broken",
        reasons=() if proven else (f"SQNR against its network in torch is {found:.1f} dB",),
        against="its own network in torch, one picture",
        pictures=1,
        sqnr_db=found,
    )


def timed(artifacts: Mapping[Path, Parity | None], rounds: int) -> TimingRun:
    """All of them in one run, each with its verdict."""
    run = bench(list(artifacts), options=BenchOptions(rounds=rounds), command="python benchmarks/paper.py")
    verdicts = {path.name: parity for path, parity in artifacts.items() if parity}
    told = (one.model_copy(update={"parity": verdicts.get(one.name, one.parity)}) for one in run.timings)
    return run.model_copy(update={"timings": tuple(told)})


def network_of(timing: Timing) -> str:
    """A bundle's variant, by its short name; transformers' networks are in files of their names."""
    variant = timing.variant or Path(timing.file).stem
    return next((short for short, long in VITS.items() if long == variant), variant)


def precision_of(timing: Timing) -> str:
    """A recipe's second word; transformers' networks are float32."""
    return timing.recipe.partition("-")[2] if timing.recipe else "fp32"


def draw(run: TimingRun, path: Path) -> None:
    """Everything that was timed."""
    points = [
        Point(
            network_of(timing),
            precision_of(timing),
            statistics.median(timing.samples_ms),
            TOP1[network_of(timing)],
            timing.parity.verdict == "proven",
        )
        for timing in run.timings
        if timing.samples_ms
    ]
    write_text(path, plot(points, f"{run.timings[0].runtime} on {run.device.soc}, one thread"))


def table(target: str, run: TimingRun) -> Table:
    """One row per artifact."""
    drawn = Table("network", "precision", "top-1, published", "MB", "median ms", "IQR/median", "parity", title=target)
    for timing in run.timings:
        found, network = Summary.of(timing.samples_ms), network_of(timing)
        figures = (f"{found.median_ms:.2f}", f"{found.spread:.1%}") if found else ("-", "-")
        verdict: str = timing.parity.verdict
        if timing.parity.sqnr_db is not None:
            verdict += f" {timing.parity.sqnr_db:.1f} dB"
        size = f"{timing.bytes / 1e6:.1f}"
        drawn.add_row(network, precision_of(timing), f"{TOP1[network]:.2f} %", size, *figures, verdict)
    return drawn


if __name__ == "__main__":
    typer.run(main)
