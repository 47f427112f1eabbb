"""Metrics against known ratios, hand counts and scipy; nothing that is not finite becomes a score."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cosine as cosine_distance
from scipy.special import softmax
from scipy.stats import binomtest, entropy

from levit_mobile.parity import metrics
from levit_mobile.parity.metrics import (
    SignalNoise,
    _wilson,
    clustered_interval,
    clustered_mcnemar_p,
    cosine,
    kl,
    margins,
    max_abs_error,
    mcnemar_p,
    mean_abs_error,
    sqnr_db,
    top_classes,
    top_k_agreement,
    wilson_interval,
)

Logits = NDArray[np.float64]
METRICS: dict[str, Callable[[Logits, Logits], float]] = {
    "max_abs_error": max_abs_error,
    "mean_abs_error": mean_abs_error,
    "sqnr_db": sqnr_db,
    "cosine": cosine,
    "kl": kl,
    "top_k_agreement": lambda reference, candidate: top_k_agreement(reference, candidate, 1),
}
PERFECT = {
    "max_abs_error": 0.0,
    "mean_abs_error": 0.0,
    "sqnr_db": math.inf,
    "cosine": 1.0,
    "kl": 0.0,
    "top_k_agreement": 1.0,
}


@pytest.fixture
def pair() -> tuple[Logits, Logits]:
    random = np.random.default_rng(3)
    reference = random.normal(0, 3, (40, 25))
    return reference, reference + random.normal(0, 2, reference.shape)


@pytest.mark.parametrize("name", METRICS)
def test_identical_logits_are_perfect(pair: tuple[Logits, Logits], name: str) -> None:
    assert METRICS[name](pair[0], pair[0].copy()) == pytest.approx(PERFECT[name], abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_roles_are_keywords(pair: tuple[Logits, Logits], name: str) -> None:
    if name != "top_k_agreement":
        named = METRICS[name](candidate=pair[1], reference=pair[0])  # type: ignore[call-arg]
    else:
        named = top_k_agreement(candidate=pair[1], reference=pair[0], k=1)
    assert named == METRICS[name](*pair)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", METRICS)
def test_values_that_are_not_finite_are_named(pair: tuple[Logits, Logits], name: str, value: float) -> None:
    for role, index in (("reference", 0), ("candidate", 1)):
        wrong = [logits.copy() for logits in pair]
        wrong[index][7, 4] = value
        with pytest.raises(ValueError, match=rf"{role} holds 1 values.*{value}.*\(7, 4\)"):
            METRICS[name](wrong[0], wrong[1])


@pytest.mark.parametrize("name", METRICS)
def test_shapes_that_would_broadcast_are_refused(pair: tuple[Logits, Logits], name: str) -> None:
    with pytest.raises(ValueError, match=r"the candidate's shape is \[1, 25\], expected the reference's \[40, 25\]"):
        METRICS[name](pair[0], pair[1][:1])
    with pytest.raises(ValueError, match="expected one or more values"):
        METRICS[name](pair[0][:0], pair[1][:0])


@pytest.mark.parametrize("name", ["cosine", "kl", "top_k_agreement"])
def test_metrics_of_a_picture_need_classes(name: str) -> None:
    with pytest.raises(ValueError, match=r"\[4\], expected \[N,classes\]"):
        METRICS[name](np.ones(4), np.ones(4))


def test_errors_by_hand() -> None:
    reference, candidate = np.array([[1.0, -2.0, 3.0, 0.0]]), np.array([[1.5, -2.0, 1.0, 0.0]])
    assert max_abs_error(reference, candidate) == 2.0
    assert mean_abs_error(reference, candidate) == 2.5 / 4
    assert sqnr_db(reference, candidate) == pytest.approx(10 * math.log10(14 / 4.25))


@pytest.mark.parametrize("decibels", [-20, 0, 20, 33, 100, 250])
def test_sqnr_of_a_known_ratio(decibels: float) -> None:
    reference = np.random.default_rng(1).normal(size=(8, 16))
    direction = np.random.default_rng(2).normal(size=(8, 16))
    noise = direction * np.linalg.norm(reference) / np.linalg.norm(direction) * 10 ** (-decibels / 20)
    assert sqnr_db(reference, reference + noise) == pytest.approx(decibels, abs=0.05 if decibels < 200 else 1)


def test_sqnr_at_the_ends() -> None:
    zeros, ones = np.zeros((2, 3)), np.ones((2, 3))
    assert sqnr_db(zeros, zeros) == math.inf
    assert sqnr_db(zeros, ones) == -math.inf
    assert sqnr_db(ones, zeros) == 0.0


def test_sums_run_in_float64() -> None:
    reference = np.full((100, 1000), 300, np.float16)  # its square does not fit in float16
    assert sqnr_db(reference, reference * np.float16(0.5)) == pytest.approx(20 * math.log10(2))
    small = np.full((1, 2), 1e-30, np.float32)  # its square does not fit in float32
    assert sqnr_db(small, small * np.float32(0.5)) == pytest.approx(20 * math.log10(2))


def test_cosine_is_scipys(pair: tuple[Logits, Logits]) -> None:
    expected = np.mean([1 - cosine_distance(r, c) for r, c in zip(*pair, strict=True)])
    assert cosine(*pair) == pytest.approx(expected, abs=1e-12)
    assert cosine(pair[0], -pair[0]) == pytest.approx(-1)
    assert cosine(pair[0], 5 * pair[0]) == pytest.approx(1)


def test_cosine_of_zeros() -> None:
    zeros, ones = np.zeros((1, 3)), np.ones((1, 3))
    assert cosine(zeros, zeros) == 1.0
    assert cosine(ones, zeros) == 0.0
    assert cosine(zeros, ones) == 0.0


def test_kl_is_scipys_and_has_a_direction(pair: tuple[Logits, Logits]) -> None:
    reference, candidate = pair
    expected = entropy(softmax(reference, axis=1), softmax(candidate, axis=1), axis=1).mean()
    assert kl(reference, candidate) == pytest.approx(expected, abs=1e-12)
    assert kl(candidate, reference) != pytest.approx(expected, rel=0.01)


def test_kl_survives_large_logits_and_ignores_a_shift(pair: tuple[Logits, Logits]) -> None:
    assert kl(np.array([[1e4, 0.0]]), np.array([[0.0, 1e4]])) == pytest.approx(1e4)
    assert kl(pair[0], pair[0] + 100) == pytest.approx(0, abs=1e-12)
    assert kl(pair[0], pair[0] + 100) >= 0


def test_top_k_by_hand() -> None:
    reference = np.array([[9, 1, 2, 3], [9, 1, 2, 3], [1, 9, 2, 3], [1, 2, 3, 9]])
    candidate = np.array([[9, 8, 7, 6], [8, 9, 7, 6], [9, 6, 8, 7], [6, 7, 8, 9]])
    assert [top_k_agreement(reference, candidate, k) for k in (1, 2, 3, 4)] == [0.5, 0.75, 0.75, 1.0]
    assert top_k_agreement(reference, candidate, 5) == 1.0  # all four classes


def test_top_1_is_equal_argmax_with_ties_to_the_lower_class() -> None:
    random = np.random.default_rng(5)
    reference, candidate = random.integers(0, 3, (2, 500, 6))  # full of ties
    expected = (reference.argmax(axis=1) == candidate.argmax(axis=1)).mean()
    assert 0 < expected < 1
    assert top_k_agreement(reference, candidate, 1) == expected
    assert top_k_agreement(np.array([[0, 0, 1]]), np.zeros((1, 3)), 2) == 0.0


def test_top_5_is_the_rank_of_the_references_class(pair: tuple[Logits, Logits]) -> None:
    reference, candidate = pair
    of_top = np.take_along_axis(candidate, reference.argmax(axis=1)[:, None], axis=1)
    expected = ((candidate > of_top).sum(axis=1) < 5).mean()
    assert 0 < expected < 1
    assert top_k_agreement(reference, candidate, 5) == expected
    with pytest.raises(ValueError, match="k is 0"):
        top_k_agreement(reference, candidate, 0)


@pytest.mark.parametrize(("successes", "count"), [(0, 10), (10, 10), (1, 3), (997, 1000), (500, 1000), (1, 1)])
def test_wilson_is_scipys(successes: int, count: int) -> None:
    expected = binomtest(successes, count).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval(successes, count, z=1.959963984540054)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= successes / count <= high <= 1


def test_wilson_widens_with_z_and_refuses_nonsense() -> None:
    assert wilson_interval(9, 10, z=2.58)[0] < wilson_interval(9, 10)[0]
    for successes, count in ((1, 0), (0, 0), (3, 2), (-1, 5)):
        with pytest.raises(ValueError, match=r"successes is .* and count"):
            wilson_interval(successes, count)


def test_margins_are_best_minus_second_best(pair: tuple[Logits, Logits]) -> None:
    logits = pair[0]
    ranked = np.sort(logits, axis=1)
    assert np.array_equal(margins(logits), ranked[:, -1] - ranked[:, -2])
    assert margins([[2.0, 2.0, 1.0]]).tolist() == [0.0]
    assert margins([[7.0]]).tolist() == [math.inf]


def test_softmax_is_scipys(pair: tuple[Logits, Logits]) -> None:
    assert metrics.softmax(pair[0]) == pytest.approx(softmax(pair[0], axis=1))
    assert metrics.softmax([[1000.0, 0.0]]).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("found", [(0, 1), (1, 0), (3, 9), (9, 3), (5, 5), (40, 75), (0, 12)])
def test_mcnemar_is_the_exact_binomial_test(found: tuple[int, int]) -> None:
    assert mcnemar_p(*found) == pytest.approx(binomtest(found[0], sum(found), 0.5).pvalue, rel=1e-12)


def test_mcnemar_without_a_difference_and_with_nonsense() -> None:
    assert mcnemar_p(0, 0) == 1
    with pytest.raises(ValueError, match="-1 and 2, expected 0 or more"):
        mcnemar_p(-1, 2)


# Sums that are made a part at a time


@pytest.fixture
def parts() -> list[tuple[Logits, Logits]]:
    """Pairs of many sizes and magnitudes, some in the layout of a transposed array."""
    random = np.random.default_rng(11)
    pairs = []
    for number in range(40):
        shape = (1 + number % 7, (10, 196, 1000)[number % 3])
        reference = random.normal(scale=10.0 ** (number % 9 - 4), size=shape)
        candidate = reference + random.normal(scale=1e-3, size=shape)
        pairs.append((reference.T, candidate.T) if number % 2 else (reference, candidate))
    return pairs


def ratio_db(signal: float, noise: float) -> float:
    """The formula, in its plainest form."""
    return 10 * (math.log10(signal) - math.log10(noise))


def test_the_sums_of_a_part_are_the_plain_sums_bit_for_bit(parts: list[tuple[Logits, Logits]]) -> None:
    for reference, candidate in parts:
        signal, noise = float(np.square(reference).sum()), float(np.square(np.abs(reference - candidate)).sum())
        assert SignalNoise.of(reference, candidate) == SignalNoise(signal, noise)
        assert SignalNoise(signal, noise).sqnr_db == sqnr_db(reference, candidate) == ratio_db(signal, noise)


def test_the_sums_of_a_picture_are_those_of_its_row_bit_for_bit(parts: list[tuple[Logits, Logits]]) -> None:
    for reference, candidate in parts:
        error = np.abs(reference - candidate)
        for i in range(len(reference)):
            pair = reference[i : i + 1], candidate[i : i + 1]
            row = SignalNoise(float(np.square(reference[i]).sum()), float(np.square(error[i]).sum()))
            assert SignalNoise.of(*pair) == row
            assert (max_abs_error(*pair), mean_abs_error(*pair)) == (float(error[i].max()), float(error[i].mean()))


def test_a_total_is_rounded_once_and_a_running_sum_at_each_part(parts: list[tuple[Logits, Logits]]) -> None:
    each = [SignalNoise.of(*pair) for pair in parts]
    signal, noise = math.fsum(part.signal for part in each), math.fsum(part.noise for part in each)
    assert SignalNoise.total(iter(each)) == SignalNoise(signal, noise)
    assert SignalNoise.total(each).relative_error == math.sqrt(noise / signal)
    running, plain_signal, plain_noise = SignalNoise(), 0.0, 0.0
    for part in each:
        running += part
        plain_signal += part.signal
        plain_noise += part.noise
    assert running == SignalNoise(plain_signal, plain_noise)
    assert running.sqnr_db == ratio_db(plain_signal, plain_noise)
    assert SignalNoise.total([]) == SignalNoise(0.0, 0.0)


@pytest.mark.parametrize(
    ("signal", "noise", "decibels", "relative"),
    [(0.0, 0.0, math.inf, 0.0), (4.0, 0.0, math.inf, 0.0), (0.0, 4.0, -math.inf, math.inf), (4.0, 1.0, 6.0206, 0.5)],
)
def test_sums_at_the_ends(signal: float, noise: float, decibels: float, relative: float) -> None:
    found = SignalNoise(signal, noise)
    assert found.sqnr_db == pytest.approx(decibels, abs=1e-4)
    assert found.relative_error == relative


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_sums_keep_what_is_not_finite(value: float) -> None:
    spoilt = SignalNoise.of(np.ones((1, 2)), np.array([[1.0, value]])) + SignalNoise(4.0, 1.0)
    assert not spoilt.noise < math.inf
    assert not spoilt.sqnr_db > -math.inf


def test_top_classes_are_ranked_with_ties_to_the_lower_class() -> None:
    logits = np.array([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0]], np.float32)
    assert top_classes(logits, 3).tolist() == [[1, 2, 3], [0, 1, 2]]
    assert top_classes(logits, 9).tolist() == [[1, 2, 3, 0], [0, 1, 2, 3]]


# Pictures that come in clusters


def test_one_picture_in_each_cluster_is_wilsons_interval_and_mcnemars_p() -> None:
    hits = [True] * 17 + [False] * 3
    assert clustered_interval(hits, range(20)) == wilson_interval(17, 20)
    assert clustered_mcnemar_p([1, 1, 1, 1, -1, 0, 0], range(7)) == pytest.approx(mcnemar_p(4, 1))


def test_a_cluster_of_equal_pictures_counts_nearly_as_one() -> None:
    """Each of 100 digits in ten pictures, all right or all wrong: as 100 pictures, or 99 by the sample variance."""
    digits = np.repeat(np.arange(100), 10)
    low, high = clustered_interval(digits < 90, digits)
    assert (low, high) == pytest.approx(_wilson(0.9, 99, 1.96))
    assert wilson_interval(90, 100)[0] > low > wilson_interval(900, 1000)[0] - 0.1
    assert high - low > 3 * (wilson_interval(900, 1000)[1] - wilson_interval(900, 1000)[0])


def test_clusters_that_cancel_out_never_narrow_an_interval() -> None:
    """One wrong picture in each digit: the digits do not differ at all, and the effect is not below 1."""
    hits = np.tile([True, True, True, True, False], 40)
    assert clustered_interval(hits, np.repeat(np.arange(40), 5)) == wilson_interval(160, 200)


@pytest.mark.parametrize("hit", [True, False])
def test_without_any_variation_each_cluster_counts_once(hit: bool) -> None:
    found = clustered_interval([hit] * 5000, np.arange(5000) % 355)
    assert found == pytest.approx(wilson_interval(355 if hit else 0, 355))
    assert clustered_interval([hit] * 10, [0] * 10) == pytest.approx(wilson_interval(1 if hit else 0, 1))


def test_one_cluster_alone_counts_once() -> None:
    assert clustered_interval([True, False], [7, 7]) == pytest.approx(_wilson(0.5, 1, 1.96))


def test_no_pictures_have_no_interval() -> None:
    with pytest.raises(ValueError, match="successes is 0 and count 0"):
        clustered_interval([], [])


@pytest.mark.parametrize(("alike", "naive"), [(0.05, 0.93), (0.15, 0.85)])
def test_an_interval_over_clusters_covers_what_it_claims_and_one_over_pictures_does_not(
    alike: float, naive: float
) -> None:
    """5,000 pictures of 355 digits, of which some are harder: `alike` is the correlation within a digit."""
    drawn, share, digits = np.random.default_rng(0), 0.988, np.arange(5000) % 355
    a, b = (part * (1 - alike) / alike for part in (share, 1 - share))
    covered = np.zeros(2)
    for _ in range(400):
        hits = drawn.random(5000) < drawn.beta(a, b, 355)[digits]
        both = clustered_interval(hits, digits), wilson_interval(int(hits.sum()), 5000)
        covered += [low <= share <= high for low, high in both]
    assert 0.90 <= covered[0] / 400 <= 0.98
    assert covered[1] / 400 < naive


def test_signs_of_clusters_are_counted_by_hand() -> None:
    """Sums 3, 1 and -1: of eight choices of signs, those with a total of 3 or more either way are 3 + 3."""
    assert clustered_mcnemar_p([1, 1, 1, 1, -1, 0], [0, 0, 0, 1, 2, 3]) == 6 / 8
    assert clustered_mcnemar_p([1, 1, 1, 1], [0, 0, 1, 1]) == 2 / 4
    assert mcnemar_p(4, 0) == 2 / 16
    assert clustered_mcnemar_p([0, 1, -1], [0, 1, 1]) == 1


def test_many_clusters_are_counted_exactly() -> None:
    differences = [1] * 300 + [-1] * 250
    assert clustered_mcnemar_p(differences, range(550)) == pytest.approx(mcnemar_p(300, 250), rel=1e-12)
