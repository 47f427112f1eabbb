"""Matrix products, sums of products and attention, and what PyTorch makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from support.mil_programs import Array, Case, case, integers, numbers

WEIGHT, BIAS = numbers(5, 7), numbers(5, seed=3)
FLAGS = [(False, False), (True, False), (False, True), (True, True)]


def linear(bias: Array | None) -> Callable[..., Any]:
    return lambda mb, x: mb.linear(x=x, weight=WEIGHT, **({} if bias is None else {"bias": bias}))


def linears() -> list[Case]:
    weight, bias = torch.from_numpy(WEIGHT), torch.from_numpy(BIAS)
    return [
        made
        for i, shape in enumerate([(2, 7), (1, 3, 7), (2, 2, 3, 7)])
        for made in (
            case(f"linear_{i}", linear(None), lambda x: F.linear(x, weight), numbers(*shape)),
            case(f"linear_bias_{i}", linear(BIAS), lambda x: F.linear(x, weight, bias), numbers(*shape)),
        )
    ]


def turned(shape: tuple[int, ...], wanted: bool) -> Array:
    return numbers(*(shape[:-2] + shape[:-3:-1] if wanted else shape), seed=len(shape))


def product(tx: bool, ty: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def expected(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x.mT if tx else x) @ (y.mT if ty else y)

    return lambda mb, x, y: mb.matmul(x=x, y=y, transpose_x=tx, transpose_y=ty), expected


def products() -> list[Case]:
    shapes = [((3, 4), (4, 5)), ((2, 1, 3, 4), (6, 4, 5)), ((2, 3, 4), (4, 5)), ((1, 2, 6, 7), (1, 2, 7, 1))]
    return [
        *[
            case(f"matmul_{i}_{tx:d}{ty:d}", *product(tx, ty), turned(left, tx), turned(right, ty))
            for i, (left, right) in enumerate(shapes)
            for tx, ty in FLAGS
        ],
        case("matmul_default", lambda mb, x, y: mb.matmul(x=x, y=y), torch.matmul, numbers(3, 4), numbers(4, 2)),
        case("matmul_vector", lambda mb, x, y: mb.matmul(x=x, y=y), torch.matmul, numbers(4), numbers(4, 3)),
        case("matmul_int", lambda mb, x, y: mb.matmul(x=x, y=y), torch.matmul, integers(3, 4), integers(4, 5)),
    ]


def einsum(equation: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return (
        lambda mb, x, y: mb.einsum(values=(x, y), equation=equation),
        lambda x, y: torch.einsum(equation, x, y),
    )


def sums() -> list[Case]:
    four, three = einsum("nchw,nwhu->nchu"), einsum("chw,whr->chr")
    return [
        case("einsum_4", *four, numbers(2, 3, 4, 5), numbers(2, 5, 4, 6)),
        case("einsum_4_other_letters", *einsum("abcd,adce->abce"), numbers(1, 3, 2, 5), numbers(1, 5, 2, 4)),
        case("einsum_4_broadcast", *four, numbers(1, 3, 4, 5), numbers(2, 5, 1, 6), folds=False),
        case("einsum_3", *three, numbers(3, 4, 5), numbers(5, 4, 6)),
        case("einsum_3_broadcast", *three, numbers(3, 1, 5), numbers(5, 4, 6), folds=False),
    ]


CASES = [*linears(), *products(), *sums()]


def attention(name: str, mask: Array | None, rank: int = 4, value_width: int = 6) -> Case:
    """q [..,L,E], k [..,S,E], v [..,S,EV]."""
    lead = (2, 3)[: rank - 2]
    q, k, v = numbers(*lead, 5, 8), numbers(*lead, 7, 8, seed=1), numbers(*lead, 7, value_width, seed=2)

    def build(mb: Any, query: Any, key: Any, value: Any, *masks: Any) -> Any:
        given = dict(zip(["attn_mask"], masks, strict=False))
        if "truth" in name:
            given["attn_mask"] = mb.greater(x=given["attn_mask"], y=0.0)
        return mb.scaled_dot_product_attention(query=query, key=key, value=value, **given)

    def expected(query: Any, key: Any, value: Any, *masks: Any) -> Any:
        (wanted,) = [m > 0 if "truth" in name else m for m in masks] or [None]
        return F.scaled_dot_product_attention(query, key, value, attn_mask=wanted)

    return case(f"attention_{name}", build, expected, q, k, v, *([] if mask is None else [mask]))


ATTENTION = [
    attention("plain", None),
    attention("wide", None, value_width=9),
    attention("rank_3", None, rank=3),
    attention("mask", numbers(5, 7)),
    attention("mask_broadcast", numbers(2, 1, 1, 7)),
    attention("truth", numbers(2, 3, 5, 7) + np.eye(5, 7, dtype=np.float32) * 9),  # no row without a key
]
