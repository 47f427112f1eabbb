"""A trained model -> the form that a target likes best -> its artifact."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from levit_mobile.errors import ConversionError, LevitMobileError
from levit_mobile.images.image_set import ImageSpec
from levit_mobile.interfaces.card import Card
from levit_mobile.interfaces.toolchain import converter
from levit_mobile.model.bake import bake
from levit_mobile.model.forms import ChannelsFirst, TokenMajor
from levit_mobile.model.levit import LeViT
from levit_mobile.quantization.prepare import LaidOut, Quantization
from levit_mobile.recipe import Recipe
from levit_mobile.system.progress import Progress, silent
from levit_mobile.targets import TARGETS, Target


def with_scales(
    model: LeViT,
    spec: ImageSpec,
    target: Target,
    quantization: Quantization | None = None,
    *,
    progress: Progress = silent,
) -> LaidOut:
    """The baked model in the form that the target's kernels like best; with a quantization, on int8 grids.

    Beside it, by what its blocks' outputs differ from the trained model's. `progress` is told of every
    calibration picture.
    """
    baked = bake(model, mean=spec.mean, std=spec.std, pixel_range=target.pixel_range)
    if quantization is None:
        return LaidOut(form_of(baked, target))
    return quantization.laid_out(
        baked,
        partial(form_of, target=target),
        pixel_range=target.pixel_range,
        channels_last=target.layout == "NHWC",
        progress=progress,
    )


def form_of(baked: LeViT, target: Target) -> nn.Module:
    """A baked model laid out."""
    if target.form == "channels_first":
        return ChannelsFirst(baked).eval()
    return TokenMajor(baked, channels_last=target.layout == "NHWC").eval()


def lower(form: nn.Module, recipe: Recipe, card: Card, path: Path, *, taps: tuple[str, ...] = ()) -> int:
    """Call the target's converter; whatever a vendor raises becomes one ConversionError.

    Returns how many convolutions and linears of the artifact must run in integers. `form` gives logits, or (logits,
    *taps) where outputs besides are asked for: one name each, valid identifiers.
    """
    convert = converter(TARGETS[recipe.target])
    try:
        return convert(form, recipe, card=card, path=path, taps=taps)
    except (LevitMobileError, OSError):
        raise
    except Exception as error:
        first = (str(error).strip() or "no message").splitlines()[0]
        sentence = f"the {recipe.target} toolchain failed with {type(error).__name__}: {first}"
        raise ConversionError(sentence, fault="toolchain") from error
