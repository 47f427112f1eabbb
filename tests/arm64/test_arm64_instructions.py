"""What instructions do: as capstone decodes them, and as their bits alone say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.arm64s import RUNS_HERE, ready
from support.encodings import MASKS, classes
from support.refusals import refused

from levit_mobile.arm64 import elf, requirements
from levit_mobile.arm64.counting import TITLES
from levit_mobile.arm64.instructions import CLASSES, NAMES, UNKNOWN, Words, assembly, classified
from levit_mobile.errors import RunnerUnavailable

pytestmark = pytest.mark.slow

# Class -> instruction -> its word, as GNU as for aarch64 writes it.
ENCODINGS: dict[str, dict[str, int]] = {
    "fmla": {
        "fmla v0.4s, v1.4s, v2.4s": 0x4E22CC20,
        "fmls v3.2d, v4.2d, v5.2d": 0x4EE5CC83,
        "fmla v20.4s, v4.4s, v0.s[3]": 0x4FA01894,
        "fmls v20.2s, v4.2s, v0.s[1]": 0x0FA05094,
        "fmla s0, s1, v2.s[1]": 0x5FA21020,
    },
    "fmla half": {
        "fmla v0.8h, v1.8h, v2.8h": 0x4E420C20,
        "fmla v7.8h, v1.8h, v15.h[7]": 0x4F3F1827,
        "fmlal v0.4s, v1.4h, v2.4h": 0x4E22EC20,
        "fmlal2 v0.4s, v1.4h, v2.4h": 0x6E22CC20,
        "fmla h0, h1, v2.h[1]": 0x5F121020,
        "fmlsl v0.4s, v1.4h, v2.h[1]": 0x4F924020,
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
        "cnt v0.8b, v1.8b": 0x0E205820,
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
        "casl x0, x1, [x2]": 0xC8A0FC41,
        "cas w0, w1, [x2]": 0x88A07C41,
        "stadd w0, [x1]": 0xB820003F,
        "swpal x0, x1, [x2]": 0xF8E08041,
        "ldapur w0, [x1, #4]": 0x99404020,
        "ldraa x0, [x1]": 0xF8200420,
        "ldg x0, [x0]": 0xD9600000,
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
        "stlur w0, [x1, #4]": 0x99004020,
        "stg x0, [x0]": 0xD9200800,
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
        "mrs x0, s0_1_c11_c8_7": 0xD521B8E0,
        "msr s3_3_c15_c2_0, x1": 0xD51BF201,
        "dmb ish": 0xD5033BBF,
        "dc zva, x0": 0xD50B7420,
        "paciasp": 0xD503233F,
        "retaa": 0xD65F0BFF,
        "svc #0": 0xD4000001,
    },
    "integer": {
        "add x0, x1, #16": 0x91004020,
        "subs x0, x0, #1": 0xF1000400,
        "mov w0, #5": 0x528000A0,
        "madd x0, x1, x2, x3": 0x9B020C20,
        "csel x0, x1, x2, lo": 0x9A823020,
        "adrp x0, . ": 0x90000000,
        "lsl w0, w1, #3": 0x531D7020,
        "ccmp x0, #3, #4, ne": 0xFA431804,
        "ccmn w0, w1, #0, eq": 0x3A410000,
        "adcs x0, x1, x2": 0xBA020020,
        "sbcs xzr, x11, xzr": 0xFA1F017F,
        "smull x0, w1, w2": 0x9B227C20,
        "umull x0, w1, w2": 0x9BA27C20,
        "mul w0, w1, w2": 0x1B027C20,
        "pacia x0, x1": 0xDAC10020,
    },
    "sve": {
        "fmla z0.s, p0/m, z1.s, z2.s": 0x65A20020,
        "ptrue p0.s": 0x2598E3E0,
        "addvl x0, x1, #1": 0x04215020,
        "cntw x0": 0x04A0E3E0,
        "whilelo p0.s, x1, x2": 0x25A21C20,
        "ld1w {z0.s}, p0/z, [x0]": 0xA540A000,
    },
    "sme": {
        "fmopa za0.s, p0/m, p1/m, z0.s, z1.s": 0x80812000,
        "smopa za0.s, p0/m, p1/m, z0.b, z1.b": 0xA0812000,
    },
}
EACH = [(name, text, word) for name, words in ENCODINGS.items() for text, word in words.items()]
# Stores of ARMv8.7 whose bits lie among those of atomic instructions.
LIKE_ATOMICS = {"st64bv", "st64bv0"}


def one(word: int) -> Words:
    return np.array([word], np.uint32)


def disagreements(words: Words) -> Counter[tuple[str, str, str]]:
    """(mnemonic, class by its bits, class by capstone) -> how many, of the words of which the two differ."""
    by_bits, by_capstone = classes(words), np.array(NAMES)[classified(words)]
    odd = by_bits != by_capstone
    mnemonics = [text.partition(" ")[0] for text in assembly(words[odd])]
    return Counter(zip(mnemonics, by_bits[odd].tolist(), by_capstone[odd].tolist(), strict=True))


def known(words: Words) -> Words:
    """Those that capstone knows."""
    return words[[not text.startswith(UNKNOWN) for text in assembly(words)]]


# Classes


@pytest.mark.parametrize(("name", "text", "word"), EACH, ids=[text for _, text, _ in EACH])
def test_an_instruction_is_of_its_class(name: str, text: str, word: int) -> None:
    assert NAMES[classified(one(word))[0]] == name, text
    assert classes(one(word)).tolist() == [name]


@pytest.mark.parametrize(("text", "word"), [(text, word) for _, text, word in EACH], ids=[text for _, text, _ in EACH])
def test_an_instruction_has_its_name_in_assembly(text: str, word: int) -> None:
    assert assembly(one(word))[0].partition(" ")[0] == text.partition(" ")[0]


def test_every_class_has_an_example_and_a_title() -> None:
    assert set(ENCODINGS) == set(NAMES) == set(TITLES)
    assert set(MASKS) == set(CLASSES) == set(NAMES) - {"integer"}


def test_many_words_have_the_classes_of_each_in_their_order() -> None:
    words = np.array([word for _, _, word in EACH] * 3, np.uint32)
    assert [NAMES[place] for place in classified(words)] == [name for name, _, _ in EACH] * 3
    assert classified(words[:0]).tolist() == []


@pytest.mark.parametrize(
    ("name", "word"), [("sme", 0xC0460400), ("sve", 0x25207810), ("integer", 0x00000001), ("integer", 0xFFFFFFFF)]
)
def test_what_capstone_does_not_know_has_its_class_by_its_bits(name: str, word: int) -> None:
    assert NAMES[classified(one(word))[0]] == name  # of SME2 and SVE2.1; and no instruction at all
    assert assembly(np.array([word, 0xD65F03C0], np.uint32))[1] == "ret "


# Against the bits


def test_any_word_is_of_the_class_that_its_bits_say() -> None:
    words = known(np.random.default_rng(0).integers(0, 1 << 32, 300_000, np.uint32))
    assert len(words) > 100_000
    assert {name for name, _, _ in disagreements(words)} <= LIKE_ATOMICS
    assert len(set(classified(words).tolist())) == len(NAMES)


@RUNS_HERE
@pytest.mark.parametrize(
    "pattern",
    [
        "site/ai_edge_litert/libpywrap_litert_common.so",
        "root/lib/aarch64-linux-gnu/libc.so.6",
        "root/lib/aarch64-linux-gnu/libm.so.6",
        "root/usr/bin/python3.*",
    ],
)
def test_functions_of_a_library_are_of_the_classes_that_their_bits_say(pattern: str) -> None:
    (path,) = ready().path.glob(pattern)
    words = np.unique(np.concatenate([*bodies(path)]))
    assert len(words) > 10_000
    assert disagreements(words) == {}
    newer = np.setdiff1d(words, known(words))
    assert set(classes(newer).tolist()) <= {"sme", "sve"}


@RUNS_HERE
def test_a_stripped_library_is_of_the_classes_that_its_bits_say() -> None:
    (path,) = ready().program.parent.glob("_portable_lib*.so")
    begins, (code,) = elf.begins(path), elf.code(path)
    between = code.content[begins[0] - code.address : begins[-1] - code.address]
    words = np.unique(np.frombuffer(between, "<u4"))
    assert len(words) > 100_000
    assert disagreements(words) == {}


def bodies(path: Path) -> list[Words]:
    """The words of every function that a file names."""
    parts, found = elf.code(path), []
    for address, function in elf.functions(path).items():
        for code in parts:
            at = address - code.address
            if 0 <= at < len(code.content):
                found.append(np.frombuffer(code.content[at : at + function.size // 4 * 4], "<u4"))
    return found


# What is needed


@pytest.mark.parametrize("package", requirements.MODULES)
def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    requirements.require_readers()
    monkeypatch.setitem(requirements.MODULES, package, "no_such_module")
    with refused(RunnerUnavailable, "runner.not-installed", package, "pip install 'levit-mobile[arm64]'"):
        requirements.require_readers()
