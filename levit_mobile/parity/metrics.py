"""How far a candidate's logits are from a reference's. Needs numpy only.

Every function first checks that both arrays have the same shape and hold finite numbers, and raises ValueError
otherwise: a NaN never becomes a score. ``SignalNoise``, which sums a part at a time, keeps a NaN instead, and NaN
breaks every bound. All sums run in float64, whatever the inputs are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def max_abs_error(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Return the largest ``|reference - candidate|`` over all values, 0 or more; any shape."""
    expected, found = _pair(reference, candidate)
    return float(np.abs(expected - found).max())


def mean_abs_error(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Return the mean ``|reference - candidate|`` over all values, 0 or more; any shape."""
    expected, found = _pair(reference, candidate)
    return float(np.abs(expected - found).mean())


def sqnr_db(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Return the signal-to-quantization-noise ratio in dB.

    It is ``10 log10(sum(reference^2) / sum((reference - candidate)^2))``: 20 dB for an error of a tenth, 0 dB for an
    error as large as the signal.

    Source: the definition of the signal-to-noise ratio, with quantization error as noise; Bennett, "Spectra of
    Quantized Signals", Bell System Technical Journal 27, 1948.

    Args:
        reference: The signal, any shape.
        candidate: The signal with noise, of the same shape.

    Returns:
        The ratio in dB; inf if both are identical, -inf if the reference is all zeros and the candidate is not.

    Raises:
        ValueError: The shapes differ, or a value is not finite.
    """
    return SignalNoise.of(*_pair(reference, candidate)).sqnr_db


@dataclass(frozen=True, slots=True)
class SignalNoise:
    """The two sums of which SQNR is the ratio.

    Attributes:
        signal: Sum of ``reference^2``, 0 or more.
        noise: Sum of ``(reference - candidate)^2``, 0 or more.
    """

    signal: float = 0.0
    noise: float = 0.0

    @classmethod
    def of(cls, reference: ArrayLike, candidate: ArrayLike) -> SignalNoise:
        """Return the sums of two arrays of the same shape; a NaN or an infinity in them stays in the sums."""
        expected, found = np.asarray(reference, np.float64), np.asarray(candidate, np.float64)
        return cls(float(np.square(expected).sum()), float(np.square(expected - found).sum()))

    @classmethod
    def centred(cls, reference: ArrayLike, candidate: ArrayLike) -> SignalNoise:
        """Return the sums of logits [N,classes] less their mean over the classes.

        A constant added to all logits of a picture changes no probability that softmax gives, and neither sum.
        """
        expected, found = np.asarray(reference, np.float64), np.asarray(candidate, np.float64)
        return cls.of(expected - expected.mean(-1, keepdims=True), found - found.mean(-1, keepdims=True))

    @classmethod
    def total(cls, parts: Iterable[SignalNoise]) -> SignalNoise:
        """Return the sums of all parts, rounded once."""
        kept = tuple(parts)
        return cls(math.fsum(part.signal for part in kept), math.fsum(part.noise for part in kept))

    def __add__(self, other: SignalNoise) -> SignalNoise:
        """Return the sums with one more part, rounded."""
        return SignalNoise(self.signal + other.signal, self.noise + other.noise)

    @property
    def sqnr_db(self) -> float:
        """The ratio in dB, as the function ``sqnr_db`` gives it."""
        if self.noise == 0:
            return math.inf
        return 10 * (math.log10(self.signal) - math.log10(self.noise)) if self.signal else -math.inf

    @property
    def relative_error(self) -> float:
        """``|reference - candidate| / |reference|`` of the vectors, 0 or more; inf for noise without a signal."""
        if self.signal:
            return math.sqrt(self.noise / self.signal)
        return 0.0 if self.noise == 0 else math.inf


def cosine(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Return the mean cosine similarity of each picture's logits.

    Per picture it is ``r.c / (|r| |c|)``. A picture whose logits are all zeros on one side counts 0, on both sides 1.

    Args:
        reference: Logits [N,classes].
        candidate: Logits [N,classes].

    Returns:
        The mean over the pictures, -1 to 1.

    Raises:
        ValueError: The shapes differ or are not [N,classes], or a value is not finite.
    """
    expected, found = _logits(reference, candidate)
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    same = (expected == found).all(axis=1)
    dots = (expected * found).sum(axis=1)
    angles = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
    return float(np.where(same, 1.0, angles.clip(-1, 1)).mean())


def kl(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Return the mean Kullback-Leibler divergence of the reference's probabilities from the candidate's.

    Per picture it is the sum over the classes of ``p (log p - log q)``, where p is the softmax of the reference and q
    that of the candidate.

    Source: Kullback and Leibler, "On Information and Sufficiency", Annals of Mathematical Statistics 22, 1951.

    Args:
        reference: Logits [N,classes].
        candidate: Logits [N,classes].

    Returns:
        The mean over the pictures in nats, 0 or more.

    Raises:
        ValueError: The shapes differ or are not [N,classes], or a value is not finite.
    """
    expected, found = (_log_softmax(logits) for logits in _logits(reference, candidate))
    each = (np.exp(expected) * (expected - found)).sum(axis=1)
    return float(each.clip(min=0).mean())  # rounding may leave -1e-17


def top_k_agreement(reference: ArrayLike, candidate: ArrayLike, k: int) -> float:
    """Return the share of pictures whose top class in the reference is among the candidate's top k.

    Args:
        reference: Logits [N,classes].
        candidate: Logits [N,classes].
        k: Number of classes that count, 1 or more; above the number of classes it means all. For 1 the result is the
            share of pictures with the same argmax. Among equal logits the lower class index comes first.

    Returns:
        The share, 0 to 1.

    Raises:
        ValueError: The shapes differ or are not [N,classes], a value is not finite, or k is below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}, expected 1 or more")
    expected, found = _logits(reference, candidate)
    return float((top_classes(found, k) == top_classes(expected, 1)).any(axis=1).mean())


def top_classes(logits: ArrayLike, k: int) -> NDArray[np.intp]:
    """Return each picture's k best classes, best first: [N,classes] -> [N,k].

    Among equal logits the lower class index comes first. A k above the number of classes means all classes.
    """
    return np.argsort(-np.asarray(logits, np.float64), axis=1, kind="stable")[:, :k]


def margins(logits: ArrayLike) -> Values:
    """Return the distance of each picture's best two logits, 0 or more: [N,classes] -> [N].

    It is inf if there is only one class. A top-1 flip at a small margin is rounding, at a large margin an error.
    """
    values = np.asarray(logits, np.float64)
    if values.shape[1] == 1:
        return np.full(len(values), math.inf)
    second, best = np.partition(values, -2, axis=1)[:, -2:].T
    apart: Values = best - second
    return apart


def softmax(logits: ArrayLike) -> Values:
    """Return the probabilities: [N,classes] -> [N,classes], where each row sums to 1."""
    shares: Values = np.exp(_log_softmax(np.asarray(logits, np.float64)))
    return shares


def mcnemar_p(only_reference: int, only_candidate: int) -> float:
    """Return McNemar's exact two-sided p for the hypothesis that two models are equally accurate.

    It is ``min(1, 2 sum_{i=0}^{k} C(n,i) / 2^n)``, where n is the sum of both counts and k the smaller one; 1 if n is
    0.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 1947, in its exact (binomial) form.

    Args:
        only_reference: Number of pictures that only the reference gets right, 0 or more.
        only_candidate: Number of pictures that only the candidate gets right, 0 or more.

    Returns:
        The probability, 0 to 1, of counts at least this unequal if both models were equally accurate.

    Raises:
        ValueError: A count is negative.
    """
    if only_reference < 0 or only_candidate < 0:
        raise ValueError(f"the numbers of images are {only_reference} and {only_candidate}, expected 0 or more")
    count, fewer = only_reference + only_candidate, min(only_reference, only_candidate)
    tail = sum(math.comb(count, i) for i in range(fewer + 1))
    return float(min(1.0, 2 * tail / 2**count))


def wilson_interval(successes: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return the lower and upper bound of a share that was seen as ``successes`` of ``count``.

    It is ``(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)``, where p is ``successes / count`` and n is
    ``count``.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.

    Args:
        successes: Number of successes, 0 to ``count``.
        count: Number of independent trials, 1 or more.
        z: Quantile of the normal distribution; 1.96 covers 95%.

    Returns:
        Both bounds, 0 to 1.

    Raises:
        ValueError: A count is out of its range.
    """
    if not 0 <= successes <= count or count < 1:
        raise ValueError(
            f"successes is {successes} and count {count}, expected a count of 1 or more and 0 to count successes"
        )
    return _wilson(successes / count, count, z)


def _wilson(share: float, count: float, z: float) -> tuple[float, float]:
    spread = z * z / count
    centre = share + spread / 2
    reach = z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    low, high = (centre - reach) / (1 + spread), (centre + reach) / (1 + spread)
    return (0.0 if share == 0 else low), (1.0 if share == 1 else high)


def clustered_interval(hits: ArrayLike, clusters: ArrayLike, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share of pictures that come in clusters, such as several pictures of one digit.

    The count in it is divided by the design effect n v / (p(1-p)), at least 1, where v = m/(m-1) sum_i (x_i - n_i p)^2
    / n^2 is the variance of the share p between the m clusters of n_i pictures with x_i hits. Where all pictures are
    hits or none is, the data do not show a design effect, and each cluster counts once. With one picture in each
    cluster it is `wilson_interval`.

    Args:
        hits: [N] booleans, one for each picture.
        clusters: [N] integers; pictures of one cluster have the same.
        z: 1.96 covers 95%.

    Returns:
        Lower and upper bound, 0 to 1.

    Source: J. N. K. Rao and A. J. Scott, "A Simple Method for the Analysis of Clustered Binary Data", Biometrics 48,
    1992, for the design effect; E. L. Korn and B. I. Graubard, "Confidence Intervals for Proportions with Small
    Expected Number of Positive Counts Estimated from Survey Data", Survey Methodology 24, 1998, for its use as an
    effective count.
    """
    each = np.asarray(hits, np.float64)
    _, index, sizes = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    count, groups = len(each), len(sizes)
    if groups == count:
        return wilson_interval(int(each.sum()), count, z)
    share = float(each.mean()) if count else math.nan
    if share in (0.0, 1.0) or groups < 2:
        effect = count / groups
    else:
        apart = np.bincount(index, each) - sizes * share
        effect = groups / (groups - 1) * float(np.square(apart).sum()) / (count * share * (1 - share))
    return _wilson(share, count / max(effect, 1.0), z)


def clustered_mcnemar_p(differences: ArrayLike, clusters: ArrayLike) -> float:
    """Two-sided exact p of equal accuracy of two models on pictures that come in clusters.

    If both are equally accurate, the sum of a cluster's differences is as likely as its negative. p is the share of
    all choices of signs whose total is at least as far from 0 as the one found. With one picture in each cluster it is
    `mcnemar_p`.

    Args:
        differences: [N] integers: 1 where only the reference is right, -1 where only the candidate is, else 0.
        clusters: [N] integers; pictures of one cluster have the same.

    Returns:
        0 to 1; 1 where no cluster differs.

    Source: the randomization test of E. J. G. Pitman, "Significance Tests Which May be Applied to Samples from Any
    Populations", Supplement to the Journal of the Royal Statistical Society 4, 1937, with clusters as its units.
    """
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(index, np.asarray(differences, np.float64)).astype(int)
    found, ways = abs(int(sums.sum())), {0: 1}  # total -> choices of signs that give it
    for step in np.abs(sums[sums != 0]).tolist():
        more: dict[int, int] = {}
        for total, often in ways.items():
            for place in (total - step, total + step):
                more[place] = more.get(place, 0) + often
        ways = more
    return sum(often for total, often in ways.items() if abs(total) >= found) / sum(ways.values())


def _pair(reference: ArrayLike, candidate: ArrayLike) -> tuple[Values, Values]:
    expected, found = np.asarray(reference, np.float64), np.asarray(candidate, np.float64)
    if expected.shape != found.shape:
        raise ValueError(
            f"the candidate's shape is {list(found.shape)}, expected the reference's {list(expected.shape)}"
        )
    if expected.size == 0:
        raise ValueError(f"the shape of reference and candidate is {list(expected.shape)}, expected one or more values")
    _require_finite("reference", expected)
    _require_finite("candidate", found)
    return expected, found


def _logits(reference: ArrayLike, candidate: ArrayLike) -> tuple[Values, Values]:
    expected, found = _pair(reference, candidate)
    if expected.ndim != 2:
        raise ValueError(f"the shape of reference and candidate is {list(expected.shape)}, expected [N,classes]")
    return expected, found


def _require_finite(role: str, values: Values) -> None:
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        first = tuple(int(index) for index in wrong[0])
        raise ValueError(
            f"the {role} holds {len(wrong)} values that are not finite; the first is {values[first]} at {first}"
        )


def _log_softmax(logits: Values) -> Values:
    shifted: Values = logits - logits.max(axis=1, keepdims=True)
    total: Values = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted - total
