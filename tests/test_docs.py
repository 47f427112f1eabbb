"""The documents say what the code does: commands, options, recipes, versions and file names."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from test_architecture import FLOORS

from levit_mobile.cli import app
from levit_mobile.images.digits import Split, source_indices
from levit_mobile.recipe import DEFAULT_PRECISION, RECIPES, Precision
from levit_mobile.runtimes.registry import RUNTIMES
from levit_mobile.targets import TARGETS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONVERSION = (ROOT / "conversion" / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def commands() -> dict[str, Any]:
    """The command line's commands by name."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def documented_calls() -> list[list[str]]:
    """Every `levit-mobile ...` line in the README's code blocks, split into words, without its comment."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", README, re.S | re.M)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("levit-mobile ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def recipe_rows() -> dict[str, list[str]]:
    """The README's recipe table: name -> cells of its row."""
    names = rf"(?:{'|'.join(TARGETS)})-(?:{'|'.join(Precision)})"
    rows = re.findall(rf"^\| `({names})`(.*)\|$", README, re.M)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}


@pytest.mark.parametrize("call", documented_calls(), ids=" ".join)
def test_documented_commands_and_options_exist(call: list[str]) -> None:
    command = commands()[call[0]]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    used = {word for word in call[1:] if word.startswith("--")}
    assert used <= known


def test_every_command_is_in_the_readme() -> None:
    assert set(commands()) == {call[0] for call in documented_calls()}


def test_every_command_and_option_has_help() -> None:
    for name, command in commands().items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.opts}"


def test_the_recipe_table_is_the_recipes() -> None:
    rows = recipe_rows()
    assert set(rows) == set(RECIPES)
    for name, recipe in RECIPES.items():
        assert f"SQNR >= {recipe.tolerance.min_sqnr_db:g} dB" in rows[name][-1]
        assert (f"(default for {recipe.target})" in rows[name][0]) == (
            DEFAULT_PRECISION[recipe.target] is recipe.precision
        )
        assert rows[name][1] == f"`{TARGETS[recipe.target].suffix}`"


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


def test_the_readme_has_no_block_left_to_fill() -> None:
    assert "_BLOCK" not in README


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
    known = {
        option for parameter in commands()[call[0]].params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {word for word in call[1:] if word.startswith("--")} <= known


def test_the_workflow_proves_all_targets_on_linux_and_core_ml_on_a_mac() -> None:
    rows = workflow()["jobs"]["parity"]["strategy"]["matrix"]["include"]
    assert [(row["os"].partition("-")[0], row["target"]) for row in rows] == [("ubuntu", "all"), ("macos", "coreml")]
    assert {row["extra"] for row in rows} <= set(PROJECT["optional-dependencies"])
    assert [call[0] for call in workflow_calls()] == ["convert", "validate"]
    assert "--strict" in workflow_calls()[1]


def test_the_readme_shows_the_workflow_as_it_is() -> None:
    validate = next(call for call in workflow_calls() if call[0] == "validate")
    assert f"levit-mobile {' '.join(validate)}" in README
    assert ".github/workflows/parity.yml" in README


def test_every_runtime_is_in_the_readme() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \|", README, re.M)
    assert dict(rows) == {name: row.target for name, row in RUNTIMES.items()}


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
