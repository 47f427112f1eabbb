r"""Text that may come from a stranger, such as a name in a checkpoint or an error about it, as one line to print.

A terminal obeys control characters, and GitHub Actions obeys lines of a log: those that begin with `::`, and those that
hold `##[`. Both are escaped, so that the text shows what it holds: a line end is the two characters `\n`.

Source: https://github.com/actions/runner, src/Runner.Common/ActionCommand.cs.
"""

from __future__ import annotations

import re

# Control characters, what Unicode takes for a line end, what reverses the direction of text, halves of surrogate pairs.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_DOUBLE = re.compile(":(?=:)")
_COMMAND = re.compile(r"^(\s*):(?=:)")


def printable(text: str) -> str:
    """The text on one line, without anything that a terminal or GitHub Actions obeys."""
    line = _CONTROLS.sub(_escape, text).replace("##[", r"#\#[")
    return _COMMAND.sub(r"\1\\:", line)


def printable_title(text: str) -> str:
    """The same for text that may be wrapped: no line of it begins with `::`."""
    return _DOUBLE.sub(r":\\", printable(text))


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
