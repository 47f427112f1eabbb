"""LeViTs of other sizes than the paper's five: timm's and transformers' own nets are the witness."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.checkpoints import assert_refused, saved
from support.odd_sizes import NAMES, TIMM, images, logits, net
from torch import nn

from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.channels import ChannelsFirst
from levit_mobile.model.families.levit.tokens import TokenMajor


@pytest.fixture(params=NAMES)
def named(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def imported(name: str, folder: Path) -> Checkpoint:
    return load_checkpoint(saved(net(name).state_dict(), folder / "w.pth"))


@torch.no_grad()
def test_the_logits_are_theirs(named: str, tmp_path: Path) -> None:
    ours = imported(named, tmp_path)
    assert (ours.variant, ours.input_size, ours.classes) == ("levit", (64, 64), 5)
    torch.testing.assert_close(ours.model(images()), logits(net(named), images()), rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("form", ["NCHW", "NHWC", "channels"])
def test_every_form_gives_their_logits(named: str, form: str, tmp_path: Path) -> None:
    baked = bake(imported(named, tmp_path).model, mean=(0.0,) * 3, std=(1.0,) * 3)
    made: nn.Module = ChannelsFirst(baked) if form == "channels" else TokenMajor(baked, channels_last=form == "NHWC")
    for image in images().split(1):
        given = image.permute(0, 2, 3, 1).contiguous() if form == "NHWC" else image
        torch.testing.assert_close(made(given), logits(net(named), image), rtol=1e-4, atol=1e-4)


def test_the_sizes_are_stated_by_the_papers_names(tmp_path: Path) -> None:
    stated = imported("fractions", tmp_path).sizes
    assert (stated["channels"], stated["depths"]) == ((64, 96, 128), (1, 2, 1))
    assert (stated["key_dim"], stated["attention_ratio"], stated["mlp_ratio"]) == (16, (1.5, 2, 2.5), (1.5, 2, 3))
    assert (stated["stem"], stated["shrink_heads"], stated["shrink_attention_ratio"]) == (
        (8, 16, 32, 64),
        (4, 6),
        (4, 4),
    )
    assert imported("stride 8", tmp_path).sizes["stem"] == (16, 32, 64)
    by_stage = imported("keys by stage", tmp_path).sizes
    assert (by_stage["key_dim"], by_stage["shrink_key_dim"]) == ((16, 24, 32), (16, 16))
    assert by_stage["shrink_heads"] == (4, 8)


def test_a_name_that_is_asked_for_has_to_be_that_of_the_sizes(tmp_path: Path) -> None:
    file = saved(net("one stage").state_dict(), tmp_path / "w.pth")
    facts = ("LeViT of widths 96, key_dim 16, heads 3, depths 2", "stem 12 24 48 96", "expected levit_128s")
    assert_refused(file, "checkpoint.variant", *facts, variant="levit_128s")
    assert load_checkpoint(file, variant="levit").variant == "levit"


@pytest.mark.parametrize(
    "name", [name if name == "one stage" else pytest.param(name, marks=pytest.mark.slow) for name in TIMM]
)
def test_one_odd_tensor_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    state = dict(net(name).state_dict())
    odd = [key for key in state if key.endswith("running_mean")] + [key for key in state if "mlp.ln2.linear" in key]
    for key in odd:
        right = state[key]
        wrong = torch.cat([right, right[:1]])
        assert_refused(
            saved(state | {key: wrong}, tmp_path / "w.pth"), "checkpoint.shape", key, f"has shape [{len(wrong)}"
        )
