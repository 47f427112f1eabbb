"""URLs on the command line: one that cannot be used is one sentence, exit 1, and shows no secret."""

from __future__ import annotations

import pytest
from support.command import ask


@pytest.mark.parametrize(
    ("option", "place", "fact"),
    [
        ("--images", "foo://anna:pa55@bucket/x?sig=t0ken", "unknown protocol foo://"),
        ("--calibration", "foo://anna:pa55@bucket/x?sig=t0ken", "unknown protocol foo://"),
        ("--images", "http://anna:pa55@127.0.0.1:9/x.zip?sig=t0ken", "ClientConnectorError"),
        ("--images", "memory://none", "memory://none does not exist"),
    ],
)
def test_a_place_that_cannot_be_used_is_one_sentence(option: str, place: str, fact: str) -> None:
    done = ask("convert", "--target", "tflite", "--precision", "int8", option, place, "--dry-run", "--json")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()[-1:]
    assert fact in line
    assert "pa55" not in done.output
    assert "t0ken" not in done.output
