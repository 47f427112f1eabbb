"""Candidates of a search on a cluster of this machine: the scores of one process to the bit, and each is kept once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import nets

from levit_mobile.cluster.connect import open_cluster
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.source import ImageSource
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.pipeline.lowering import form_of
from levit_mobile.quantization.calibration import CalibrationSet
from levit_mobile.quantization.observers import Observer
from levit_mobile.quantization.plan import Score
from levit_mobile.quantization.score_cache import ScoreCache
from levit_mobile.quantization.search import Candidate, CandidateEvaluator, SearchProblem, Settings
from levit_mobile.quantization.spread_search import use_cluster
from levit_mobile.system.progress import silent
from levit_mobile.targets import TARGETS

SIDE, COUNT = 64, 16
SETTINGS = Settings(Observer.MIN_MAX, None, True)


def problem() -> SearchProblem:
    spec = ImageSpec.for_side(SIDE)
    baked = bake(nets.levit(side=SIDE), mean=spec.unit_mean, std=spec.unit_std, pixel_range=1)
    drawn = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)
    pictures = ImageSet.from_arrays({f"p{number}": pixels for number, pixels in enumerate(drawn)})
    calibration = CalibrationSet(pictures, ImageSource.at("noise"), 0, None)
    form = partial(form_of, target=TARGETS["executorch"])
    return SearchProblem(baked, form, calibration, pixel_range=1, channels_last=False, compared=COUNT)


@pytest.mark.slow
def test_a_cluster_measures_what_this_process_does_to_the_bit(tmp_path: Path) -> None:
    searched = problem()
    bench = CandidateEvaluator(searched)
    group = next(iter(bench.groups))
    wanted = [Candidate(SETTINGS), Candidate(SETTINGS, (group,)), Candidate(SETTINGS, (group,), alone=True)]
    journal = ScoreCache(tmp_path / "scores", "made up")
    with open_cluster("local:2") as cluster:
        use_cluster(journal, searched, cluster, silent)
        assert journal.at_once == 2
        journal.expect(wanted)
    assert journal.known == {str(one): one.measured_by(bench) for one in wanted}
    assert ScoreCache(tmp_path / "scores", "made up").known == journal.known


def test_only_what_is_not_known_is_measured_ahead(tmp_path: Path) -> None:
    score, asked = Score(kl=0.5, sqnr_db=9.0, top1_agreement=1.0), list[str]()

    def ahead(candidates: Sequence[Any], keep: Any) -> None:
        for one in candidates:
            asked.append(one)
            keep(one, score)

    journal = ScoreCache(tmp_path / "scores", "made up")
    journal.ahead = ahead
    journal.keep("a", score)
    journal.expect(["a", "b"])
    journal.expect(["b"])
    assert asked == ["b"]
    assert journal.score("b", lambda: pytest.fail("it was measured again")) == score


def test_a_candidate_has_the_name_of_earlier_journals() -> None:
    words = "min-max, equalize None, biases corrected"
    assert str(Candidate(SETTINGS)) == f"{words}; float: "
    assert str(Candidate(SETTINGS, ("b", "a"))) == f"{words}; float: a b"
    assert str(Candidate(SETTINGS, ("a",), alone=True)) == f"{words}; int8: a"
