"""What a form's edges and layers hold on calibration pictures: ranges, histograms, responses, mean inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import Layer, fake_quants_of
from levit_mobile.quantization.observers import BINS, Histogram

Pictures = Callable[[], Iterable[Tensor]]  # each call a new pass over the same pictures, as the form takes them


@dataclass(frozen=True, slots=True)
class Statistics:
    """`histograms` by edge; `mean_inputs` by layer: the mean of each input channel, float64 [in]."""

    histograms: Mapping[str, Histogram]
    mean_inputs: Mapping[str, Tensor]


def collect(form: nn.Module, pictures: Pictures, *, responses: bool = False) -> Statistics:
    """Run the form in float over the pictures twice: for the ends of every edge's values, then for their histogram.

    With `responses`, the second run also goes backwards, for the logits' response to every edge.
    """
    ends, means = _ends_and_means(form, pictures())
    histograms = {name: Histogram(low, high) for name, (low, high) in ends.items()}
    if responses:
        _respond(form, histograms, pictures())
    else:
        with watched(form, {name: partial(_count, histogram) for name, histogram in histograms.items()}):
            _run(form, pictures())
    return Statistics(histograms, means)


def layers_of(form: nn.Module) -> dict[str, Layer]:
    """Every linear and convolution of a form by its path."""
    return {name: module for name, module in form.named_modules() if isinstance(module, Layer)}


@contextmanager
def watched(form: nn.Module, watches: Mapping[str, Callable[[Tensor], None]]) -> Iterator[None]:
    """Inside, each named edge shows its values to its watch."""
    edges = fake_quants_of(form)
    try:
        for name, watch in watches.items():
            edges[name].watch = watch
        yield
    finally:
        for edge in edges.values():
            edge.watch = None


def _ends_and_means(
    form: nn.Module, pictures: Iterable[Tensor]
) -> tuple[dict[str, tuple[float, float]], dict[str, Tensor]]:
    lows = dict.fromkeys(fake_quants_of(form), math.inf)
    highs = dict.fromkeys(fake_quants_of(form), -math.inf)
    means = {name: Mean() for name in layers_of(form)}

    def widen(name: str, values: Tensor) -> None:
        low, high = torch.aminmax(values)
        lows[name], highs[name] = min(lows[name], float(low)), max(highs[name], float(high))

    hooks = [layer.register_forward_pre_hook(means[name]) for name, layer in layers_of(form).items()]
    with watched(form, {name: partial(widen, name) for name in lows}):
        _run(form, pictures)
    for hook in hooks:
        hook.remove()
    return {name: (lows[name], highs[name]) for name in lows}, {name: mean.value for name, mean in means.items()}


class Mean:
    """The mean of a layer's input channels, over tokens or cells and pictures; a forward pre-hook."""

    def __init__(self) -> None:
        self.total: Tensor | None = None
        self.calls = 0

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (x,) = inputs
        over = tuple(range(x.ndim - 1)) if isinstance(layer, nn.Linear) else (0, 2, 3)
        mean = x.detach().double().mean(over)
        self.total = mean if self.total is None else self.total + mean
        self.calls += 1

    @property
    def value(self) -> Tensor:
        """float64 [in]; raises ValueError when the layer never ran."""
        if self.total is None:
            raise ValueError("the layer never ran, so its mean input is unknown")
        return self.total / self.calls


def _count(histogram: Histogram, values: Tensor) -> None:
    counted = torch.histc(values.float(), BINS, histogram.low, histogram.high)
    histogram.add(counted.numpy().astype(np.int64))


@torch.enable_grad()
def _respond(form: nn.Module, histograms: Mapping[str, Histogram], pictures: Iterable[Tensor]) -> None:
    """Count every edge's values, and differentiate a sum of the logits by them, of signs drawn anew for each picture.

    The mean square of such a sum is the sum of the squares: Hutchinson, "A Stochastic Estimator of the Trace of the
    Influence Matrix for Laplacian Smoothing Splines", 1990. One run backwards serves all logits.
    """
    shown: dict[str, Tensor] = {}
    order: dict[str, Histogram] = {}  # in which they run

    def show(name: str, values: Tensor) -> None:
        _count(histograms[name], values.detach())
        order[name] = histograms[name]
        shown[name] = values  # an edge that moves data shows the same values again: the last stand for all

    drawn = torch.Generator().manual_seed(0)
    with watched(form, {name: partial(show, name) for name in histograms}):
        for picture in pictures:
            logits = form(picture.clone().requires_grad_())
            signs = torch.randint(0, 2, logits.shape, generator=drawn) * 2.0 - 1.0
            names = [name for name, values in shown.items() if values.requires_grad]
            slopes = torch.autograd.grad((logits * signs).sum(), [shown[name] for name in names], allow_unused=True)
            found = dict(zip(names, slopes, strict=True))
            for name, values in shown.items():
                _add_response(histograms[name], values.detach(), found.get(name))
            shown.clear()
    _join(order.values())


def _join(histograms: Iterable[Histogram]) -> None:
    """Edges with equal histograms show the same values, moved: XNNPACK loads no reshape between two grids.

    They all get the response of the first that runs, which has those of the others in it.
    """
    same: dict[tuple[float, float, bytes], list[Histogram]] = {}
    for one in histograms:
        same.setdefault((one.low, one.high, one.counts.tobytes()), []).append(one)
    for first, *others in same.values():
        for other in others:
            other.response = first.response


def _add_response(histogram: Histogram, values: Tensor, slopes: Tensor | None) -> None:
    """Without slopes, the logits do not depend on the values."""
    flat = (torch.zeros_like(values) if slopes is None else slopes).flatten().double()
    per_value = BINS / (histogram.high - histogram.low) if histogram.high > histogram.low else 0.0
    bins = ((values.flatten() - histogram.low) * per_value).long().clamp_(0, BINS - 1)
    histogram.respond(torch.bincount(bins, flat, BINS).numpy(), float(flat @ flat))


@torch.no_grad()
def _run(form: nn.Module, pictures: Iterable[Tensor]) -> None:
    for picture in pictures:
        form(picture)
