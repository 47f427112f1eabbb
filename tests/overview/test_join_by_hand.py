"""Artifacts joined from made-up runs and folders: order, titles, the latest run, and the evidence for each."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from support import overviews as made
from support import validations

from levit_mobile.overview.collect import FoundBundle, FoundRun, FoundValidation, Gathered, gather
from levit_mobile.overview.join import Artifact, join, rows
from levit_mobile.timing.record import TimingRun


def of_runs(*runs: TimingRun) -> tuple[Artifact, ...]:
    found = tuple(FoundRun(f"{number}.json", run) for number, run in enumerate(runs))
    return join(Gathered(Path(), runs=found))


def words(artifact: Artifact) -> list[list[str]]:
    return [[doubt.word for doubt in timed.doubts] for timed in artifact.timed]


def test_artifacts_come_by_name_and_then_by_digest() -> None:
    runs = made.run(
        made.timing(name="b", sha256="1" * 64),
        made.timing(name="a", sha256="3" * 64),
        made.timing(name="c", sha256="0" * 64),
    )
    again = made.run(made.timing(name="a", sha256="2" * 64))
    assert [one.title for one in of_runs(runs, again)] == ["a (22222222)", "a (33333333)", "b", "c"]


def test_two_damaged_folders_of_one_name_are_told_apart_by_their_place() -> None:
    found = tuple(FoundBundle(f"{place}/same", "same", broken="why") for place in "xy")
    artifacts = join(Gathered(Path(), bundles=found))
    assert [(one.title, one.sha256) for one in artifacts] == [("same", "")]
    assert len(artifacts[0].bundles) == 2


def test_a_folder_and_an_artifact_of_one_name_are_two() -> None:
    damaged = FoundBundle("x/n", "n", broken="why")
    run = made.run(made.timing(name="n", sha256="1" * 64))
    found = join(Gathered(Path(), bundles=(damaged,), runs=(FoundRun("t.json", run),)))
    assert [one.title for one in found] == ["n (x/n)", "n (11111111)"]
    (timed,) = found[1].timed
    doubts = [doubt.sentence for doubt in timed.doubts if doubt.word == "OTHER ARTIFACT"]
    assert len(doubts) == 1
    assert all(fact in doubts[0] for fact in ("11111111", "x/n", "damaged"))


def test_timings_come_by_device_then_threads_then_time() -> None:
    later = made.STARTED + timedelta(hours=1)
    runs = (
        made.run(made.timing(threads=4), device=made.PIXEL, started_at=later),
        made.run(made.timing(threads=1), device=made.PIXEL, started_at=later),
        made.run(made.timing(threads=4), device=made.PIXEL),
        made.run(made.timing(threads=1)),
    )
    (artifact,) = of_runs(*runs)
    assert [(timed.place, timed.latest) for timed in artifact.timed] == [
        ("1.json", True),
        ("2.json", False),
        ("0.json", True),
        ("3.json", True),
    ]


@pytest.mark.parametrize(
    "changes", [{"threads": 2}, {"accelerator": "gpu"}, {"runtime": "Other"}, {"threads": None, "compute_units": "all"}]
)
def test_another_setting_is_not_the_same_timed_again(changes: dict[str, object]) -> None:
    first = made.run(made.timing())
    second = made.run(made.timing().model_copy(update=changes), started_at=made.STARTED + timedelta(hours=1))
    (artifact,) = of_runs(first, second)
    assert [timed.latest for timed in artifact.timed] == [True, True]


def test_a_bundle_of_the_same_contract_raises_no_doubt(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / "a", "tflite-fp32")
    sealed = gather(tmp_path).bundles[0].contract_sha256
    for known in (sealed, None):
        timing = made.timing(sha256=contract.artifact.sha256, contract_sha256=known)
        made.write(tmp_path / "t.json", made.run(timing))
        assert words(made.joined(tmp_path)[0]) == [[]]


def test_what_is_known_of_an_artifact_comes_from_its_contract_first(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / "a", "tflite-fp32")
    timing = made.timing("executorch-fp32", sha256=contract.artifact.sha256, bytes=7, variant="levit_384")
    made.write(tmp_path / "t.json", made.run(timing))
    (artifact,) = made.joined(tmp_path)
    assert (artifact.recipe, artifact.target, artifact.variant) == ("tflite-fp32", "tflite", contract.model.variant)
    assert artifact.size_bytes == contract.artifact.bytes
    (alone,) = of_runs(made.run(timing))
    assert (alone.recipe, alone.target, alone.variant, alone.size_bytes) == (
        "executorch-fp32",
        "executorch",
        "levit_384",
        7,
    )
    assert alone.contract is None


def test_a_row_of_what_was_never_timed_rests_on_its_claims() -> None:
    (artifact,) = join(Gathered(Path(), validations=(FoundValidation("v.json", validations.proven()),)))
    (row,) = rows([artifact])
    assert (row.timed, row.own, row.verdict, row.claims) == (None, None, "proven", artifact.claims)
    assert row.best_known is artifact.claims[0]


def test_a_device_that_could_not_run_it_is_not_proven_by_what_others_could() -> None:
    """A host's own row stays not run, and the row of a phone beside it proven."""
    proven, idle = made.timing("coreml-fp16"), made.not_timed("coreml-fp16", "no Mac")
    (artifact,) = of_runs(made.run(idle), made.run(proven, device=made.IPHONE))
    assert {row.timed.found.run.device.platform: str(row.verdict) for row in rows([artifact]) if row.timed} == {
        "host": "not run",
        "ios": "proven",
    }
    assert artifact.verdict == "proven"
