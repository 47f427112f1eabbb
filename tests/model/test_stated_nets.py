"""What files say of the net itself: another net than the weights can be, or than can be converted, is one sentence."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.checkpoints import assert_refused, saved
from support.odd_sizes import SIZES, net
from support.refusals import refused

from levit_mobile.errors import CheckpointError
from levit_mobile.model import checkpoint_config
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.families.family import Facts
from levit_mobile.model.families.levit import LEVIT, stated
from levit_mobile.model.families.levit.architecture import SILU, VARIANTS
from levit_mobile.model.families.levit.trained import LeViT

read_config = partial(checkpoint_config.read, family=LEVIT)

TIMM_ARGS = {"img_size": None, "crop_pct": None, "mean": None, "std": None, "interpolation": "", "model": "levit_128s"}


def config_of(folder: Path, config: dict[str, Any]) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("config", "facts"),
    [
        ({"model_args": {"act_layer": "gelu"}}, ("model_args", "act_layer 'gelu'", "hard_swish")),
        ({"hidden_act": "silu"}, ("hidden_act 'silu'",)),
        ({"model_args": {"in_chans": 1}}, ("in_chans 1", "RGB")),
        ({"num_channels": 4}, ("num_channels 4", "RGB")),
        ({"pretrained_cfg": {"input_size": [1, 224, 224]}}, ("in_chans 1", "RGB")),
    ],
    ids=str,
)
def test_a_net_that_is_no_levit_for_colour_pictures_is_one_sentence(
    config: dict[str, Any], facts: tuple[str, ...], tmp_path: Path
) -> None:
    with refused(CheckpointError, "checkpoint.other-levit", *facts):
        read_config(config_of(tmp_path, config=config))
    right = {"model_args": {"act_layer": "hard_swish", "in_chans": 3}, "num_channels": 3}
    assert read_config(config_of(tmp_path, config=right)).head == "softmax"


@pytest.mark.parametrize("name", ["levit_256d", "levit_conv_384_s8", "levit_512.untrained"])
def test_a_model_for_which_timm_takes_silu_is_one_sentence(name: str, tmp_path: Path) -> None:
    facts = (f"timm's {name}", "SiLU", "act_layer hard_swish")
    with refused(CheckpointError, "checkpoint.other-levit", "config.json", *facts):
        read_config(config_of(tmp_path, config={"architecture": name}))
    with refused(CheckpointError, "checkpoint.other-levit", "args in the checkpoint", *facts):
        read_config(None, {**TIMM_ARGS, "model": name})
    hard = {"architecture": name, "model_args": {"act_layer": "hard_swish"}}
    assert stated.states_activation(Facts(read_config(config_of(tmp_path, config=hard)).config))
    assert not stated.states_activation(Facts({"architecture": "levit_256"}))


def test_the_models_with_silu_are_those_of_timm() -> None:
    from timm.models.levit import model_cfgs

    for name, row in model_cfgs.items():
        assert bool(stated.SILU.fullmatch(name)) == (row.get("act_layer") == "silu") == (name in SILU), name
        architecture = SILU.get(name) or VARIANTS[name]
        assert (architecture.channels, architecture.heads, architecture.depths) == (
            row["embed_dim"], row["num_heads"], row["depth"])  # fmt: skip
        assert {stage.key_dim for stage in architecture.stages} == {row["key_dim"]}
        assert architecture.patch_px == (8 if row.get("stem_type") == "s8" else 16)


@pytest.mark.parametrize(("key", "value"), [("kernel_size", 5), ("stride", 3), ("padding", 0)])
def test_a_stem_that_shapes_do_not_show_is_one_sentence(key: str, value: int, tmp_path: Path) -> None:
    with refused(CheckpointError, "checkpoint.other-levit", f"{key} {value}", "stride 2"):
        read_config(config_of(tmp_path, config={"model_type": "levit", key: value}))


def test_an_unknown_problem_is_one_sentence(tmp_path: Path) -> None:
    with refused(CheckpointError, "checkpoint.metadata", "problem_type 'ranking'"):
        read_config(config_of(tmp_path, config={"problem_type": "ranking"}))


def test_grey_weights_or_another_activation_in_arguments_are_refused() -> None:
    with refused(CheckpointError, "checkpoint.other-levit", "args in the checkpoint", "in_chans 1"):
        read_config(None, {**TIMM_ARGS, "in_chans": 1})
    with refused(CheckpointError, "checkpoint.other-levit", "model_kwargs", "'relu'"):
        read_config(None, {**TIMM_ARGS, "model_kwargs": {"act_layer": "relu"}})


# A config beside other weights


@pytest.mark.parametrize(
    ("name", "value"), [("depths", [1, 3, 1]), ("hidden_sizes", [64, 96, 192]), ("num_attention_heads", [4, 6, 9])]
)
def test_a_config_of_other_weights(name: str, value: list[int], tmp_path: Path) -> None:
    saved(net("ratios").state_dict(), tmp_path / "pytorch_model.bin")
    config = {"model_type": "levit", "image_size": 64, **SIZES}
    assert load_checkpoint(config_of(tmp_path, config)).sizes["depths"] == (1, 2, 1)
    facts = ("config.json", f"{name} {value}", SIZES[name])
    assert_refused(config_of(tmp_path, {**config, name: value}), "checkpoint.metadata", *facts)


def test_timms_own_sizes_in_model_args(tmp_path: Path) -> None:
    saved(net("two stages").state_dict(), tmp_path / "pytorch_model.bin")
    config = {"architecture": "levit_128s", "model_args": {"embed_dim": [64, 96], "depth": [1, 2], "num_heads": [4, 5]}}
    assert load_checkpoint(config_of(tmp_path, config)).variant == "levit"
    config["model_args"] = {"depth": [1, 3]}
    assert_refused(config_of(tmp_path, config), "checkpoint.metadata", "depth [1, 3]", "[1, 2]")


def test_weights_that_lack_their_last_block(tmp_path: Path) -> None:
    last = ".stages.2.layers.2.", ".stages.2.layers.3."
    state = {key: tensor for key, tensor in net("deeper").state_dict().items() if not any(part in key for part in last)}
    file = saved(state, tmp_path / "pytorch_model.bin")
    assert load_checkpoint(file).sizes["depths"] == (1, 5, 1)
    config = {"model_type": "levit", "image_size": 64, "depths": [1, 5, 2]}
    assert_refused(config_of(tmp_path, config), "checkpoint.metadata", "depths [1, 5, 2]", "[1, 5, 1]", "missing")


def test_sizes_for_which_timm_takes_silu_are_in_doubt(tmp_path: Path) -> None:
    saved(LeViT(SILU["levit_256d"], classes=2, side=32, distillation=False).state_dict(), tmp_path / "w.pth")
    found = load_checkpoint(tmp_path)
    assert found.variant == "levit"
    assert "levit_256d" in found.doubt
    assert "SiLU" in found.doubt
    config_of(tmp_path, {"architecture": "levit_256d", "model_args": {"act_layer": "hard_swish"}})
    assert load_checkpoint(tmp_path).doubt == ""
