"""The documents say what the code does: versions, the workflow, rooms and file names. `tests/docs/` has the rest."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.markdown import calls, known_options, pages, text
from test_architecture import FLOORS

from levit_mobile.images.digits import Split, source_indices

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONVERSION = (ROOT / "conversion" / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_conversion_readme_names_the_pinned_versions() -> None:
    for extra in ("coreml", "executorch", "tflite"):
        for requirement in PROJECT["optional-dependencies"][extra]:
            package, _, version = requirement.partition("==")
            if package != "ai-edge-litert":  # the runtime; nothing is made with it
                assert f"{package} {version}" in CONVERSION


def test_constraints_hold_every_pin_of_the_project() -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {line.partition("==")[0].lower().replace("_", "-"): line.partition("==")[2] for line in constraints}
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(r for extra in extras.values() for r in extra)]
    for requirement in wanted:
        package = re.split(r"[<>=\[]", requirement)[0].lower().replace("_", "-")
        if package != "levit-mobile":
            assert package in pins, requirement
            assert "==" not in requirement or requirement.endswith("==" + pins[package])


def test_no_page_has_a_block_left_to_fill() -> None:
    assert "_BLOCK" not in "".join(text(page) for page in pages())


def test_the_readme_has_at_most_160_lines() -> None:
    assert len(README.splitlines()) <= 160


def test_the_readme_counts_the_source_digits() -> None:
    assert f"{len(source_indices(Split.HELD_OUT))} source digits" in README


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in README
    assert script.rstrip().endswith("make test")


# The workflow that users copy


def workflow() -> dict[str, Any]:
    """`.github/workflows/parity.yml`, read as GitHub reads it."""
    return dict(yaml.safe_load((ROOT / ".github" / "workflows" / "parity.yml").read_text(encoding="utf-8")))


def workflow_calls() -> list[list[str]]:
    """Every `levit-mobile ...` line that the workflow runs, split into words."""
    steps = workflow()["jobs"]["parity"]["steps"]
    lines = [line.strip() for step in steps for line in step.get("run", "").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("levit-mobile ")]


@pytest.mark.parametrize("call", workflow_calls(), ids=lambda call: call[0])
def test_the_workflow_calls_commands_that_exist(call: list[str]) -> None:
    assert {word for word in call[1:] if word.startswith("--")} <= known_options(call[0])


def test_the_workflow_proves_all_targets_on_linux_and_core_ml_on_a_mac() -> None:
    rows = workflow()["jobs"]["parity"]["strategy"]["matrix"]["include"]
    assert [(row["os"].partition("-")[0], row["target"]) for row in rows] == [("ubuntu", "all"), ("macos", "coreml")]
    assert {row["extra"] for row in rows} <= set(PROJECT["optional-dependencies"])
    assert [call[0] for call in workflow_calls()] == ["convert", "validate"]
    assert "--strict" in workflow_calls()[1]


def test_the_page_on_ci_shows_the_workflow_as_it_is() -> None:
    validate = next(call for call in workflow_calls() if call[0] == "validate")
    assert validate in calls("docs/ci.md")
    assert "```{literalinclude} ../.github/workflows/parity.yml" in text("docs/ci.md")
    assert ".github/workflows/parity.yml" in README


# docs/architecture.md


def test_the_table_of_rooms_is_the_floors_of_the_architecture_test() -> None:
    rows = re.findall(r"^\| (?:roof|ground|\d+) \| ((?:`\w+` ?)+) \|", ARCHITECTURE, re.M)
    documented = [re.findall(r"`(\w+)`", row) for row in reversed(rows)]
    assert documented == [rooms.split() for rooms in FLOORS]


def test_every_file_that_the_architecture_names_exists() -> None:
    named = re.findall(r"`((?:levit_mobile|conversion|tests)/[\w/.<>]*)`", ARCHITECTURE)
    assert len(named) >= 12
    for name in named:
        some = name.replace("<target>", "coreml").replace("<command>", "convert")
        assert (ROOT / some).exists(), name
