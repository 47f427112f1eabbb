"""Nets for rectangles: timm's own are the witness, and the size is stated, asked for, or said to be assumed."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import assert_refused, randomise, saved, saved_safely
from torch import Tensor, nn

from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.channels import ChannelsFirst
from levit_mobile.model.families.levit.grids import fitting, size_of
from levit_mobile.model.families.levit.tokens import TokenMajor

Size = tuple[int, int]
SIZES: list[Size] = [(64, 256), (224, 160), (48, 80), (16, 32), (128, 128)]


def pictures(size: Size, count: int = 3) -> Tensor:
    return torch.randn(count, 3, *size, generator=torch.Generator().manual_seed(1))


@cache
def timms(size: Size) -> Any:
    """timm's own LeViT for a size, whose every tensor matters."""
    import timm

    torch.manual_seed(2)
    model = timm.create_model("levit_128s", pretrained=False, num_classes=5, img_size=size)
    randomise(model, pictures(size, 8))
    return model.eval()


@torch.no_grad()
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_rectangle_gives_timms_logits(size: Size, tmp_path: Path) -> None:
    theirs = timms(size)
    file = saved(theirs.state_dict(), tmp_path / "w.pth")
    ours = load_checkpoint(file, side=size)
    assert ours.input_size == ours.model.size == size
    torch.testing.assert_close(ours.model(pictures(size)), theirs(pictures(size)), rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("form", ["NCHW", "NHWC", "channels", "NCHW for int8", "NHWC for int8"])
def test_every_form_of_a_rectangle_gives_timms_logits(size: Size, form: str, tmp_path: Path) -> None:
    file = saved(timms(size).state_dict(), tmp_path / "w.pth")
    baked = bake(load_checkpoint(file, side=size).model, mean=(0.0,) * 3, std=(1.0,) * 3)
    tokens = {"channels_last": form.startswith("NHWC"), "integers": form.endswith("int8")}
    made: nn.Module = ChannelsFirst(baked) if form == "channels" else TokenMajor(baked, **tokens)
    for picture in pictures(size).split(1):
        given = picture.permute(0, 2, 3, 1).contiguous() if form.startswith("NHWC") else picture
        torch.testing.assert_close(made(given), timms(size)(picture), rtol=1e-4, atol=1e-4)


# Which size it is


def test_sizes_that_fit_the_same_tables_are_listed() -> None:
    assert fitting((196, 49, 16), 16) == ((224, 224),)
    assert fitting((64, 16, 4), 16) == ((128, 128), (64, 256), (256, 64))
    assert fitting((64, 16, 4), 8) == ((64, 64), (32, 128), (128, 32))
    assert fitting((140, 35, 12), 16) == ((160, 224), (224, 160))
    assert fitting((67, 17, 5), 16) == ()
    assert size_of((64, 16, 4), 16) == (128, 128)
    assert size_of((64, 16, 4), 16, (64, 256)) == (64, 256)


def test_a_square_that_is_a_guess_is_said_to_be_one(tmp_path: Path) -> None:
    file = saved(timms((64, 256)).state_dict(), tmp_path / "w.pth")
    guessed = load_checkpoint(file)
    assert (guessed.input_size, guessed.size_assumed) == ((128, 128), True)
    asked = load_checkpoint(file, side=(64, 256))
    assert (asked.input_size, asked.size_assumed) == ((64, 256), False)
    assert not load_checkpoint(file, side=128).size_assumed
    assert_refused(file, "checkpoint.variant", "224x224", "128x128, 64x256, 256x64", side=224)


def test_a_rectangle_without_a_word_about_its_size_is_refused(tmp_path: Path) -> None:
    file = saved(timms((224, 160)).state_dict(), tmp_path / "w.pth")
    assert_refused(file, "checkpoint.variant", "160x224, 224x160", "--side HEIGHTxWIDTH")


def test_the_size_is_read_where_it_is_stated(tmp_path: Path) -> None:
    from timm.models import save_for_hf

    model = timms((64, 256))
    save_for_hf(model, str(tmp_path / "hub"), model_args={"img_size": [64, 256]})
    found = load_checkpoint(tmp_path / "hub")
    assert (found.input_size, found.size_assumed) == ((64, 256), False)
    assert (found.spec.crop_height, found.spec.crop_width) == (64, 256)
    arguments = {"img_size": None, "input_size": [3, 64, 256]}
    found = load_checkpoint(saved({"state_dict": model.state_dict(), "args": arguments}, tmp_path / "w.pth.tar"))
    assert (found.input_size, found.size_assumed) == ((64, 256), False)
    own = load_checkpoint(tmp_path / "hub").model.state_dict()
    facts = {"format": "levit-mobile", "variant": "levit_128s", "classes": "5", "side": "64x256"}
    own = {key: tensor for key, tensor in own.items() if not key.endswith("num_batches_tracked")}
    found = load_checkpoint(saved_safely(own, tmp_path / "own.safetensors", facts))
    assert (found.input_size, found.size_assumed) == ((64, 256), False)
