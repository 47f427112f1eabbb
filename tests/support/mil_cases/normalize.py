"""Norms, softmax and reductions, and what PyTorch makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from support.mil_programs import Case, case, integers, numbers

X = numbers(2, 3, 4, 5)
ROWS = numbers(2, 6, 8)
AXES: dict[str, list[int] | None] = {"all": None, "last": [-1], "first": [0], "two": [1, -1], "negative": [-3, -2]}
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "reduce_max": torch.amax,
    "reduce_mean": torch.mean,
    "reduce_min": torch.amin,
    "reduce_sum": torch.sum,
    "reduce_sum_square": lambda x, dim, keepdim: (x * x).sum(dim, keepdim),
    "reduce_l2_norm": lambda x, dim, keepdim: (x * x).sum(dim, keepdim).sqrt(),
}
MEAN, VARIANCE = numbers(3, seed=1), numbers(3, low=0.2, high=2, seed=2)
GAMMA, BETA = numbers(3, seed=3), numbers(3, seed=4)
TENSORS = {name: torch.from_numpy(v) for name, v in {"m": MEAN, "v": VARIANCE, "g": GAMMA, "b": BETA}.items()}


def op(name: str, **options: Any) -> Callable[..., Any]:
    given = {role: value for role, value in options.items() if value is not None}
    return lambda mb, x: getattr(mb, name)(x=x, **given)


def dropped(name: str, axes: list[int] | None) -> Callable[..., Any]:
    """A result of rank 0 is no output of a model: give it an axis."""
    if axes is not None:
        return op(name, axes=axes)
    return lambda mb, x: mb.expand_dims(x=getattr(mb, name)(x=x), axes=[0])


def reductions() -> list[Case]:
    over: dict[str, Any] = {kind: tuple(range(4)) if axes is None else tuple(axes) for kind, axes in AXES.items()}
    return [
        made
        for name, f in REDUCTIONS.items()
        for kind, axes in AXES.items()
        for made in (
            case(
                f"{name}_{kind}_kept",
                op(name, axes=axes, keep_dims=True),
                lambda x, f=f, dims=over[kind]: f(x, dim=dims, keepdim=True),
                X,
            ),
            case(
                f"{name}_{kind}",
                dropped(name, axes),
                lambda x, f=f, dims=over[kind], k=axes is None: f(x, dim=dims, keepdim=False)[None if k else ...],
                X,
            ),
        )
    ]


def other_reductions() -> list[Case]:
    return [
        case("reduce_prod", op("reduce_prod", axes=[2]), lambda x: x.prod(2), X),
        case("reduce_sum_int", op("reduce_sum", axes=[1]), lambda x: x.sum(1).int(), integers(3, 4), exact=True),
        case("reduce_max_int", op("reduce_max", axes=[0]), lambda x: x.amax(0), integers(3, 4), exact=True),
        case("argmax", op("reduce_argmax", axis=1), lambda x: x.argmax(1).int(), X, exact=True),
        case("argmax_default", op("reduce_argmax", keep_dims=True), lambda x: x.argmax(-1, True).int(), X, exact=True),
    ]


def softmaxes() -> list[Case]:
    return [
        case("softmax_default", op("softmax"), lambda x: x.softmax(-1), X),
        *[
            case(f"softmax_{axis % 7}", op("softmax", axis=axis), lambda x, a=axis: x.softmax(a), X)
            for axis in (0, 1, -2)
        ],
        case("softmax_large", op("softmax"), lambda x: x.softmax(-1), numbers(3, 5) * 200),
    ]


def batch_norm(**options: Any) -> Callable[..., Any]:
    return op("batch_norm", mean=MEAN, variance=VARIANCE, **options)


def norms() -> list[Case]:
    m, v, g, b = TENSORS.values()
    full = {"gamma": GAMMA, "beta": BETA}
    return [
        case("batch_plain", batch_norm(), lambda x: F.batch_norm(x, m, v), X),
        case("batch_full", batch_norm(**full), lambda x: F.batch_norm(x, m, v, g, b), X),
        case("batch_line", batch_norm(**full), lambda x: F.batch_norm(x, m, v, g, b), numbers(2, 3, 7)),
        case(
            "batch_epsilon",
            batch_norm(**full, epsilon=np.float32(0.25)),
            lambda x: F.batch_norm(x, m, v, g, b, eps=0.25),
            X,
        ),
        case("instance_plain", op("instance_norm"), F.instance_norm, X),
        case("instance_full", op("instance_norm", **full), lambda x: F.instance_norm(x, weight=g, bias=b), X),
        case(
            "instance_line",
            op("instance_norm", **full, epsilon=np.float32(0.5)),
            lambda x: F.instance_norm(x, weight=g, bias=b, eps=0.5),
            numbers(2, 3, 9),
        ),
        case(
            "l2_norm",
            op("l2_norm", epsilon=np.float32(0.125)),
            lambda x: x / ((x * x).sum((1, 2, 3), True) + 0.125).sqrt(),
            X,
        ),
    ]


def layer_norms() -> list[Case]:
    gamma, beta = numbers(6, 8, seed=5), numbers(6, 8, seed=6)
    g, b = torch.from_numpy(gamma), torch.from_numpy(beta)
    line = {"gamma": gamma[0], "beta": beta[0]}
    wide = {"gamma": gamma, "beta": beta}

    def middle(x: Any) -> Any:
        return F.layer_norm(x.mT, (6,), g[:, 0], b[:, 0]).mT

    return [
        case("layer_all", op("layer_norm", axes=[0, 1, -1]), lambda x: F.layer_norm(x, x.shape), ROWS),
        case("layer_last", op("layer_norm", axes=[-1]), lambda x: F.layer_norm(x, (8,)), ROWS),
        case("layer_full", op("layer_norm", axes=[-1], **line), lambda x: F.layer_norm(x, (8,), g[0], b[0]), ROWS),
        case("layer_two", op("layer_norm", axes=[1, 2], **wide), lambda x: F.layer_norm(x, (6, 8), g, b), ROWS),
        case("layer_unsorted", op("layer_norm", axes=[-1, 1], **wide), lambda x: F.layer_norm(x, (6, 8), g, b), ROWS),
        case("layer_middle", op("layer_norm", axes=[1], gamma=gamma[:, 0], beta=beta[:, 0]), middle, ROWS),
        case(
            "layer_epsilon",
            op("layer_norm", axes=[2], epsilon=np.float32(0.5), **line),
            lambda x: F.layer_norm(x, (8,), g[0], b[0], eps=0.5),
            ROWS,
        ),
        case("layer_offset", op("layer_norm", axes=[2]), lambda x: F.layer_norm(x.double(), (8,)).float(), ROWS + 100),
    ]


CASES = [*reductions(), *other_reductions(), *softmaxes(), *norms(), *layer_norms()]
