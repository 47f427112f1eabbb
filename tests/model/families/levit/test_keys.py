"""The names and shapes of a checkpoint: each tensor in its place, and anything else refused with what was read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.checkpoints import State, assert_refused, saved, transformers_model

from levit_mobile.model.checkpoint import load_checkpoint

pytestmark = pytest.mark.usefixtures("narrow")

MISSING_BLOCK = "stages.1.blocks.1."


def test_every_tensor_lands_in_its_own_place(tmp_path: Path, official: State) -> None:
    """Each tensor is filled with its own number, and our net lists its tensors in the original's order."""
    names = [key for key, tensor in official.items() if tensor.is_floating_point()]
    state = {key: torch.full_like(official[key], 1.0 + i) for i, key in enumerate(names)}
    found = load_checkpoint(saved(state, tmp_path / "w.pth")).model.state_dict()
    number = {key: tensor.flatten()[0].item() for key, tensor in found.items() if not key.endswith("tracked")}
    assert sorted(number.values()) == [1.0 + i for i in range(len(names))]
    for tables in (True, False):  # only the bias tables stand elsewhere inside their block
        numbers = [value for key, value in number.items() if key.endswith("bias.table") == tables]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("variant", [None, "levit_128s"])
def test_the_variant_is_checked(variant: str | None, tmp_path: Path, timm: State) -> None:
    file = saved(timm, tmp_path / "w.pth")
    assert load_checkpoint(file, variant=variant).variant == "levit_128s"
    assert_refused(file, "checkpoint.variant", "levit_128s", "levit_256", variant="levit_256")


def test_a_size_of_its_own(tmp_path: Path) -> None:
    from transformers import LevitConfig, LevitForImageClassification

    config = LevitConfig(image_size=32, hidden_sizes=[64, 96, 128], depths=[1, 5, 1], num_attention_heads=[4, 6, 8])
    LevitForImageClassification(config).save_pretrained(tmp_path)
    sizes = "widths 64 96 128, key_dim 16, heads 4 6 8, depths 1 5 1"
    facts = (sizes, "expected levit_128s")
    assert_refused(tmp_path, "checkpoint.variant", *facts, variant="levit_128s")
    assert load_checkpoint(tmp_path).variant == "levit"


def test_a_deeper_net_is_a_size_of_its_own(tmp_path: Path, timm: State) -> None:
    more = {key.replace("stages.2.blocks.3", "stages.2.blocks.4"): tensor for key, tensor in timm.items()}
    found = load_checkpoint(saved(timm | more, tmp_path / "w.pth"))
    assert (found.variant, found.sizes["depths"]) == ("levit", (2, 3, 5))


def test_a_missing_block(tmp_path: Path, timm: State) -> None:
    state = {key: tensor for key, tensor in timm.items() if not key.startswith(MISSING_BLOCK)}
    facts = ("levit_128s", "21 keys", f"{MISSING_BLOCK}attn.attention_biases")
    assert_refused(saved(state, tmp_path / "w.pth"), "checkpoint.missing-keys", *facts)


def test_a_missing_first_block_of_the_official_layout(tmp_path: Path, official: State) -> None:
    state = {key: tensor for key, tensor in official.items() if not key.startswith(("blocks.0.", "blocks.1."))}
    facts = ("21 keys", "blocks.0.m.attention_biases")
    assert_refused(saved(state, tmp_path / "w.pth"), "checkpoint.missing-keys", *facts)


def test_surplus_keys(tmp_path: Path, official: State) -> None:
    state = official | {"blocks.0.m.qkv.c.bias": torch.zeros(256), "extra.num_batches_tracked": torch.tensor(1)}
    facts = ("2 keys", "blocks.0.m.qkv.c.bias, extra.num_batches_tracked")
    assert_refused(saved(state, tmp_path / "w.pth"), "checkpoint.surplus-keys", *facts)


@pytest.mark.parametrize("key", ["blocks.1.m.0.c.weight", "blocks.4.kv.bn.running_mean", "patch_embed.2.c.weight"])
def test_a_wrong_shape(key: str, tmp_path: Path, official: State) -> None:
    right = list(official[key].shape)
    wrong = [right[0] + 1, *right[1:]]
    file = saved(official | {key: torch.zeros(wrong)}, tmp_path / "w.pth")
    assert_refused(file, "checkpoint.shape", key, wrong, right)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite(value: float, tmp_path: Path, official: State) -> None:
    key = "blocks.4.kv.bn.running_var"
    poisoned = official[key].clone()
    poisoned[3] = value
    assert_refused(saved(official | {key: poisoned}, tmp_path / "w.pth"), "checkpoint.not-finite", key)


def test_weights_too_large_for_float32(tmp_path: Path, official: State) -> None:
    huge = official["head.l.bias"].double() * 1e300
    file = saved(official | {"head.l.bias": huge}, tmp_path / "w.pth")
    assert_refused(file, "checkpoint.not-finite", "head.l.bias", "float32")


def test_integer_weights(tmp_path: Path, official: State) -> None:
    state = official | {"head.l.weight": official["head.l.weight"].to(torch.int8)}
    assert_refused(saved(state, tmp_path / "w.pth"), "checkpoint.dtype", "head.l.weight", "torch.int8")


@pytest.mark.parametrize("key", ["blocks.2.m.attention_bias_idxs", "blocks.4.attention_bias_idxs"])
def test_another_numbering_of_the_offsets(key: str, tmp_path: Path, official: State) -> None:
    index = official[key]
    side = round(index.shape[1] ** 0.5)
    transposed = index % side * side + index // side  # |dx| first
    assert not torch.equal(index, transposed)
    for other in (transposed, index[:1]):
        assert_refused(saved(official | {key: other}, tmp_path / "w.pth"), "checkpoint.other-levit", key)


def test_bias_tables_of_no_grid(tmp_path: Path, official: State) -> None:
    tables = {key: torch.cat([tensor] * 67, 1) for key, tensor in official.items() if key.endswith("biases")}
    assert_refused(saved(official | tables, tmp_path / "w.pth"), "checkpoint.other-levit", "1072 268 67 entries")


def test_bias_tables_of_rectangles_only_want_a_side(tmp_path: Path, official: State) -> None:
    tables = {key: torch.cat([tensor, tensor], 1) for key, tensor in official.items() if key.endswith("biases")}
    file = saved(official | tables, tmp_path / "w.pth")
    assert_refused(file, "checkpoint.variant", "64x128, 128x64", "--side HEIGHTxWIDTH")
    assert_refused(file, "checkpoint.variant", "128x128", "64x128, 128x64", side=128)


def test_a_backbone_without_a_head(tmp_path: Path, official: State) -> None:
    state = {key: tensor for key, tensor in official.items() if not key.startswith("head")}
    assert_refused(saved(state, tmp_path / "w.pth"), "checkpoint.missing-keys", "classification head", "head.l.weight")
    transformers_model("levit_128s").levit.save_pretrained(tmp_path / "hf")
    assert_refused(tmp_path / "hf", "checkpoint.not-levit", "classification head")


def test_half_a_second_head(tmp_path: Path, official: State) -> None:
    state = {key: tensor for key, tensor in official.items() if not key.startswith("head_dist.bn")}
    assert_refused(saved(state, tmp_path / "w.pth"), "checkpoint.missing-keys", "head_dist.bn.bias")


def test_fused_batch_norms(tmp_path: Path) -> None:
    state = {f"patch_embed.{i}.{leaf}": torch.zeros(8) for i in (0, 2, 4, 6) for leaf in ("weight", "bias")}
    assert_refused(saved({"model": state}, tmp_path / "w.pth"), "checkpoint.not-levit", "fused")


def test_another_net(tmp_path: Path) -> None:
    facts = ("2 keys", "bias, weight", "official, timm, transformers, mmpretrain, levit-mobile")
    assert_refused(saved(torch.nn.Linear(2, 3).state_dict(), tmp_path / "w.pth"), "checkpoint.not-levit", *facts)
