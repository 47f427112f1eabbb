"""What the counting plugin wrote: blocks of ARM64 instructions, how often each ran, and of which classes they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from levit_mobile.arm64.instructions import NAMES, Words, classified

HEAD = struct.Struct("<4Q")  # address, times in inferences, times in delegates, number of instructions
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


def read(written: bytes, maps: str) -> Counts:
    """What the plugin wrote. Raises ValueError when it breaks off."""
    return Counts(tuple(_blocks(written)), maps)


def _blocks(written: bytes) -> Iterator[Block]:
    at = 0
    while at < len(written):
        if len(written) < at + HEAD.size:
            raise ValueError("the counts end in the middle of a block's header")
        address, times, delegated, length = HEAD.unpack_from(written, at)
        body = written[at + HEAD.size : at + HEAD.size + 4 * length]
        if len(body) < 4 * length:
            raise ValueError("the counts end in the middle of a block")
        yield Block(address, times, delegated, np.frombuffer(body, "<u4"))
        at += HEAD.size + 4 * length
