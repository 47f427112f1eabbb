"""The summary that `convert` adds for integer recipes: groups in float, the error of attention biases, the speed."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import nn

from levit_mobile.images.image_set import ImageSet
from levit_mobile.interfaces.toolchain import TableRounding, runtime_probe, table_rounding
from levit_mobile.model.parts.constants import FrozenBias
from levit_mobile.parity import metrics
from levit_mobile.quantization.cost_model import groups_of
from levit_mobile.recipe import Recipe
from levit_mobile.targets import TARGETS
from levit_mobile.timing import ratios, samples
from levit_mobile.timing.beside import beside

PICTURES = 8  # that tables are judged on
NO_TABLES = "none"


@dataclass(frozen=True, slots=True)
class Tables:
    """How the attention biases are stored, and the SQNR in dB of the logits with nothing else rounded.

    `stored` is NO_TABLES for a net without attention biases, of which nothing is rounded.
    """

    stored: str
    sqnr_db: float
    pictures: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Samples in ms of the artifact and of the float32 one of the same form: one thread, in turn.

    `process_samples` counts those of each process, in order; both artifacts shared the processes.
    """

    samples_ms: samples.Samples
    float_samples_ms: samples.Samples
    warmup: int
    process_samples: tuple[int, ...]

    @property
    def median_ms(self) -> float:
        """Of the artifact."""
        return statistics.median(self.samples_ms)

    @property
    def float_median_ms(self) -> float:
        """Of the float32 artifact."""
        return statistics.median(self.float_samples_ms)

    @property
    def ratio(self) -> ratios.Ratio:
        """The artifact's time as a share of the float32 one's."""
        ours, in_float = (ratios.by_process(s, self.process_samples) for s in (self.samples_ms, self.float_samples_ms))
        return ratios.ratio(ours, in_float)

    @property
    def noisy(self) -> bool:
        """Was the machine busy with other things?"""
        return max(samples.spread(self.samples_ms), samples.spread(self.float_samples_ms)) > samples.NOISY


@dataclass(frozen=True, slots=True)
class QuantizationSummary:
    """`float_by_plan` names groups, None where a recipe has no plan; without `speed`, `not_timed` may say why."""

    float_by_plan: tuple[str, ...] | None
    tables: Tables
    speed: Speed | None = None
    not_timed: str = ""


def float_groups(form: nn.Module, float_edges: tuple[str, ...]) -> tuple[str, ...]:
    """The groups of a form whose edges are all float, then edges that are float alone."""
    kept, groups = set(float_edges), groups_of(form)
    whole = {name: set(edges) for name, edges in groups.items() if set(edges) <= kept}
    return (*whole, *sorted(kept.difference(*whole.values())))


@torch.no_grad()
def tables_of(baked: nn.Module, recipe: Recipe, pictures: ImageSet) -> Tables:
    """What the recipe's tables cost alone, on up to PICTURES of the pictures; `baked` gets them, in place."""
    row = TARGETS[recipe.target]
    few = ImageSet(pictures.names[:: max(1, len(pictures) // PICTURES)][:PICTURES], pictures.read)
    images = torch.from_numpy(np.concatenate(list(few.batches(PICTURES)))) * row.pixel_range
    expected = baked(images).numpy()
    stored = _store(baked, table_rounding(row), recipe)
    return Tables(", ".join(sorted(stored)) or NO_TABLES, metrics.sqnr_db(expected, baked(images).numpy()), len(few))


def _store(baked: nn.Module, as_stored: TableRounding, recipe: Recipe) -> set[str]:
    """Round every table as the target's converter does; how they are stored then."""
    ways = set()
    for table in (module for module in baked.modules() if isinstance(module, FrozenBias)):
        how, table.value = as_stored(table.value, recipe)
        ways.add(how)
    return ways


def require_runtime(target: str) -> None:
    """Raises RunnerUnavailable or ToolchainMissing where nothing of the target can be timed."""
    runtime_probe(TARGETS[target])()


def speed(artifact: Path, in_float: Path, target: str) -> Speed:
    """Both in turn, on one thread, in processes that both share. Raises as `beside` does."""
    ours, others = beside({"ours": artifact, "float32": in_float}, target).values()
    counts = tuple(len(part) for part in ours)
    return Speed(tuple(chain(*ours)), tuple(chain(*others)), samples.WARMUP, counts)
