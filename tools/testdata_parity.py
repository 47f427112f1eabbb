"""Logits of testdata/ with the figures, bounds and verdicts that levit_mobile finds; and the drawn order of rounds."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from levit_mobile.images.image_set import ImageSet
from levit_mobile.parity import compare, metrics
from levit_mobile.parity.metrics import SignalNoise
from levit_mobile.parity.report import judge
from levit_mobile.recipe import Tolerance
from levit_mobile.timing.samples import Summary

Json = dict[str, Any]
LOOSE = {"min_sqnr_db": 10.0, "min_top1_agreement": 0.5}
STRICT = {
    "min_sqnr_db": 60.0,
    "min_top1_agreement": 1.0,
    "min_top5_agreement": 1.0,
    "min_cosine": 0.999999,
    "max_abs_error": 0.0001,
    "max_mean_abs_error": 0.00005,
    "max_kl": 1e-9,
}
BASE = np.random.default_rng(5).normal(0, 2, (4, 12)).astype(np.float32)
NOISE = np.random.default_rng(6).normal(0, 1, (4, 12)).astype(np.float32)
SWAPPED = BASE[:, ::-1].copy()
TIES = np.zeros((2, 6), np.float32)

# Name -> reference, candidate, tolerance, head.
PAIRS: dict[str, tuple[Any, Any, Json, str]] = {
    "identical": (BASE, BASE, STRICT, "softmax"),
    "close": (BASE, BASE + NOISE * np.float32(1e-6), STRICT, "softmax"),
    "int8-like": (BASE, BASE + NOISE * np.float32(0.05), LOOSE, "softmax"),
    "int8-like-strict": (BASE, BASE + NOISE * np.float32(0.05), STRICT, "softmax"),
    "shifted": (BASE, BASE + np.float32(3), {**STRICT, "max_abs_error": None, "max_mean_abs_error": None,
                                             "min_cosine": None}, "softmax"),
    "shifted-sigmoid": (BASE, BASE + np.float32(3), LOOSE | {"min_sqnr_db": 20.0}, "sigmoid"),
    "other-model": (BASE, SWAPPED, LOOSE, "softmax"),
    "all-zero-candidate": (BASE, np.zeros_like(BASE), LOOSE, "none"),
    "all-zero-reference": (np.zeros_like(BASE), BASE, LOOSE, "none"),
    "ties": (TIES, TIES + np.eye(2, 6, 1, dtype=np.float32), {**STRICT, "min_sqnr_db": 1.0}, "softmax"),
    "one-class": (BASE[:, :1], BASE[:, :1] + np.float32(0.01), LOOSE, "softmax"),
    "nan": (BASE, np.where(np.eye(4, 12) == 1, np.nan, BASE).astype(np.float32), LOOSE, "softmax"),
    "infinite-in-one": (BASE, np.where(np.eye(4, 12, -3) == 1, np.inf, BASE).astype(np.float32), LOOSE, "softmax"),
}  # fmt: skip


def _text(value: float) -> float | str:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")


def figures(reference: Any, candidate: Any) -> Json | None:
    """Every metric over the pair; None where a value is not finite, which the metrics refuse."""
    if not np.isfinite(candidate).all():
        return None
    found = {
        "max_abs_error": metrics.max_abs_error(reference, candidate),
        "mean_abs_error": metrics.mean_abs_error(reference, candidate),
        "sqnr_db": metrics.sqnr_db(reference, candidate),
        "centred_sqnr_db": SignalNoise.centred(reference, candidate).sqnr_db,
        "cosine": metrics.cosine(reference, candidate),
        "kl": metrics.kl(reference, candidate),
        "top1_agreement": metrics.top_k_agreement(reference, candidate, 1),
        "top5_agreement": metrics.top_k_agreement(reference, candidate, 5),
    }
    return {name: _text(value) for name, value in found.items()}


def _pair(name: str) -> Json:
    reference, candidate, bounds, head = PAIRS[name]
    names = [f"image{place}" for place in range(len(reference))]
    images = ImageSet.from_arrays({one: np.zeros((1, 1, 3), np.uint8) for one in names})
    golden = compare.Reference("golden", images, images.digest(), reference, math.nan)
    report = compare.compare(golden, candidate, name=name, tolerance=Tolerance(**bounds), head=head)  # type: ignore[arg-type]
    proof = judge(report)
    return {
        "name": name,
        "head": head,
        "classes": int(reference.shape[1]),
        "reference": [_text(value) for value in reference.ravel().tolist()],
        "candidate": [_text(value) for value in candidate.ravel().tolist()],
        "tolerance": {field: value for field, value in bounds.items() if value is not None},
        "figures": figures(reference, candidate),
        "verdict": proof.verdict.value,
        "reasons": list(proof.reasons),
    }


def order(seed: int, count: int, rounds: int) -> list[list[int]]:
    """Fisher-Yates in each round: from the last place down, swap with place (s / 2^8) mod (place + 1).

    s is the state of the generator of `testdata_base.drawn`.
    """
    made, state = [], seed
    for _ in range(rounds):
        places = list(range(count))
        for last in range(count - 1, 0, -1):
            state = (1664525 * state + 1013904223) & 0xFFFFFFFF
            other = (state >> 8) % (last + 1)
            places[last], places[other] = places[other], places[last]
        made.append(places)
    return made


def summaries() -> list[Json]:
    """Samples in ms with their statistics."""
    drawn = np.random.default_rng(8)
    found = []
    for count, noise in ((1, 0.0), (2, 0.3), (7, 0.02), (50, 0.05), (150, 0.4)):
        samples = tuple(np.round(3 * drawn.lognormal(0, noise, count), 4).tolist())
        summary = Summary.of(samples)
        assert summary is not None
        found.append({"samples_ms": list(samples), "summary": asdict(summary) | {"spread": summary.spread}})
    return found


def parity_files() -> Json:
    """`parity.json`, `order.json` and `summaries.json`."""
    orders = [(0, 1, 3), (1, 2, 8), (7, 5, 6), (4294967295, 9, 4)]
    return {
        "summaries.json": summaries(),
        "parity.json": [_pair(name) for name in PAIRS],
        "order.json": [
            {"seed": seed, "count": count, "rounds": order(seed, count, rounds)} for seed, count, rounds in orders
        ],
    }
