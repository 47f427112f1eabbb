"""Compressed constants in the MIL reference, against loops written out here."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.installed import needs
from support.mil_cases.quantize import BYTES, DATA, NIBBLES, OLD, packed
from support.mil_programs import Array, Suite, numbers, require_close
from support.refusals import refused

from levit_mobile.errors import ArtifactError
from levit_mobile.mil import constexpr
from levit_mobile.mil.quantize import dequantize, quantize
from levit_mobile.mil.tensors import HELD_AS
from levit_mobile.mil.weights import MODEL_PATH, STORED, Weights, from_bits, unpacked

needs("coremltools")


@pytest.mark.slow
@pytest.mark.parametrize("ios", [16, 17])
def test_constants_of_ios_16(tmp_path: Path, ios: int) -> None:
    suite = Suite(OLD, ios, tmp_path)
    for one in OLD:
        suite.require_float32(one)


def blockwise(data: Array, scale: Array, offset: Array | None) -> Array:
    """Element by element."""
    wanted = np.zeros(data.shape, np.float32)
    for at in np.ndindex(data.shape):
        block = tuple(i * s // n for i, s, n in zip(at, scale.shape, data.shape, strict=True))
        wanted[at] = scale[block] * (float(data[at]) - (0 if offset is None else float(offset[block])))
    return wanted


def tabled(indices: Array, lut: Array, axis: int | None) -> Array:
    """Element by element; `axis` is where a vector is laid out."""
    vector = lut.shape[-1]
    sizes = [n * vector if i == axis else n for i, n in enumerate(indices.shape)]
    wanted = np.zeros(sizes, np.float32)
    for at in np.ndindex(*sizes):
        source = tuple(i // vector if d == axis else i for d, i in enumerate(at))
        block = tuple(i * s // n for i, s, n in zip(source, lut.shape, indices.shape, strict=False))
        wanted[at] = lut[(*block, indices[source], at[axis] % vector if axis is not None else 0)]
    return wanted


@pytest.mark.parametrize("counts", [(4, 6, 2), (4, 1, 1), (2, 3, 1), (1, 1, 1), (1, 2, 2)])
@pytest.mark.parametrize("data", [DATA, NIBBLES, BYTES, numbers(4, 6, 2)], ids=["int8", "int4", "uint8", "float"])
def test_blockwise_constants(data: Array, counts: tuple[int, ...]) -> None:
    scale = numbers(*counts, seed=7)
    for offset in (None, numbers(*counts, seed=8), np.arange(scale.size, dtype=np.uint8).reshape(counts)):
        found = constexpr.blockwise_shift_scale(data, scale, offset)
        require_close([found], [blockwise(data, scale, offset)], 1e-6)


@pytest.mark.parametrize("counts", [(1, 1, 1), (4, 1, 1), (2, 3, 1)])
@pytest.mark.parametrize("vector", [1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_tables_of_constants(counts: tuple[int, ...], vector: int, axis: int) -> None:
    indices = np.random.default_rng(1).integers(0, 4, (4, 6, 2)).astype(np.uint8)
    lut = numbers(*counts, 4, vector)
    for given in (axis, axis - 3):
        found = constexpr.lut_to_dense(indices, lut, np.int32(given))
        assert np.array_equal(found, tabled(indices, lut, axis if vector > 1 else None))
    mask = (numbers(4, 6, 2) > 0).astype(np.uint8)
    widened, data = constexpr.lut_to_sparse(mask, indices[mask != 0], lut, np.int32(axis))
    dense = constexpr.sparse_to_dense(data, widened)
    assert np.array_equal(dense, np.where(np.repeat(mask, vector, axis), tabled(indices, lut, axis), 0))


def test_sparse_blocks_of_constants() -> None:
    mask, scale = (numbers(4, 6, 2) > 0).astype(np.uint8), numbers(2, 1, 1)
    same, data = constexpr.sparse_blockwise_shift_scale(mask, DATA[mask != 0], scale, np.int8([[[1]], [[-2]]]))
    wanted = np.where(mask, blockwise(DATA, scale, np.int8([[[1]], [[-2]]])), 0)
    require_close([constexpr.sparse_to_dense(data, same)], [wanted], 1e-6)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8])
def test_packed_numbers(bits: int) -> None:
    values = np.random.default_rng(bits).integers(0, 1 << bits, 37)
    assert np.array_equal(from_bits(packed(values, bits), bits, 37), values)


def test_signed_nibbles() -> None:
    values = np.arange(-8, 8)
    assert np.array_equal(unpacked(packed(values & 15, 4).tobytes(), "INT4", 16, "x"), values)


def test_blocks_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the block counts \[3, 1, 1\] do not divide the shape \[4, 6, 2\]"):
        constexpr.blockwise_shift_scale(DATA, numbers(3, 1, 1))


@pytest.mark.parametrize(
    ("entries", "size", "shape"),
    [(4, 2, (3, 3)), (4, 4, (3, 3)), (3, 3, (3, 3)), (5, 3, (3, 3)), (2, 3, (3, 3))],
    ids=["a byte short", "a byte too many", "3 entries", "5 entries", "indices of 2 bits"],
)
def test_a_palette_whose_indices_do_not_fill_the_shape_is_refused(
    entries: int, size: int, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=rf"{size} bytes of indices into {entries} palette entries") as caught:
        constexpr.lut_to_dense_flat(np.zeros(size, np.uint8), numbers(entries), np.array(shape))
    assert str(caught.value).endswith(f"the shape {list(shape)}")


def test_a_palette_of_nine_indices_takes_three_bytes() -> None:
    found = constexpr.lut_to_dense_flat(
        np.uint8([0b11100100, 0b00011011, 0b10]), np.float32([5, 6, 7, 8]), np.int32([3, 3])
    )
    assert found.tolist() == [[5, 6, 7], [8, 8, 7], [6, 5, 7]]


def test_vectors_without_an_axis_are_refused() -> None:
    indices = np.zeros((4, 6, 2), np.uint8)
    assert constexpr.lut_to_dense(indices, numbers(1, 1, 1, 4, 1)).shape == (4, 6, 2)
    with pytest.raises(ValueError, match="vector_axis is missing, the palette entries are vectors of 2 numbers"):
        constexpr.lut_to_dense(indices, numbers(1, 1, 1, 4, 2))


def test_blocks_of_another_rank_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the block counts \[4, 6\] do not divide the shape \[4, 6, 2\]"):
        constexpr.blockwise_shift_scale(DATA, numbers(4, 6))


def test_a_constant_is_cast_to_float32_alone() -> None:
    assert constexpr.cast(np.float32([0.5, -2]), "fp32").tolist() == [0.5, -2]
    with pytest.raises(ValueError, match="output_dtype is fp16, expected fp32"):
        constexpr.cast(np.float32([0.5]), "fp16")


# Element types of the weight file, written by coremltools' own writer

WRITERS = {
    "FLOAT16": "fp16",
    "FLOAT32": "float",
    "UINT8": "uint8",
    "INT8": "int8",
    "INT16": "int16",
    "UINT16": "uint16",
    "INT4": "int4",
    "UINT1": "uint1",
    "UINT2": "uint2",
    "UINT4": "uint4",
    "UINT3": "uint3",
    "UINT6": "uint6",
    "INT32": "int32",
    "UINT32": "uint32",
}
SMALLEST = {"INT4": (-8, 7), "UINT1": (0, 1), "UINT2": (0, 3), "UINT3": (0, 7), "UINT4": (0, 15), "UINT6": (0, 63)}


@pytest.mark.parametrize("element", STORED.values())
def test_every_element_type_is_read_as_coremltools_writes_it(tmp_path: Path, element: str) -> None:
    storage = pytest.importorskip("coremltools.libmilstoragepython")
    path = tmp_path / "weight.bin"
    low, high = SMALLEST.get(element, (-100 if "U" not in element else 0, 100))
    values = np.array([low, high, *np.random.default_rng(4).integers(low, high + 1, 11)])
    writer = storage._BlobStorageWriter(str(path))
    written = values.astype(np.float16).view(np.uint16) if element == "FLOAT16" else values
    kind = {"FLOAT16": np.uint16, "FLOAT32": np.float32}.get(element) or np.dtype(HELD_AS[element])
    offset = getattr(writer, f"write_{WRITERS[element]}_data")(written.astype(kind))
    del writer
    blob = SimpleNamespace(fileName=MODEL_PATH + path.name, offset=offset)
    data = Weights(tmp_path, None)._blob(blob, element, (13,), "w")
    assert np.array_equal(unpacked(data, element, 13, "w"), values.astype(HELD_AS[element]))


@pytest.mark.parametrize(("element", "size"), [("UINT1", 2), ("UINT3", 4), ("INT4", 5), ("UINT6", 7), ("INT16", 18)])
def test_a_byte_more_or_less_than_the_elements_take_is_refused(element: str, size: int) -> None:
    assert len(unpacked(bytes(size), element, 9, "w")) == 9
    for wrong in (size - 1, size + 1):
        with refused(ArtifactError, "artifact.damaged", "w", f"{wrong} bytes", f"9 x {element}", str(size)):
            unpacked(bytes(wrong), element, 9, "w")


def test_bits_count_from_the_lowest() -> None:
    assert unpacked(bytes([0b10110101, 0b1]), "UINT1", 9, "w").tolist() == [1, 0, 1, 0, 1, 1, 0, 1, 1]
    assert unpacked(bytes([0x21, 0xF8]), "INT4", 4, "w").tolist() == [1, 2, -8, -1]


def stored(*, entry_at: int, data_at: int, size: int, total: int) -> bytes:
    """A weight file of `total` bytes: an entry of int8 numbers, which are 1, 2, 3 and so on."""
    content = bytearray(total)
    content[entry_at : entry_at + 32] = struct.pack("<IIQQQ", 0xDEADBEEF, 4, size, data_at, 0)
    content[data_at : data_at + size] = bytes(range(1, size + 1))
    return bytes(content)


def blob_of(folder: Path, content: bytes, offset: int) -> bytes:
    (folder / "weight.bin").write_bytes(content)
    blob = SimpleNamespace(fileName=f"{MODEL_PATH}weight.bin", offset=offset)
    return Weights(folder, None)._blob(blob, "INT8", (3,), "w")


def test_an_entry_and_its_data_may_end_with_the_file(tmp_path: Path) -> None:
    assert blob_of(tmp_path, stored(entry_at=64, data_at=8, size=3, total=96), 64) == bytes([1, 2, 3])
    assert blob_of(tmp_path, stored(entry_at=0, data_at=93, size=3, total=96), 0) == bytes([1, 2, 3])


def test_an_entry_or_data_beyond_the_end_is_refused(tmp_path: Path) -> None:
    whole = stored(entry_at=64, data_at=8, size=3, total=96)
    with refused(ArtifactError, "artifact.damaged", "w", "beyond the end", "weight.bin"):
        blob_of(tmp_path, whole[:-1], 64)
    with refused(ArtifactError, "artifact.damaged", "w", "[3]", "cut short"):
        blob_of(tmp_path, stored(entry_at=0, data_at=93, size=3, total=96)[:-1], 0)


@pytest.mark.parametrize("name", ["weight.bin", "@model_path/../weight.bin", "/weight.bin"])
def test_a_weight_file_outside_the_package_is_refused(tmp_path: Path, name: str) -> None:
    for folder in (tmp_path, tmp_path / "package"):
        folder.mkdir(exist_ok=True)
        (folder / "weight.bin").write_bytes(bytes(96))
    with refused(ArtifactError, "artifact.damaged", name, "outside its package"):
        Weights(tmp_path / "package", None)._blob(SimpleNamespace(fileName=name, offset=0), "INT8", (3,), "w")


# Activations


def test_a_scale_is_one_number_or_one_for_each_place_along_its_axis() -> None:
    data = np.arange(6, dtype=np.int8).reshape(2, 3)
    assert dequantize(data, np.float32(0.5)).tolist() == [[0, 0.5, 1], [1.5, 2, 2.5]]
    by_row, by_column = np.array([1, 2], np.float32), np.array([1, 2, 3], np.float32)
    assert dequantize(data, by_row, axis=np.int32(0)).tolist() == [[0, 1, 2], [6, 8, 10]]
    assert dequantize(data, by_column, axis=np.int32(-1)).tolist() == [[0, 2, 6], [3, 8, 15]]
    assert dequantize(data, by_row, np.array([1, -1], np.int8), np.int32(0)).tolist() == [[-1, 0, 1], [8, 10, 12]]


@pytest.mark.parametrize(("scale", "axis"), [([1, 2], None), ([1, 2], 1), ([1, 2, 3], 0), ([[1, 2]], 0)])
def test_a_scale_that_fits_no_axis_is_refused(scale: list[object], axis: int | None) -> None:
    data = np.zeros((2, 3), np.int8)
    with pytest.raises(ValueError, match=r"does not fit a tensor of shape \[2, 3\]"):
        dequantize(data, np.array(scale, np.float32), axis=None if axis is None else np.int32(axis))


@pytest.mark.parametrize(
    ("dtype", "zero", "expected"),
    [
        ("int8", None, [-128, -128, -2, 0, 2, 127, 127]),
        ("int8", 1, [-128, -127, -1, 1, 3, 127, 127]),
        ("uint8", None, [0, 0, 0, 0, 2, 127, 255]),
        ("uint8", 128, [0, 0, 126, 128, 130, 255, 255]),
    ],
)
def test_numbers_are_rounded_to_even_and_clipped(dtype: str, zero: int | None, expected: list[int]) -> None:
    x = np.array([-1000, -64, -0.75, 0.25, 0.75, 63.5, 1000], np.float32)
    given = None if zero is None else np.array(zero, dtype)
    found = quantize(x, np.float32(0.5), dtype, given)
    assert (found.tolist(), found.dtype.name) == (expected, dtype)


def test_an_unknown_type_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="output_dtype is int4, expected one of int8, uint8"):
        quantize(np.zeros(1, np.float32), np.float32(1), "int4")
