"""ncnn's calibration table and int8 file, as its own tools in tools/quantize write them."""

from __future__ import annotations

import struct
from math import ceil, floor, log

import numpy as np
import pytest
from engines import ncnn_int8
from numpy.typing import NDArray

PARAM = """7767517
4 4
Input                    in0                      0 1 in0
MemoryData               mean                     0 1 1 0=1 1=1 2=3
BinaryOp                 sub_0                    2 1 in0 1 2 0=1
Convolution              conv_0                   1 1 2 out0 0=2 1=1 5=1 6=6
"""
MEAN, WEIGHT, BIAS = (
    np.array(values, np.float32)
    for values in ([0.1, 0.2, 0.3], [0.5, -1.0, 0.25, 0.0, 0.0, 0.0], [7.0, 8.0])
)  # fmt: skip
BIN = MEAN.tobytes() + struct.pack("<I", 0) + WEIGHT.tobytes() + BIAS.tobytes()


def layers() -> tuple[ncnn_int8.Layer, ...]:
    return ncnn_int8.read(PARAM, BIN)


def test_a_file_is_read_layer_by_layer() -> None:
    _, mean, _, conv = layers()
    assert np.array_equal(mean.weight, MEAN)
    assert np.array_equal(conv.weight, WEIGHT)
    assert np.array_equal(conv.bias, BIAS)
    assert (conv.bottoms, conv.tops) == (("2",), ("out0",))


def test_scales_are_per_output_channel_and_1_for_zeros() -> None:
    (conv,) = ncnn_int8.convolutions(layers())
    assert ncnn_int8.weight_scales(conv).tolist() == [127.0, 1.0]


def test_the_int8_file_has_integers_then_bias_and_both_scales() -> None:
    text, content = ncnn_int8.quantized(PARAM, layers(), {"conv_0": 31.75})
    weights = np.array([64, -127, 32, 0, 0, 0], np.int8).tobytes() + bytes(2)  # padded to a multiple of 4
    scales = struct.pack("<3f", 127, 1, 31.75)
    assert content == MEAN.tobytes() + struct.pack("<I", 0x000D4B38) + weights + BIAS.tobytes() + scales
    lines = text.splitlines()
    assert lines[:2] == PARAM.splitlines()[:2]
    assert lines[-1].split() == [*PARAM.splitlines()[-1].split(), "8=2"]
    assert [line.split() for line in lines[:-1]] == [line.split() for line in PARAM.splitlines()[:-1]]


def test_the_table_has_weights_first_and_then_inputs() -> None:
    first, second = ncnn_int8.table(layers(), {"conv_0": 31.75}).splitlines()
    assert first == "conv_0_param_0 127.000000 1.000000"
    assert second == "conv_0 31.750000"


@pytest.mark.parametrize(
    ("param", "content", "sentence"),
    [
        (PARAM.replace("7767517", "1"), BIN, "begins with '1', expected 7767517"),
        (PARAM.replace("Convolution", "LSTM"), BIN, "conv_0 is a LSTM, whose weights this cannot read"),
        (PARAM, BIN[:-1], "ends after 47 bytes, expected 48 or more"),
        (PARAM, BIN + b"\0", "need 48 bytes of weights, and the .bin has 49"),
        (PARAM, BIN.replace(struct.pack("<I", 0) + WEIGHT.tobytes()[:4], b"\x47\x6b\x30\x01" + bytes(4)), "0x1306b47"),
    ],
)
def test_what_is_not_understood_is_refused(param: str, content: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ncnn_int8.read(param, content)


# Thresholds


def by_ncnn2table(counts: NDArray[np.int64], end: int) -> float:
    """The divergence at one threshold, in the loops of ncnn2table.cpp."""
    shares, step, epsilon = counts / counts.sum(), end / 128, 0.0001
    clipped = shares[:end] + epsilon
    clipped[-1] += shares[end:].sum()
    expanded = np.full(end, epsilon)
    for level in range(128):
        first, last = level * step, (level + 1) * step
        low, high = ceil(round(first, 9)), floor(round(last, 9))
        left, right = low - first, last - high
        total = shares[low:high].sum()
        total += left * shares[low - 1] if left > 1e-9 else 0
        total += right * shares[high] if right > 1e-9 else 0
        mean = total / step
        expanded[low:high] += mean
        if left > 1e-9:
            expanded[low - 1] += left * mean
        if right > 1e-9:
            expanded[high] += right * mean
    return sum(a * log(a / b) for a, b in zip(clipped, expanded, strict=True))


def test_the_threshold_is_ncnn2tables() -> None:
    drawn = np.random.default_rng(0).laplace(size=50_000).astype(np.float32)
    largest = float(np.abs(drawn).max())
    counts = ncnn_int8.histogram(drawn, largest)
    divergences = {end: by_ncnn2table(counts, end) for end in range(128, ncnn_int8.BINS, 8)}
    best = min(divergences, key=lambda end: divergences[end])
    found = ncnn_int8.threshold(counts, largest) * ncnn_int8.BINS / largest - 0.5
    assert by_ncnn2table(counts, round(found)) <= divergences[best]
    assert 0 < found < ncnn_int8.BINS - 1


def test_all_mass_in_the_lowest_bins_is_clipped_behind_them() -> None:
    counts = np.zeros(ncnn_int8.BINS, np.int64)
    counts[:128] = 5
    assert ncnn_int8.threshold(counts, 2048.0) == pytest.approx(128.5)


def test_a_histogram_leaves_zeros_out_and_takes_the_largest_in() -> None:
    counts = ncnn_int8.histogram(np.array([0, -4, 1, 4], np.float32), 4.0)
    assert counts.sum() == 3
    assert (counts[-1], counts[512]) == (2, 1)


def test_the_least_error_keeps_an_even_spread_and_clips_a_lonely_outlier() -> None:
    even = np.full(ncnn_int8.BINS, 10, np.int64)
    assert ncnn_int8.least_error(even, 3.0) == pytest.approx(3.0, rel=0.02)
    lonely = np.zeros(ncnn_int8.BINS, np.int64)
    lonely[:600], lonely[-1] = 100_000, 1
    assert ncnn_int8.least_error(lonely, 3.0) < 1.5
