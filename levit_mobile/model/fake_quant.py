"""The places between ops where a quantized artifact keeps its activations in int8."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeGuard

import torch
from torch import Tensor, nn

from levit_mobile.model.int8_steps import step, steps

INT8_MIN, INT8_MAX = -128, 127
Layer = nn.Linear | nn.Conv2d
SMALLEST_HALF = 2.0**-24
SCALE = "weight_scale"  # of a layer with weights on int8 grids: float32 [out], real = stored * scale


@dataclass(frozen=True, slots=True)
class QParams:
    """Scale and zero point of one tensor in int8: ``real = (stored - zero_point) * scale``.

    Attributes:
        scale: Distance of two neighbouring levels, above 0.
        zero_point: The stored integer that stands for 0.0, -128 to 127.
    """

    scale: float
    zero_point: int

    @classmethod
    def from_range(cls, low: float, high: float) -> QParams:
        """Return the parameters whose ends are nearest to a range and that represent 0.0 exactly.

        Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
        Inference", 2017, arXiv:1712.05877, section 3.

        Args:
            low: The lower end of the range.
            high: The upper end of the range.

        Returns:
            Scale and zero point.

        Raises:
            ValueError: The range is not finite.
        """
        low, high = min(low, 0.0), max(high, 0.0)
        if not 0 <= high - low < float("inf"):
            raise ValueError(f"the range is {low} to {high}, expected finite ends")
        scale = step(high - low, INT8_MAX - INT8_MIN)
        return cls(scale, round(INT8_MIN - low / scale))

    def off_zero(self) -> QParams:
        """Itself, or the same levels with a zero point of -1 for one of 0, which moves the range up by one level."""
        return self if self.zero_point else QParams(self.scale, -1)

    @property
    def low(self) -> float:
        """The smallest value on the grid."""
        return (INT8_MIN - self.zero_point) * self.scale

    @property
    def high(self) -> float:
        """The largest value on the grid."""
        return (INT8_MAX - self.zero_point) * self.scale


class ReluConv(nn.Conv2d):
    """A convolution with a ReLU behind it in one layer, since delegates fuse the two: no edge can be between them."""

    @classmethod
    def of(cls, conv: nn.Conv2d) -> ReluConv:
        """The same convolution, with the ReLU; its weights are its own."""
        made = copy.deepcopy(conv)
        made.__class__ = cls
        assert isinstance(made, ReluConv)
        return made

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(super().forward(x))


PIXEL_QPARAMS = QParams(1 / 255, -128)  # the levels of a picture, exactly


class FakeQuant(nn.Module):
    """One activation of a form: the identity, unless it is observed (`watch`) or has a `grid`.

    before   op -> op
    after    op -> quantize -> dequantize -> op       with a grid; runtimes run the ops between two such pairs in int8

    Data movement keeps a grid: behind each reshape and transpose between int8 ops a form calls the same edge again,
    with `moved`, which does not observe the values once more.

    `group` names the ops of its block that go to float together with those behind it: by default its own name. Outside
    of any block it is the whole name of a group. `pixels` marks the input, whose grid is that of a picture's levels.
    `right` marks the right side of a matmul of two activations, which is in float: its grid never has a zero point of
    0. Where it happens to be 0, XNNPACK leaves that side in int8 and widens it inside the product
    (`xnn_subgraph_rewrite_dequant_bmm`, on cores without float16): the ranges of a checkpoint would decide by which
    kernel it runs.
    """

    grid: QParams | None
    watch: Callable[[Tensor], None] | None

    def __init__(self, *, group: str = "", pixels: bool = False, right: bool = False) -> None:
        super().__init__()
        self.grid, self.watch = None, None
        self.group, self.pixels, self.right = group, pixels, right

    def __call__(self, x: Tensor, *, moved: bool = False) -> Tensor:
        """As a module, but for an idle edge under torch.jit.trace, which would number a trace's values by it."""
        if self.grid is None and torch._C._is_tracing():
            return x
        result: Tensor = super().__call__(x, moved=moved)
        return result

    def forward(self, x: Tensor, *, moved: bool = False) -> Tensor:
        if self.watch is not None and not moved:
            self.watch(x)
        if self.grid is None:
            return x
        if torch.compiler.is_exporting():
            return quantize_dequantize(x, self.grid)
        return torch.fake_quantize_per_tensor_affine(x, self.grid.scale, self.grid.zero_point, INT8_MIN, INT8_MAX)


def quantize_dequantize(x: Tensor, grid: QParams) -> Tensor:
    """The two ops that vendors' delegates recognise."""
    return restored(stored(x, grid), grid)


def stored(x: Tensor, grid: QParams) -> Tensor:
    """int8 values of real ones."""
    import torch.ao.quantization.fx._decomposed  # registers the op

    settings = (grid.scale, grid.zero_point, INT8_MIN, INT8_MAX, torch.int8)
    integers: Tensor = torch.ops.quantized_decomposed.quantize_per_tensor(x, *settings)
    return integers


def restored(integers: Tensor, grid: QParams) -> Tensor:
    """The real values of int8 ones."""
    import torch.ao.quantization.fx._decomposed  # registers the op

    settings = (grid.scale, grid.zero_point, INT8_MIN, INT8_MAX, torch.int8)
    real: Tensor = torch.ops.quantized_decomposed.dequantize_per_tensor(integers, *settings)
    return real


def fake_quants_of(form: nn.Module) -> dict[str, FakeQuant]:
    """Every edge of a form by its path, such as `body.stage0.attn0.query`, in the order they were made."""
    return {name: module for name, module in form.named_modules() if isinstance(module, FakeQuant)}


def logits_qparams(form: nn.Module) -> QParams | None:
    """The grid of a form's logits: that of its last edge."""
    return list(fake_quants_of(form).values())[-1].grid


@contextmanager
def without_fake_quant(form: nn.Module) -> Iterator[dict[str, QParams]]:
    """Inside, the form computes in float; gives the grids by edge, and puts them back at the end."""
    edges = fake_quants_of(form)
    grids = {name: edge.grid for name, edge in edges.items() if edge.grid is not None}
    try:
        for edge in edges.values():
            edge.grid = None
        yield grids
    finally:
        for name, edge in edges.items():
            edge.grid = grids.get(name)


def fake_quantize_weight_(layer: Layer) -> None:
    """Round a layer's weights, in place, to int8 grids without zero points, one an output row: +-127 at its largest.

    The layer stays a float layer; its `weight_scale` tells converters that int8 holds its weights exactly.
    """
    weight = layer.weight.detach()
    scale = steps(weight.flatten(1).abs().amax(1), INT8_MAX)
    layer.register_buffer(SCALE, scale)
    layer.weight.data = int8_weight(layer).float() * _per_row(scale, weight)


def int8_weight(layer: Layer) -> Tensor:
    """The int8 weights of a layer that was put on its grids, in the shape of its weights."""
    weight = layer.weight.detach()
    return torch.round(weight / _per_row(layer.get_buffer(SCALE), weight)).clamp(-INT8_MAX, INT8_MAX).to(torch.int8)


def _per_row(scale: Tensor, weight: Tensor) -> Tensor:
    return scale.view(-1, *[1] * (weight.ndim - 1))


def with_half_scales(form: nn.Module) -> nn.Module:
    """A deep copy whose grids have scales that float16 holds exactly; the weights of int8 layers are on those grids."""
    made = copy.deepcopy(form)
    for edge in fake_quants_of(made).values():
        if edge.grid is not None:
            edge.grid = QParams(float(_half(torch.tensor(edge.grid.scale))), edge.grid.zero_point)
    for layer in fake_quantized_layers(made):
        layer.register_buffer(SCALE, _half(layer.get_buffer(SCALE)))
        layer.weight.data = int8_weight(layer).float() * _per_row(layer.get_buffer(SCALE), layer.weight)
    return made


def _half(scale: Tensor) -> Tensor:
    """The nearest float16 above 0, as float32."""
    return scale.half().clamp_min(SMALLEST_HALF).float()


class Int8Layer(nn.Module):
    """A layer on its grids, with its weights as int8 constants behind a dequantize: what delegates recognise."""

    stored: Tensor
    scale: Tensor
    zero: Tensor

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.register_buffer("stored", int8_weight(layer))
        self.register_buffer("scale", layer.get_buffer(SCALE))
        self.register_buffer("zero", torch.zeros(len(layer.weight), dtype=torch.int64))
        self.bias, self.like = layer.bias, [layer]  # in a list: no submodule, its float weights are not exported

    def forward(self, x: Tensor) -> Tensor:
        import torch.ao.quantization.fx._decomposed  # registers the op

        restore = torch.ops.quantized_decomposed.dequantize_per_channel
        weight = restore(self.stored, self.scale, self.zero, 0, -INT8_MAX, INT8_MAX, torch.int8)
        (like,) = self.like
        if isinstance(like, nn.Conv2d):
            y = nn.functional.conv2d(x, weight, self.bias, like.stride, like.padding, groups=like.groups)
            return nn.functional.relu(y) if isinstance(like, ReluConv) else y
        return nn.functional.linear(x, weight, self.bias)


def replace_with_int8_layers(form: nn.Module) -> int:
    """Replace, in place, every layer on its grids by one that holds int8; how many there were."""
    found = 0
    for parent in list(form.modules()):
        for name, child in list(parent.named_children()):
            if is_fake_quantized(child):
                setattr(parent, name, Int8Layer(child))
                found += 1
    return found


def fake_quantized_layers(form: nn.Module) -> list[Layer]:
    """The layers of a form with weights on int8 grids."""
    return [module for module in form.modules() if is_fake_quantized(module)]


def is_fake_quantized(module: nn.Module) -> TypeGuard[Layer]:
    """Is it a layer that `fake_quantize_weight_` has rounded?"""
    return isinstance(module, Layer) and hasattr(module, SCALE)
