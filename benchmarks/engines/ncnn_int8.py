"""ncnn's static int8 without its tools, which are in no wheel: its calibration table, and its int8 model file.

`ncnn2table` (method "kl") and `ncnn2int8` of ncnn's tools/quantize are followed step by step:

    blobs in front of convolutions, histograms of |x| -> thresholds by KL divergence -> scale 127 / threshold
    weights per output channel -> scale 127 / max |w| -> int8
    convolution in `.param` gets `8=2`; in `.bin` its weights are tagged int8, and both scales follow its bias

Pure: numbers and text in, numbers and text out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

MAGIC = "7767517"  # the first line of a `.param`
FLOAT_TAG, INT8_TAG = 0, 0x000D4B38  # before the weights of a layer in a `.bin`
BINS, LEVELS, EPSILON = 2048, 128, 0.0001  # of the histogram, of int8's magnitudes, and what no bin is below
WITHOUT_WEIGHTS = frozenset(
    (
        *("Input", "BinaryOp", "UnaryOp", "HardSwish", "Reshape", "Permute", "MatMul", "Softmax"),
        *("Split", "Slice", "Reduction", "ExpandDims", "Flatten", "Concat", "Crop", "Squeeze"),
    )
)
OUTPUTS, HAS_BIAS, WEIGHTS, INT8 = "0", "5", "6", "8"  # keys of a convolution
INT8_STATIC = "2"  # both scales are in the file

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layer:
    """One line of a `.param`, and the layer's own bytes of the `.bin`."""

    kind: str
    name: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    options: Mapping[str, str]
    weight: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    bias: Floats = field(default_factory=lambda: np.empty(0, np.float32))

    def line(self, **more: str) -> str:
        """The line again; `more` are further options by their numbers, as `_8="2"`."""
        options = {**self.options, **{key.strip("_"): value for key, value in more.items()}}
        blobs = (str(len(self.bottoms)), str(len(self.tops)), *self.bottoms, *self.tops)
        return " ".join((f"{self.kind:<24} {self.name:<24}", *blobs, *(f"{k}={v}" for k, v in options.items())))


def read(param: str, content: bytes) -> tuple[Layer, ...]:
    """A `.param` and its `.bin`. Raises ValueError for a layer whose weights this does not know."""
    magic, _, *lines = param.splitlines()
    if magic.strip() != MAGIC:
        raise ValueError(f"the .param begins with {magic.strip()!r}, expected {MAGIC}")
    layers, at = [], 0
    for line in lines:
        layer, at = _with_weights(_parsed(line), content, at)
        layers.append(layer)
    if at != len(content):
        raise ValueError(f"the layers of the .param need {at} bytes of weights, and the .bin has {len(content)}")
    return tuple(layers)


def _parsed(line: str) -> Layer:
    kind, name, n_bottoms, n_tops, *rest = line.split()
    split, end = int(n_bottoms), int(n_bottoms) + int(n_tops)
    options = dict(word.split("=", 1) for word in rest[end:])
    return Layer(kind, name, tuple(rest[:split]), tuple(rest[split:end]), options)


def _with_weights(layer: Layer, content: bytes, at: int) -> tuple[Layer, int]:
    if layer.kind in WITHOUT_WEIGHTS:
        return layer, at
    if layer.kind == "MemoryData":
        weight, at = _floats(content, at, prod(int(layer.options.get(key, 1)) for key in ("0", "1", "11", "2")))
        return _filled(layer, weight, weight[:0]), at
    if layer.kind != "Convolution":
        raise ValueError(f"the layer {layer.name} is a {layer.kind}, whose weights this cannot read")
    (tag,) = struct.unpack_from("<I", content, at)
    if tag != FLOAT_TAG:
        raise ValueError(f"the weights of {layer.name} are tagged {tag:#x}, expected float32: give pnnx fp16=0")
    weight, at = _floats(content, at + 4, int(layer.options[WEIGHTS]))
    bias, at = _floats(content, at, int(layer.options[OUTPUTS]) * int(layer.options.get(HAS_BIAS, 0)))
    return _filled(layer, weight, bias), at


def _filled(layer: Layer, weight: Floats, bias: Floats) -> Layer:
    return Layer(layer.kind, layer.name, layer.bottoms, layer.tops, layer.options, weight, bias)


def _floats(content: bytes, at: int, count: int) -> tuple[Floats, int]:
    if len(content) < at + 4 * count:
        raise ValueError(f"the .bin ends after {len(content)} bytes, expected {at + 4 * count} or more")
    return np.frombuffer(content, "<f4", count, at), at + 4 * count


def convolutions(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The layers that int8 has kernels for here."""
    return tuple(layer for layer in layers if layer.kind == "Convolution")


def weight_scales(layer: Layer) -> Floats:
    """127 / max |w| per output channel; 1 for a channel of zeros."""
    largest = np.abs(layer.weight.reshape(int(layer.options[OUTPUTS]), -1)).max(1)
    return np.where(largest == 0, 1, 127 / np.where(largest == 0, 1, largest)).astype(np.float32)


def histogram(values: Floats, largest: float) -> NDArray[np.int64]:
    """How often |x| is in each of BINS equal parts of 0..`largest`; zeros are left out."""
    magnitudes = np.abs(values[values != 0])
    places = np.minimum((magnitudes / np.float32(largest) * BINS).astype(np.int64), BINS - 1)
    return np.bincount(places, minlength=BINS)


def threshold(counts: NDArray[np.int64], largest: float) -> float:
    """Where ncnn2table clips |x|: at the bin with the lowest KL divergence of the clipped and the quantized shares."""
    shares = counts / max(int(counts.sum()), 1)
    cumulative = np.concatenate([[0.0], np.cumsum(shares)])
    divergences = [_divergence(shares, cumulative, end) for end in range(LEVELS, BINS)]
    return float((LEVELS + int(np.argmin(divergences)) + 0.5) * largest / BINS)


def _divergence(shares: NDArray[np.float64], cumulative: NDArray[np.float64], end: int) -> float:
    """Bins 0..`end` are averaged over LEVELS equal parts, whose borders may lie within a bin."""
    clipped = shares[:end] + EPSILON
    clipped[-1] += 1 - cumulative[end] if cumulative[-1] else 0
    borders = np.linspace(0, end, LEVELS + 1)
    places = np.arange(end + 1)
    quantized = np.interp(borders, places, cumulative[: end + 1])  # summed up to each border
    expanded = np.diff(np.interp(places, borders, quantized)) + EPSILON
    return float((clipped * np.log(clipped / expanded)).sum())


def least_error(counts: NDArray[np.int64], largest: float) -> float:
    """Where to clip |x|: at one of 71 shares of the largest from 0.3 to 1, by the squared error of the histogram."""
    middles = (np.arange(BINS) + 0.5) * largest / BINS
    limits = np.linspace(0.3, 1, 71) * largest
    rounded = (np.clip(np.rint(middles * 127 / limit), 0, 127) * limit / 127 for limit in limits)
    errors = [float((counts * np.square(values - middles)).sum()) for values in rounded]
    return float(limits[int(np.argmin(errors))])


def table(layers: tuple[Layer, ...], scales: Mapping[str, float]) -> str:
    """The calibration table that `ncnn2int8` reads: weight scales, then the scale of each convolution's input."""
    found = convolutions(layers)
    rows = [f"{layer.name}_param_0 " + " ".join(f"{scale:f}" for scale in weight_scales(layer)) for layer in found]
    return "\n".join([*rows, *(f"{layer.name} {scales[layer.name]:f}" for layer in found)]) + "\n"


def quantized(param: str, layers: tuple[Layer, ...], scales: Mapping[str, float]) -> tuple[str, bytes]:
    """The int8 `.param` and `.bin`; `scales` has the input scale of each convolution by its name."""
    head = param.splitlines()[:2]
    lines = [layer.line(_8=INT8_STATIC) if layer.kind == "Convolution" else layer.line() for layer in layers]
    parts = (part for layer in layers for part in _bytes(layer, scales))
    return "\n".join([*head, *lines]) + "\n", b"".join(parts)


def _bytes(layer: Layer, scales: Mapping[str, float]) -> Iterator[bytes]:
    if layer.kind != "Convolution":
        yield layer.weight.astype("<f4").tobytes()
        return
    by_row, each = layer.weight.reshape(int(layer.options[OUTPUTS]), -1), weight_scales(layer)
    integers = _rounded(by_row * each[:, None]).tobytes()
    yield struct.pack("<I", INT8_TAG) + integers + bytes(-len(integers) % 4)
    yield layer.bias.astype("<f4").tobytes() + each.tobytes() + struct.pack("<f", scales[layer.name])


def _rounded(values: Floats) -> NDArray[np.int8]:
    """Half away from zero, within -127..127, as ncnn's float2int8."""
    return np.clip(np.trunc(values + np.copysign(np.float32(0.5), values)), -127, 127).astype(np.int8)
