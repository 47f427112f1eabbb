"""The README of the iOS demo names folders, commands, settings and fields that exist."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer
from support.xcode_files import CONFIGURATIONS, DEMO, ROOT, settings

from levit_mobile.cli import app
from levit_mobile.timing.record import Conditions, Device, Timing, TimingRun

TEXT = (DEMO / "README.md").read_text(encoding="utf-8")
MADE_LATER = {"bundles/"}  # by a command


def section(title: str) -> str:
    """One part of the page, up to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", TEXT, re.S | re.M)
    assert found
    return found[1]


def rows(title: str) -> list[list[str]]:
    """The rows of a part's table, without its header."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_folder_is_listed_and_exists() -> None:
    listed = {name for row in rows("iOS demo") for name in re.findall(r"`([\w.]+/)`", row[0])}
    assert [name for name in sorted(listed - MADE_LATER) if not (DEMO / name).is_dir()] == []
    found = {f"{path.name}/" for path in DEMO.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert found - {"build/"} <= listed


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", TEXT):
        path, _, anchor = target.partition("#")
        assert (DEMO / path).exists(), target
        assert not anchor or f"\n## {anchor.replace('-', ' ').capitalize()}\n" in TEXT


def commands() -> list[list[str]]:
    """Every call of levit-mobile on the page."""
    spans = re.findall(r"`(levit-mobile [^`\n]+)`", TEXT)
    lines = re.findall(r"^(levit-mobile .*)$", TEXT, re.M)
    return [shlex.split(one)[1:] for one in (*spans, *lines)]


def test_every_command_and_option_exists() -> None:
    group: Any = typer.main.get_command(app)
    assert len(commands()) >= 8
    for words in commands():
        command = group.commands[words[0]]
        options = {name for one in command.params for name in one.opts}
        assert [word for word in words[1:] if word.startswith("--") and word not in options] == []


@pytest.mark.parametrize("setting", re.findall(r"\(`([A-Z_]+)`\)", TEXT))
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_setting_that_your_app_needs_is_one_of_the_demo(setting: str, configuration: str) -> None:
    assert setting in settings("LevitDemo", configuration)


def test_the_file_for_the_signature_has_the_names_of_the_setting() -> None:
    text = (DEMO / "Signing.xcconfig").read_text(encoding="utf-8")
    for name in re.findall(r"^([A-Z_]+) = ", section("Signing"), re.M):
        assert re.search(rf"\b{name} = ", text)
    assert "`Signing.local.xcconfig`" in section("Signing")


def test_the_fields_of_the_record_exist() -> None:
    fields = {name for model in (TimingRun, Timing, Device, Conditions) for name in model.model_fields}
    named = [name for row in rows("Read the numbers") for name in re.findall(r"`(\w+)`", row[0])]
    assert len(named) >= 8
    assert [name for name in named if name not in fields] == []


def test_the_units_are_the_words_of_swift() -> None:
    folder = DEMO / "LevitMobileKit" / "Sources" / "LevitMobileKit" / "Timing"
    swift = (folder / "TimingPlan.swift").read_text(encoding="utf-8")
    for accelerator, units, _ in rows("Which unit did what"):
        word = {"`neural-engine`": "neuralEngine"}.get(accelerator, accelerator.strip("`"))
        assert f"case .{word}: .{units.strip('`')}" in swift


def test_the_paths_of_this_repository_exist() -> None:
    paths = re.findall(r"`(ios_demo/[\w./]+|tools/[\w./]+|\.github/[\w./]+)`", TEXT)
    assert len(paths) >= 3
    assert [one for one in paths if not ((ROOT / one).exists() or (DEMO / one).exists())] == []
    scripts = re.findall(r"python (ios_demo/tools/\w+\.py)", TEXT)
    assert [one for one in scripts if not (ROOT / one).is_file()] == []
