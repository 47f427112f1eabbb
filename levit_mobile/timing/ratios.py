"""Ratios of times with valid intervals: the processes are the sample, not their rounds. Numpy only.

The placement of memory makes a file a few percent slower or faster for as long as a process lives. All rounds of a
process share that effect, so a bootstrap of rounds gives intervals that are far too narrow. Here each process gives one
value, the logarithm of a median or of a ratio of two medians, and Student's t covers what differs between processes.
A percentile bootstrap that resamples processes and then rounds is no substitute: of five processes it covered 100% of
simulated runs where processes did not differ, and 89% where they differed by 3%; Student's t covered 95% of all.

Sources: Student, "The Probable Error of a Mean", Biometrika 6, 1908, for the interval; S. G. Donald and K. Lang,
"Inference with Difference-in-Differences and Other Panel Data", Review of Economics and Statistics 89, 2007, for the
values of few groups in place of the samples in them; B. L. Welch, "The Generalization of Student's Problem when Several
Different Population Variances are Involved", Biometrika 34, 1947, for two runs; A. C. Cameron, J. B. Gelbach and D. L.
Miller, "Bootstrap-Based Improvements for Inference with Clustered Errors", Review of Economics and Statistics 90, 2008,
for how little a bootstrap of few groups covers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PROCESSES = 5  # by default: fewer give intervals that are valid, but several times as wide
# The 97.5% quantile of Student's t for 1 to 30 degrees of freedom.
T_975 = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
    *(2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423),
)
Z_975 = 1.959964
ByProcess = Sequence[Sequence[float]]  # samples in ms, those of each process by themselves
Pair = tuple[ByProcess, ByProcess]  # of a candidate, and of what it is compared with in the same run
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two times and its 95% interval.

    `middle` is the geometric mean over the processes. `low` and `high` are None where one process was timed, which
    cannot show how much processes differ. `processes` has one number for candidates that shared their processes, and
    one for each run where two runs are compared.
    """

    middle: float
    low: float | None
    high: float | None
    processes: tuple[int, ...]


def by_process(samples: Sequence[float], counts: Sequence[int]) -> tuple[tuple[float, ...], ...]:
    """The samples of each process; without counts all are of one."""
    ends = np.cumsum(counts or (len(samples),)).tolist()
    return tuple(tuple(samples[start:end]) for start, end in zip((0, *ends), ends, strict=False))


def ratio(ours: ByProcess, against: ByProcess) -> Ratio:
    """The ratio of two candidates of one run.

    Args:
        ours: Samples of one candidate in ms, by process.
        against: Those of the other. With as many samples in each process as `ours`, both shared the processes, and
            the ratios of each process are used; otherwise both are taken as independent.

    Returns:
        The ratio, over the processes that the candidates shared.
    """
    return _ratio(_terms(ours, against))


def across(now: ByProcess, then: ByProcess) -> Ratio:
    """The ratio of one candidate in two runs, which share no process."""
    return _ratio([_Term.of(_log_medians(now)), _Term.of(-_log_medians(then))])


def change(now: Pair, then: Pair) -> Ratio:
    """The ratio of two ratios, each of a candidate to a baseline of its own run.

    A machine that is slower as a whole cancels out. The two runs share no process, so their variances add up.
    """
    return _ratio([*_terms(*now), *(term.inverted() for term in _terms(*then))])


@dataclass(frozen=True, slots=True)
class _Term:
    """The mean of independent values, one for each process, and the variance of that mean."""

    mean: float
    variance: float
    count: int

    @classmethod
    def of(cls, values: Values) -> _Term:
        with np.errstate(invalid="ignore"):
            variance = float(values.var(ddof=1) / len(values)) if len(values) > 1 else math.inf
            return cls(float(values.mean()), variance, len(values))

    def inverted(self) -> _Term:
        return _Term(-self.mean, self.variance, self.count)


def _terms(ours: ByProcess, against: ByProcess) -> list[_Term]:
    """One term where the two shared their processes, else one for each."""
    first, second = _log_medians(ours), _log_medians(against)
    if [len(part) for part in ours] == [len(part) for part in against]:
        with np.errstate(invalid="ignore"):  # a time of zero on both sides gives NaN, which breaks every bound
            return [_Term.of(first - second)]
    return [_Term.of(first), _Term.of(-second)]


def _log_medians(samples: ByProcess) -> Values:
    with np.errstate(divide="ignore"):
        return np.log([float(np.median(part)) for part in samples])


def _ratio(terms: Sequence[_Term]) -> Ratio:
    middle, processes = sum(term.mean for term in terms), tuple(term.count for term in terms)
    if min(processes) < 2:
        return Ratio(_exp(middle), None, None, processes)
    reach = t_975(_degrees(terms)) * math.sqrt(sum(term.variance for term in terms))
    return Ratio(_exp(middle), _exp(middle - reach), _exp(middle + reach), processes)


def _degrees(terms: Sequence[_Term]) -> float:
    """Degrees of freedom by Welch and Satterthwaite; for one term, those of Student."""
    total = sum(term.variance for term in terms)
    parts = sum(term.variance**2 / (term.count - 1) for term in terms)
    return total**2 / parts if parts > 0 else min(term.count for term in terms) - 1


def t_975(degrees: float) -> float:
    """The 97.5% quantile of Student's t, 1 degree of freedom or more; a fraction is rounded down, to be safe.

    Above 30 it is the expansion 26.7.5 in M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 1964.
    """
    whole = max(1, math.floor(degrees + 1e-9)) if math.isfinite(degrees) else 1
    if whole <= len(T_975):
        return T_975[whole - 1]
    z, n = Z_975, whole
    more = (z**3 + z) / (4 * n), (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    return z + sum(more)


def _exp(value: float) -> float:
    """e to the value, where infinity and NaN stay what they are."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def told(counts: Iterable[int]) -> str:
    """The processes that an interval is over, in words: "5 processes", "5 and 3 processes"."""
    found = tuple(counts)
    words = " and ".join(map(str, found))
    return f"{words} process{'' if found == (1,) else 'es'}"
