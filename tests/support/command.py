"""The command line, run in this process."""

from __future__ import annotations

from typing import Any

from typer.testing import CliRunner

from levit_mobile.cli import app


def ask(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "80", "TERM": "dumb"})
