"""What a reader of many artifacts sees first: which lines are drawn up, in which order, and where they are cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import overviews as made
from support import validations
from support.timings import HOST, PIXEL

from levit_mobile.overview.collect import FoundRun, FoundValidation, Gathered
from levit_mobile.overview.join import Artifact, join, rows
from levit_mobile.recipe import Verdict
from levit_mobile.reporting.warnings import Concern, concerns, counted, device_title, overall, plural, setting, units
from levit_mobile.timing.record import Parity, TimingRun
from levit_mobile.validation.results import Validation


def joined(*found: Validation, runs: tuple[TimingRun, ...] = ()) -> tuple[Artifact, ...]:
    return join(
        Gathered(
            Path(),
            validations=tuple(FoundValidation(f"{place}.json", one) for place, one in enumerate(found)),
            runs=tuple(FoundRun(f"run{place}.json", one) for place, one in enumerate(runs)),
        )
    )


def said(artifacts: tuple[Artifact, ...]) -> list[Concern]:
    return list(concerns(artifacts, rows(artifacts)))


def broken(number: int, *reasons: str) -> Validation:
    """Of an artifact of its own."""
    return validations.not_run(
        bundle=f"b{number:02d}", artifact_sha256=f"{number:064x}", verdict=Verdict.BROKEN, reasons=reasons or ("why",)
    )


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (12, 12), (13, 13), (15, 13)])
def test_twelve_reasons_are_given_and_the_others_counted(count: int, shown: int) -> None:
    found = said(joined(*map(broken, range(count))))
    assert len(found) == shown
    assert [one.word for one in found[:12]] == ["BROKEN"] * min(count, 12)
    if count > 12:
        assert (found[12].word, found[12].of) == ("MORE", f"{count - 12} more")


def labelled(folder: Path, source: str) -> Artifact:
    """Of a bundle whose labels have this source."""
    contract = made.bundle(folder, "tflite-fp32")
    output = contract.output.model_copy(update={"labels_source": source})
    contract.model_copy(update={"output": output}).write(folder)
    return made.joined(folder)[0]


def test_labels_that_nobody_gave_are_a_concern_and_others_are_none(tmp_path: Path) -> None:
    (found,) = said((labelled(tmp_path / "one", "placeholder"),))
    assert (found.word, "class_0 to class_9" in found.why, "--labels FILE" in found.why) == ("NO LABELS", True, True)
    assert said((labelled(tmp_path / "two", "published"),)) == []


@pytest.mark.parametrize(
    ("reasons", "why"),
    [
        (("a",), "a"),
        (("a", "b"), "a; b"),
        (("a", "b", "c"), "a; b; and 1 more"),
        (("a", "b", "c", "d"), "a; b; and 2 more"),
    ],
)
def test_two_sentences_of_a_claim_are_given(reasons: tuple[str, ...], why: str) -> None:
    (found,) = said(joined(broken(1, *reasons)))
    assert (found.word, found.of, found.why) == ("BROKEN", "b01", f"validate: {why}")


def test_a_claim_without_a_reason_says_so() -> None:
    (found,) = said(joined(broken(1).model_copy(update={"reasons": ()})))
    assert found.why == "validate: no reason is given"


def test_what_is_broken_comes_before_what_could_not_be_run() -> None:
    idle = validations.not_run(bundle="a", artifact_sha256="ff" * 32)
    assert [one.word for one in said(joined(idle, broken(1), validations.proven()))] == ["BROKEN", "NOT RUN"]


def test_every_claim_that_is_broken_tells_and_one_that_is_not_run_is_enough() -> None:
    twice = [one.word for one in said(joined(broken(1, "x"), broken(1, "y")))]
    assert twice == ["BROKEN", "BROKEN"]
    idle = [validations.not_run(reasons=(why,)) for why in ("x", "y")]
    (found,) = said(joined(*idle))
    assert found.why == "validate: x"


def test_a_phone_that_could_not_run_it_tells_and_the_desk_does_not() -> None:
    idle = made.not_timed("coreml-fp16", "no Neural Engine")
    on_phone = made.run(idle, device=PIXEL)
    artifacts = joined(validations.not_run(artifact_sha256=idle.sha256), runs=(on_phone,))
    found = [one for one in said(artifacts) if one.word == "NOT RUN"]
    assert ["Sample Pixel" in one.why for one in found] == [True]


def test_what_was_not_timed_and_is_proven_elsewhere_is_said_by_its_reason() -> None:
    idle = made.not_timed("tflite-fp32", "no memory")
    proven = validations.proven(artifact_sha256=idle.sha256)
    host = made.run(idle)
    (found,) = (one for one in said(joined(proven, runs=(host,))) if one.word == "NOT TIMED")
    assert found.why == "no memory"
    assert found.of.endswith("on Sample EPYC")
    alone = said(joined(runs=(host,)))
    assert "NOT TIMED" not in [one.word for one in alone]


@pytest.mark.parametrize(("count", "more"), [(1, ""), (6, ""), (7, "; and 1 more"), (9, "; and 3 more")])
def test_six_rows_behind_one_doubt_are_named(count: int, more: str) -> None:
    timings = [made.timing(sha256=f"{number:064x}", name=f"n{number}") for number in range(count)]
    (found,) = (one for one in said(joined(runs=(made.run(*timings),))) if one.word == "NO BUNDLE")
    assert found.of == "; ".join(f"n{number}" for number in range(min(count, 6))) + more


def test_a_doubt_with_two_sentences_gives_the_first_as_an_example() -> None:
    one, other = made.timing(sha256="1" * 64, name="one"), made.timing(sha256="2" * 64, name="two")
    wrong = [Parity(verdict="broken", reasons=(why,)) for why in ("x", "y")]
    runs = made.run(*(t.model_copy(update={"parity": p}) for t, p in zip((one, other), wrong, strict=True)))
    words = {found.word: found for found in said(joined(runs=(runs,)))}
    assert "this artifact" in words["NO BUNDLE"].why
    assert not words["NO BUNDLE"].why.startswith("such as")


def test_counts_and_headlines() -> None:
    artifacts = joined(validations.proven(), broken(1), validations.not_run())
    assert counted(artifacts) == "1 of 3 artifacts proven, 1 broken, 1 not run"
    assert overall(artifacts) == "broken"
    assert counted(joined(validations.proven())) == "1 of 1 artifact proven"
    assert overall(()) == "not run"
    assert [plural(count, "row") for count in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


def test_a_device_is_called_by_its_system_and_by_what_it_is_not() -> None:
    assert device_title(PIXEL) == f"Sample Pixel, {PIXEL.os} {PIXEL.os_version}"
    assert device_title(PIXEL.model_copy(update={"simulated": True})).endswith(" (simulated)")
    assert device_title(PIXEL.model_copy(update={"emulated_cores": True})).endswith(" (emulated cores)")
    assert device_title(HOST.model_copy(update={"emulated_cores": True})).endswith(" (host, emulated cores)")
    assert device_title(made.run().device).endswith(" (host)")


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({"threads": 1}, "xnnpack, 1 thread"),
        ({"threads": 4}, "xnnpack, 4 threads"),
        ({"threads": None, "compute_units": "all", "accelerator": "coreml", "runtime": "Core ML"}, "all"),
        ({"threads": None, "compute_units": None}, "xnnpack"),
    ],
)
def test_a_setting_names_what_computes_unless_the_runtime_does(changes: dict[str, object], written: str) -> None:
    timing = made.timing().model_copy(update=changes)
    assert setting(timing) == written
    assert units(timing) == written.removeprefix("xnnpack").removeprefix(", ")
