"""What tests build by hand uses names of the tables only: recipes, targets and runtimes that exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import overviews, small_bundles, timings, validations
from support.stored_bundles import KINDS

from levit_mobile.overview.collect import gather
from levit_mobile.recipe import RECIPES
from levit_mobile.runtimes.registry import RUNTIMES
from levit_mobile.targets import TARGETS
from levit_mobile.timing.record import Timing
from levit_mobile.validation.results import Validation

TITLES = {row.title: row.target for row in RUNTIMES.values()}  # a timing names its runtime as reports call it


def require_known(found: Validation) -> None:
    """The recipe exists, and the runtime runs its target under the title that the table has."""
    assert found.recipe in RECIPES
    if found.runtime:
        row = RUNTIMES[found.runtime.name]
        assert (row.title, row.real) == (found.runtime.title, found.runtime.real)
        assert row.target == RECIPES[found.recipe].target


def require_timed(found: Timing) -> None:
    """The target exists, the runtime runs it, and the recipe is one of its own."""
    assert TITLES[found.runtime] == found.target
    assert found.target in TARGETS
    assert found.recipe is None or RECIPES[found.recipe].target == found.target


@pytest.mark.parametrize("name", [*small_bundles.SAMPLES, *KINDS])
def test_sample_bundles_are_of_recipes(name: str) -> None:
    assert name in RECIPES
    assert KINDS.get(name, "").endswith(TARGETS[RECIPES[name].target].suffix) == (name in KINDS)


@pytest.mark.parametrize(
    "build", [validations.proven, validations.broken, validations.not_run, validations.not_a_number]
)
def test_validations_are_by_runtimes_of_the_table(build: Callable[[], Validation]) -> None:
    require_known(build())


def test_timings_are_by_runtimes_of_the_table() -> None:
    for found in (timings.timing(), *map(overviews.timing, small_bundles.SAMPLES)):
        require_timed(found)


def test_a_release_is_of_names_of_the_tables(tmp_path: Path) -> None:
    found = gather(overviews.release(tmp_path))
    for validation in found.validations:
        require_known(validation.validation)
    for timing in (timing for run in found.runs for timing in run.run.timings):
        require_timed(timing)
    assert len(found.validations) + len(found.runs) > 6
