"""How few instructions a row could execute on a core: its products, and the loads that feed them.

A product instruction multiplies whole vectors of 16 bytes, so a net's multiply-accumulates over its width are a bound
that no kernel passes. A kernel keeps a tile of sums in registers and loads a slice of both operands for each step of
depth. `tile` finds the tile that needs the fewest loads among the 32 vector registers of ARM64; `ldp` fills two at a
time. Sizes of the net that a tile does not divide, packing, requantization and every other op come on top, so a real
kernel stays above this floor.

Width and shape of each product are those of Arm's Architecture Reference Manual for A-profile: FMLA (by element),
SMLAL (vector), SDOT (by element) and SMMLA.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil

from levit_mobile.arm64.cpus import Cpu

REGISTERS = 32
PER_LOAD = 2  # registers that one `ldp` fills


@dataclass(frozen=True, slots=True)
class Product:
    """One product instruction: what it adds to one register of sums.

    Attributes:
        name: As a disassembler writes it.
        rows: Rows of the left operand that one register of sums holds.
        columns: Columns of the right operand that it holds.
        depth: Products added to each sum.
        left: Rows, at this depth, in one register of the left operand.
        right: Columns, at this depth, in one register of the right operand.
    """

    name: str
    rows: int
    columns: int
    depth: int
    left: int
    right: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one instruction."""
        return self.rows * self.columns * self.depth


FMLA = Product("fmla .4s", 1, 4, 1, left=4, right=4)
FMLA_HALF = Product("fmla .8h", 1, 8, 1, left=8, right=8)
SMLAL = Product("smlal .8h", 1, 8, 1, left=1, right=8)  # none by element: a row fills a register of its own
SDOT = Product("sdot", 1, 4, 4, left=4, right=4)
SMMLA = Product("smmla", 2, 2, 8, left=2, right=2)


@dataclass(frozen=True, slots=True)
class Tile:
    """Sums that stay in registers, and the registers that one step of depth loads for them."""

    rows: int
    columns: int
    products: int
    loads: float

    @property
    def loads_per_product(self) -> float:
        """Load instructions for each product instruction."""
        return self.loads / self.products


@dataclass(frozen=True, slots=True)
class Floor:
    """Executed instructions of one inference, at least."""

    product: Product
    products: float
    loads: float

    @property
    def instructions(self) -> float:
        """Products and loads together."""
        return self.products + self.loads


def product(precision: str, cpu: Cpu) -> Product:
    """The widest product of a precision, one of `engine.PRECISIONS`, that a core has."""
    features = cpu.features.split()
    if precision == "int8":
        return SMMLA if "i8mm" in features else SDOT if "asimddp" in features else SMLAL
    return FMLA_HALF if precision == "float16" and cpu.computes_in_half else FMLA


@cache
def tile(of: Product) -> Tile:
    """The tile with the fewest loads for each product that fits into REGISTERS."""
    return min(_tiles(of), key=lambda one: one.loads_per_product)


def _tiles(of: Product) -> Iterator[Tile]:
    """Tiles of `down` by `across` registers of sums: one operand waits in registers, the other passes through one."""
    for down in range(1, REGISTERS):
        for across in range(1, REGISTERS // down + 1):
            left, right = down * of.rows / of.left, across * of.columns / of.right
            if down * across + ceil(min(left, right)) + 1 <= REGISTERS:
                yield Tile(down * of.rows, across * of.columns, down * across, (left + right) / PER_LOAD)


def floor(macs: int, precision: str, cpu: Cpu) -> Floor:
    """The floor of a net with so many multiply-accumulates, all of them in `precision` where the core has it."""
    widest = product(precision, cpu)
    products = macs / widest.macs
    return Floor(widest, products, products * tile(widest).loads_per_product)
