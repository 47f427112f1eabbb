"""Equalisation keeps the logits, and makes outlier channels smaller than they were."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from support.nets import MEAN, STD, levit, logits_of, pixels, relative_error
from torch import Tensor

from levit_mobile.model.families.levit.bake import bake, query_rows
from levit_mobile.model.families.levit.scaling import key_rows, streams
from levit_mobile.model.families.levit.trained import LeViT, ShrinkAttention
from levit_mobile.quantization.equalize import (
    balance_queries,
    balance_stream,
    channel_sizes,
    equalize,
    stream_scales,
)

SIDE = 96
X = pixels(4, SIDE)


@cache
def outlying() -> LeViT:
    """A baked net with channels far larger than the others, in queries, keys and both ends of the residual stream."""
    model = copy.deepcopy(bake(levit(side=SIDE), mean=MEAN, std=STD))
    blown = {
        "body.stage0.attn0.qkv": query_rows(model.body.stage0.attn0)[:3],
        "body.stage0.mlp1.contract": torch.tensor([5, 77]),
        "body.stage1.attn1.proj": torch.tensor([0]),
        "stem.conv3": torch.tensor([9]),
    }
    for name, rows in blown.items():
        layer = model.get_submodule(name)
        layer.weight.data[rows] *= 20
        layer.bias.data[rows] *= 20
    return model.eval()


def spread(sizes: Tensor) -> float:
    """The largest channel against the middle one: what a per-tensor range pays for."""
    return float(sizes.max() / sizes.median())


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("variant", ["levit_128s", "levit_192"])
def test_the_logits_stay(variant: str, strength: float) -> None:
    model = bake(levit(variant, side=SIDE), mean=MEAN, std=STD)
    assert relative_error(logits_of(model, X), logits_of(equalize(model, [X], strength=strength)[0], X)) <= 1e-5


def test_the_logits_stay_with_outliers_and_the_model_is_left_alone() -> None:
    model = outlying()
    before, expected = copy.deepcopy(model.state_dict()), logits_of(model, X)
    assert relative_error(expected, logits_of(equalize(model, [X], strength=0.5)[0], X)) <= 2e-5
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_queries_and_keys_become_equally_large() -> None:
    model = outlying()
    sizes = channel_sizes(model, [X])
    after = channel_sizes(balance_queries(model, sizes), [X])
    block = model.body.stage0.attn0
    q, k = query_rows(block), query_rows(block) + block.key_dim
    name = "body.stage0.attn0.qkv"
    assert torch.allclose(after[name][q], after[name][k], rtol=1e-3)
    assert spread(after[name][q]) < spread(sizes[name][q])
    assert torch.allclose(after[name][q] * after[name][k], sizes[name][q] * sizes[name][k], rtol=1e-3)


def test_shrinking_queries_meet_their_own_keys() -> None:
    model = outlying()
    block = model.body.shrink0.attn
    assert isinstance(block, ShrinkAttention)
    after = channel_sizes(balance_queries(model, channel_sizes(model, [X])), [X])
    assert torch.allclose(after["body.shrink0.attn.q"], after["body.shrink0.attn.kv"][key_rows(block)], rtol=1e-3)


def test_the_stream_loses_its_outliers() -> None:
    model = outlying()
    sizes = channel_sizes(model, [X])
    for name, strength, kept in (("body.stage0.mlp1", 1.0, 2.0), ("body.stage0.mlp1", 0.0, 1.0)):
        after = channel_sizes(balance_stream(model, sizes, strength=strength), [X])
        if strength:
            assert spread(after[name]) < spread(sizes[name]) / kept
        else:
            assert torch.allclose(after[name], sizes[name], rtol=1e-4)


def test_every_reader_and_writer_of_every_stream_is_there_once() -> None:
    found = list(streams(levit(side=SIDE)))
    assert [len(stream.writers) for stream in found] == [1 + 2 * 2, 2 + 2 * 3, 2 + 2 * 4]
    assert [len(stream.readers) for stream in found] == [2 * 2 + 2, 1 + 2 * 3 + 2, 1 + 2 * 4 + 1]
    everything = [name for stream in found for name in (*stream.writers.values(), *stream.readers)]
    assert len(everything) == len(set(everything))


def test_a_model_that_is_not_baked_is_refused() -> None:
    model = levit(side=SIDE)
    with pytest.raises((ValueError, KeyError)):
        equalize(model, [X])


def test_a_layer_that_cannot_be_scaled_is_refused() -> None:
    sizes = channel_sizes(outlying(), [X])
    with pytest.raises(ValueError, match=r"the layer is a ConvNorm, expected .* bake the model first"):
        balance_stream(levit(side=SIDE), sizes, strength=1.0)


def test_of_a_layer_without_a_bias_the_weight_alone_is_scaled() -> None:
    model = copy.deepcopy(outlying())
    model.stem.conv3.bias = None
    balanced, scales = equalize(model, [X], strength=1.0)
    before, after = model.stem.conv3.weight, balanced.get_submodule("stem.conv3").weight
    assert balanced.get_submodule("stem.conv3").bias is None
    assert torch.allclose(after * scales["stem"].float().view(-1, 1, 1, 1), before, rtol=1e-5)
    assert relative_error(logits_of(model, X), logits_of(balanced, X)) <= 2e-5


# The factors themselves


def test_a_streams_scale_is_its_channels_size_over_their_geometric_mean() -> None:
    model = levit(side=SIDE)
    sizes = {name: torch.tensor([1.0, 4.0, 16.0]).double() for stream in streams(model) for name in stream.writers}
    sizes["stem"] = torch.tensor([1.0, 1.0, 2.0]).double()  # smaller than the others: counts nothing
    for strength, wanted in ((1.0, [0.25, 1, 4]), (0.5, [0.5, 1, 2]), (0.0, [1, 1, 1])):
        scales = stream_scales(model, sizes, strength=strength)
        for name in ("stem", "body.stage0.attn0", "body.stage2.mlp3"):
            assert scales[name].tolist() == pytest.approx(wanted)
    assert "stem.conv3" not in scales


def test_no_channel_is_scaled_further_than_64_either_way() -> None:
    model = levit(side=SIDE)
    sizes = {name: torch.tensor([0.0, 1.0, 1e12]).double() for stream in streams(model) for name in stream.writers}
    scale = stream_scales(model, sizes, strength=1.0)["stem"].tolist()
    assert scale == [1 / 64, pytest.approx(1.0), 64.0]


def test_a_query_is_scaled_by_the_root_of_key_over_query_within_64() -> None:
    model = bake(levit(side=SIDE), mean=MEAN, std=STD)
    sizes = channel_sizes(model, [X])
    name, block = "body.stage0.attn0.qkv", model.body.stage0.attn0
    q, k = query_rows(block), query_rows(block) + block.key_dim
    sizes[name] = sizes[name].clone()
    sizes[name][q[:4]], sizes[name][k[:4]] = (
        torch.tensor([1.0, 4, 0, 1e9]).double(),
        torch.tensor([9.0, 1, 1, 0]).double(),
    )
    before, after = block.qkv, balance_queries(model, sizes).body.stage0.attn0.qkv
    for rows, factors in ((q, [3, 0.5, 64, 1 / 64]), (k, [1 / 3, 2, 1 / 64, 64])):
        for row, factor in zip(rows[:4].tolist(), factors, strict=True):
            assert torch.allclose(after.weight[row], before.weight[row] * factor, rtol=1e-6)
            assert torch.allclose(after.bias[row], before.bias[row] * factor, rtol=1e-6)


def test_sizes_are_the_largest_of_all_batches() -> None:
    model = outlying()
    one, other, both = (channel_sizes(model, batches) for batches in ([X[:1]], [X[1:2]], [X[:1], X[1:2]]))
    for name in ("stem.conv3", "body.stage0.attn0.qkv", "body.shrink0.attn.kv", "head"):
        assert torch.equal(both[name], torch.maximum(one[name], other[name]))
    assert both["stem.conv0"].shape == (model.stem.conv0.weight.shape[0],)


def test_layers_and_blocks_have_sizes_and_nothing_else_has() -> None:
    model = outlying()
    layers = {name for name, module in model.named_modules() if hasattr(module, "weight")}
    blocks = {name for stream in streams(model) for name in stream.writers}
    assert set(channel_sizes(model, [X])) == layers | blocks


def test_sizes_of_grids_and_of_tokens_are_those_of_their_channels() -> None:
    model = outlying()
    sizes = channel_sizes(model, [X])
    with torch.no_grad():
        grid = model.stem(X)  # N C H W
        tokens = model.body.stage0.attn0(grid.flatten(2).transpose(1, 2))  # N T C
    assert torch.allclose(sizes["stem.conv3"], grid.abs().amax((0, 2, 3)).double())
    assert torch.allclose(sizes["body.stage0.attn0"], tokens.abs().amax((0, 1)).double())


def test_a_size_counts_negative_values_too() -> None:
    model = outlying()
    with torch.no_grad():
        head = model(X)
    assert torch.allclose(channel_sizes(model, [X])["head"], head.abs().amax(0).double())


def test_no_hook_is_left_behind() -> None:
    model = outlying()
    channel_sizes(model, [X])
    assert not any(module._forward_hooks for module in model.modules())


def test_the_outputs_of_every_block_are_divided_by_its_scale() -> None:
    model = outlying()
    balanced, scales = equalize(model, [X], strength=0.7)
    before, after = channel_sizes(model, [X]), channel_sizes(balanced, [X])
    for name, scale in scales.items():
        assert torch.allclose(after[name] * scale, before[name], rtol=1e-3)
    with_default, _ = equalize(model, [X])
    half, _ = equalize(model, [X], strength=0.5)
    assert all(torch.equal(a, b) for a, b in zip(with_default.parameters(), half.parameters(), strict=True))
