"""What the outputs of an artifact without a contract may mean: logits, or the probabilities made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levit_mobile.interfaces.runner import Logits
from levit_mobile.timing.feeding import Answer

SLACK = 0.01  # by which probabilities may leave 0..1, and their sum 1: float16, and steps of 1/256
SMALLEST = float(np.finfo(np.float16).tiny)  # below it, the logarithm of a probability is noise in float16


@dataclass(frozen=True, slots=True)
class Reading:
    """One output by one meaning: what the reference has, and what the artifact gives, both [N,classes].

    `way` is how the pixels were given, `checks` are further pairs that must be as close.
    """

    way: str
    reference: Logits
    candidate: Logits
    checks: tuple[tuple[Logits, Logits], ...] = ()


def readings(answers: Mapping[str, Sequence[Answer]], logits: Logits) -> list[Reading]:
    """Every output that has a value per class, by every way and meaning."""
    return [
        reading
        for way, outputs in answers.items()
        for place, answer in enumerate(outputs)
        if answer.values.shape == logits.shape
        for reading in _of(answer, logits, way + (f", output {place + 1} of {len(outputs)}" if outputs[1:] else ""))
    ]


def _of(answer: Answer, logits: Logits, way: str) -> Iterator[Reading]:
    """Probabilities are compared as such, less their mean: a uniform share is no signal.

    Those of two confident networks are alike even where their logits are not, so their inverse must be as close, where
    the output's type has kept it.
    """
    yield Reading(way, logits, answer.values)
    for name, forwards, backwards in MEANINGS:
        if _is_made_by(name, answer):
            pair = _centred(forwards(logits)), _centred(answer.values)
            inverse = _centred(backwards(forwards(logits))), _centred(backwards(answer.values))
            yield Reading(f"{way}, compared as {name} probabilities", *pair, () if answer.of_integers else (inverse,))


def _is_made_by(name: str, answer: Answer) -> bool:
    values = answer.values
    if not (np.isfinite(values).all() and values.min() >= -SLACK and values.max() <= 1 + SLACK):
        return False
    sums = values.sum(axis=1)
    return name == "sigmoid" or answer.of_integers or bool(np.abs(sums - 1).max() <= SLACK)


def _centred(values: NDArray[np.float32]) -> Logits:
    return np.asarray(values - values.mean(axis=1, keepdims=True), np.float32)


def _softmax(logits: Logits) -> Logits:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _log(values: NDArray[np.float32]) -> Logits:
    return np.asarray(np.log(np.maximum(values, SMALLEST)), np.float32)


def _sigmoid(logits: Logits) -> Logits:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def _logit(values: NDArray[np.float32]) -> Logits:
    bounded = np.clip(values, SMALLEST, 1 - 2**-11)
    return np.asarray(np.log(bounded) - np.log1p(-bounded), np.float32)


# Meaning, how it is made of logits, and its inverse, up to a constant per picture.
MEANINGS: tuple[tuple[str, Callable[[Logits], Logits], Callable[[Logits], Logits]], ...] = (
    ("softmax", _softmax, _log),
    ("sigmoid", _sigmoid, _logit),
)
