"""What strangers named does not command the terminal or GitHub Actions, whichever command quotes it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch
from rich.console import Console
from support import small_bundles
from support import validations as made
from support.command import ask

from levit_mobile.recipe import Verdict
from levit_mobile.reporting.github import commands
from levit_mobile.reporting.tables.validate import drill_table, validation_table

EVIL = "x\n::error title=pwned::\x1b[31mpwned\r::warning::w ##[error]p"
LEGACY = "##["


def obeyed(output: str) -> list[str]:
    """Lines that GitHub Actions takes for commands, or that hold what a terminal obeys."""
    lines = output.replace("\r", "\n").split("\n")
    return [line for line in lines if line.strip().startswith("::") or LEGACY in line or "\x1b" in line]


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A folder whose name is a command, with a bundle of such a name in it, which is damaged."""
    bundle = tmp_path / EVIL / EVIL
    small_bundles.bundle(bundle, "tflite-fp32")
    (bundle / "labels.txt").write_text("changed")
    return bundle


@pytest.mark.parametrize("command", ["inspect", "validate", "bench", "report"])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_path_commands_nothing(evil: Path, command: str, as_json: bool) -> None:
    done = ask(command, str(evil.parent if command == "report" else evil), *(["--json"] if as_json else []))
    assert done.exit_code == (0 if command == "report" else 1)
    assert obeyed(done.stderr) == []
    if as_json:
        assert "pwned" in json.dumps(json.loads(done.stdout))
    else:
        assert obeyed(done.stdout) == []
        assert "pwned" in done.stdout + done.stderr


def test_the_key_of_a_checkpoint_commands_nothing(tmp_path: Path) -> None:
    torch.save({EVIL: torch.zeros(3), f"{EVIL}2": torch.zeros(3)}, tmp_path / "weights.pth")
    done = ask("convert", "-t", "tflite", "-c", str(tmp_path / "weights.pth"), "-o", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "error: " in done.stderr
    assert obeyed(done.output) == []


@pytest.mark.parametrize("name", [EVIL, f"{'a' * 60}::error::{'b' * 60}::error::{'c' * 60}"])
def test_the_title_of_a_table_commands_nothing_where_it_is_wrapped(name: str) -> None:
    validation = made.proven(bundle=name, drill=made.drill(90, 10, 20))
    console = Console(width=40, record=True, file=io.StringIO())
    for table in (validation_table([validation]), drill_table(validation)):
        console.print(table)
    assert obeyed(console.export_text()) == []


def test_annotations_are_one_line_each_with_their_text_encoded() -> None:
    (line,) = commands([made.broken(bundle=EVIL, reasons=(EVIL, "100%"))])
    assert line.splitlines() == [line]
    kind, _, rest = line.removeprefix("::").partition(" title=")
    title, _, message = rest.partition("::")
    assert kind == "error"
    assert Verdict.BROKEN.upper() in title
    assert ":" not in title.replace("%3A", "")
    assert "%0A" in message
    assert "100%25" in message
