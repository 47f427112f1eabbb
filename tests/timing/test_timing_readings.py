"""What outputs may mean: logits, or probabilities that are compared as such and must invert to the same logits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from levit_mobile.images.image_set import ImageSet
from levit_mobile.parity.compare import Reference, compare
from levit_mobile.recipe import Tolerance
from levit_mobile.timing.feeding import Answer
from levit_mobile.timing.readings import Reading, readings

Array = NDArray[np.float32]
LOGITS: Array = np.random.default_rng(0).normal(0, 3, (6, 10)).astype(np.float32)


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def sqnr_db(reference: Array, found: Array) -> float:
    pictures = ImageSet.from_arrays({str(n): np.full((2, 2, 3), n, np.uint8) for n in range(len(reference))})
    given = Reference("x", pictures, pictures.digest(), reference, float("nan"))
    return compare(given, found, name="y", tolerance=Tolerance(18, 0.0)).sqnr_db


def lowest_db(reading: Reading) -> float:
    return min(sqnr_db(*pair) for pair in ((reading.reference, reading.candidate), *reading.checks))


def named(answer: Answer) -> dict[str, Reading]:
    return {one.way: one for one in readings({"so": [answer]}, LOGITS)}


def test_logits_are_read_as_logits_alone() -> None:
    (found,) = readings({"so": [Answer(LOGITS)]}, LOGITS)
    assert (found.way, found.checks) == ("so", ())
    assert found.candidate is LOGITS


def test_every_output_with_a_value_per_class_is_read() -> None:
    found = readings({"so": [Answer(LOGITS[:, :3]), Answer(LOGITS)]}, LOGITS)
    assert [one.way for one in found] == ["so, output 2 of 2"]


def test_softmax_is_compared_as_probabilities() -> None:
    found = named(Answer(softmax(LOGITS)))
    assert list(found) == [
        "so",
        "so, compared as softmax probabilities",
        "so, compared as sigmoid probabilities",
    ]
    assert lowest_db(found["so, compared as softmax probabilities"]) > 100
    assert lowest_db(found["so, compared as sigmoid probabilities"]) < 6


def test_sigmoid_is_compared_as_probabilities() -> None:
    found = named(Answer(1 / (1 + np.exp(-LOGITS))))
    assert list(found) == ["so", "so, compared as sigmoid probabilities"]
    assert lowest_db(found["so, compared as sigmoid probabilities"]) > 60


def test_probabilities_of_steps_of_a_256th_are_the_same_model() -> None:
    stored = np.rint(softmax(LOGITS) * 256).clip(0, 255) / 256
    found = named(Answer(stored.astype(np.float32), of_integers=True))["so, compared as softmax probabilities"]
    assert found.checks == ()
    assert lowest_db(found) > 30


def test_nearly_uniform_probabilities_of_another_model_are_not_the_same() -> None:
    """Without its mean taken off, any uniform output would come within 18 dB of any other."""
    small, other = LOGITS / 30, np.random.default_rng(1).normal(0, 0.1, LOGITS.shape).astype(np.float32)
    assert sqnr_db(softmax(small), softmax(other)) > 15
    (found,) = [
        one for one in readings({"so": [Answer(softmax(other))]}, small) if one.way.endswith("softmax probabilities")
    ]
    assert lowest_db(found) < 3


def test_confident_probabilities_of_another_model_are_not_the_same() -> None:
    """Both put nearly all on the same class, and their logits differ."""
    sure = np.full((6, 10), 0.0, np.float32) + np.random.default_rng(2).normal(0, 2, (6, 10)).astype(np.float32)
    other = np.random.default_rng(3).normal(0, 2, (6, 10)).astype(np.float32)
    sure[:, 0] = other[:, 0] = 12
    assert sqnr_db(softmax(sure), softmax(other)) > 30
    (found,) = [
        one for one in readings({"so": [Answer(softmax(other))]}, sure) if one.way.endswith("softmax probabilities")
    ]
    assert lowest_db(found) < 18


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.5])
def test_what_leaves_0_to_1_is_no_probability(value: float) -> None:
    values = softmax(LOGITS)
    values[0, 0] = value
    assert list(named(Answer(values))) == ["so"]
