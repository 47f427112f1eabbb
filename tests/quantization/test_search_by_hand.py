"""The steps of the sensitivity search on made-up scores: what is asked, in which order, and when it ends."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from support.refusals import refused
from torch import nn

from levit_mobile.errors import ImageError, RecipeError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.source import ImageSource
from levit_mobile.model.fake_quant import FakeQuant, QParams
from levit_mobile.quantization.calibration import CalibrationSet
from levit_mobile.quantization.observers import Observer
from levit_mobile.quantization.plan import GroupSensitivity, Origin, Score
from levit_mobile.quantization.score_cache import ScoreCache, open_journal
from levit_mobile.quantization.search import (
    ALL_SETTINGS,
    CandidateEvaluator,
    SearchProblem,
    Settings,
    best_settings,
    identity,
    search,
    walk,
    weigh,
)

SETTINGS = Settings(Observer.MIN_MAX, None, True)
GROUPS = {"a": ("a.x", "a.y"), "b": ("b.x",), "c": ("c.x",)}


def score(kl: float, top1: float = 1.0) -> Score:
    return Score(kl=kl, sqnr_db=100 * kl, top1_agreement=top1)


class Bench:
    """In int8 the divergence is 1; a group in float takes its gain away, and costs its share a group."""

    groups = GROUPS

    def __init__(self, gains: dict[str, float], shares: dict[str, float] | None = None) -> None:
        self.gains, self.shares = gains, shares or dict.fromkeys(GROUPS, 0.1)
        self.alone_kl = dict.fromkeys(GROUPS, 0.0)
        self.by_settings: dict[Settings, float] = {}
        self.told: list[tuple[str, int, int]] = []
        self.measured: list[frozenset[str]] = []
        self.cost = SimpleNamespace(share=self._share)

    def progress(self, what: str, done: int, count: int) -> None:
        self.told.append((what, done, count))

    def mixed(self, settings: Settings, edges: Iterable[str]) -> Score:
        kept = frozenset(edges)
        self.measured.append(kept)
        whole = self.by_settings.get(settings, 1.0)
        return score(whole - sum(self.gains[name] for name in self._whole(kept)))

    def alone(self, settings: Settings, edges: Iterable[str]) -> Score:
        assert settings in ALL_SETTINGS
        (name,) = self._whole(edges)
        return score(self.alone_kl[name])

    def _whole(self, edges: Iterable[str]) -> list[str]:
        kept = set(edges)
        found = [name for name, members in GROUPS.items() if set(members) <= kept]
        assert {edge for name in found for edge in GROUPS[name]} == kept
        return found

    def _share(self, edges: Iterable[str]) -> float:
        return sum(self.shares[name] for name in self._whole(edges))


def evaluator(bench: Bench) -> CandidateEvaluator:
    return cast(CandidateEvaluator, bench)


@pytest.fixture
def journal(tmp_path: Path) -> ScoreCache:
    return ScoreCache(tmp_path / "journal", "a search")


# Candidates


class Two(nn.Module):
    """Two layers with an edge behind each; a weight of 0.2 is rounded to 0 beside one of 63.5."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.one_out = nn.Linear(2, 1), FakeQuant()
        self.two, self.two_out = nn.Linear(2, 1), FakeQuant()
        for layer in (self.one, self.two):
            layer.weight.data, layer.bias.data = torch.tensor([[63.5, 0.2]]), torch.tensor([3.0])


@pytest.mark.parametrize(("correct", "bias"), [(True, 4.0), (False, 3.0)])
def test_a_group_alone_has_its_own_edges_and_layers_in_int8(correct: bool, bias: float) -> None:
    form, grids = Two(), {"one_out": QParams(0.5, 3), "two_out": QParams(0.25, -1)}
    regions = {"one_out": SimpleNamespace(layers={"one"}), "two_out": SimpleNamespace(layers={"two"})}
    means = {name: torch.tensor([0.0, 5.0]).double() for name in ("one", "two")}
    whole = SimpleNamespace(
        _float_form=lambda _: (form, SimpleNamespace(mean_inputs=means)),
        _grids=lambda _: grids,
        cost=SimpleNamespace(regions=regions),
        _score=lambda scored: score(1.0 if scored is form else 0.0),
    )
    found = CandidateEvaluator.alone(cast(Any, whole), SETTINGS._replace(correct_biases=correct), ["two_out"])
    assert found == score(1.0)
    assert (form.one_out.grid, form.two_out.grid) == (None, QParams(0.25, -1))
    assert form.one.weight.tolist() == torch.tensor([[63.5, 0.2]]).tolist()
    assert form.two.weight.tolist() == [[63.5, 0.0]]
    assert (form.one.bias.item(), form.two.bias.item()) == (3.0, pytest.approx(bias))


# Steps


def test_the_settings_of_the_least_divergence_are_chosen_and_the_first_of_equals(journal: ScoreCache) -> None:
    bench = Bench({})
    bench.by_settings = {ALL_SETTINGS[5]: 0.25, ALL_SETTINGS[9]: 0.25, ALL_SETTINGS[2]: 0.5}
    assert best_settings(evaluator(bench), journal) == ALL_SETTINGS[5]
    assert bench.told == [("quantization settings", done, len(ALL_SETTINGS)) for done in range(len(ALL_SETTINGS))]
    assert len(set(ALL_SETTINGS)) == len(Observer) * 3 * 2


def test_settings_in_words() -> None:
    assert str(SETTINGS) == "min-max, equalize None, biases corrected"
    assert str(SETTINGS._replace(equalize=0.5, correct_biases=False)) == "min-max, equalize 0.5, biases not corrected"


def test_groups_are_weighed_both_ways_and_the_most_damaging_is_first(journal: ScoreCache) -> None:
    bench = Bench({"a": 0.125, "b": 0.25, "c": -0.5}, {"a": 0.1, "b": 0.2, "c": 0.3})
    bench.alone_kl = {"a": 0.0625, "b": 0.03125, "c": 0.5}
    found = weigh(evaluator(bench), journal, SETTINGS)
    assert found == [
        GroupSensitivity(group="c", kl=0.5, sqnr_db=50, gain=-0.5, saved=0.3),
        GroupSensitivity(group="b", kl=0.03125, sqnr_db=3.125, gain=0.25, saved=0.2),
        GroupSensitivity(group="a", kl=0.0625, sqnr_db=6.25, gain=0.125, saved=0.1),
    ]
    assert bench.told == [("op groups", done, 3) for done in range(3)]


def evidence(**damage: tuple[float, float]) -> list[GroupSensitivity]:
    """By group: its damage, and the share of time that int8 saves there."""
    return [GroupSensitivity(group=name, kl=kl, sqnr_db=0, gain=0, saved=saved) for name, (kl, saved) in damage.items()]


def steps(bench: Bench, journal: ScoreCache, weighed: list[GroupSensitivity], max_kl: float) -> list[str | None]:
    return [step.group for step in walk(evaluator(bench), journal, SETTINGS, weighed, max_kl)]


def test_groups_go_to_float_by_their_damage_a_cost_and_a_free_one_first(journal: ScoreCache) -> None:
    bench = Bench({"a": 0.1, "b": 0.2, "c": 0.3})
    weighed = evidence(a=(0.5, 0.25), b=(0.5, 0.125), c=(0.25, 0.0))
    front = walk(evaluator(bench), journal, SETTINGS, weighed, 1e-3)
    assert [step.group for step in front] == [None, "c", "b", "a"]
    assert [step.kl for step in front] == pytest.approx([1.0, 0.7, 0.5, 0.4])
    assert [step.cost for step in front] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert bench.told == [("steps to float", done, 3) for done in (1, 2, 3)]


def test_a_group_of_little_damage_stays_in_int8(journal: ScoreCache) -> None:
    """Little is 2% of the smaller of the divergence in int8, which is 1, and of what is to be reached."""
    weighed = evidence(a=(0.02, 1), b=(0.0201, 1), c=(0.0011, 1))
    assert steps(Bench(dict.fromkeys(GROUPS, 0.0)), journal, weighed, 7.0) == [None, "b"]


def test_little_counts_by_what_is_to_be_reached_where_that_is_less(journal: ScoreCache) -> None:
    weighed = evidence(a=(0.02, 1), b=(0.001, 1), c=(0.0011, 1))
    assert steps(Bench(dict.fromkeys(GROUPS, 0.0)), journal, weighed, 0.05) == [None, "a", "c"]


def test_once_a_step_is_good_enough_the_first_that_gains_little_is_the_last(journal: ScoreCache) -> None:
    weighed = evidence(a=(3.0, 1), b=(2.0, 1), c=(1.0, 1))
    assert steps(Bench({"a": 0.96, "b": 0.0005, "c": 0.001}), journal, weighed, 0.05) == [None, "a", "b"]


def test_until_a_step_is_good_enough_one_of_little_gain_is_not_the_last(journal: ScoreCache) -> None:
    weighed = evidence(a=(3.0, 1), b=(2.0, 1), c=(1.0, 1))
    assert steps(Bench({"a": 0.5, "b": 0.0005, "c": 0.4}), journal, weighed, 0.05) == [None, "a", "b", "c"]


def test_a_step_that_gains_enough_is_followed_by_another(journal: ScoreCache) -> None:
    weighed = evidence(a=(3.0, 1), b=(2.0, 1), c=(1.0, 1))
    assert steps(Bench({"a": 0.96, "b": 0.01, "c": 0.01}), journal, weighed, 0.05) == [None, "a", "b", "c"]


def test_a_plan_holds_the_edges_up_to_its_step_and_figures_of_four_digits(journal: ScoreCache) -> None:
    bench = Bench({"a": 0.123456, "b": 0.87, "c": 0.0}, {"a": 0.1, "b": 0.2, "c": 0.3})
    origin = ORIGIN.model_copy(update={"max_kl": 0.15})
    found = search(evaluator(bench), journal, origin, variant="v", target="t")
    assert (found.variant, found.target, found.origin, found.picked) == ("v", "t", origin, 1)
    assert [step.group for step in found.front] == [None, "b", "a"]
    assert found.float_edges == ("b.x",)
    assert found.evidence[1].gain == 0.1235
    assert (found.observer, found.equalize, found.correct_biases) == ALL_SETTINGS[0]
    assert found.front[2].kl == 0.006544


# Scores that are kept

ORIGIN = Origin(
    checkpoint_sha256="0" * 64,
    calibration="clouds",
    pictures=20,
    pictures_sha256="1" * 64,
    seed=3,
    compared=16,
    max_kl=0.01,
)


def test_what_is_known_is_not_measured_again(tmp_path: Path) -> None:
    path, counted = tmp_path / "journal", list[str]()

    def measured(cache: ScoreCache, of: str, kl: float) -> float:
        return cache.score(of, lambda: counted.append(of) or score(kl)).kl  # type: ignore[func-returns-value]

    first = ScoreCache(path, "one")
    assert [measured(first, of, kl) for of, kl in (("a", 1.0), ("b", 2.0), ("a", 9.0))] == [1.0, 2.0, 1.0]
    assert (counted, first.found) == (["a", "b"], 0)
    path.write_text(path.read_text() + '{"of": "c", "sco')
    again = ScoreCache(path, "one")
    assert (again.found, again.known) == (2, {"a": score(1.0), "b": score(2.0)})
    assert [measured(again, of, 7.0) for of in "abc"] == [1.0, 2.0, 7.0]
    assert counted == ["a", "b", "c"]
    assert ScoreCache(path, "one").known == {"a": score(1.0), "b": score(2.0), "c": score(7.0)}
    with refused(RecipeError, "recipe.other-search", path, "--search-count"):
        ScoreCache(path, "another")


def test_a_journal_is_of_one_search_whatever_is_to_be_reached(tmp_path: Path) -> None:
    def subject(target: str = "tflite", **changes: Any) -> str:
        return open_journal(tmp_path / "none", ORIGIN.model_copy(update=changes), target).subject

    assert subject(max_kl=0.5) == subject()
    others = [subject("executorch"), subject(seed=4), subject(compared=17), subject(checkpoint_sha256="2" * 64)]
    assert len({subject(), *others}) == 5


def problem(pictures: int, compared: int) -> SearchProblem:
    named = ImageSet.from_arrays({f"p{i:02}": np.full((2, 2, 3), i, np.uint8) for i in range(pictures)})
    calibration = CalibrationSet(named, ImageSource.at("clouds"), 3, None)
    return SearchProblem(cast(Any, None), cast(Any, None), calibration, 1.0, False, compared)


def test_candidates_are_judged_on_pictures_evenly_spread() -> None:
    one = problem(40, 16)
    assert one.judges.pictures.names == tuple(f"p{index * 40 // 16:02}" for index in range(16))
    assert problem(20, 99).judges.pictures.names == one.calibration.pictures.names[:20]
    assert (one.judges.seed, one.judges.source) == (3, one.calibration.source)
    found = identity(one, "5" * 64, 0.25)
    assert (found.pictures, found.compared, found.max_kl, found.seed) == (40, 16, 0.25, 3)
    assert (found.checkpoint_sha256, found.calibration) == ("5" * 64, "clouds")
    assert found.pictures_sha256 == one.calibration.digest


@pytest.mark.parametrize(("pictures", "compared"), [(15, 16), (16, 15)])
def test_fewer_than_16_pictures_judge_nothing(pictures: int, compared: int) -> None:
    assert len(problem(16, 16).judges.pictures) == 16
    with refused(ImageError, "image.too-few", "15 calibration images", "16 or more"):
        problem(pictures, compared)
