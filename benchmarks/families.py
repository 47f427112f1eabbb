"""The other families against the stock path, from the same weights, in one run each.

    python benchmarks/families.py
    python benchmarks/families.py --nets deit_tiny --rounds 60

Stock is transformers' DeiT-tiny with two tokens, timm's CoAtNet-0 or a graft of our own, as torch has it: straight
through litert-torch, and through ExecuTorch's XNNPACK partitioner. Weights are random, which does not change the time.
All are timed by `bench`, as in stock.py.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import models
import torch
import typer
from rich.console import Console
from stock import Pairs, latency_table, ratio_table, this_machine, timed_in_turn

from levit_mobile import convert
from levit_mobile.system.capture_output import diverted
from levit_mobile.timing import ratios

RECIPES = ("tflite-fp32", "tflite-int8-dynamic", "executorch-fp32")


@dataclass(frozen=True, slots=True)
class Net:
    """One network.

    Attributes:
        make: Makes it, at random weights.
        save: Writes a checkpoint of it into a folder.
        goals: Ratios to the stock path to reach, by recipe.
    """

    make: Callable[[], torch.nn.Module]
    save: Callable[[Any, Path], None]
    goals: dict[str, float]


def save_transformers(model: Any, folder: Path) -> None:
    """Weights, config.json and how DeiT's authors prepare images."""
    from transformers import DeiTImageProcessor

    model.save_pretrained(folder)
    DeiTImageProcessor().save_pretrained(folder)


def save_timm(model: Any, folder: Path) -> None:
    """Weights, and a config.json that names the architecture."""
    folder.mkdir()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({"architecture": "coatnet_0_rw_224"}))


def save_graft(model: torch.nn.Module, folder: Path) -> None:
    """Weights, which say everything."""
    folder.mkdir()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


NETS = {
    "deit_tiny": Net(
        models.deit_tiny_distilled,
        save_transformers,
        {"tflite-fp32": 0.92, "tflite-int8-dynamic": 0.45, "executorch-fp32": 0.50},
    ),
    "coatnet_0": Net(models.coatnet_0, save_timm, {}),
    "graft": Net(models.graft, save_graft, {}),
}


def main(
    nets: Annotated[str, typer.Option(help="Networks to time, separated by commas.")] = ",".join(NETS),
    rounds: Annotated[int, typer.Option(help="Number of timed rounds; each round runs every candidate once.")] = 100,
    warmup: Annotated[int, typer.Option(help="Number of rounds for warm-up, which are not kept.")] = 5,
) -> None:
    """Latency of both runtimes, ours against stock, one network after another."""
    torch.set_num_threads(1)
    console = Console()
    for name in nets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            with diverted(Path(folder) / "vendor.log"):
                files = candidates(NETS[name], Path(folder))
            timed = timed_in_turn(files, rounds=rounds, warmup=warmup)
        console.print(f"{name}, {this_machine()}; one thread, {rounds} rounds of {ratios.PROCESSES} processes")
        console.print(latency_table(timed))
        console.print(ratio_table(timed, pairs(NETS[name])))


def pairs(net: Net) -> Pairs:
    """Each recipe against the stock float32 of its runtime; without a goal, 1."""
    return [(name, f"{name.partition('-')[0]} stock", net.goals.get(name, 1.0)) for name in RECIPES]


def candidates(net: Net, folder: Path) -> dict[str, Path]:
    """Stock and ours for both runtimes, made from one set of weights: name -> file."""
    model = net.make()
    net.save(model, folder / "weights")
    files = {f"{runtime} stock": path for runtime, path in models.lower(model, "stock", folder).items()}
    for recipe in RECIPES:
        bundle = convert(folder / "weights", recipe, out=folder, timing=False)
        files[recipe] = bundle.path / bundle.contract.artifact.file
    return files


if __name__ == "__main__":
    typer.run(main)
