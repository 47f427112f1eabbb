"""Every rewrite alone keeps the logits, and a rewrite that is broken on purpose does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from support.nets import MEAN, STD, levit, logits_of, normalised, pixels, relative_error
from torch import Tensor, nn

from levit_mobile.model.families.levit.architecture import Stage
from levit_mobile.model.families.levit.bake import (
    bake,
    embed_normalisation,
    fold_batch_norms,
    fold_query_scale,
    freeze_attention_biases,
    merge_heads,
    query_rows,
)
from levit_mobile.model.families.levit.trained import Attention, AttentionBias, LeViT, ShrinkAttention
from levit_mobile.model.parts.constants import FrozenBias

Rewrite = Callable[[LeViT], LeViT]

SIDES = {"levit_128s": 144, "levit_192": 96}  # grids 9 -> 5 -> 3 and 6 -> 3 -> 2
embed = partial(embed_normalisation, mean=MEAN, std=STD)
bake_digits = partial(bake, mean=MEAN, std=STD)

# What each rewrite wants to have been done before it.
BEFORE: dict[Rewrite, Rewrite] = {
    fold_batch_norms: copy.deepcopy,
    freeze_attention_biases: copy.deepcopy,
    fold_query_scale: fold_batch_norms,
    merge_heads: fold_batch_norms,
}
NETS = [pytest.param(variant, heads, id=f"{variant}-{heads}") for variant in SIDES for heads in (1, 2)]


def moved(before: nn.Module, after: nn.Module, x: Tensor, y: Tensor | None = None) -> float:
    """The relative difference of the logits, `after` taking `y` where that is another input."""
    return relative_error(logits_of(before, x), logits_of(after, x if y is None else y))


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def attentions(model: LeViT) -> list[Attention | ShrinkAttention]:
    return [block for block in model.modules() if isinstance(block, Attention | ShrinkAttention)]


# Same logits


def name_of(rewrite: Any) -> str:
    """Of a function, or of the one that a partial calls."""
    return str(getattr(rewrite, "func", rewrite).__name__)


@pytest.mark.parametrize(("variant", "heads"), NETS)
@pytest.mark.parametrize("rewrite", BEFORE, ids=lambda rewrite: rewrite.__name__)
def test_a_rewrite_alone_keeps_the_logits(rewrite: Rewrite, variant: str, heads: int) -> None:
    side = SIDES[variant]
    before = BEFORE[rewrite](levit(variant, side=side, heads=heads))
    assert moved(before, rewrite(before), normalised(pixels(4, side))) <= 1e-5


@pytest.mark.parametrize(("variant", "heads"), NETS)
@pytest.mark.parametrize("pixel_range", [1, 255])
def test_embedded_normalisation_keeps_the_logits(variant: str, heads: int, pixel_range: int) -> None:
    x = pixels(4, SIDES[variant])
    before = fold_batch_norms(levit(variant, side=SIDES[variant], heads=heads))
    assert moved(before, embed(before, pixel_range=pixel_range), normalised(x), x * pixel_range) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "heads"), NETS)
@pytest.mark.parametrize("pixel_range", [1, 255])
def test_all_rewrites_together_keep_the_logits(variant: str, heads: int, pixel_range: int) -> None:
    model, x = levit(variant, side=SIDES[variant], heads=heads), pixels(4, SIDES[variant])
    assert moved(model, bake_digits(model, pixel_range=pixel_range), normalised(x), x * pixel_range) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "heads"), NETS)
def test_in_float64_nothing_but_rounding_is_left(variant: str, heads: int) -> None:
    model = copy.deepcopy(levit(variant, side=SIDES[variant], heads=heads)).double()
    x = pixels(4, SIDES[variant]).double()
    baked = bake_digits(model)
    assert {tensor.dtype for tensor in baked.state_dict().values()} == {torch.float64}
    assert moved(model, baked, normalised(x), x) <= 1e-12


# What is left


@pytest.mark.parametrize(("variant", "heads"), NETS)
def test_only_constants_are_left(variant: str, heads: int) -> None:
    model = levit(variant, side=SIDES[variant], heads=heads)
    baked = bake_digits(model)
    modules = list(baked.modules())
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm | AttentionBias) for module in modules)
    assert not any(module.training for module in modules)
    assert baked.head_dist is None
    assert isinstance(baked.head, nn.Linear)
    assert all(block.scale == 1.0 for block in attentions(baked))
    frozen = [module.value.shape for module in modules if isinstance(module, FrozenBias)]
    gathered = [module().shape for module in model.modules() if isinstance(module, AttentionBias)]
    assert frozen == gathered
    assert {tensor.dtype for tensor in baked.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("rewrite", [*BEFORE, embed, bake_digits], ids=name_of)
def test_the_input_is_left_alone(rewrite: Rewrite) -> None:
    model = levit() if rewrite is bake_digits else BEFORE.get(rewrite, fold_batch_norms)(levit())
    before, scales = weights(model), [block.scale for block in attentions(model)]
    structure = [(name, type(module)) for name, module in model.named_modules()]
    result = rewrite(model)
    own = {tensor.data_ptr() for tensor in model.state_dict().values()}
    with torch.no_grad():
        for tensor in result.state_dict().values():
            assert tensor.data_ptr() not in own
            tensor.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert [block.scale for block in attentions(model)] == scales
    assert [(name, type(module)) for name, module in model.named_modules()] == structure


# Refusals


def test_a_model_in_training_cannot_be_baked() -> None:
    with pytest.raises(ValueError, match=r"training mode.*call model.eval\(\) first"):
        bake_digits(LeViT("levit_128s", classes=2, side=64).train())


@pytest.mark.parametrize("rewrite", [fold_query_scale, merge_heads, embed], ids=name_of)
def test_batch_norms_come_first(rewrite: Rewrite) -> None:
    with pytest.raises(ValueError, match="fold the batch norms"):
        rewrite(levit())


def test_a_norm_without_statistics_cannot_be_folded() -> None:
    model = copy.deepcopy(levit())
    model.stem.conv1.norm.running_mean = None
    with pytest.raises(ValueError, match="no running statistics"):
        fold_batch_norms(model)


# The border


@torch.no_grad()
def with_folded_mean(model: LeViT) -> LeViT:
    """The tempting rewrite: mean and std both in the first convolution."""
    wrong = copy.deepcopy(model)
    conv = wrong.stem.conv0
    conv.weight /= torch.tensor(STD).view(1, 3, 1, 1)
    conv.bias -= (conv.weight * torch.tensor(MEAN).view(1, 3, 1, 1)).sum((1, 2, 3))
    return wrong


@torch.no_grad()
def test_a_mean_in_the_first_bias_is_wrong_at_the_border_and_only_there() -> None:
    folded, x = fold_batch_norms(levit(side=144)), pixels(2, 144)
    expected = folded.stem.conv0(normalised(x))
    error = (with_folded_mean(folded).stem.conv0(x) - expected).abs()
    right = embed(folded).stem
    assert error[:, :, 1:, 1:].max() < 1e-5  # rows and columns that do not see the zero padding
    assert min(error[:, :, 0].max(), error[:, :, :, 0].max()) > 0.1
    assert (right.conv0(right.centre(x)) - expected).abs().max() < 1e-5


# Sensitivity: each of these would be caught


@torch.no_grad()
def scaled_twice(model: LeViT) -> LeViT:
    wrong = fold_query_scale(model)
    for block, original in zip(attentions(wrong), attentions(model), strict=True):
        block.scale = original.scale
    return wrong


@torch.no_grad()
def scaled_first_rows(model: LeViT) -> LeViT:
    """As if every head's q came before the first k."""
    wrong = copy.deepcopy(model)
    for block in attentions(wrong):
        projection = block.qkv if isinstance(block, Attention) else block.q
        projection.weight[: block.heads * block.key_dim] *= block.scale
        projection.bias[: block.heads * block.key_dim] *= block.scale
        block.scale = 1.0
    return wrong


def class_head_alone(model: LeViT) -> LeViT:
    wrong = copy.deepcopy(model)
    wrong.head_dist = None
    return wrong


def mirrored_biases(model: LeViT) -> LeViT:
    wrong = freeze_attention_biases(model)
    for module in wrong.modules():
        if isinstance(module, FrozenBias):
            module.value = module.value.flip(-1)
    return wrong


@torch.no_grad()
def norms_without_shift(model: LeViT) -> LeViT:
    unshifted = copy.deepcopy(model)
    for module in unshifted.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.zero_()
    return fold_batch_norms(unshifted)


WRONG: dict[Rewrite, Rewrite] = {
    scaled_twice: fold_batch_norms,
    scaled_first_rows: fold_batch_norms,
    class_head_alone: copy.deepcopy,
    mirrored_biases: copy.deepcopy,
    norms_without_shift: copy.deepcopy,
}


@pytest.mark.parametrize("variant", SIDES)
@pytest.mark.parametrize("rewrite", WRONG, ids=lambda rewrite: rewrite.__name__)
def test_a_wrong_rewrite_moves_the_logits(rewrite: Rewrite, variant: str) -> None:
    before = WRONG[rewrite](levit(variant, side=SIDES[variant]))
    assert moved(before, rewrite(before), normalised(pixels(4, SIDES[variant]))) > 1e-3


@pytest.mark.parametrize("variant", SIDES)
def test_a_wrong_border_moves_the_logits(variant: str) -> None:
    x = pixels(4, SIDES[variant])
    before = fold_batch_norms(levit(variant, side=SIDES[variant]))
    assert moved(before, with_folded_mean(before), normalised(x), x) > 1e-3


def test_query_rows_are_the_first_of_each_heads_group() -> None:
    block = Attention(Stage(32, 2, 1, 4, 8, 64), (2, 2), 0.0)
    assert query_rows(block).tolist() == [0, 1, 2, 3, 16, 17, 18, 19]  # a group is 4 q, 4 k and 8 v
