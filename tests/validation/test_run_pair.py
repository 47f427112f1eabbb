"""What is counted of both models' logits, part by part, and which pictures the exact reference sees; made-up logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import judgements as made
from support.judgements import COUNT, HERE, THERE
from support.refusals import refused

from levit_mobile.errors import CheckpointError
from levit_mobile.interfaces.runner import Runner
from levit_mobile.parity.logit_stats import LogitStats
from levit_mobile.parity.metrics import sqnr_db
from levit_mobile.recipe import FP32, RECIPES
from levit_mobile.system import workers
from levit_mobile.validation import drill, run_pair
from levit_mobile.validation.references import ReferenceModel
from levit_mobile.validation.run_pair import PairLogits, PairStats
from levit_mobile.validation.spread_pair import Resources, compared

Logits = NDArray[np.float64]
REFERENCE = np.array([[4.0, 1.0, 0.0], [1.0, 5.0, 2.0]])
CANDIDATE, HOST = REFERENCE + 0.25, REFERENCE - 0.5


def part(candidate: Logits = CANDIDATE, **changes: Any) -> PairLogits:
    return replace(PairLogits({"a": "0a", "b": "0b"}, REFERENCE, candidate, None), **changes)


def counted(*parts: PairLogits) -> PairStats:
    found = PairStats(LogitStats(), {})
    for one in parts:
        found.add(one)
    return found


def errors(tally: LogitStats) -> list[float]:
    return [row.max_abs_error for row in tally.rows]


def test_each_pair_of_logits_goes_into_its_own_count() -> None:
    found = counted(part(host=HOST, executed={"fmla": 3}), part(host=HOST, executed={"fmla": 4, "dot": 1}))
    assert [row.name for row in found.tally.rows] == ["a", "b", "a", "b"]
    assert (errors(found.tally), errors(found.host), errors(found.between)) == ([0.25] * 4, [0.5] * 4, [0.75] * 4)
    # Of the pair between, the host is the reference: its sum of squares is the signal.
    assert found.between.rows[0].squares.signal == pytest.approx(float((HOST[0] ** 2).sum()))
    assert found.host.rows[0].squares.signal == pytest.approx(float((REFERENCE[0] ** 2).sum()))
    assert found.executed == {"fmla": 7, "dot": 1}
    assert found.digests == {"a": "0a", "b": "0b"}
    assert found.defect is None


def test_without_a_host_nothing_is_counted_of_one() -> None:
    found = counted(part(executed={"fmla": 3}))
    assert (found.host.rows, found.between.rows, dict(found.executed)) == ([], [], {})
    assert len(found.tally.rows) == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_reference_that_is_not_finite_ends_it(value: float) -> None:
    spoilt = REFERENCE.copy()
    spoilt[1, 2] = value
    with refused(CheckpointError, "checkpoint.not-finite", "the reference gives NaN or infinite logits"):
        counted(part(reference=spoilt))


def test_logits_of_another_shape_are_a_defect_and_count_nothing() -> None:
    found = counted(part(CANDIDATE[:, :2], host=HOST, exact=REFERENCE))
    assert found.defect == "the artifact gave logits of shape [2, 2], expected [2, 3]"
    assert (found.tally.pictures, found.host.rows, list(found.digests)) == (0, [], ["a", "b"])
    assert math.isnan(found.floor_sqnr_db)


def test_the_floor_is_the_reference_against_the_exact_one() -> None:
    exact = REFERENCE * (1 + 1e-7)
    found = counted(part(exact=exact), part(), part(exact=REFERENCE))
    twice = np.concatenate([exact, REFERENCE]), np.concatenate([REFERENCE, REFERENCE])
    assert found.floor_sqnr_db == pytest.approx(sqnr_db(*twice))
    assert math.isnan(counted(part()).floor_sqnr_db)
    assert counted(part(exact=REFERENCE)).floor_sqnr_db == math.inf


# Over all pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles") / "one"


def watching(logits: Logits, seen: list[int]) -> Runner:
    def run(images: Any) -> Any:
        seen.append(len(images))
        return made.runner(logits)(images)

    return run


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(("first", "exactly"), [(1, [4]), (4, [4]), (5, [4, 4]), (64, [4, 4])])
def test_the_exact_reference_sees_the_parts_that_begin_among_the_first_pictures(
    folder: Path, monkeypatch: pytest.MonkeyPatch, first: int, exactly: list[int]
) -> None:
    logits, seen, heard = made.reference_logits(), [], []
    made.gives(monkeypatch, {HERE: logits, THERE: logits + 0.5})
    monkeypatch.setattr(run_pair, "FLOOR_PICTURES", first)
    case = made.made(folder, emulated=True)
    exact: Callable[[], Runner] = partial(watching, logits, seen)
    case = replace(case, reference=ReferenceModel("made up", case.reference.load, exact))
    found = compared(case, Resources(1), lambda what, done, of: heard.append((what, done, of)))
    assert seen == exactly
    assert heard == [("images", 4, COUNT), ("images", 8, COUNT)]
    assert (errors(found.tally), errors(found.host), errors(found.between)) == ([0.5] * 8, [0.0] * 8, [0.5] * 8)
    assert found.floor_sqnr_db == math.inf


@pytest.mark.usefixtures("in_this_process")
def test_a_defect_ends_it_after_the_first_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = made.reference_logits()
    made.gives(monkeypatch, {HERE: logits, THERE: logits[:, :3]})
    heard: list[int] = []
    case = made.made(folder, emulated=True)
    found = compared(case, Resources(1), lambda _what, done, _of: heard.append(done))
    assert heard == [4]
    assert found.defect is not None


def test_an_emulated_artifact_takes_few_pictures_at_once(folder: Path) -> None:
    assert run_pair.batch(made.made(folder)) == 8
    assert run_pair.batch(made.made(folder, emulated=True)) == 4


# What a drill takes of it


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_blocks_budget_is_the_bound_of_the_logits_and_8_db_less_for_integers(recipe: str) -> None:
    case: Any = SimpleNamespace(
        stored=SimpleNamespace(contract=SimpleNamespace(recipe=recipe)), tolerance=replace(FP32, min_sqnr_db=40.0)
    )
    assert drill.budget_db(case) == (40.0 if recipe.endswith(("fp32", "fp16")) else 32.0)


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, [0]),
        (16, [*range(16)]),
        (17, [*range(16)]),
        (31, [*range(16)]),
        (32, [*range(0, 32, 2)]),
        (50, [*range(0, 48, 3)]),
    ],
)
def test_a_drill_takes_sixteen_pictures_that_are_spread_evenly(
    monkeypatch: pytest.MonkeyPatch, count: int, names: list[int]
) -> None:
    asked: list[tuple[str, ...]] = []

    def spread(load: Any, items: list[float], *, processes: int, timeout_s: float) -> list[str]:
        asked.append(load.args[2].names)
        assert (processes, len(items)) == (1, 1)
        assert timeout_s > 60
        return ["the drill"]

    monkeypatch.setattr(workers, "spread", spread)
    monkeypatch.setattr(drill, "require_own", lambda _: None)
    monkeypatch.setattr(drill, "budget_db", lambda _: 40.0)
    pictures = made.ImageSet.from_arrays({str(number): np.zeros((2, 2, 3), np.uint8) for number in range(count)})
    case: Any = SimpleNamespace(pictures=pictures, stored=None, calibration=None)
    assert drill.tapped(case) == "the drill"
    assert asked == [tuple(map(str, names))]
