"""What was counted: classes of instructions, blocks, names of functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from levit_mobile.arm64 import elf, symbols
from levit_mobile.arm64.counting import HEAD, Block, Counts, read
from levit_mobile.arm64.instructions import NAMES
from levit_mobile.arm64.symbols import Symbols, by_symbol, mapped

FMLA, LOAD, BRANCH, ADD = 0x4E22CC20, 0xF9400020, 0x54FFFFC1, 0x91004020
MAPS = """\
00400000-00500000 r-xp 00000000 00:00 1 /lib/program
4000000000-4000010000 r--p 00000000 00:00 2 /lib/libone.so.1
4000010000-4000020000 r-xp 00010000 00:00 2 /lib/libone.so.1
4000030000-4000040000 rw-p 00000000 00:00 0
4000050000-4000060000 r-xp 00000000 00:00 3 /lib/stripped with a space.so
"""


def block(address: int, times: int, *words: int, delegated: int = 0) -> Block:
    return Block(address, times, delegated, np.array(words, np.uint32))


def written(*blocks: Block) -> bytes:
    """As the plugin writes them."""
    heads = (HEAD.pack(b.address, b.times, b.delegated, len(b.words)) + b.words.tobytes() for b in blocks)
    return b"".join(heads)


# Classes


def test_classes_sum_up_to_what_ran() -> None:
    counts = Counts((block(0, 10, FMLA, LOAD, BRANCH), block(64, 3, ADD, ADD), block(128, 2, FMLA)), "")
    assert counts.executed == 38
    found = counts.by_class()
    assert {name: count for name, count in found.items() if count} == {
        "fmla": 12,
        "load": 10,
        "branch": 10,
        "integer": 6,
    }
    assert sum(found.values()) == counts.executed
    assert list(found) == list(NAMES)


def test_nothing_ran() -> None:
    assert Counts((), "").by_class() == dict.fromkeys(NAMES, 0)


def test_what_ran_outside_of_delegates() -> None:
    counts = Counts((block(0, 10, FMLA, LOAD, delegated=10), block(8, 4, ADD, delegated=1)), "")
    assert counts.outside_delegates == 3


# What the plugin writes


def test_blocks_are_read_as_they_were_written() -> None:
    blocks = block(0x1000, 7, FMLA, LOAD, delegated=5), block(2**47, 1, ADD)
    found = read(written(*blocks), MAPS)
    assert [(b.address, b.times, b.delegated, b.words.tolist()) for b in found.blocks] == [
        (b.address, b.times, b.delegated, b.words.tolist()) for b in blocks
    ]
    assert found.maps == MAPS


@pytest.mark.parametrize("left", [1, HEAD.size - 1, HEAD.size, HEAD.size + 7])
def test_counts_that_break_off_are_no_counts(left: int) -> None:
    with pytest.raises(ValueError, match="end in the middle of a block"):
        read(written(block(0, 1, FMLA, LOAD))[:left], MAPS)


# Names


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files with functions, and one without."""
    tables = {
        "program": Symbols((0x400100,), (0x400200,), ("main",)),
        "libone.so.1": Symbols((0x10000, 0x10100, 0x10200), (0x10040, 0x10200, 1 << 64), ("xnn_one", "two", "last")),
    }
    nothing = Symbols((), (), ())
    monkeypatch.setattr(symbols, "symbols", lambda path, _=None: tables.get(path.name, nothing))
    monkeypatch.setattr(elf, "fixed", lambda path: path.name == "program")


@pytest.mark.usefixtures("named")
def test_instructions_go_to_the_function_they_lie_in() -> None:
    places = {
        0x400104: ("program", "main"),  # at an absolute address
        0x4000010000: ("libone.so.1", "xnn_one"),
        0x4000010044: ("libone.so.1", ""),  # behind its end
        0x40000101FC: ("libone.so.1", "two"),
        0x4000010300: ("libone.so.1", "last"),  # whose end nobody knows
        0x4000030010: ("", ""),  # of no file
        0x4000050010: ("stripped with a space.so", ""),
        0x5000000000: ("", ""),  # beyond everything
    }
    blocks = [block(address, number + 1, ADD) for number, address in enumerate(places)]
    found = by_symbol(Counts(tuple(blocks), MAPS), {})
    expected: dict[tuple[str, str], int] = {}
    for number, place in enumerate(places.values()):
        expected[place] = expected.get(place, 0) + number + 1
    assert found == expected
    assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.usefixtures("named")
def test_addresses_in_a_library_count_from_where_its_file_begins() -> None:
    assert {mapping.path.name: mapping.bias for mapping in mapped(MAPS)} == {
        "program": 0,
        "libone.so.1": 0x4000000000,
        "stripped with a space.so": 0x4000050000,
    }


def test_a_file_that_is_gone_has_no_names(tmp_path: Path) -> None:
    assert symbols.symbols(tmp_path / "none.so").names == ()
