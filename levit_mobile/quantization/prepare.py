"""A baked model, pictures and a plan -> the form that converters write in int8."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from levit_mobile.errors import ConversionError, RecipeError
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.fake_quant import QParams, fake_quantized_layers, fake_quants_of
from levit_mobile.quantization import calibration as calibrations
from levit_mobile.quantization import plan as plans
from levit_mobile.quantization.apply import grids_of, integer_layers, set_grids
from levit_mobile.quantization.calibration import CalibrationSet
from levit_mobile.quantization.equalize import Scales, equalize
from levit_mobile.quantization.observers import Observer, observer_of
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.statistics import Statistics, collect
from levit_mobile.quantization.weights import round_weights
from levit_mobile.recipe import Precision, Recipe
from levit_mobile.system.progress import Progress, silent

BATCH = 8
LayOut = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True, slots=True)
class Int8Options:
    """How a static int8 recipe is calibrated, as `convert` names it.

    `calibration` is a place of images or "synthetic" (default: the bundled training digits), of which `count` are
    drawn by `seed`, without unreadable ones where `skip_broken` is set; `observer` replaces the plan's, and `plan` is a
    file (default: the committed one).
    """

    calibration: str | Path | None = None
    count: int | None = None
    seed: int = 0
    observer: str | None = None
    plan: str | Path | None = None
    skip_broken: bool = False

    def given(self) -> Iterator[str]:
        """The command's options that were set, as they are typed."""
        options = (self.calibration, self.count, self.observer, self.plan)
        for name, value in zip(("--calibration", "--calibration-count", "--observer", "--plan"), options, strict=True):
            if value is not None:
                yield name


def find(recipe: Recipe, options: Int8Options, *, variant: str, spec: ImageSpec) -> Quantization | None:
    """Find the calibration pictures and the plan of a static int8 recipe.

    Args:
        recipe: The recipe.
        options: What the caller of ``convert`` asked for.
        variant: LeViT variant of the checkpoint.
        spec: How pictures are prepared.

    Returns:
        Pictures and plan; None for a recipe that measures no ranges.

    Raises:
        ImageError: The calibration pictures cannot be used; the codes are those of ``quantization.calibration.find``.
        RecipeError: An option is for int8 only (``recipe.int8-only``) or unknown (``recipe.unknown-observer``), or the
            plan cannot be used; the codes are those of ``quantization.plan.find``.
    """
    require_applicable(recipe, options)
    if recipe.precision is not Precision.INT8:
        return None
    known = plans.find(options.plan, variant=variant, target=recipe.target)
    if options.observer is not None:
        known = known.model_copy(update={"observer": observer_of(options.observer)})
    pictures = calibrations.find(
        options.calibration, spec, count=options.count, seed=options.seed, skip_broken=options.skip_broken
    )
    return Quantization(pictures, known)


def require_applicable(recipe: Recipe, options: Int8Options) -> None:
    """Refuse options that the recipe does not have, and observers that do not exist. Raises RecipeError."""
    if recipe.precision is not Precision.INT8 and (name := next(options.given(), None)):
        raise RecipeError(
            f"{name} has no effect on {recipe.name}: only recipes of the precision int8 measure ranges",
            fault="int8-only",
        )
    if options.observer is not None:
        observer_of(options.observer)


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A deployable form, and by what equalisation divided the outputs of its blocks: nothing, in float."""

    form: nn.Module
    scales: Scales = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quantization:
    """How int8 is made: on which pictures ranges are measured, and what stays float."""

    calibration: CalibrationSet
    plan: Plan

    def laid_out(
        self,
        baked: nn.Module,
        lay_out: LayOut,
        *,
        pixel_range: float,
        channels_last: bool,
        progress: Progress = silent,
    ) -> LaidOut:
        """Equalise, lay out, measure, put activations and weights on their grids.

        Raises RecipeError when the plan names an edge that the form does not have, and ConversionError when it leaves
        no layer that could run in int8.
        """
        feed = Feed(self.calibration, pixel_range, progress, passes=2 if self.plan.equalize is None else 3)
        with one_thread():
            scales: Scales = {}
            if self.plan.equalize is not None:
                baked, scales = equalize(baked, feed.batches(), strength=self.plan.equalize)
            form = lay_out(baked)
            responses = self.plan.observer is Observer.OUTPUT
            statistics = collect(form, lambda: feed.pictures(channels_last=channels_last), responses=responses)
            picture, correct = next(feed.pictures(channels_last=channels_last)), self.plan.correct_biases
            quantize(form, planned_grids(form, statistics, self.plan), statistics, picture, correct=correct)
        if not fake_quantized_layers(form):
            raise ConversionError(
                f"the plan leaves every convolution and linear of {self.plan.variant} in float", fault="in-float"
            )
        return LaidOut(form, scales)


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch sums in one order on any number of cores: the same pictures give the same ranges, bit for bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def planned_grids(form: nn.Module, statistics: Statistics, plan: Plan) -> dict[str, QParams]:
    """Those of all edges but the plan's float ones. Raises RecipeError when it names an edge that is not there."""
    unknown = set(plan.float_edges) - fake_quants_of(form).keys()
    if unknown:
        raise RecipeError(
            f"the plan names {sorted(unknown)[0]}, which {plan.variant} does not have", fault="other-plan"
        )
    grids = grids_of(statistics, plan.observer)
    return {name: grid for name, grid in grids.items() if name not in plan.float_edges}


def quantize(
    form: nn.Module, grids: Mapping[str, QParams], statistics: Statistics, picture: Tensor, *, correct: bool
) -> None:
    """Put a float form on these grids, in place, and on theirs the weights of the layers between two of them."""
    set_grids(form, grids)
    round_weights(integer_layers(form, picture), statistics.mean_inputs, correct=correct)


class Feed:
    """Calibration pictures as the model takes them, pass after pass, one or a few at a time."""

    def __init__(self, calibration: CalibrationSet, pixel_range: float, progress: Progress, *, passes: int) -> None:
        self.set, self.pixel_range, self.progress = calibration.pictures, pixel_range, progress
        self.done, self.total = 0, passes * len(calibration.pictures)

    def batches(self) -> Iterator[Tensor]:
        """[N,3,side,side] each."""
        for images in self.set.batches(BATCH):
            yield torch.from_numpy(images) * self.pixel_range
            self._count(len(images))

    def pictures(self, *, channels_last: bool) -> Iterator[Tensor]:
        """[1,3,side,side] each, or [1,side,side,3]."""
        for images in self.set.batches(1):
            picture = torch.from_numpy(images) * self.pixel_range
            yield picture.permute(0, 2, 3, 1).contiguous() if channels_last else picture
            self._count(1)

    def _count(self, pictures: int) -> None:
        self.done += pictures
        self.progress("calibration images", min(self.done, self.total), self.total)
