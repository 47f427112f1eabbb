"""What was counted: classes of instructions, blocks, names of functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from levit_mobile.arm64 import symbols
from levit_mobile.arm64.counting import CLASSES, HEAD, NAMES, TITLES, Block, Counts, classified, read
from levit_mobile.arm64.symbols import Symbols, by_symbol, mapped

# Class -> instruction -> its word, as GNU as for aarch64 writes it.
ENCODINGS: dict[str, dict[str, int]] = {
    "fmla": {
        "fmla v0.4s, v1.4s, v2.4s": 0x4E22CC20,
        "fmls v3.2d, v4.2d, v5.2d": 0x4EE5CC83,
        "fmla v20.4s, v4.4s, v0.s[3]": 0x4FA01894,
        "fmls v20.2s, v4.2s, v0.s[1]": 0x0FA05094,
    },
    "fmla half": {
        "fmla v0.8h, v1.8h, v2.8h": 0x4E420C20,
        "fmla v7.8h, v1.8h, v15.h[7]": 0x4F3F1827,
        "fmlal v0.4s, v1.4h, v2.4h": 0x4E22EC20,
        "fmlal2 v0.4s, v1.4h, v2.4h": 0x6E22CC20,
    },
    "dot": {
        "sdot v16.4s, v4.16b, v0.4b[2]": 0x4F80E890,
        "udot v16.4s, v4.16b, v0.4b[0]": 0x6F80E090,
        "sdot v16.4s, v4.16b, v0.16b": 0x4E809490,
        "udot v16.2s, v4.8b, v0.8b": 0x2E809490,
        "usdot v1.4s, v2.16b, v3.16b": 0x4E839C41,
        "sudot v1.4s, v2.16b, v3.4b[1]": 0x4F23F041,
        "usdot v1.4s, v2.16b, v3.4b[1]": 0x4FA3F041,
    },
    "mmla": {
        "smmla v16.4s, v4.16b, v0.16b": 0x4E80A490,
        "ummla v16.4s, v4.16b, v0.16b": 0x6E80A490,
        "usmmla v16.4s, v4.16b, v0.16b": 0x4E80AC90,
    },
    "bfloat16": {
        "bfmmla v16.4s, v4.8h, v0.8h": 0x6E40EC90,
        "bfdot v16.4s, v4.8h, v0.8h": 0x6E40FC90,
        "bfmlalb v16.4s, v4.8h, v0.8h": 0x2EC0FC90,
    },
    "mlal": {
        "smlal v16.4s, v4.4h, v0.h[3]": 0x0F702090,
        "smlal2 v16.4s, v4.8h, v0.h[7]": 0x4F702890,
        "umlal v1.8h, v2.8b, v3.8b": 0x2E238041,
        "smlsl v1.8h, v2.8b, v3.8b": 0x0E23A041,
        "smull v1.8h, v2.8b, v3.8b": 0x0E23C041,
        "smull2 v1.4s, v2.8h, v3.h[1]": 0x4F53A041,
    },
    "simd": {
        "fadd v0.4s, v1.4s, v2.4s": 0x4E22D420,
        "fmul v0.4s, v1.4s, v2.s[1]": 0x4FA29020,
        "fmadd s0, s1, s2, s3": 0x1F020C20,
        "sqrdmulh v0.4s, v1.4s, v2.4s": 0x6EA2B420,
        "mla v0.4s, v1.4s, v2.4s": 0x4EA29420,
        "mul v0.8h, v1.8h, v2.8h": 0x4E629C20,
        "sadalp v0.4s, v1.8h": 0x4E606820,
        "scvtf v0.4s, v1.4s": 0x4E21D820,
        "dup v0.4s, w3": 0x4E040C60,
        "fmov s0, #1.0": 0x1E2E1000,
        "pmull v1.8h, v2.8b, v3.8b": 0x0E23E041,
    },
    "load": {
        "ldr x0, [x1]": 0xF9400020,
        "ldr q0, [x1, #16]": 0x3DC00420,
        "ldp q0, q1, [x2], #32": 0xACC10440,
        "ldr q0, [x1], #16": 0x3CC10420,
        "ldr s0, [x1, x2, lsl #2]": 0xBC627820,
        "ldrsb w0, [x1]": 0x39C00020,
        "ld1 {v0.4s-v3.4s}, [x1], #64": 0x4CDF2820,
        "ld1r {v0.4s}, [x1]": 0x4D40C820,
        "ld1 {v0.s}[2], [x1]": 0x4D408020,
        "ldr x0, . + 8": 0x58000040,
        "ldar w0, [x1]": 0x88DFFC20,
        "ldxr w0, [x1]": 0x885F7C20,
        "ldadd w0, w1, [x2]": 0xB8200041,
        "prfm pldl1keep, [x1, #256]": 0xF9808020,
        "ldur w0, [x1, #-4]": 0xB85FC020,
    },
    "store": {
        "str x0, [x1]": 0xF9000020,
        "str q0, [x1, #16]": 0x3D800420,
        "stp x29, x30, [sp, #-16]!": 0xA9BF7BFD,
        "str q0, [x1], #16": 0x3C810420,
        "stur s0, [x1, #-4]": 0xBC1FC020,
        "st1 {v0.4s}, [x1], #16": 0x4C9F7820,
        "st1 {v0.h}[5], [x1]": 0x4D004820,
        "strb w0, [x1, x2]": 0x38226820,
        "stlr w0, [x1]": 0x889FFC20,
        "stxr w0, w1, [x2]": 0x88007C41,
    },
    "branch": {
        "b . + 8": 0x14000002,
        "b.ne . - 8": 0x54FFFFC1,
        "cbz x0, . + 8": 0xB4000040,
        "tbnz w3, #5, . + 8": 0x37280043,
        "bl . + 16": 0x94000004,
        "blr x3": 0xD63F0060,
        "ret": 0xD65F03C0,
        "nop": 0xD503201F,
    },
    "integer": {
        "add x0, x1, #16": 0x91004020,
        "subs x0, x0, #1": 0xF1000400,
        "mov w0, #5": 0x528000A0,
        "madd x0, x1, x2, x3": 0x9B020C20,
        "csel x0, x1, x2, lo": 0x9A823020,
        "adrp x0, . ": 0x90000000,
        "lsl w0, w1, #3": 0x531D7020,
    },
    "sve": {
        "fmla z0.s, p0/m, z1.s, z2.s": 0x65A20020,
        "ptrue p0.s": 0x2598E3E0,
    },
    "sme": {
        "fmopa za0.s, p0/m, p1/m, z0.s, z1.s": 0x80812000,
    },
}
EACH = [(name, text, word) for name, words in ENCODINGS.items() for text, word in words.items()]
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


@pytest.mark.parametrize(("name", "text", "word"), EACH, ids=[text for _, text, _ in EACH])
def test_an_instruction_is_of_its_class(name: str, text: str, word: int) -> None:
    assert NAMES[classified(np.array([word], np.uint32))[0]] == name, text


def test_every_class_has_an_example_and_a_title() -> None:
    assert set(ENCODINGS) == set(NAMES) == set(TITLES)
    assert "integer" not in CLASSES


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
    with pytest.raises(ValueError, match="break off"):
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
    monkeypatch.setattr(symbols, "_fixed", lambda path: path.name == "program")


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
