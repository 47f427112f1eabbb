"""The trained form: the paper's sizes, any side and class count, both heads, trainable biases, drop path.

That its logits are those of transformers' LeViT, for all five variants, stands in test_checkpoint.py.
"""

from __future__ import annotations

import copy

import pytest
import torch
from support.checkpoints import CONFIGS, offsets, pictures
from support.nets import levit

from levit_mobile.model.families.levit.architecture import VARIANTS, as_in_paper
from levit_mobile.model.families.levit.trained import (
    Attention,
    AttentionBias,
    DropPath,
    LeViT,
    Mlp,
    ShrinkAttention,
    bias_index,
    shrunk,
    stage,
)
from levit_mobile.model.parts.counts import count_macs, count_parameters

# Parameters and 10^6 multiply-accumulates at 224 px, with two heads of 1000 classes.
SIZES = {
    "levit_128s": (7_777_058, 304.7),
    "levit_128": (9_213_936, 405.3),
    "levit_192": (10_947_069, 657.0),
    "levit_256": (18_893_876, 1127.3),
    "levit_384": (39_128_836, 2351.8),
}


# Sizes


@pytest.mark.parametrize("variant", VARIANTS)
def test_sizes_of_the_variants(variant: str) -> None:
    with torch.device("meta"):
        model = LeViT(variant)
    assert (count_parameters(model), round(count_macs(model, model.size) / 1e6, 1)) == SIZES[variant]


def test_the_variants_are_those_of_the_original() -> None:
    found = {
        name: (list(row.channels), list(row.heads), list(row.depths), row.stages[0].key_dim)
        for name, row in VARIANTS.items()
    }
    assert found == CONFIGS
    assert {name: row.drop_path for name, row in VARIANTS.items()} == {**dict.fromkeys(SIZES, 0.0), "levit_384": 0.1}


def test_a_head_of_c_channels_costs_its_own_size() -> None:
    one, two = (LeViT("levit_128s", classes=7, side=64, distillation=two) for two in (False, True))
    assert count_parameters(two) - count_parameters(one) == 384 * 7 + 7 + 2 * 384
    assert count_macs(two, two.size) - count_macs(one, one.size) == 384 * 7


def test_counting_leaves_the_model_as_it_is() -> None:
    model = LeViT("levit_128s", classes=3, side=64).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert count_macs(model, model.size) == count_macs(model.eval(), model.size)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@torch.no_grad()
@pytest.mark.parametrize("side", [16, 64, 144, 224, 256, 288])
def test_any_side_that_is_a_multiple_of_16(side: int) -> None:
    model = levit(side=side)
    logits = model(pictures(2, side))
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()
    grids = [block.cells_out for block in model.modules() if isinstance(block, ShrinkAttention)]
    once = shrunk((side // 16, side // 16))
    assert grids == [once, shrunk(once)]


@torch.no_grad()
@pytest.mark.parametrize("classes", [1, 2, 10, 21_841])
def test_any_class_count(classes: int) -> None:
    assert LeViT("levit_128s", classes=classes, side=64).eval()(pictures(3, 64)).shape == (3, classes)


@pytest.mark.parametrize("side", [225, 230, 8, 0, -16])
def test_a_side_that_does_not_divide_is_named(side: int) -> None:
    with pytest.raises(ValueError, match=f"the input side is {side} px, expected a positive multiple of 16 px"):
        LeViT("levit_128s", side=side)


@pytest.mark.parametrize("variant", ["levit_512", "LeViT-128S", ""])
def test_an_unknown_variant_lists_the_known(variant: str) -> None:
    with pytest.raises(ValueError, match=f"unknown LeViT variant '{variant}'.*{', '.join(VARIANTS)}"):
        LeViT(variant)


# Heads


@torch.no_grad()
def test_the_logits_are_the_mean_of_both_heads() -> None:
    model, x = levit(), pictures(2, 96)
    pooled = model.features(x)
    assert model.head_dist is not None
    heads = torch.stack([model.head(pooled), model.head_dist(pooled)])
    assert torch.allclose(model(x), heads.mean(0), atol=1e-6)
    assert (model(x) - heads[0]).abs().max() > 0.1


def test_training_gives_a_logit_vector_a_head() -> None:
    x = pictures(4, 64)
    pair = LeViT("levit_128s", classes=5, side=64).train()(x)
    assert [tuple(logits.shape) for logits in pair] == [(4, 5), (4, 5)]
    single = LeViT("levit_128s", classes=5, side=64, distillation=False).train()(x)
    assert isinstance(single, torch.Tensor)
    assert single.shape == (4, 5)


# Training


def test_gradients_reach_every_parameter() -> None:
    model = copy.deepcopy(levit()).train()
    sum(logits.square().sum() for logits in model(pictures(4, 96))).backward()
    still = [name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert still == []
    tables = [module.table for module in model.modules() if isinstance(module, AttentionBias)]
    assert len(tables) == 2 + 3 + 4 + 2


def test_every_bias_learns_where_its_offset_occurs() -> None:
    bias = AttentionBias(heads=2, queries=(3, 3), keys=(5, 5), stride=2)
    bias().sum().backward()
    assert torch.equal(bias.table.grad[0], torch.bincount(bias.index.flatten(), minlength=25).float())


@torch.no_grad()
def test_residual_branches_start_as_the_identity() -> None:
    model, tokens = LeViT("levit_192", side=64).eval(), torch.randn(2, 16, 192)
    assert isinstance(model.body.stage0.attn0, Attention)
    assert isinstance(model.body.stage0.mlp0, Mlp)
    assert torch.equal(model.body.stage0(tokens), tokens)


@torch.no_grad()
def test_no_bias_is_cached() -> None:
    """The original keeps the bias it had when eval() was called: weights loaded afterwards do not count there."""
    model = LeViT("levit_128s", classes=10, side=96).eval()
    x = pictures(2, 96)
    model(x)
    model.load_state_dict(levit().state_dict())
    assert torch.equal(model(x), levit()(x))
    assert not any("index" in name for name in model.state_dict())


# Drop path


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_drop_path_takes_whole_pictures_and_keeps_the_mean(probability: float) -> None:
    torch.manual_seed(0)
    count, keep = 20_000, 1 - probability
    dropped = DropPath(probability).train()(torch.ones(count, 3, 2))
    kept = dropped[:, 0, 0]
    assert torch.equal(dropped, kept[:, None, None].expand(-1, 3, 2))
    assert set(kept.tolist()) == {0.0, torch.tensor(1 / keep).item()}
    assert abs(kept.mean().item() - 1) < 4 * (probability / keep / count) ** 0.5


def test_drop_path_is_for_training_only() -> None:
    x = torch.randn(50, 3, 2)
    assert DropPath(0.5).eval()(x) is x
    assert DropPath(0.0).train()(x) is x
    assert not torch.equal(DropPath(0.5).train()(x), x)


def test_every_residual_branch_of_levit_384_may_drop() -> None:
    with torch.device("meta"):
        model = LeViT("levit_384", side=64)
    paths = [module.probability for module in model.modules() if isinstance(module, DropPath)]
    assert paths == [0.1] * (2 * (4 + 4 + 4) + 2)  # the shrinking attentions have no residual


@torch.no_grad()
def test_evaluation_drops_nothing() -> None:
    blocks, tokens = (
        stage(as_in_paper((32, 32, 32), 8, (2, 2, 2), (3, 3, 3)).stages[0], (3, 3), 0.5),
        torch.randn(8, 9, 32),
    )
    for module in blocks.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.ones_(module.weight)
    blocks.eval()
    expected = blocks(tokens)
    assert torch.equal(blocks(tokens), expected)
    for module in blocks.modules():
        module.training = isinstance(module, DropPath)
    assert not torch.equal(blocks(tokens), expected)


# Bias index


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 7, 9, 14, 16])
def test_offsets_are_numbered_as_they_are_first_met(side: int) -> None:
    table = torch.zeros(1, side**2)
    assert torch.equal(bias_index((side, side), (side, side), 1), offsets("blocks.0.m.attention_biases", table))
    assert torch.equal(bias_index(shrunk((side, side)), (side, side), 2), offsets("blocks.4.attention_biases", table))


@pytest.mark.parametrize(("keys", "stride"), [((14, 14), 1), ((14, 14), 2), ((7, 7), 2), ((9, 4), 2), ((4, 16), 1)])
def test_every_entry_of_a_table_is_used(keys: tuple[int, int], stride: int) -> None:
    queries = shrunk(keys) if stride == 2 else keys
    index = bias_index(queries, keys, stride)
    assert index.shape == (queries[0] * queries[1], keys[0] * keys[1])
    assert index.unique().tolist() == list(range(keys[0] * keys[1]))


def test_a_shrinking_query_stands_on_every_second_key() -> None:
    table = bias_index((5, 5), (9, 9), 2)
    assert shrunk((9, 4)) == (5, 2)
    for y, x in ((0, 0), (2, 3), (4, 4)):
        assert table[y * 5 + x].argmin() == 2 * y * 9 + 2 * x  # offset (0, 0) is entry 0
