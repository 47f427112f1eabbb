"""The candidates of a search, measured on a cluster before the search asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

import torch

from levit_mobile.cluster.connect import Cluster
from levit_mobile.images.preprocessing import Pixels
from levit_mobile.quantization.plan import Score
from levit_mobile.quantization.score_cache import ScoreCache
from levit_mobile.quantization.search import Candidate, CandidateEvaluator, SearchProblem
from levit_mobile.system.files import digest_bytes
from levit_mobile.system.progress import Detailed, Progress


def use_cluster(journal: ScoreCache, problem: SearchProblem, cluster: Cluster, progress: Progress) -> None:
    """From now on the journal's candidates are measured there. All calibration pictures are read and travel once."""
    read = problem.calibration.pictures.read
    pixels = {name: read(name) for name in problem.calibration.pictures.names}
    journal.ahead = _Ahead(_with(problem, pixels.__getitem__), pixels, journal.subject, cluster, progress)
    journal.at_once = max(1, cluster.threads)


def _with(problem: SearchProblem, read: Callable[[str], Pixels]) -> SearchProblem:
    """The same problem with another reader of its pictures."""
    found = problem.calibration
    return replace(problem, calibration=replace(found, pictures=replace(found.pictures, read=read)))


@dataclass(frozen=True, slots=True)
class _Ahead:
    problem: SearchProblem
    pixels: dict[str, Pixels]
    subject: str
    cluster: Cluster
    progress: Progress

    def __call__(self, candidates: Sequence[Candidate], keep: Callable[[object, Score], None]) -> None:
        held = {digest_bytes(f"{self.subject} {word}".encode()): value for word, value in self._large()}
        scores = self.cluster.spread(
            partial(_evaluator, self.problem),
            iter(candidates),
            held=held,
            heard=lambda done, about: self.progress(Detailed("candidates", about), done, len(candidates)),
            arrived=lambda number, score: keep(candidates[number], score),
        )
        with closing(scores):
            for _ in scores:
                pass

    def _large(self) -> Iterable[tuple[str, object]]:
        return (("net", self.problem.baked), ("pictures", self.pixels))


def _evaluator(problem: SearchProblem) -> Callable[[Candidate], Score]:
    torch.set_num_threads(1)
    return partial(_measured, CandidateEvaluator(problem))


def _measured(bench: CandidateEvaluator, candidate: Candidate) -> Score:
    return candidate.measured_by(bench)
