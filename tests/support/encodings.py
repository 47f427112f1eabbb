"""A second opinion on the classes of ARM64 instructions, from their bits alone: no decoder is asked.

Bits as in the Arm Architecture Reference Manual, C4.1, "A64 instruction set encoding".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Class -> (mask, value) of the instructions in it; the first that fits decides, what fits none is "integer".
MASKS: dict[str, tuple[tuple[int, int], ...]] = {
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
        (0xFF80B400, 0x5F801000),  # both by element, scalar
    ),
    "fmla half": (
        (0xBF60FC00, 0x0E400C00),  # fmla, fmls
        (0xBFC0B400, 0x0F001000),  # both by element
        (0xFFC0B400, 0x5F001000),  # both by element, scalar
        (0xBF60FC00, 0x0E20EC00),  # fmlal, fmlsl
        (0xBFC0B400, 0x0F800000),  # both by element
        (0xBF60FC00, 0x2E20CC00),  # fmlal2, fmlsl2
        (0xBFC0B400, 0x2F808000),  # both by element
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
        (0x3FA00000, 0x08A00000),  # cas
        (0xBFA00000, 0x08200000),  # casp
        (0x3F400000, 0x08400000),  # exclusive, ordered
        (0x3A400000, 0x28400000),  # pair
        (0xBE400000, 0x0C400000),  # structures
        (0x3F600C00, 0x19400000),  # ldapur
        (0x3FE00C00, 0x19800000),  # ldapur with a sign, of 64 bits
        (0xFF600C00, 0xD9600000),  # ldg, ldgm
        (0x3B200C00, 0x38200000),  # atomics
        (0xFF200400, 0xF8200400),  # ldraa, ldrab
    ),
    "store": (
        (0x3F400000, 0x08000000),  # exclusive, ordered
        (0x3A400000, 0x28000000),  # pair
        (0xBE400000, 0x0C000000),  # structures
        (0x3FE00C00, 0x19000000),  # stlur
        (0xFF200000, 0xD9200000),  # stg, stzg
        (0x3AC00000, 0x38000000),  # one register
        (0xFCC00000, 0x3C800000),  # one register of 128 bits
    ),
    "branch": ((0x1C000000, 0x14000000),),  # and system instructions
}
REST_OF_LOADS = (0x3A000000, 0x38000000)  # one register, prefetches included


def classes(words: NDArray[np.uint32]) -> NDArray[np.str_]:
    """The class of each instruction, [N] -> [N]."""
    found = np.full(words.shape, "", "U10")
    for name, (mask, value) in _rows():
        found[(found == "") & ((words & np.uint32(mask)) == value)] = name
    return np.where(found == "", "integer", found)


def _rows() -> list[tuple[str, tuple[int, int]]]:
    rows = [(name, pattern) for name, patterns in MASKS.items() for pattern in patterns]
    return [*rows, ("load", REST_OF_LOADS)]
