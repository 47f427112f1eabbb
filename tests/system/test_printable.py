"""Text of strangers is one line that neither a terminal nor GitHub Actions obeys, and that shows what it holds."""

from __future__ import annotations

import pytest

from levit_mobile.system.printable import printable, printable_title


@pytest.mark.parametrize(
    "text", ["", "a b", "ümlaut", "数字", "\U0001f600", "at::add.out", "100%", "C:\\x", "a: : b", "#1 [x]"]
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n::error::b", r"a\n::error::b"),
        ("a\r\nb", r"a\r\nb"),
        ("a\tb", r"a\tb"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\x85b\u2028c\u2029d", r"a\x85b\u2028c\u2029d"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("half \ud83d, byte \udce9", r"half \ud83d, byte \udce9"),
        ("nul\0", r"nul\x00"),
    ],
)
def test_what_a_terminal_obeys_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).splitlines() == [shown]


@pytest.mark.parametrize("text", ["::error::x", "  ::error title=a::x", "\n::add-mask::x", "::", ":::"])
def test_no_line_begins_as_a_command(text: str) -> None:
    assert not printable(text).lstrip().startswith("::")
    assert "::" not in printable_title(f"path {text}")


def test_a_command_in_brackets_is_broken_wherever_it_is() -> None:
    assert "##[" not in printable("name ##[error]x ##[group]y")
    assert "[error]x" in printable("name ##[error]x")
