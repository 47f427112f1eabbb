"""The fewest instructions that a net's products and their loads can be."""

from __future__ import annotations

import pytest
from engines.floors import FMLA, FMLA_HALF, REGISTERS, SDOT, SMLAL, SMMLA, Product, floor, product, tile

from levit_mobile.arm64.cpus import CPUS, Cpu

A53, A76, I8MM = (CPUS[name] for name in ("cortex-a53", "cortex-a76", "i8mm"))
PRODUCTS = (FMLA, FMLA_HALF, SMLAL, SDOT, SMMLA)


@pytest.mark.parametrize(("one", "macs"), list(zip(PRODUCTS, (4, 8, 8, 16, 32), strict=True)))
def test_a_product_multiplies_as_many_as_its_vectors_hold(one: Product, macs: int) -> None:
    assert one.macs == macs


@pytest.mark.parametrize(
    ("precision", "cpu", "expected"),
    [
        ("float32", A76, FMLA),
        ("float16", A53, FMLA),  # it has no float16 arithmetic
        ("float16", A76, FMLA_HALF),
        ("int8", A53, SMLAL),
        ("int8", A76, SDOT),
        ("int8", I8MM, SMMLA),
    ],
)
def test_the_widest_product_of_a_core(precision: str, cpu: Cpu, expected: Product) -> None:
    assert product(precision, cpu) is expected


@pytest.mark.parametrize("one", PRODUCTS, ids=lambda one: one.name)
def test_a_tile_fits_into_the_registers_and_no_kernel_that_ships_loads_less(one: Product) -> None:
    best = tile(one)
    assert best.products < REGISTERS
    # MNN's float32 tile is 12x8: 3 + 2 registers for 24 products. XNNPACK's 6x8 and 4x16 load more.
    assert best.loads_per_product <= (12 / one.left + 8 / one.right) / 2 / (12 * 8 / (one.rows * one.columns))


def test_a_float32_tile_by_hand() -> None:
    # 9x12: 27 registers of sums and 4 of operands; 2.25 + 3 registers, in pairs, for 27 products.
    assert (tile(FMLA).rows, tile(FMLA).columns, tile(FMLA).loads) == (9, 12, 2.625)


def test_a_floor_is_products_and_their_loads() -> None:
    least = floor(108_000_000, "float32", A76)
    assert (least.products, least.loads, least.instructions) == (27_000_000, 2_625_000, 29_625_000)
