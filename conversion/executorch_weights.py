"""Weights of a module -> integers, and what reads them, before it is lowered to XNNPACK.

    linears                     int8 a channel, or int4 a group of 32 inputs; their input is quantized at run time
    3x3 convolutions            int8 a channel; their input is quantized at run time; depthwise ones stay float32,
                                since XNNPACK has no such kernel for them
    1x1 convolutions            float32: they read a transposed grid, and ExecuTorch 1.4.1 moves that transpose to the
                                start of the graph when their input is quantized at run time
    tables added to scores      int8, one scale and zero point a table

A weight becomes its integers behind a dequantizing op, which XNNPACK's partitioner takes together with its reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from levit_mobile.model.fake_quant import Int8Layer, Layer, fake_quantize_weight_, replace_with_int8_layers
from levit_mobile.model.int8_steps import step
from levit_mobile.model.parts.roles import role_of, tables_of
from levit_mobile.recipe import Recipe

from .int4 import GROUP, INT4, int4, least_squares_scales

MIN_CONSTANT = 1024  # elements; smaller tables stay float32
MIN_WEIGHT = 2048  # elements; a smaller convolution stays float32


class PerGroup(nn.Module):
    """A weight [out, in] as int4 and a bfloat16 scale for each GROUP inputs of an output."""

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weight -> integers, scales [out, in/GROUP], zeros of that shape."""
        groups = weight.detach().unflatten(1, (-1, GROUP))
        scales = least_squares_scales(groups)
        codes = int4(groups, scales).to(torch.int8)
        return codes.flatten(1), scales, torch.zeros_like(scales, dtype=torch.int8)

    def forward(self, codes: Tensor, scales: Tensor, zeros: Tensor) -> Tensor:
        limits = -INT4 - 1, INT4
        weight: Tensor = _ops().dequantize_per_channel_group(
            codes, scales, zeros, *limits, torch.int8, GROUP, torch.float32
        )
        return weight


class Table(nn.Module):
    """A constant as int8, its least and largest value at the ends of the range."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        low, high = min(0.0, values.min().item()), max(0.0, values.max().item())
        self.scale = step(high - low, 255)
        self.zero = round(-128 - low / self.scale)

    def right_inverse(self, values: Tensor) -> tuple[Tensor]:
        """Values -> integers."""
        return (((values / self.scale).round() + self.zero).clamp(-128, 127).to(torch.int8),)

    def forward(self, codes: Tensor) -> Tensor:
        values: Tensor = _ops().dequantize_per_tensor(codes, self.scale, self.zero, -128, 127, torch.int8)
        return values


class RunTimeInt8:
    """Hooks that quantize what a module reads; modules that read the same tensor in turn share the result."""

    def __init__(self) -> None:
        self.last: tuple[Tensor, Tensor] | None = None

    def of_tokens(self, _: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor]:
        """[1,T,C]: a range for each token."""
        (x,) = arguments
        if self.last is None or self.last[0] is not x:
            scale, zero = _ops().choose_qparams_per_token_asymmetric(x, torch.int8)
            limits = scale, zero, -128, 127, torch.int8
            codes = _ops().quantize_per_token(x, *limits)
            self.last = x, _ops().dequantize_per_token(codes, *limits, torch.float32)
        return (self.last[1],)

    def of_grid(self, _: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor]:
        """[1,C,H,W]: one range."""
        (x,) = arguments
        scale, zero = _ops().choose_qparams.tensor(x, -128, 127, 1e-9, torch.int8)
        limits = scale, zero, -128, 127, torch.int8
        return (_ops().dequantize_per_tensor.tensor(_ops().quantize_per_tensor.tensor(x, *limits), *limits),)


def to_int8_dynamic(module: nn.Module) -> int:
    """Rewrite `module` in place; how many weights are integers now."""
    return _quantize(module, groups=False)


def to_int4_weight(module: nn.Module) -> int:
    """Rewrite `module` in place; how many weights are integers now. The 3x3 convolutions are int8."""
    return _quantize(module, groups=True)


def _quantize(module: nn.Module, *, groups: bool) -> int:
    """Linears in `groups`, or a channel at a time like convolutions."""
    module.requires_grad_(False)
    parts = list(_integer_parts(module))
    for part in parts:
        if groups and isinstance(part, nn.Linear):
            parametrize.register_parametrization(part, "weight", PerGroup())
        else:
            fake_quantize_weight_(part)
    replace_with_int8_layers(module)
    _quantize_inputs(module, parts)
    store_tables(module)
    return len(parts)


def _quantize_inputs(module: nn.Module, parts: list[Layer]) -> None:
    """At run time, those of `parts` and of what has taken the place of one."""
    activations = RunTimeInt8()
    for reader in module.modules():
        (part,) = reader.like if isinstance(reader, Int8Layer) else (reader,)
        if any(part is one for one in parts):
            tokens = isinstance(part, nn.Linear)
            reader.register_forward_pre_hook(activations.of_tokens if tokens else activations.of_grid)


def store_tables(module: nn.Module) -> None:
    """Every declared table of at least MIN_CONSTANT elements to int8, in place: the attention biases.

    before   add(scores, float32 constant)
    after    add(scores, dequantize(int8 constant)), both inside XNNPACK
    """
    for part, name in list(tables_of(module)):
        values = part.get_buffer(name)
        if values.numel() >= MIN_CONSTANT:
            parametrize.register_parametrization(part, name, Table(values))


def _integer_parts(module: nn.Module) -> Iterator[Layer]:
    """The linears, and the convolutions with a window and MIN_WEIGHT elements; what computes a norm stays in float."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv2d) and role_of(part) != "norm" and _is_quantized(part):
            yield part


def _is_quantized(layer: Layer) -> bool:
    return isinstance(layer, nn.Linear) or _is_large(layer)


def _is_large(conv: nn.Conv2d) -> bool:
    return conv.kernel_size != (1, 1) and conv.groups == 1 and conv.weight.numel() >= MIN_WEIGHT


def _ops() -> Any:
    """The quantizing ops, which torch registers when this is imported."""
    import torch.ao.quantization.fx._decomposed

    return torch.ops.quantized_decomposed


def table_as_stored(table: Tensor, _recipe: Recipe) -> tuple[str, Tensor]:
    """How a recipe with integers stores an attention bias [h,Tq,Tk], and its values then."""
    if table.numel() < MIN_CONSTANT:
        return "float32", table
    stored = Table(table)
    values: Tensor = stored(*stored.right_inverse(table))
    return "int8 a tensor", values
