"""Elementwise ops and what PyTorch makes of them: broadcast, at every edge, with and without options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from support.mil_programs import Case, case, integers, numbers

X = numbers(2, 3, 5)
POSITIVE = numbers(2, 3, 5, low=0.1)
EDGES = np.array([-3, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 3, 6, 7], np.float32)  # ties, and the ends of every clamp
PAIRS = {  # what broadcasts: equal shapes, a channel, a scalar's worth, a missing axis, both ways
    "same": (numbers(2, 3, 4), numbers(2, 3, 4, seed=1)),
    "channel": (numbers(2, 3, 4), numbers(1, 3, 1, seed=1)),
    "rank": (numbers(2, 3, 4), numbers(4, seed=1)),
    "both": (numbers(2, 1, 4), numbers(3, 1, seed=1)),
    "one": (numbers(1), numbers(3, 2, seed=1)),
}
BINARY: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}
COMPARISONS: dict[str, Callable[..., Any]] = {
    "equal": torch.eq,
    "not_equal": torch.ne,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
}
UNARY: dict[str, Callable[..., Any]] = {
    "abs": torch.abs,
    "ceil": torch.ceil,
    "erf": torch.erf,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "floor": torch.floor,
    "relu": torch.relu,
    "relu6": F.relu6,
    "round": torch.round,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "silu": F.silu,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "square": torch.square,
    "tanh": torch.tanh,
}
WITH_ALPHA: dict[str, Callable[..., Any]] = {
    "elu": lambda x, alpha: F.elu(x, alpha),
    "leaky_relu": lambda x, alpha: F.leaky_relu(x, alpha),
    "threshold": lambda x, alpha: x.clamp(min=alpha),
    "thresholded_relu": lambda x, alpha: torch.where(x >= alpha, x, 0.0),
}
WITH_BOTH: dict[str, Callable[..., Any]] = {
    "clamped_relu": lambda x, a, b: F.leaky_relu(x, a).clamp(max=b),
    "clip": lambda x, a, b: x.clamp(a, b),
    "linear_activation": lambda x, a, b: a * x + b,
    "scaled_tanh": lambda x, a, b: a * torch.tanh(b * x),
    "sigmoid_hard": lambda x, a, b: (a * x + b).clamp(0, 1),
}
ROOTS: dict[str, tuple[Callable[..., Any], float]] = {
    "inverse": (torch.reciprocal, 1e-4),
    "log": (torch.log, 1e-45),
    "rsqrt": (torch.rsqrt, 1e-12),
}


def op(name: str, **options: Any) -> Callable[..., Any]:
    return lambda mb, *x: getattr(mb, name)(**dict(zip("xy", x, strict=False)), **options)


def as_int(name: str) -> Callable[..., Any]:
    return lambda mb, x, y: mb.cast(x=getattr(mb, name)(x=x, y=y), dtype="int32")


def cases() -> list[Case]:
    return [
        *[case(f"{name}_{kind}", op(name), f, *pair) for name, f in BINARY.items() for kind, pair in PAIRS.items()],
        *[case(f"{name}_int", op(name), f, integers(4, 3), integers(3)) for name, f in BINARY.items()],
        *[
            case(f"{name}_{kind}", as_int(name), lambda x, y, f=f: f(x, y).int(), *pair, exact=True)
            for name, f in COMPARISONS.items()
            for kind, pair in {**PAIRS, "int": (integers(9, low=0, high=3), integers(9, low=-1, high=3))}.items()
        ],
        *[case(f"{name}_{k}", op(name), f, x) for name, f in UNARY.items() for k, x in (("x", X), ("edges", EDGES))],
        *[
            case(f"{name}_{k}_{i}", op(name, alpha=np.float32(alpha)), lambda x, f=f, alpha=alpha: f(x, alpha), x)
            for name, f in WITH_ALPHA.items()
            for i, alpha in enumerate((0.5, 0.25))
            for k, x in (("x", X), ("edges", EDGES))
        ],
        *[
            case(
                f"{name}_{i}_{k}",
                op(name, alpha=np.float32(a), beta=np.float32(b)),
                lambda x, f=f, a=a, b=b: f(x, a, b),
                x,
            )
            for name, f in WITH_BOTH.items()
            for i, (a, b) in enumerate(((0.25, 0.5), (0.125, 2.0)))
            for k, x in (("x", X), ("edges", EDGES))
        ],
        *[case(f"{name}_default", op(name), lambda x, f=f, e=e: f(x + e), POSITIVE) for name, (f, e) in ROOTS.items()],
        *[
            case(f"{name}_epsilon", op(name, epsilon=np.float32(0.25)), lambda x, f=f: f(x + 0.25), POSITIVE)
            for name, (f, _) in ROOTS.items()
        ],
        *odd_cases(),
    ]


def odd_cases() -> list[Case]:
    alphas = np.array([0.5, 0.125, 2], np.float32)
    a, b = PAIRS["same"]
    return [
        case("sqrt", op("sqrt"), torch.sqrt, POSITIVE),
        case("real_div", op("real_div"), torch.div, X, POSITIVE),
        case("pow", op("pow"), torch.pow, POSITIVE, X),
        case("pow_scalar", op("pow", y=np.float32(2)), lambda x: x**2, X),
        case("floor_div", op("floor_div"), torch.floor_divide, integers(4, 5) * 3, integers(5, low=1), exact=True),
        case("mod", op("mod"), torch.remainder, integers(4, 5) * 3, integers(5, low=1), exact=True),
        case("gelu_default", op("gelu"), F.gelu, X),
        case("gelu_exact", op("gelu", mode="EXACT"), F.gelu, EDGES * 2),
        case("gelu_tanh", op("gelu", mode="TANH_APPROXIMATION"), lambda x: F.gelu(x, approximate="tanh"), X),
        case("gelu_sigmoid", op("gelu", mode="SIGMOID_APPROXIMATION"), lambda x: x * torch.sigmoid(1.702 * x), X),
        case("prelu_3d", op("prelu", alpha=alphas[:1].repeat(3)), lambda x: F.leaky_relu(x, 0.5), X),
        case("prelu_4d", op("prelu", alpha=alphas), lambda x: F.prelu(x, torch.tensor(alphas)), numbers(1, 3, 2, 5)),
        case("cast_int", op("cast", dtype="int32"), lambda x: x.int(), EDGES, exact=True),
        case("cast_float", op("cast", dtype="fp32"), lambda x: x.float(), integers(3, 4), exact=True),
        case("identity", op("identity"), lambda x: x, X, exact=True),
        case(
            "select",
            lambda mb, x, y: mb.select(cond=mb.greater(x=x, y=y), a=x, b=y),
            torch.maximum,
            a,
            b,
        ),
        case(
            "logical",
            lambda mb, x, y: mb.cast(
                x=mb.logical_or(
                    x=mb.logical_and(x=mb.less(x=x, y=1.0), y=mb.less(x=y, y=1.0)),
                    y=mb.logical_not(x=mb.greater(x=x, y=-1.0)),
                ),
                dtype="int32",
            ),
            lambda x, y: (((x < 1) & (y < 1)) | ~(x > -1)).int(),
            a,
            b,
            exact=True,
        ),
    ]


CASES = cases()
