"""What a checkpoint of a CoAtNet says of its net, and what is refused because nothing says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from support.coatnets import NAMES, SIDE, of_timm, saved
from support.nets import pixels
from support.refusals import refused

from levit_mobile.errors import CheckpointError
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.families.coatnet import COATNET
from levit_mobile.model.families.coatnet.architecture import VARIANTS, Architecture
from levit_mobile.model.families.coatnet.sizes import fitting, size_of
from levit_mobile.model.families.family import their_key
from levit_mobile.model.parts.grids import relative_index


def changed(folder: Path, **values: Any) -> Path:
    """The folder with other entries in its config.json."""
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_variants_is_timms(name: str) -> None:
    """By the names and shapes of all tensors."""
    with torch.device("meta"):
        theirs, model = timm.create_model(f"{name}_224").state_dict(), COATNET.net(name)
    names = COATNET.layouts["timm"](VARIANTS[name])
    ours = {their_key(key, names): tensor.shape for key, tensor in model.state_dict().items()}
    assert ours == {key: tensor.shape for key, tensor in theirs.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_weights_of_a_named_net_need_no_config_but_the_guess_is_said(name: str, tmp_path: Path) -> None:
    torch.save(timm.create_model(f"{name}_224", num_classes=7).state_dict(), tmp_path / "weights.pth")
    found = load_checkpoint(tmp_path / "weights.pth")
    assert (found.variant, found.format, found.classes, found.input_size) == (name, "timm", 7, (224, 224))
    assert f"timm's {name}" in found.doubt
    assert "conv_stride_mode" in found.doubt
    assert load_checkpoint(tmp_path / "weights.pth", variant=name).doubt == ""
    preparation = timm.create_model(f"{name}_224").pretrained_cfg
    assert found.spec.mean == preparation["mean"]
    assert found.spec.std == preparation["std"]
    assert found.spec.height == int(224 / preparation["crop_pct"])


def test_our_own_names_hold_the_same_net(tmp_path: Path) -> None:
    one = load_checkpoint(saved("coatnet_2_rw", tmp_path))
    torch.save(one.model.state_dict(), tmp_path / "pytorch_model.bin")
    two = load_checkpoint(tmp_path)
    assert two.format == "levit-mobile"
    with torch.no_grad():
        assert torch.equal(one.model(pixels(1, SIDE)), two.model(pixels(1, SIDE)))


def test_a_bare_state_dict_that_several_variants_fit_lists_them(tmp_path: Path) -> None:
    torch.save(of_timm("coatnet_0_rw").state_dict(), tmp_path / "weights.pth")
    with refused(CheckpointError, "checkpoint.ambiguous", "coatnet_0_rw, coatnet_1_rw", "config.json"):
        load_checkpoint(tmp_path / "weights.pth")


def test_the_options_of_a_net_are_read(tmp_path: Path) -> None:
    folder = saved("coatnet_0_rw", tmp_path, conv_stride_mode="dw", conv_attn_act_layer="silu")
    model, x = load_checkpoint(folder).model, torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        theirs = of_timm("coatnet_0_rw", conv_stride_mode="dw", conv_attn_act_layer="silu")(x)
        assert (model(x) - theirs).abs().max() <= 1e-5 * theirs.abs().max()


@pytest.mark.parametrize(
    ("values", "code", "facts"),
    [
        ({"architecture": "coatnet_rmlp_1_rw_224"}, "other-net", ["coatnet_rmlp_1_rw_224", "coatnet_nano_rw"]),
        ({"architecture": "coatnet_2_rw_224"}, "variant", ["gate_early True, expected False"]),
        ({"model_args": {"conv_stride_mode": "1x1"}}, "other-net", ["conv_stride_mode '1x1'", "pool or dw"]),
        ({"model_args": {"conv_padding": "same"}}, "other-net", ["conv_padding 'same'"]),
        ({"model_args": {"in_chans": 1}}, "other-net", ["in_chans 1, expected 3"]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_a_config_names_and_cannot_be_converted(
    values: dict[str, Any], code: str, facts: list[str], tmp_path: Path
) -> None:
    folder = changed(saved("coatnet_0_rw", tmp_path), **values)
    with refused(CheckpointError, f"checkpoint.{code}", *facts):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("name", "fact"),
    [("coatnet_rmlp_nano_rw_224", "MLP"), ("maxvit_pico_rw_256", "MaxViT"), ("coatnext_nano_rw_224", "ConvNeXt")],
)
def test_relatives_are_refused_by_name(name: str, fact: str, tmp_path: Path) -> None:
    torch.save(timm.create_model(name).state_dict(), tmp_path / "weights.pth")
    with refused(CheckpointError, "checkpoint.not-levit", fact):
        load_checkpoint(tmp_path / "weights.pth")


def test_a_net_without_its_head_or_a_block_is_refused(tmp_path: Path) -> None:
    folder = saved("coatnet_0_rw", tmp_path)
    state = of_timm("coatnet_0_rw").state_dict()
    torch.save({k: t for k, t in state.items() if not k.startswith("head")}, folder / "pytorch_model.bin")
    with refused(CheckpointError, "checkpoint.missing-keys", "head.fc.weight"):
        load_checkpoint(folder)
    torch.save({k: t for k, t in state.items() if ".2.blocks.0." not in k}, folder / "pytorch_model.bin")
    with refused(CheckpointError, "checkpoint.missing-keys", "1 2 1 2 blocks"):
        load_checkpoint(folder)


def test_an_index_of_offsets_is_compared(tmp_path: Path) -> None:
    folder, state = saved("coatnet_0_rw", tmp_path), dict(of_timm("coatnet_0_rw").state_dict())
    key = "stages.3.blocks.1.attn.rel_pos.relative_position_index"
    state[key] = relative_index((2, 2))
    torch.save(state, folder / "pytorch_model.bin")
    assert load_checkpoint(folder).variant == "coatnet"
    state[key] = relative_index((2, 2)).T.contiguous()
    torch.save(state, folder / "pytorch_model.bin")
    with refused(CheckpointError, "checkpoint.other-net", key):
        load_checkpoint(folder)


def test_the_numbering_of_offsets_is_timms() -> None:
    from timm.layers.pos_embed_rel import gen_relative_position_index

    for cells in ((2, 2), (3, 5), (7, 4)):
        assert torch.equal(relative_index(cells), gen_relative_position_index(cells))


def test_another_input_size_than_the_tables_is_refused(tmp_path: Path) -> None:
    folder = saved("coatnet_0_rw", tmp_path)
    with refused(CheckpointError, "checkpoint.variant", "96x96", "expected 64x64", "timm"):
        load_checkpoint(folder, side=96)


def test_tables_say_the_size_of_the_input() -> None:
    assert fitting((729, 169)) == ((224, 224),)
    assert set(fitting((77, 15))) == {(64, 96), (96, 64)}
    assert size_of((77, 15), (96, 64)) == (96, 64)
    with refused(CheckpointError, "checkpoint.variant", "--side"):
        size_of((77, 15), None)
    with refused(CheckpointError, "checkpoint.other-net", "100 169 entries"):
        size_of((100, 169), None)


def test_attentions_of_other_heads_are_refused(tmp_path: Path) -> None:
    uneven = {"embed_dim": [64, 80, 128, 160]}
    net = timm.create_model("coatnet_0_rw_224", depths=[1, 1, 1, 1], num_classes=3, img_size=SIDE, **uneven)
    torch.save(net.state_dict(), tmp_path / "weights.pth")
    with refused(CheckpointError, "checkpoint.other-net", "has 80 channels, expected a multiple of 32"):
        load_checkpoint(tmp_path / "weights.pth")


def test_a_net_of_other_heads_is_not_made() -> None:
    sizes = Architecture((16, 32), (32, 48, 96, 192), (1, 1, 1, 1), VARIANTS["coatnet_0_rw"].traits)
    with pytest.raises(ValueError, match="an attention has 48 channels, expected a multiple of 32"):
        COATNET.net(sizes)
