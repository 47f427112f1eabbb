"""Recipes as a table and JSON: what `recipes` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from levit_mobile.recipe import DEFAULT_PRECISION, Recipe
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.targets import TARGETS

if TYPE_CHECKING:
    from levit_mobile.reporting import outputs

MEGA = 1e6
MISSING = "-"
NUMBERS = ("MB", "SQNR", "top-1")
MAY_BE_SHARED = ("input", "needs")
MEASURED_ON: outputs.MeasuredOn = {
    "variant": "levit_128s",
    "classes": 10,
    "input_px": 224,
}  # the model that `Facts.bytes` was measured on


@dataclass(frozen=True, slots=True)
class Facts:
    """One recipe in words: what its artifact stores, computes in and takes as input.

    `bytes` is the size of the artifact for the model in `MEASURED_ON`. `needs` is the oldest system or the CPU feature
    without which the artifact does not load; it is empty where the runtime runs everywhere.
    """

    stores: str
    computes: str
    input: str
    bytes: int
    needs: str = ""


_INT8_COMPUTES = "int8; attention float32"
_DYNAMIC = "int8; ranges at run time"
_HALF = "float16 or float32"  # as the core can
_FLOAT16_CPU = "CPU with float16"

FACTS: dict[str, Facts] = {
    "coreml-fp32": Facts("float32", "float32", "RGB image", 29_857_010, "iOS 16"),
    "coreml-fp16": Facts("float16", "float16", "RGB image", 15_003_350, "iOS 16"),
    "coreml-int8": Facts("int8", "int8; attention float16", "RGB image", 7_752_490, "iOS 17"),
    "coreml-int8-weight": Facts("int8 per channel", "float16", "RGB image", 7_656_207, "iOS 16"),
    "coreml-palette6": Facts("64 values per tensor; stem, head int8", "float16", "RGB image", 5_900_537, "iOS 16"),
    "coreml-palette4": Facts("16 values per tensor; stem, head int8", "float16", "RGB image", 4_072_625, "iOS 16"),
    "coreml-int4-weight": Facts("int4 in blocks of 32; stem, head int8", "float16", "RGB image", 4_611_098, "iOS 18"),
    "executorch-fp32": Facts("float32", "float32", "float32 NCHW", 29_808_552),
    "executorch-fp16": Facts("float16", "float16", "float16 NCHW", 15_134_868, _FLOAT16_CPU),
    "executorch-int8": Facts("int8", _INT8_COMPUTES, "float32 NCHW", 7_771_176),
    "executorch-int8-dynamic": Facts("int8 per channel", _DYNAMIC, "float32 NCHW", 7_669_416),
    "executorch-int4-weight": Facts("int4 in groups of 32", _DYNAMIC, "float32 NCHW", 4_589_224),
    "tflite-fp32": Facts("float32", "float32", "float32 NHWC", 29_786_580),
    "tflite-fp16": Facts("float16", _HALF, "float32 NHWC", 14_965_320),
    "tflite-int8": Facts("int8", f"int8; attention {_HALF}", "float32 NHWC", 8_018_408),
    "tflite-int8-dynamic": Facts("int8 per channel", _DYNAMIC, "float32 NHWC", 7_786_544),
    "tflite-int8-weight": Facts("int8 per channel", "float32", "float32 NHWC", 7_793_720),
    "tflite-int4-weight": Facts("int4 in groups of 32", _DYNAMIC, "float32 NHWC", 4_839_096),
}


def recipe_table(target: str, recipes: Sequence[Recipe]) -> Table:
    """One row per recipe of `target`; what all rows share is in the title. 80 characters hold every word whole."""
    rows = [_cells(one) for one in recipes]
    shared = {heading for heading in MAY_BE_SHARED if len({row[heading] for row in rows}) == 1}
    facts = [f"writes {TARGETS[target].suffix}"]
    facts += [f"{word} {rows[0][word]}" for word in MAY_BE_SHARED if word in shared and rows[0][word] != MISSING]
    title = f"{target}: {', '.join(facts)}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    headings = [heading for heading in rows[0] if heading not in shared]
    for heading in headings:
        longest = max(len(word) for row in rows for word in (heading, *row[heading].split()))
        table.add_column(heading, justify="right" if heading in NUMBERS else "left", min_width=longest)
    for row in rows:
        table.add_row(*(row[heading] for heading in headings))
    return table


def _cells(one: Recipe) -> dict[str, str]:
    facts, bound = FACTS[one.name], one.tolerance
    return {
        "precision": f"{one.precision}{'*' if _is_default(one) else ''}",
        "stores": facts.stores,
        "computes": facts.computes,
        "input": facts.input,
        "needs": facts.needs or MISSING,
        "MB": f"{facts.bytes / MEGA:.2f}",
        "SQNR": f"{bound.min_sqnr_db:g}",
        "top-1": f"{bound.min_top1_agreement:.0%}",
    }


def legend() -> list[str]:
    """How to read the tables, a line each."""
    return [
        "*      default precision of the target",
        "MB     size of the artifact for LeViT-128S with 10 classes, in 1,000,000 bytes",
        "SQNR   lowest accepted signal-to-noise ratio against the trained model, in dB",
        "top-1  lowest accepted share of images with the trained model's top class",
    ]


def recipes_json(recipes: Sequence[Recipe]) -> str:
    """All facts about the recipes, and the model that `bytes` was measured on."""
    written: outputs.RecipesOutput = {
        "schema_version": 1,
        "measured_on": MEASURED_ON,
        "recipes": [_recipe_dict(one) for one in recipes],
    }
    return to_json(written)


def _recipe_dict(one: Recipe) -> outputs.ListedRecipe:
    facts = FACTS[one.name]
    return {
        "name": one.name,
        "target": one.target,
        "precision": str(one.precision),
        "default": _is_default(one),
        "suffix": TARGETS[one.target].suffix,
        "stores": facts.stores,
        "computes": facts.computes,
        "input": facts.input,
        "needs": facts.needs or None,
        "minimum_ios": one.minimum_ios,
        "bytes": facts.bytes,
        "tolerance": asdict(one.tolerance),
    }


def _is_default(one: Recipe) -> bool:
    return DEFAULT_PRECISION[one.target] is one.precision
