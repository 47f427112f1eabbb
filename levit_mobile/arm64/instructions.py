"""What ARM64 instructions do, in a few classes: capstone decodes them, and a table tells the class by how they read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from capstone import Cs

Words = NDArray[np.uint32]

# What steers the program or the system, by mnemonic.
STEERS = "|".join(
    (
        r"bc?\.[a-z]{2}|bl?|bl?r(?:a[ab]z?)?|e?ret(?:a[ab])?|[ct]bn?z|drps",  # branches
        r"svc|hvc|smc|brk|hlt|dcps[123]|t(?:start|commit|cancel|test)",  # exceptions and transactions
        r"d[msf]b|isb|p?ssbb|sb|esb|[pt]sb|csdb|clrex",  # barriers
        r"nop|yield|hint|wf[ei]t?|sevl?|dgh|bti|xpaclri|(?:pac|aut)i[ab](?:1716|sp|z)",  # hints
        r"mrs|msr|sysl?|dc|ic|at|tlbi|cfp|cpp|dvp|smstart|smstop|cfinv|axflag|xaflag",  # system registers
    )
)
# Class -> a pattern of the beginning of "mnemonic operands", as assembly is written: v is a vector register of Advanced
# SIMD, and b, h, s, d and q are parts of one; z and p are SVE's, za is SME's. The first class that fits decides.
CLASSES: dict[str, str] = {
    "sme": r".*\bza",
    "sve": r".*\b[zp]\d+\b|(?:[su]q)?(?:inc|dec|cnt)[bhwd] |addvl|addpl|rdvl|setffr|cterm",
    "dot": r"(?:s|u|us|su)dot ",
    "mmla": r"(?:s|u|us)mmla ",
    "bfloat16": r"bf(?:mmla|dot|mlal[bt]) ",
    "fmla": r"fml[as] (?:v\d+\.\d)?[sd]",
    "fmla half": r"fml[as]l?2? ",
    "mlal": r"[su]ml(?:al|sl)2? |[su]mull2? v",  # smull and umull of x registers are no vectors
    "simd": r"(?!ld|st).*\b[vbhsdq]\d+\b",
    "load": r"ld|prf|cas|swp|st(?:add|clr|eor|set|[su]max|[su]min)",  # with prefetches and atomics, which read
    "store": r"st",
    "branch": rf"(?:{STEERS}) ",  # and system instructions
}
REST = "integer"
NAMES = (*CLASSES, REST)
# Class -> (mask, value) of its part of all encodings: capstone 5 is older than SME2 and SVE2.1.
NEWER: dict[str, tuple[int, int]] = {"sme": (0x9E000000, 0x80000000), "sve": (0x1E000000, 0x04000000)}
UNKNOWN = ".byte"
_CLASS = re.compile("|".join(f"({pattern})" for pattern in CLASSES.values()))


def classified(words: Words) -> NDArray[np.int64]:
    """The class of each instruction, [N] -> [N], as its place in NAMES; what fits no class is "integer".

    Raises ImportError without capstone.
    """
    unique, places = np.unique(words, return_inverse=True)
    pairs = zip(assembly(unique), unique.tolist(), strict=True)
    return np.array([_place(text, word) for text, word in pairs], np.int64)[places]


def assembly(words: Words) -> list[str]:
    """Each instruction as "mnemonic operands", [N] -> N, and as ".byte ..." where capstone knows none."""
    rows = _decoder().disasm_lite(words.astype("<u4").tobytes(), 0)
    return [f"{mnemonic} {operands}" for _, _, mnemonic, operands in rows]


def _place(text: str, word: int) -> int:
    if text.startswith(UNKNOWN):
        newer = (name for name, (mask, value) in NEWER.items() if word & mask == value)
        return NAMES.index(next(newer, REST))
    found = _CLASS.match(text)
    return NAMES.index(REST) if found is None else int(found.lastindex or 0) - 1


def _decoder() -> Cs:
    """A new one each time: threads may not share one."""
    from capstone import CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, Cs

    decoder = Cs(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN)
    decoder.skipdata = True  # else it would end at the first word that it does not know
    return decoder
