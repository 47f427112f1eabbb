"""Pages name commands and options that exist, and every command has its page."""

from __future__ import annotations

import pytest
from support.markdown import DOCS, blocks, calls, commands, known_options, mentions, pages, rows, text

CALLS = [(page, call) for page in pages() for call in calls(page)]
MENTIONS = [(page, call) for page in pages() for call in mentions(page)]
COMMANDS = tuple(commands())
PROGRAM_OPTIONS = ("--help", "--version", "--install-completion", "--show-completion")  # without a command


def options_of(call: list[str]) -> set[str]:
    """The options of a call, without the values that some carry behind an equals sign."""
    return {word.partition("=")[0] for word in call[1:] if word.startswith("--")}


@pytest.mark.parametrize(
    ("page", "call"), CALLS, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_documented_commands_and_options_exist(page: str, call: list[str]) -> None:
    assert call[0] in COMMANDS, page
    assert options_of(call) <= known_options(call[0]), page


@pytest.mark.parametrize("page", sorted({page for page, _ in MENTIONS}))
def test_commands_and_options_in_the_text_exist(page: str) -> None:
    for call in (call for found, call in MENTIONS if found == page and call[0] not in (*PROGRAM_OPTIONS, "...")):
        assert call[0] in COMMANDS, call
        assert options_of(call) <= known_options(call[0]), call


def test_every_command_is_in_the_readme() -> None:
    named = {call[0] for call in (*calls("README.md"), *mentions("README.md"))}
    assert named == set(COMMANDS)


def test_every_command_has_its_page_and_no_page_is_left_over() -> None:
    assert {file.stem for file in (DOCS / "commands").glob("*.md")} == {"index", *COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_calls_its_command_and_shows_the_generated_options(command: str) -> None:
    page = f"docs/commands/{command}.md"
    assert command in {call[0] for call in calls(page)}
    directives = [content for language, content in blocks(page) if language == "{eval-rst}"]
    assert [content.splitlines()[0] for content in directives] == [f".. typer:: levit_mobile.cli:app:{command}"]
    assert f":prog: levit-mobile {command}\n" in directives[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_lists_exit_codes_and_the_schema_of_its_json(command: str) -> None:
    page = f"docs/commands/{command}.md"
    codes = {row[0] for row in rows(page)}
    assert {"0", "2"} <= codes
    assert ("3" in codes) == ("--strict" in known_options(command))
    assert ("## JSON" in text(page)) == ("--json" in known_options(command))


def test_every_command_and_option_has_help() -> None:
    for name, command in commands().items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.opts}"
