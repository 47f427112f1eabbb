"""What the counting plugin wrote: blocks of ARM64 instructions, how often each ran, and of which classes they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEAD = struct.Struct("<4Q")  # address, times in inferences, times in delegates, number of instructions
Words = NDArray[np.uint32]

# Class -> (mask, value) of the instructions in it; the first that fits decides, what fits none is "integer". Bits as in
# the Arm Architecture Reference Manual, C4.1, "A64 instruction set encoding".
CLASSES: dict[str, tuple[tuple[int, int], ...]] = {
    "sme": ((0x9E000000, 0x80000000),),
    "sve": ((0x1E000000, 0x04000000),),
    "dot": (
        (0x9FE0FC00, 0x0E809400),  # sdot, udot
        (0xBFE0FC00, 0x0E809C00),  # usdot
        (0x9FC0F400, 0x0F80E000),  # sdot, udot by element
        (0xBF40F400, 0x0F00F000),  # usdot, sudot by element
    ),
    "mmla": ((0xDFE0FC00, 0x4E80A400), (0xFFE0FC00, 0x4E80AC00)),  # smmla, ummla; usmmla
    "bfloat16": (
        (0xFFE0FC00, 0x6E40EC00),  # bfmmla
        (0xBFE0FC00, 0x2E40FC00),  # bfdot
        (0xBFC0F400, 0x0F40F000),  # bfdot by element
        (0xBFE0FC00, 0x2EC0FC00),  # bfmlalb, bfmlalt
        (0xBFC0F400, 0x0FC0F000),  # both by element
    ),
    "fmla": (
        (0xBF20FC00, 0x0E20CC00),  # fmla, fmls
        (0xBF80B400, 0x0F801000),  # both by element
    ),
    "fmla half": (
        (0xBF60FC00, 0x0E400C00),  # fmla, fmls
        (0xBFC0B400, 0x0F001000),  # both by element
        (0xBF60FC00, 0x0E20EC00),  # fmlal, fmlsl
        (0xBF60FC00, 0x2E20CC00),  # fmlal2, fmlsl2
    ),
    "mlal": (
        (0x9F20DC00, 0x0E208000),  # smlal, umlal, smlsl, umlsl
        (0x9F20FC00, 0x0E20C000),  # smull, umull
        (0x9F00B400, 0x0F002000),  # the first four by element
        (0x9F00F400, 0x0F00A000),  # smull, umull by element
    ),
    "simd": ((0x0E000000, 0x0E000000),),
    "load": (
        (0x3B000000, 0x18000000),  # literal
        (0x3F400000, 0x08400000),  # exclusive, ordered
        (0x3A400000, 0x28400000),  # pair
        (0xBE400000, 0x0C400000),  # structures
        (0x3F200C00, 0x19000000),  # ldapur; its store stands below
        (0x3B200C00, 0x38200000),  # atomics
    ),
    "store": (
        (0x3F400000, 0x08000000),
        (0x3A400000, 0x28000000),
        (0xBE400000, 0x0C000000),
        (0x38C00000, 0x38000000),  # one register
        (0xFCC00000, 0x3C800000),  # one register of 128 bits
    ),
    "branch": ((0x1C000000, 0x14000000),),  # and system instructions
}
REST_OF_LOADS = (0x38000000, 0x38000000)  # one register, prefetches included
NAMES = (*CLASSES, "integer")
TITLES = {
    "fmla": "fmla",
    "fmla half": "fmla, half precision",
    "dot": "sdot, udot",
    "mmla": "smmla",
    "bfloat16": "bfloat16 products",
    "mlal": "widening integer products",
    "sve": "SVE",
    "sme": "SME",
    "simd": "other SIMD and float",
    "load": "loads",
    "store": "stores",
    "branch": "branches",
    "integer": "integer",
}
"""How each class is called in reports, and in which order."""


@dataclass(frozen=True, slots=True)
class Block:
    """Instructions that run one after another, from `address` on; how often, and how often of that in a delegate."""

    address: int
    times: int
    delegated: int
    words: Words

    @property
    def executed(self) -> int:
        """Instructions that ran."""
        return self.times * len(self.words)


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything that ran within inferences, and /proc/self/maps of the process, by which addresses get names."""

    blocks: tuple[Block, ...]
    maps: str

    @property
    def executed(self) -> int:
        """Instructions that ran."""
        return sum(block.executed for block in self.blocks)

    @property
    def outside_delegates(self) -> int:
        """Instructions that ran while no delegate had the word."""
        return sum((block.times - block.delegated) * len(block.words) for block in self.blocks)

    def by_class(self) -> dict[str, int]:
        """Instructions that ran, by class, in the order of NAMES; every class is there."""
        if not self.blocks:
            return dict.fromkeys(NAMES, 0)
        words = np.concatenate([block.words for block in self.blocks])
        times = np.repeat([block.times for block in self.blocks], [len(block.words) for block in self.blocks])
        found = np.zeros(len(NAMES), np.int64)
        np.add.at(found, classified(words), times)
        return dict(zip(NAMES, found.tolist(), strict=True))


def classified(words: Words) -> NDArray[np.int64]:
    """The class of each instruction, [N] -> [N], as its place in NAMES."""
    found = np.full(words.shape, -1, np.int64)
    for number, patterns in enumerate(CLASSES.values()):
        for mask, value in patterns:
            found[(found < 0) & ((words & np.uint32(mask)) == value)] = number
    mask, value = REST_OF_LOADS
    found[(found < 0) & ((words & np.uint32(mask)) == value)] = NAMES.index("load")
    found[found < 0] = NAMES.index("integer")
    return found


def read(written: bytes, maps: str) -> Counts:
    """What the plugin wrote. Raises ValueError when it breaks off."""
    return Counts(tuple(_blocks(written)), maps)


def _blocks(written: bytes) -> Iterator[Block]:
    at = 0
    while at < len(written):
        if len(written) < at + HEAD.size:
            raise ValueError("the counts break off in the head of a block")
        address, times, delegated, length = HEAD.unpack_from(written, at)
        body = written[at + HEAD.size : at + HEAD.size + 4 * length]
        if len(body) < 4 * length:
            raise ValueError("the counts break off within a block")
        yield Block(address, times, delegated, np.frombuffer(body, "<u4"))
        at += HEAD.size + 4 * length
