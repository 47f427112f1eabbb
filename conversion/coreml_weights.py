"""Weights of a Core ML program -> integers or palettes, before it is saved.

Biases, and what has no more than 2048 elements, stay in float16. Why the rest is not all stored alike: the stem and the
head are few of the weights, and most of what fewer bits would cost; the tables that are added to attention scores lose
nothing that can be seen at 8 or 6 bits, and are as many bytes in float16 as a quarter of a 4-bit model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from levit_mobile.errors import ConversionError
from levit_mobile.model.int8_steps import step
from levit_mobile.model.parts.roles import Role, role_of, tables_of
from levit_mobile.recipe import Precision, Recipe

from .int4 import GROUP

LARGE = 2048  # elements; below that a scale and a table cost more than they spare

Uses = Mapping[bytes, str]  # key of a constant's values -> its use
USE_OF_ROLE: dict[Role, str] = {"stem": "end", "projection": "projection", "head": "end", "norm": "norm"}

# Recipe -> how a large constant is stored, by its use: `end` is the stem and the head; a norm's layers stay in float.
STORED_AS: dict[Precision, dict[str, str]] = {
    Precision.INT8: {"table": "int8"},  # layers on grids hold int8 already; the others stay in float16
    Precision.INT8_WEIGHT: {"projection": "int8", "end": "int8", "table": "int8"},
    Precision.INT4_WEIGHT: {"projection": "int4", "end": "int8", "table": "palette6"},
    Precision.PALETTE6: {"projection": "palette6", "end": "int8", "table": "int8"},
    Precision.PALETTE4: {"projection": "palette4", "end": "int8", "table": "palette6"},
}


def compress(coremltools: Any, program: Any, recipe: Recipe, uses: Uses) -> None:
    """Rewrite the large constants of a MIL program in place, as the recipe stores them; fp16 and fp32 leave all."""
    if recipe.precision not in STORED_AS:
        return
    optimize = coremltools.optimize.coreml
    stored = STORED_AS[recipe.precision]
    chosen = {constant.name: stored.get(_use(constant, uses)) for constant in large_constants(program)}
    for compression, configs in (
        ("linear_quantize_weights", _integers(optimize)),
        ("palettize_weights", _palettes(optimize)),
    ):
        named = {name: configs[how] for name, how in chosen.items() if how in configs}
        _apply(compression, optimize.OptimizationConfig(op_name_configs=named), program)


def require_compressed(program: Any, recipe: Recipe, uses: Uses) -> None:
    """Raises ConversionError when a large constant is still in float: coremltools skips silently what does not fit."""
    if recipe.precision not in STORED_AS:
        return
    stored = STORED_AS[recipe.precision]
    large = [constant for constant in large_constants(program) if _use(constant, uses) in stored]
    left = [f"{constant.name} {list(constant.outputs[0].shape)}" for constant in large]
    if left:
        raise ConversionError(f"the {recipe.name} artifact still has float weights: {', '.join(left)}", fault="weights")


def large_constants(program: Any) -> Iterator[Any]:
    """Constants in float with two axes or more and above LARGE elements, scales and palettes of others left out."""
    for operation in program.functions["main"].operations:
        if operation.op_type != "const":
            continue
        value, users = operation.outputs[0].val, operation.outputs[0].child_ops
        large = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 1 and value.size > LARGE
        if large and not any(user.op_type.startswith("constexpr_") for user in users):
            yield operation


def palettes(weights: NDArray[np.float16], *, bits: int) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """2^bits values of the least squared error, unused ones 0, and for each weight the index of its own, flat.

    It is the optimum itself, not the end of a search from random values: the same weights give the same bytes.
    """
    from coremltools._deps.kmeans1d import cluster  # its own k-means asks for scikit-learn when a tensor is small

    values, places, counts = np.unique(weights, return_inverse=True, return_counts=True)
    found = cluster(values.tolist(), 1 << bits, weights=counts.tolist())
    table = np.zeros(1 << bits, weights.dtype)
    table[: len(found.centroids)] = found.centroids
    return table, np.array(found.clusters, np.uint8)[places.ravel()]


def uses_of(module: nn.Module) -> Uses:
    """What a module declares about its weights and tables, by their values."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    tables = {_key(part.get_buffer(name).numpy()): "table" for part, name in tables_of(module)}
    return tables | {_key(layer.weight.detach().numpy()): USE_OF_ROLE[role_of(layer)] for layer in layers}


def _key(values: NDArray[Any]) -> bytes:
    """Equal for the values of a parameter and those of its constant in a program of either precision."""
    return hashlib.sha256(values.astype(np.float16).tobytes()).digest()


def _use(constant: Any, uses: Uses) -> str:
    """A key of STORED_AS' rows, or what is in none: a constant that nothing declares stays in float."""
    return uses.get(_key(constant.outputs[0].val), "undeclared")


def _integers(optimize: Any) -> dict[str, Any]:
    """8 bits symmetric, one scale an output channel; 4 bits with an offset, one of each a block."""
    config = partial(optimize.OpLinearQuantizerConfig, weight_threshold=LARGE)
    four = config(mode="linear", dtype="int4", granularity="per_block", block_size=GROUP)
    return {"int8": config(mode="linear_symmetric", dtype="int8", granularity="per_channel"), "int4": four}


def _palettes(optimize: Any) -> dict[str, Any]:
    """One table a tensor: what iOS 16 reads."""
    config = partial(optimize.OpPalettizerConfig, mode="custom", weight_threshold=LARGE)
    return {f"palette{bits}": config(lut_function=partial(palettes, bits=bits)) for bits in (6, 4)}


def _apply(compression: str, config: Any, program: Any) -> None:
    """One of coremltools' passes over the constants that `config` names."""
    from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY

    one = PASS_REGISTRY[f"compression::{compression}"]
    one.config = config
    one(program)


def table_as_stored(table: Tensor, recipe: Recipe) -> tuple[str, Tensor]:
    """How a recipe with integers stores an attention bias [h,Tq,Tk], and its values then."""
    values = table.numpy().astype(np.float16)
    if values.size <= LARGE:
        return "float16", torch.from_numpy(values.astype(np.float32))
    how = STORED_AS[recipe.precision]["table"]
    if how == "int8":
        scale = np.float16(step(float(np.abs(values).max()), 127))
        return "int8 a tensor", torch.from_numpy(np.rint(values / scale).astype(np.float32) * np.float32(scale))
    entries, indices = palettes(values, bits=int(how.removeprefix("palette")))
    return f"{how} a tensor", torch.from_numpy(entries[indices].reshape(values.shape).astype(np.float32))
