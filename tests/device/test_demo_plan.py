"""The timing plan: the same fields and defaults as the app's, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.refusals import refused
from support.small_bundles import bundle

from levit_mobile.demo.plan import PlanStep, TimingPlan
from levit_mobile.errors import TimingError

DEMO = Path(__file__).parents[2] / "android_demo"


def test_the_defaults_are_those_that_the_demos_readme_shows() -> None:
    """A test of the demo compares the README with the Kotlin classes."""
    blocks = re.findall(r"```json\n(.*?)```", (DEMO / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = json.loads(next(block for block in blocks if "warmup_rounds" in block))
    plan = TimingPlan(steps=(PlanStep(bundle=shown["steps"][0]["bundle"]),))
    assert json.loads(plan.written()) == shown


def test_steps_have_the_names_of_the_record() -> None:
    steps = (PlanStep(bundle="a", threads=2), PlanStep(bundle="a", accelerator="gpu"))
    assert [step.name for step in steps] == ["a-cpu2", "a-gpu"]


def test_a_plan_has_every_bundle_on_every_accelerator_of_its_runtime(tmp_path: Path) -> None:
    for recipe in ("tflite-fp32", "executorch-fp32"):
        bundle(tmp_path / recipe, recipe)
    plan = TimingPlan.of([tmp_path / "tflite-fp32", tmp_path / "executorch-fp32"], ("cpu", "gpu"), (1, 4))
    names = ["tflite-fp32-cpu1", "tflite-fp32-cpu4", "tflite-fp32-gpu", "executorch-fp32-cpu1", "executorch-fp32-cpu4"]
    assert [step.name for step in plan.steps] == names
    assert plan.bundles == ("tflite-fp32", "executorch-fp32")
    with refused(TimingError, "timing.option", "gpu", "executorch artifacts run on cpu"):
        TimingPlan.of([tmp_path / "executorch-fp32"], ("gpu",))
    with refused(TimingError, "timing.option", "rounds"):
        TimingPlan.of([tmp_path / "executorch-fp32"], options={"rounds": 0})
    with refused(TimingError, "timing.option", "no bundle"):
        TimingPlan.of([])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "schema"),
        ('{"schema_version": 2, "steps": [{"bundle": "a"}]}', "schema"),
        ('{"steps": []}', "schema"),
        ('{"steps": [{"bundle": "a"}, {"bundle": "a"}]}', "schema"),
        ('{"steps": [{"bundle": "a", "accelerator": "npu"}]}', "schema"),
        ('{"steps": [{"bundle": "a"}], "speed": 1}', "schema"),
        (None, "unreadable"),
    ],
    ids=["cut", "version", "no steps", "twice", "accelerator", "unknown", "missing"],
)
def test_a_plan_that_the_app_would_refuse_is_refused(text: str | None, fault: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    with refused(TimingError, f"timing.{fault}", "plan.json"):
        TimingPlan.read(tmp_path / "plan.json")


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    plan = TimingPlan(steps=(PlanStep(bundle="a"), PlanStep(bundle="b", accelerator="gpu")), rounds=7, seed=3)
    (tmp_path / "plan.json").write_text(plan.written(), encoding="utf-8")
    assert TimingPlan.read(tmp_path / "plan.json") == plan
