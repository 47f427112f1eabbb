"""Executed ARM64 instructions of all variants, by both runtimes, on two cores: the table in docs/measured.md.

    python benchmarks/arm64.py                                 every variant with 1000 classes
    python benchmarks/arm64.py --variants levit_128s --json build/arm64.json

Weights are random, which does not change what is executed. `levit-mobile setup arm64` comes first.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer
from models import saved
from rich.console import Console
from rich.table import Table

from levit_mobile.arm64 import folder
from levit_mobile.arm64.cost import Cost, measure
from levit_mobile.arm64.cpus import CPUS, DEFAULT
from levit_mobile.model.families.levit.architecture import VARIANTS
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import load_source
from levit_mobile.quantization.prepare import Int8Options
from levit_mobile.recipe import RECIPES as KNOWN
from levit_mobile.system.capture_output import diverted

CALIBRATION = 32  # pictures; ranges do not change what is executed either
RECIPES = ("tflite-fp32", "executorch-fp32", "tflite-int8", "executorch-int8")


def main(
    variants: Annotated[str, typer.Option(help="Variants to count, separated by commas.")] = ",".join(VARIANTS),
    recipes: Annotated[str, typer.Option(help="Recipes to count, separated by commas.")] = ",".join(RECIPES),
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write every count to.")] = None,
) -> None:
    """Convert each variant with each recipe, and count its instructions on each core."""
    torch.set_num_threads(1)
    found: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory() as place:
        for variant in variants.split(","):
            weights = saved(variant, Path(place) / f"{variant}.pth")
            found[variant] = list(costs(weights, recipes.split(","), Path(place)))
            for one in found[variant]:
                print(f"{one.artifact} on {one.cpu}: {one.instructions} instructions", flush=True)
    Console().print(table(found, recipes.split(",")))
    if json_file is not None:
        rows = {variant: [one.model_dump(mode="json") for one in every] for variant, every in found.items()}
        json_file.write_text(json.dumps(rows, indent=2) + "\n")


def costs(weights: Path, recipes: list[str], place: Path) -> Iterator[Cost]:
    """Every recipe on every core."""
    trained = load_source(weights)
    for recipe in recipes:
        with diverted(place / "vendor.log"):
            options = {"count": CALIBRATION} if recipe.endswith("int8") else {}
            quantization = convert.quantized(trained, KNOWN[recipe], Int8Options(**options))
            bundle = convert.build(trained, KNOWN[recipe], quantization=quantization, out=place)
        for cpu in DEFAULT:
            yield measure(bundle.path, CPUS[cpu], folder.found())


def table(found: dict[str, list[Cost]], recipes: list[str]) -> Table:
    """One row per variant, in millions, with the cores of a recipe side by side."""
    drawn = Table("M instructions", *(f"{recipe}, {' / '.join(DEFAULT)}" for recipe in recipes))
    for variant, every in found.items():
        by = {(one.artifact, one.cpu): f"{one.instructions / 1e6:.1f}" for one in every}
        cells = (" / ".join(by[f"{variant}-{recipe}", cpu] for cpu in DEFAULT) for recipe in recipes)
        drawn.add_row(variant, *cells)
    return drawn


if __name__ == "__main__":
    typer.run(main)
