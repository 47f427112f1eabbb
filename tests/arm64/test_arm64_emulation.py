"""What a core and this machine may differ by, and what the reports say of it: nothing is run."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from support.refusals import refused
from support.validations import LITERT, picture, proven

from levit_mobile.arm64.cpus import CPUS
from levit_mobile.errors import RecipeError, RunnerUnavailable
from levit_mobile.parity.logit_stats import LogitStats
from levit_mobile.reporting.junit import junit_xml
from levit_mobile.reporting.pages.validation import page
from levit_mobile.reporting.tables.validate import note_lines, validation_table, validations_json
from levit_mobile.reporting.verdicts import bounds, kernels
from levit_mobile.runtimes import registry
from levit_mobile.runtimes.registry import Runtime, RuntimeId
from levit_mobile.validation import emulation, setup
from levit_mobile.validation.results import Emulation
from levit_mobile.validation.run_pair import PairStats

CORE = Runtime(name="litert@cortex-a76", title="LiteRT on cortex-a76, emulated", version="2.3.0", real=True)


def found(**changes: object) -> Emulation:
    """A core that agrees."""
    made = Emulation(
        cpu="cortex-a76",
        host=LITERT,
        relative_error=5e-7,
        max_relative_error=1e-5,
        host_sqnr_db=124.6,
        difference_db=2.0,
        max_difference_db=None,
        flips=(),
        max_margin=2e-5,
        instructions={"sdot, udot": 17_980_000.0, "smmla": 10.0, "loads": 6_860_000.0, "fmla": 6_930_000.0},
    )
    return made.model_copy(update=changes)


def broken(**changes: object) -> list[str]:
    return [check.sentence for check in found(**changes).checks() if not check.holds]


# Bounds


def test_a_core_that_agrees_holds_every_bound() -> None:
    assert broken() == []
    assert {check.name for check in found().checks()} == {"max_relative_error", "max_margin"}


def test_float32_differs_by_rounding_only() -> None:
    (sentence,) = broken(relative_error=1.1e-5)
    assert (
        sentence == "the relative error of the logits is 1.1e-05 against LiteRT on this machine, expected at most 1e-05"
    )


@pytest.mark.parametrize("apart", [1.2, -1.2, float("nan")])
def test_int8_is_within_a_decibel_either_way(apart: float) -> None:
    bounds = {"max_relative_error": None, "max_difference_db": 1.0}
    assert broken(**bounds, difference_db=0.9) == []
    (sentence,) = broken(**bounds, difference_db=apart)
    assert "dB from the 124.6 dB of LiteRT on this machine, expected at most 1" in sentence


def test_a_flip_within_the_error_is_let_pass_and_another_is_not() -> None:
    near, far = (picture(3, 0.1, flip=True).model_copy(update={"reference_margin": m}) for m in (0.9e-5, 0.4))
    assert broken(flips=(near,)) == []
    (sentence,) = broken(flips=(near, far))
    assert (
        sentence == "the top class differs from that on this machine at a margin of 0.4 logits, expected at most 2e-05"
    )


@pytest.mark.parametrize(
    ("difference", "error", "holds"),
    [
        (-0.3, 0.0, True),
        (-0.31, 0.0, False),
        (-1.02, 0.6, True),  # eight pictures: what chance explains
        (-1.02, 0.3, False),
        (2.0, 0.0, True),
        (-9.0, None, True),  # one picture says nothing
        (float("nan"), 0.1, False),
    ],
)
def test_what_float16_loses_is_held_to_what_chance_leaves(difference: float, error: float | None, holds: bool) -> None:
    sentences = broken(max_relative_error=None, difference_db=difference, loss_error_db=error, max_loss_db=0.3)
    assert (sentences == []) == holds
    assert all("expected at most 0.3 dB beyond it" in sentence for sentence in sentences)


# Runtimes


def test_cores_with_float16_for_vectors_compute_in_it() -> None:
    assert {cpu for cpu in CPUS if CPUS[cpu].computes_in_half} == {"cortex-a76", "i8mm"}


def test_a_runtime_on_a_core_is_called_so() -> None:
    name = registry.on("i8mm", "tflite")
    assert (str(name), name) == ("litert@i8mm", RuntimeId("litert", "i8mm"))
    assert registry.chosen("litert@i8mm", "tflite") == name
    assert registry.described(name).title == "LiteRT on i8mm, emulated"
    assert registry.described(name).version == registry.described(RuntimeId("litert")).version
    with refused(RecipeError, "recipe.runtime", "'litert@i8mm'", "executorch artifacts"):
        registry.chosen(str(name), "executorch")
    with refused(RunnerUnavailable, "runner.platform", "Core ML", "Apple", "i8mm"):
        registry.require(registry.on("i8mm", "coreml"))


# Reports


def test_reports_show_the_core_beside_this_machine() -> None:
    there = proven(runtime=CORE, emulation=found(), drill=None)
    (row,) = json.loads(validations_json([there]))["validations"]
    assert row["emulation"]["instructions"]["sdot, udot"] == 17_980_000
    titles = [bound.title for bound in bounds(there)]
    assert "relative error vs this machine" in titles
    assert "LiteRT on cortex-a76, emulated" in junit_xml([there])
    ET.fromstring(junit_xml([there]))


def test_flips_against_this_machine_are_listed() -> None:
    flip = picture(3, 0.1, flip=True)
    (line,) = note_lines([proven(runtime=CORE, emulation=found(flips=(flip,)), notes=())])
    assert line.endswith(": digit-0003: top class 6, but 3 on this machine, with a margin of 0.023")


def test_a_page_and_a_table_show_what_ran() -> None:
    there = proven(runtime=CORE, emulation=found())
    assert "sdot, udot 18.0 M; fmla 6.9 M" in page([there], {})
    assert "SQNR on this machine" in page([there], {})
    assert "kernels executed" not in page([proven()], {})
    headings = list(validation_table([there]).columns[0].cells)
    assert {"kernels executed", "error vs this machine"} <= set(headings)
    assert "kernels executed" not in list(validation_table([proven()]).columns[0].cells)


def test_kernels_are_named_without_what_every_program_has() -> None:
    assert kernels(found()) == "sdot, udot 18.0 M; fmla 6.9 M"
    assert kernels(found(instructions={})) == "-"


def test_nothing_is_said_where_logits_cannot_be_compared() -> None:
    seen = PairStats(LogitStats(), {})
    case = replace(_case(), host=None)
    assert emulation.emulation(case, seen, lambda _: picture(0, 0.0)) is None
    assert emulation.emulation(_case(), seen, lambda _: picture(0, 0.0)) is None


def _case() -> setup.ValidationSetup:
    core, here = RuntimeId("litert", "i8mm"), RuntimeId("litert")
    return setup.ValidationSetup(None, core, None, (), None, None, "", None, host=here)  # type: ignore[arg-type]
