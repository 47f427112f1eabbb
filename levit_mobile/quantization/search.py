"""Which groups of ops an int8 artifact keeps in float: measured group by group on calibration pictures."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from levit_mobile.errors import ImageError, RecipeError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.model.fake_quant import QParams, fake_quants_of
from levit_mobile.parity import metrics
from levit_mobile.quantization.apply import grids_of, set_grids
from levit_mobile.quantization.calibration import MIN_PICTURES, CalibrationSet
from levit_mobile.quantization.cost_model import Cost, Groups, groups_of
from levit_mobile.quantization.equalize import Sizes, balance_queries, balance_stream, channel_sizes
from levit_mobile.quantization.observers import Observer
from levit_mobile.quantization.plan import GroupSensitivity, Origin, ParetoStep, Plan, PlanPart, Score
from levit_mobile.quantization.prepare import Feed, LayOut, quantize
from levit_mobile.quantization.score_cache import ScoreCache
from levit_mobile.quantization.statistics import Statistics, collect, layers_of
from levit_mobile.quantization.weights import round_weights
from levit_mobile.system.progress import Progress, called, silent

STRENGTHS = (None, 0.0, 0.5)
SMALLEST_GAIN = 0.02  # of the divergence in int8, or of what is to be reached: below it a group stays in int8
DIGITS = 4  # that a plan keeps of each figure
Logits = NDArray[np.float32]
AnyPart = TypeVar("AnyPart", bound=PlanPart)


class Settings(NamedTuple):
    """How everything is quantized; the fields are a plan's."""

    observer: Observer
    equalize: float | None
    correct_biases: bool

    def __str__(self) -> str:
        return f"{self.observer}, equalize {self.equalize}, biases {'' if self.correct_biases else 'not '}corrected"


@dataclass(frozen=True, slots=True)
class Candidate:
    """The model in int8 with some groups in float; or with `alone` in float, and the only group in int8."""

    settings: Settings
    groups: tuple[str, ...] = ()
    alone: bool = False

    def __str__(self) -> str:
        """Its name in a journal."""
        return f"{self.settings}; {'int8' if self.alone else 'float'}: {' '.join(sorted(self.groups))}"

    def measured_by(self, bench: CandidateEvaluator) -> Score:
        """Make it and score it."""
        edges = [edge for group in self.groups for edge in bench.groups[group]]
        return bench.alone(self.settings, edges) if self.alone else bench.mixed(self.settings, edges)


ALL_SETTINGS = tuple(Settings(*each) for each in product(Observer, STRENGTHS, (True, False)))


@dataclass(frozen=True, slots=True)
class SearchProblem:
    """What is searched: a baked model, its form on a target, and calibration pictures, `compared` of which judge it."""

    baked: nn.Module
    lay_out: LayOut
    calibration: CalibrationSet
    pixel_range: float
    channels_last: bool
    compared: int

    def __post_init__(self) -> None:
        if (few := min(len(self.calibration.pictures), self.compared)) < MIN_PICTURES:
            raise ImageError(
                f"the search would use {few} calibration images, expected {MIN_PICTURES} or more: add images or raise "
                "--calibration-count or --search-count",
                fault="too-few",
            )

    @property
    def judges(self) -> CalibrationSet:
        """The pictures that candidates are compared on, evenly spread over all."""
        everything = self.calibration.pictures
        count = min(self.compared, len(everything))
        names = tuple(everything.names[index * len(everything) // count] for index in range(count))
        return replace(self.calibration, pictures=ImageSet(names, everything.read))


class CandidateEvaluator:
    """Makes candidates and scores them against the float form; what they share is measured once, when it is needed."""

    def __init__(self, subject: SearchProblem, progress: Progress = silent) -> None:
        self.subject, self.progress = subject, progress
        self.measured: dict[float | None, tuple[nn.Module, Statistics]] = {}
        self.chosen: dict[tuple[Observer, float | None], dict[str, QParams]] = {}
        form = subject.lay_out(subject.baked)
        if not fake_quants_of(form):
            raise RecipeError(
                "the target does not have an int8 form, so a search would find nothing", fault="int8-only"
            )
        self.groups: Groups = groups_of(form)
        self.cost = Cost.of(form, self.pictures[0])
        self.reference = self._logits(form)

    @cached_property
    def pictures(self) -> list[Tensor]:
        """Those that candidates are compared on, as the form takes them."""
        feed = Feed(self.subject.judges, self.subject.pixel_range, self.progress, passes=1)
        return list(feed.pictures(channels_last=self.subject.channels_last))

    @cached_property
    def sizes(self) -> Sizes:
        """Of the baked model's channels."""
        return channel_sizes(self.subject.baked, self._feed("channels", 1).batches())

    def mixed(self, settings: Settings, float_edges: Iterable[str] = ()) -> Score:
        """Everything in int8 but these edges, and the layers that touch them."""
        form, statistics = self._float_form(settings.equalize)
        kept = set(float_edges)
        grids = {name: grid for name, grid in self._grids(settings).items() if name not in kept}
        quantize(form, grids, statistics, self.pictures[0], correct=settings.correct_biases)
        return self._score(form)

    def alone(self, settings: Settings, edges: Iterable[str]) -> Score:
        """Nothing in int8 but these edges, and the weights of the layers that write them."""
        form, statistics = self._float_form(settings.equalize)
        grids = self._grids(settings)
        set_grids(form, {name: grids[name] for name in edges})
        written = {layer for name in edges for layer in self.cost.regions[name].layers}
        layers = {name: layer for name, layer in layers_of(form).items() if name in written}
        round_weights(layers, statistics.mean_inputs, correct=settings.correct_biases)
        return self._score(form)

    def _float_form(self, strength: float | None) -> tuple[nn.Module, Statistics]:
        """A copy to be changed, and what was measured on it."""
        if strength not in self.measured:
            form = self.subject.lay_out(self._equalized(strength))
            feed = self._feed(f"ranges, equalize {strength}", 2)
            pictures = partial(feed.pictures, channels_last=self.subject.channels_last)
            self.measured[strength] = form, collect(form, pictures, responses=True)
        form, statistics = self.measured[strength]
        return copy.deepcopy(form), statistics

    def _equalized(self, strength: float | None) -> nn.Module:
        if strength is None:
            return self.subject.baked
        return balance_stream(balance_queries(self.subject.baked, self.sizes), self.sizes, strength=strength)

    def _grids(self, settings: Settings) -> dict[str, QParams]:
        which = settings.observer, settings.equalize
        if which not in self.chosen:
            _, statistics = self.measured[settings.equalize]
            self.chosen[which] = grids_of(statistics, settings.observer)
        return self.chosen[which]

    def _feed(self, what: str, passes: int) -> Feed:
        return Feed(self.subject.calibration, self.subject.pixel_range, called(self.progress, what), passes=passes)

    @torch.no_grad()
    def _logits(self, form: nn.Module) -> Logits:
        logits: Logits = torch.cat([form(picture) for picture in self.pictures]).float().numpy()
        return logits

    def _score(self, form: nn.Module) -> Score:
        logits = self._logits(form)
        return Score(
            kl=metrics.kl(self.reference, logits),
            sqnr_db=metrics.sqnr_db(self.reference, logits),
            top1_agreement=metrics.top_k_agreement(self.reference, logits, 1),
        )


def identity(subject: SearchProblem, checkpoint_sha256: str, max_kl: float) -> Origin:
    """What a search rests on, for its plan; it reads every calibration picture."""
    found = subject.calibration
    return Origin(
        checkpoint_sha256=checkpoint_sha256,
        calibration=found.source.title,
        pictures=len(found.pictures),
        pictures_sha256=found.digest,
        seed=found.seed,
        compared=len(subject.judges.pictures),
        max_kl=max_kl,
    )


def search(bench: CandidateEvaluator, journal: ScoreCache, origin: Origin, *, variant: str, target: str) -> Plan:
    """Choose settings, rank the groups, move them to float one by one, and pick the cheapest step that is good enough.

    Args:
        bench: Makes candidates and scores them.
        journal: Scores that are known; new ones are written there at once.
        origin: What the search rests on, with the divergence to reach.
        variant: LeViT variant of the plan.
        target: Target of the plan.
    """
    settings = best_settings(bench, journal)
    evidence = weigh(bench, journal, settings)
    front = walk(bench, journal, settings, evidence, origin.max_kl)
    picked = pick(front, origin.max_kl)
    return Plan(
        variant=variant,
        target=target,
        **settings._asdict(),
        float_edges=tuple(edge for step in front[1 : picked + 1] for edge in bench.groups[step.group or ""]),
        origin=origin,
        evidence=tuple(_rounded(one) for one in evidence),
        front=tuple(_rounded(step) for step in front),
        picked=picked,
    )


def best_settings(bench: CandidateEvaluator, journal: ScoreCache) -> Settings:
    """Those of the least divergence with everything in int8; the first of equals."""
    scores, wanted = {}, [Candidate(settings) for settings in ALL_SETTINGS]
    journal.expect(wanted)
    for done, candidate in enumerate(wanted):
        bench.progress("quantization settings", done, len(ALL_SETTINGS))
        scores[candidate.settings] = _scored(bench, journal, candidate)
    return min(scores, key=lambda settings: scores[settings].kl)


def weigh(bench: CandidateEvaluator, journal: ScoreCache, settings: Settings) -> list[GroupSensitivity]:
    """Every group alone in int8, and alone in float; the most damaging first."""
    whole = _scored(bench, journal, Candidate(settings))
    found = []
    journal.expect([Candidate(settings, (group,), alone) for group in bench.groups for alone in (True, False)])
    for done, (group, edges) in enumerate(bench.groups.items()):
        bench.progress("op groups", done, len(bench.groups))
        alone = _scored(bench, journal, Candidate(settings, (group,), alone=True))
        without = _scored(bench, journal, Candidate(settings, (group,)))
        gain, saved = whole.kl - without.kl, bench.cost.share(edges)
        found.append(GroupSensitivity(group=group, kl=alone.kl, sqnr_db=alone.sqnr_db, gain=gain, saved=saved))
    return sorted(found, key=lambda evidence: -evidence.damage)


def walk(
    bench: CandidateEvaluator, journal: ScoreCache, settings: Settings, evidence: list[GroupSensitivity], max_kl: float
) -> list[ParetoStep]:
    """From everything in int8, the group with the most damage a cost to float, one after another.

    Groups of little damage are left out. Once a step is good enough, the first that gains little is the last.
    """
    front = [_step(bench, journal, settings, ())]
    little = SMALLEST_GAIN * min(front[0].kl, max_kl)
    order = _by_worth(one for one in evidence if one.damage > little)
    for done in range(1, len(order) + 1):
        bench.progress("steps to float", done, len(order))
        if (done - 1) % journal.at_once == 0:  # some of these steps may not be taken
            ahead = range(done, min(done + journal.at_once, len(order) + 1))
            journal.expect([Candidate(settings, order[:count]) for count in ahead])
        front.append(_step(bench, journal, settings, order[:done]))
        if any(step.within(max_kl) for step in front) and front[-2].kl - front[-1].kl < little:
            break
    return front


def pick(front: list[ParetoStep], max_kl: float) -> int:
    """The cheapest step within the bound, else that of the least divergence."""
    within = [index for index, step in enumerate(front) if step.within(max_kl)]
    if within:
        return min(within, key=lambda index: front[index].cost)
    return min(range(len(front)), key=lambda index: front[index].kl)


def _scored(bench: CandidateEvaluator, journal: ScoreCache, candidate: Candidate) -> Score:
    return journal.score(str(candidate), partial(candidate.measured_by, bench))


def _step(bench: CandidateEvaluator, journal: ScoreCache, settings: Settings, groups: tuple[str, ...]) -> ParetoStep:
    score = _scored(bench, journal, Candidate(settings, groups))
    cost = bench.cost.share(edge for group in groups for edge in bench.groups[group])
    return ParetoStep(**score.model_dump(), group=groups[-1] if groups else None, cost=cost)


def _by_worth(evidence: Iterable[GroupSensitivity]) -> tuple[str, ...]:
    """Groups in the order in which they go to float; one that float makes cheaper goes first."""
    worth = {one.group: one.damage / one.saved if one.saved > 0 else math.inf for one in evidence}
    return tuple(sorted(worth, key=lambda group: -worth[group]))


def _rounded(part: AnyPart) -> AnyPart:
    figures = {name: float(f"{value:.{DIGITS}g}") for name, value in part if isinstance(value, float)}
    return part.model_copy(update=figures)
