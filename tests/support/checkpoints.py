"""Checkpoints for tests, whose names owe nothing to the package: transformers' own LeViT with weights that matter.

The official and timm layouts are listed here in the order of their own sources. transformers' conversion script maps
an official state dict to its own by that order alone, so order is the independent witness for every rename table.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from levit_mobile.errors import CheckpointError
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.families.levit.architecture import VARIANTS, Architecture, as_in_paper
from support.refusals import refused

State = dict[str, Tensor]

# hidden_sizes, num_attention_heads, depths, key_dim: from transformers' conversion script.
CONFIGS: dict[str, tuple[list[int], list[int], list[int], int]] = {
    "levit_128s": ([128, 256, 384], [4, 6, 8], [2, 3, 4], 16),
    "levit_128": ([128, 256, 384], [4, 8, 12], [4, 4, 4], 16),
    "levit_192": ([192, 288, 384], [3, 5, 6], [4, 4, 4], 32),
    "levit_256": ([256, 384, 512], [4, 6, 8], [4, 4, 4], 32),
    "levit_384": ([384, 512, 768], [6, 9, 12], [4, 4, 4], 32),
}
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def pictures(count: int, side: int, seed: int = 0) -> Tensor:
    """Normalised pictures [N,3,side,side]."""
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def transformers_model(variant: str, *, classes: int = 5, side: int = 64, heads: int = 2, seed: int = 1) -> Any:
    """transformers' LeViT whose every tensor matters: logits of a spread near 1 that depend on the picture."""
    widths, attention_heads, depths, key_dim = CONFIGS[variant]
    return _made(tuple(widths), tuple(attention_heads), tuple(depths), key_dim, classes, side, heads, seed)


@cache
def _made(
    widths: tuple[int, ...],
    attention_heads: tuple[int, ...],
    depths: tuple[int, ...],
    key_dim: int,
    classes: int,
    side: int,
    heads: int,
    seed: int,
) -> Any:
    from transformers import LevitConfig, LevitForImageClassification, LevitForImageClassificationWithTeacher

    config = LevitConfig(
        image_size=side,
        hidden_sizes=list(widths),
        num_attention_heads=list(attention_heads),
        depths=list(depths),
        key_dim=[key_dim] * 3,
        num_labels=classes,
    )
    kind = LevitForImageClassificationWithTeacher if heads == 2 else LevitForImageClassification
    torch.manual_seed(seed)
    model = kind(config)
    randomise(model, pictures(12, side, seed))
    return model.eval()


def with_depths(architecture: Architecture, depths: Sequence[int]) -> Architecture:
    """The same with more or fewer blocks."""
    stages = zip(architecture.stages, depths, strict=True)
    return replace(architecture, stages=tuple(replace(stage, depth=depth) for stage, depth in stages))


@contextmanager
def one_block_a_stage(variant: str) -> Iterator[None]:
    """The variant has the depths 1, 1, 1 while this lasts: every kind of block, and a graph of half the size."""
    widths, heads, _, key_dim = CONFIGS[variant]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, variant, (widths, heads, [1, 1, 1], key_dim))
        patch.setitem(VARIANTS, variant, with_depths(VARIANTS[variant], (1, 1, 1)))
        yield


@contextmanager
def a_quarter_as_wide(variant: str) -> Iterator[None]:
    """The variant has a quarter of its channels while this lasts: each tensor, heads and depths, in 2 MB."""
    widths, heads, depths, key_dim = CONFIGS[variant]
    narrow, keys = [width // 4 for width in widths], key_dim // 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, variant, (narrow, heads, depths, keys))
        patch.setitem(VARIANTS, variant, as_in_paper(tuple(narrow), keys, tuple(heads), tuple(depths)))
        yield


def randomise(model: nn.Module, x: Tensor) -> None:
    """Weights, then the statistics that they lead to, then gains and shifts: so that no layer is the identity."""
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2 and not name.endswith("attention_biases"):
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
        elif name.endswith("attention_biases"):
            nn.init.normal_(parameter)
        else:
            nn.init.uniform_(parameter, 0.5, 1.5)
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(x)
        for norm in norms:
            norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.8, 1.25)
            norm.running_mean += torch.empty_like(norm.running_mean).uniform_(-0.1, 0.1)


def norm_keys(name: str) -> Iterator[str]:
    yield from (f"{name}.{leaf}" for leaf in NORM)


def linear_keys(name: str, linear: str) -> Iterator[str]:
    """A layer without bias and its batch norm."""
    yield f"{name}.{linear}.weight"
    yield from norm_keys(f"{name}.bn")


def head_keys(name: str, linear: str) -> Iterator[str]:
    yield from norm_keys(f"{name}.bn")
    yield from (f"{name}.{linear}.weight", f"{name}.{linear}.bias")


def official_keys(variant: str, heads: int = 2) -> Iterator[str]:
    """facebookresearch/LeViT levit.py, without the index buffers."""
    for place in (0, 2, 4, 6):
        yield from linear_keys(f"patch_embed.{place}", "c")
    number = itertools.count()
    for stage, depth in enumerate(CONFIGS[variant][2]):
        for _ in range(depth):
            attention = f"blocks.{next(number)}.m"
            yield f"{attention}.attention_biases"
            yield from linear_keys(f"{attention}.qkv", "c")
            yield from linear_keys(f"{attention}.proj.1", "c")
            yield from official_mlp(next(number))
        if stage < 2:
            shrink = f"blocks.{next(number)}"
            yield f"{shrink}.attention_biases"
            for part in ("kv", "q.1", "proj.1"):
                yield from linear_keys(f"{shrink}.{part}", "c")
            yield from official_mlp(next(number))
    for head in ("head", "head_dist")[:heads]:
        yield from head_keys(head, "l")


def official_mlp(number: int) -> Iterator[str]:
    for part in ("0", "2"):
        yield from linear_keys(f"blocks.{number}.m.{part}", "c")


def timm_keys(variant: str, heads: int = 2) -> Iterator[str]:
    """timm/models/levit.py: the shrinking block opens the next stage, and comes before its blocks."""
    for conv in range(1, 5):
        yield from linear_keys(f"stem.conv{conv}", "linear")
    for stage, depth in enumerate(CONFIGS[variant][2]):
        if stage:
            down = f"stages.{stage}.downsample"
            yield from timm_block(f"{down}.attn_downsample", ("kv", "q.ln", "proj.ln"), f"{down}.mlp")
        for block in range(depth):
            name = f"stages.{stage}.blocks.{block}"
            yield from timm_block(f"{name}.attn", ("qkv", "proj.ln"), f"{name}.mlp")
    for head in ("head", "head_dist")[:heads]:
        yield from head_keys(head, "linear")


def timm_block(attention: str, parts: tuple[str, ...], mlp: str) -> Iterator[str]:
    yield f"{attention}.attention_biases"
    for name in (*(f"{attention}.{part}" for part in parts), f"{mlp}.ln1", f"{mlp}.ln2"):
        yield from linear_keys(name, "linear")


def mmpretrain_keys(variant: str, heads: int = 2) -> Iterator[str]:
    """mmpretrain's backbones/levit.py and heads/levit_head.py: the shrinking pair opens the next stage's list."""
    for place in (0, 2, 4, 6):
        yield from linear_keys(f"backbone.patch_embed.patch_embed.{place}", "conv")
    for stage, depth in enumerate(CONFIGS[variant][2]):
        number = itertools.count()
        for layer in range(depth + (stage > 0)):
            plain = layer > 0 or stage == 0
            name = f"backbone.stages.{stage}.{next(number)}"
            attention, parts = (f"{name}.block", ("qkv", "proj.1")) if plain else (name, ("kv", "q.1", "proj.1"))
            yield f"{attention}.attention_biases"
            for part in parts:
                yield from linear_keys(f"{attention}.{part}", "linear")
            mlp = f"backbone.stages.{stage}.{next(number)}.block"
            for part in ("linear1", "linear2"):
                yield from linear_keys(f"{mlp}.{part}", "linear")
    for head in ("head", "head_dist")[:heads]:
        yield from head_keys(f"head.{head}", "linear")


def in_order(keys: Iterator[str], model: nn.Module) -> State:
    """transformers' tensors under another layout's names, by order."""
    names, tensors = list(keys), list(model.state_dict().values())
    assert len(names) == len(tensors)
    return dict(zip(names, tensors, strict=True))


def official_state(model: nn.Module, variant: str, heads: int = 2) -> State:
    """As the official script saves it: with an index buffer beside each bias table."""
    state = in_order(official_keys(variant, heads), model)
    tables = {key: tensor for key, tensor in state.items() if key.endswith("attention_biases")}
    return state | {f"{key.removesuffix('es')}_idxs": offsets(key, tensor) for key, tensor in tables.items()}


def timm_state(model: nn.Module, variant: str, heads: int = 2, *, conv: bool = False) -> State:
    state = in_order(timm_keys(variant, heads), model)
    return as_convolutions(state) if conv else state


def mmpretrain_state(model: nn.Module, variant: str, heads: int = 2) -> State:
    state = in_order(mmpretrain_keys(variant, heads), model)
    tables = {key: tensor for key, tensor in state.items() if key.endswith("attention_biases")}
    return state | {f"{key.removesuffix('es')}_idxs": offsets(key, tensor) for key, tensor in tables.items()}


def as_convolutions(state: State) -> State:
    """Every matrix but the heads' as a 1x1 convolution."""
    matrix = {
        key for key, tensor in state.items() if tensor.ndim == 2 and key.endswith(".weight") and "head" not in key
    }
    return {key: tensor[:, :, None, None] if key in matrix else tensor for key, tensor in state.items()}


def offsets(key: str, table: Tensor) -> Tensor:
    """The original's numbering of offsets, word for word: each gets the next number when it is first met."""
    side = round(table.shape[1] ** 0.5)
    stride = 1 if ".m." in key or ".block." in key else 2
    points = list(itertools.product(range(side), range(side)))
    queries = list(itertools.product(range(0, side, stride), range(0, side, stride)))
    seen: dict[tuple[int, int], int] = {}
    idxs = []
    for q in queries:
        for p in points:
            offset = (abs(q[0] - p[0]), abs(q[1] - p[1]))
            seen.setdefault(offset, len(seen))
            idxs.append(seen[offset])
    return torch.tensor(idxs).view(len(queries), len(points))


def saved(state: object, file: Path) -> Path:
    torch.save(state, file)
    return file


def saved_safely(state: State, file: Path, metadata: dict[str, str] | None = None) -> Path:
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, file, metadata)
    return file


def assert_refused(source: Path | str, code: str, *facts: object, **options: Any) -> None:
    """`source` is refused with this code, in one line that holds every fact."""
    with refused(CheckpointError, code, *facts):
        load_checkpoint(source, **options)
