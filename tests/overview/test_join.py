"""What belongs to one artifact, the worst that is said of it, and what is said of times that do not fit a bundle."""

from __future__ import annotations

import math
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Bundles
from support import overviews as made
from support import validations

from levit_mobile.overview.collect import FoundBundle, FoundRun, FoundValidation, Gathered, gather
from levit_mobile.overview.evidence import Evidence, best_known, of_bundle, of_timing, of_validation, worst
from levit_mobile.overview.join import Artifact, join, rows
from levit_mobile.reporting.tables.validate import validations_json
from levit_mobile.runtimes.registry import Runtime
from levit_mobile.timing.figures import called
from levit_mobile.timing.record import Conditions, Parity, TimingRun

PROVEN, BROKEN = Evidence("a", "", "proven", ()), Evidence("b", "", "broken", ("why",))
NOT_RUN, DESK_NOT_RUN = Evidence("c", "", "not run", ("no Mac",)), Evidence("convert", "", "not run", (), desk=True)


def of_runs(*runs: TimingRun) -> tuple[Artifact, ...]:
    found = tuple(FoundRun(f"{number}.json", run) for number, run in enumerate(runs))
    return join(Gathered(Path(), runs=found))


def words(artifact: Artifact) -> list[list[str]]:
    return [[doubt.word for doubt in timed.doubts] for timed in artifact.timed]


@pytest.mark.parametrize(
    ("claims", "verdict"),
    [
        ([], "not run"),
        ([PROVEN], "proven"),
        ([PROVEN, NOT_RUN], "not run"),
        ([PROVEN, NOT_RUN, BROKEN], "broken"),
        ([DESK_NOT_RUN], "not run"),
        ([DESK_NOT_RUN, PROVEN], "proven"),
        ([DESK_NOT_RUN, BROKEN], "broken"),
    ],
)
def test_the_worst_counts_and_a_desk_gives_way_to_what_could_run(claims: list[Evidence], verdict: str) -> None:
    assert worst(claims) == verdict


@pytest.mark.parametrize("runtime", [None, validations.MIL])
def test_a_validation_on_this_machine_gives_way_to_a_phone_that_could_run_it(runtime: Runtime | None) -> None:
    """Neither `convert` nor `validate` runs on a phone, so what they could not run says nothing against its proof."""
    idle = of_validation(FoundValidation("v.json", validations.not_run(runtime=runtime)))
    assert (idle.verdict, idle.desk) == ("not run", True)
    assert worst([idle, PROVEN]) == "proven"
    assert worst([idle, NOT_RUN, PROVEN]) == "not run"
    assert worst([idle, BROKEN]) == "broken"


@pytest.mark.parametrize("verdict", ["proven", "not run"])
def test_a_bundles_evidence_is_its_own_proof(tmp_path: Path, verdict: str) -> None:
    made.bundle(tmp_path / "build" / "a", "tflite-fp32", verdict=verdict)
    (bundle,) = gather(tmp_path).bundles
    assert bundle.stored is not None
    found, proof = of_bundle(bundle), bundle.stored.proof
    assert (found.source, found.place, found.verdict, found.desk) == ("convert", "build/a", verdict, True)
    assert found.reasons == proof.reasons
    report = proof.report
    figures = (
        (report.images, report.max_abs_error, report.sqnr_db, report.top1_agreement)
        if report
        else (0, None, None, None)
    )
    assert (found.pictures, found.max_abs_error, found.sqnr_db, found.top1_agreement) == figures
    assert (report is None) == (verdict == "not run")


def test_a_timings_evidence_is_what_the_device_found() -> None:
    parity = Parity(verdict="broken", reasons=("x",), pictures=4, max_abs_error=0.5, sqnr_db=9.0, top1_agreement=0.75)
    run = made.run(made.timing(parity=parity), device=made.PIXEL)
    found = of_timing(FoundRun("here/t.json", run), run.timings[0])
    assert (found.source, found.place) == ("LiteRT 2.3.0 on Sample Pixel", "here/t.json")
    assert (found.verdict, found.reasons) == ("broken", ("x",))
    assert (found.pictures, found.max_abs_error, found.sqnr_db, found.top1_agreement) == (4, 0.5, 9.0, 0.75)


def test_a_damaged_folder_is_broken_wherever_else_it_is_proven() -> None:
    found = of_bundle(FoundBundle("a/b", "b", broken="labels.txt is missing"))
    assert (found.verdict, found.reasons, found.place) == ("broken", ("labels.txt is missing",), "a/b")
    assert worst([PROVEN, found]) == "broken"


@pytest.mark.parametrize(("platform", "desk"), [("host", True), ("android", False), ("ios", False)])
def test_only_a_host_is_a_desk(platform: str, desk: bool) -> None:
    device = made.PIXEL.model_copy(update={"platform": platform})
    run = made.run(device=device)
    assert of_timing(FoundRun("t.json", run), run.timings[0]).desk == desk


def test_a_validations_figures_are_its_reports() -> None:
    found = of_validation(FoundValidation("v.json", validations.broken()))
    report = validations.broken().report
    assert report is not None
    assert (found.pictures, found.max_abs_error, found.sqnr_db, found.top1_agreement, found.top1_interval) == (
        report.images,
        report.max_abs_error,
        report.sqnr_db,
        report.top1_agreement,
        validations.broken().top1_interval,
    )
    assert (found.source, found.top1_accuracy) == ("validate on ExecuTorch 1.4.1", 0.872)
    without = of_validation(FoundValidation("v.json", validations.not_run()))
    assert (without.source, without.pictures, without.sqnr_db, without.top1_accuracy) == ("validate", 0, None, None)


def test_what_has_only_an_sqnr_or_only_an_agreement_is_known() -> None:
    one = Evidence("a", "", "proven", (), pictures=1, sqnr_db=1.0)
    two = Evidence("b", "", "proven", (), pictures=2, top1_agreement=0.5)
    none = Evidence("c", "", "proven", (), pictures=3, max_abs_error=0.1)
    assert best_known([one, none]) is one
    assert best_known([one, two, none]) is two
    assert best_known([none]) is None
    assert best_known([]) is None


def test_the_claim_with_most_pictures_is_known_best() -> None:
    few = Evidence("device", "", "proven", (), pictures=4, sqnr_db=60.0)
    many = Evidence("validate", "", "proven", (), pictures=500, top1_agreement=0.99)
    assert best_known([few, many, PROVEN]) is many
    assert best_known([PROVEN]) is None


def test_a_real_bundle_its_validation_and_its_times_are_one_row(bundles: Bundles, tmp_path: Path) -> None:
    bundle = bundles("tflite-fp32")
    shutil.copytree(bundle.path, tmp_path / "build" / bundle.path.name)
    digest = bundle.contract.artifact.sha256
    (tmp_path / "v.json").write_text(validations_json([validations.proven(artifact_sha256=digest)]))
    made.write(tmp_path / "t.json", made.run(made.timing(sha256=digest)))
    (artifact,) = made.joined(tmp_path)
    assert (artifact.title, artifact.size_bytes) == (bundle.path.name, bundle.contract.artifact.bytes)
    assert [claim.source for claim in artifact.all_claims] == [
        "convert",
        "validate on LiteRT 2.3.0",
        "LiteRT 2.3.0 on Sample EPYC",
    ]
    (row,) = rows([artifact])
    assert row.verdict == "proven"
    assert row.best_known is artifact.claims[1]
    assert words(artifact) == [[]]


def test_one_row_a_device_and_setting(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / made.name("tflite-fp32"), "tflite-fp32")
    digest = contract.artifact.sha256
    one, four = made.timing(sha256=digest), made.timing(sha256=digest, name="four", threads=4)
    made.write(tmp_path / "host.json", made.run(one, four))
    made.write(tmp_path / "pixel.json", made.run(one, device=made.PIXEL))
    made.bundle(tmp_path / made.name("tflite-int8"), "tflite-int8")
    found = rows(made.joined(tmp_path))
    assert [
        (row.artifact.name, row.timed and (called(row.timed.device), row.timed.timing.threads)) for row in found
    ] == [
        (made.name("tflite-fp32"), ("Sample Pixel", 1)),
        (made.name("tflite-fp32"), ("Sample EPYC", 1)),
        (made.name("tflite-fp32"), ("Sample EPYC", 4)),
        (made.name("tflite-int8"), None),
    ]


def test_logits_without_any_error_have_an_infinite_sqnr() -> None:
    exact = Parity(verdict="proven", pictures=4, max_abs_error=0.0, top1_agreement=1.0)
    unknown = Parity(verdict="proven", pictures=4, top1_agreement=1.0)
    (one,) = of_runs(made.run(made.timing(parity=exact)))
    (other,) = of_runs(made.run(made.timing(parity=unknown)))
    assert [one.all_claims[0].sqnr_db, other.all_claims[0].sqnr_db] == [math.inf, None]


def test_times_of_no_bundle_are_shown_as_such() -> None:
    (artifact,) = of_runs(made.run())
    assert words(artifact) == [["NO BUNDLE"]]
    assert (artifact.size_bytes, artifact.target, artifact.recipe) == (29_790_000, "tflite", "tflite-fp32")


def test_times_of_an_older_artifact_are_told(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / made.name("tflite-fp32"), "tflite-fp32")
    made.write(tmp_path / "t.json", made.run(made.timing(sha256="0d" * 32)))
    new, old = sorted(made.joined(tmp_path), key=lambda one: bool(one.timed))
    assert old.title == f"{made.name('tflite-fp32')} (0d0d0d0d)"
    assert new.title == f"{made.name('tflite-fp32')} ({contract.artifact.sha256[:8]})"
    assert [doubt.sentence for doubt in old.timed[0].doubts] == [
        f"the run timed 0d0d0d0d, the bundle {made.name('tflite-fp32')} holds {contract.artifact.sha256[:8]}: "
        "time the bundle again"
    ]


def test_times_by_another_contract_are_told(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / "a", "tflite-fp32")
    timing = made.timing(sha256=contract.artifact.sha256, contract_sha256="00" * 32)
    made.write(tmp_path / "t.json", made.run(timing))
    assert words(made.joined(tmp_path)[0]) == [["OTHER CONTRACT"]]


def test_a_later_run_of_the_same_is_the_latest() -> None:
    (artifact,) = of_runs(
        made.run(),
        made.run(started_at=made.STARTED + timedelta(hours=1)),
        made.run(device=made.PIXEL),
    )
    assert [(called(timed.device), timed.latest) for timed in artifact.timed] == [
        ("Sample Pixel", True),
        ("Sample EPYC", False),
        ("Sample EPYC", True),
    ]
    assert words(artifact)[1] == ["NO BUNDLE", "EARLIER RUN"]


def test_other_cores_of_a_phone_are_another_setting() -> None:
    later = made.STARTED + timedelta(hours=1)
    (artifact,) = of_runs(
        made.run(device=made.PIXEL, cores=(0,)), made.run(device=made.PIXEL, cores=(7,), started_at=later)
    )
    assert [timed.latest for timed in artifact.timed] == [True, True]
    (artifact,) = of_runs(made.run(cores=(0,)), made.run(cores=(1,), started_at=later))
    assert [timed.latest for timed in artifact.timed] == [False, True]


def test_a_record_of_schema_1_is_of_the_same_device_as_a_later_one() -> None:
    """It does not have the clocks of the cores."""
    known = made.PIXEL.model_copy(update={"core_max_khz": (2_914_000,) * 9})
    later = made.STARTED + timedelta(hours=1)
    (artifact,) = of_runs(made.run(device=made.PIXEL), made.run(device=known, started_at=later))
    assert [timed.latest for timed in artifact.timed] == [False, True]


def test_every_row_of_a_run_has_its_marks() -> None:
    hot = Conditions(thermal="severe", charging=True)
    (artifact,) = of_runs(made.run(device=made.PIXEL, before=hot, during=(hot,), after=hot))
    assert words(artifact) == [["WARM", "CHARGING", "NO BUNDLE"]]


def test_what_a_device_finds_broken_breaks_its_row_alone(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / "a", "tflite-fp32")
    digest = contract.artifact.sha256
    wrong = Parity(verdict="broken", reasons=("SQNR is 3.0 dB, expected at least 100 dB",), sqnr_db=3.0)
    made.write(tmp_path / "host.json", made.run(made.timing(sha256=digest)))
    made.write(tmp_path / "pixel.json", made.run(made.timing(sha256=digest, parity=wrong), device=made.PIXEL))
    (artifact,) = made.joined(tmp_path)
    assert artifact.verdict == "broken"
    assert [row.verdict for row in rows([artifact])] == ["broken", "proven"]


def test_what_this_machine_cannot_run_is_not_run_in_its_row_alone(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / "a", "coreml-fp16", verdict="not run")
    digest = contract.artifact.sha256
    idle = made.not_timed("coreml-fp16", "no Mac").model_copy(update={"sha256": digest})
    made.write(tmp_path / "host.json", made.run(idle))
    (artifact,) = made.joined(tmp_path)
    assert artifact.verdict == "not run"
    made.write(tmp_path / "phone.json", made.run(made.timing("coreml-fp16", sha256=digest), device=made.IPHONE))
    (artifact,) = made.joined(tmp_path)
    assert artifact.verdict == "proven"
    assert [row.verdict for row in rows([artifact])] == ["not run", "proven"]


def test_what_a_phone_cannot_run_is_not_run(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / "a", "tflite-fp32")
    idle = made.not_timed("tflite-fp32", "no kernel").model_copy(update={"sha256": contract.artifact.sha256})
    made.write(tmp_path / "phone.json", made.run(idle, device=made.PIXEL))
    assert made.joined(tmp_path)[0].verdict == "not run"


def test_a_damaged_bundle_is_an_artifact_with_its_sentence(tmp_path: Path) -> None:
    made.bundle(tmp_path / "a", "tflite-fp32")
    (tmp_path / "a" / "model.tflite").write_bytes(b"")
    refused = validations.not_run(bundle="a", artifact_sha256="", verdict="broken", reasons=("damaged",))
    (tmp_path / "v.json").write_text(validations_json([refused]))
    (artifact,) = made.joined(tmp_path)
    assert (artifact.title, artifact.sha256, artifact.verdict) == ("a", "", "broken")
    assert [claim.source for claim in artifact.claims] == ["bundle folder", "validate"]
    assert rows([artifact])[0].timed is None


def test_a_validation_alone_is_an_artifact() -> None:
    (artifact,) = join(Gathered(Path(), validations=(FoundValidation("v.json", validations.broken()),)))
    assert (artifact.title, artifact.recipe, artifact.size_bytes) == (
        "levit_128s-executorch-fp16",
        "executorch-fp16",
        None,
    )
    assert artifact.claims[0].top1_accuracy == 0.872
