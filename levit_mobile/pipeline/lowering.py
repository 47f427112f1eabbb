"""A trained model -> the form that a target likes best -> its artifact."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from levit_mobile.errors import ConversionError, LevitMobileError
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.card import Card
from levit_mobile.interfaces.toolchain import converter
from levit_mobile.model.families import family_of
from levit_mobile.quantization.prepare import LaidOut, Quantization
from levit_mobile.recipe import Recipe
from levit_mobile.system import interruption
from levit_mobile.system.progress import Progress, silent
from levit_mobile.targets import TARGETS, Target


def with_scales(
    model: nn.Module,
    spec: ImageSpec,
    target: Target,
    quantization: Quantization | None = None,
    *,
    progress: Progress = silent,
) -> LaidOut:
    """Bake the model and build the form that suits the target's kernels; with a quantization, in int8.

    Args:
        model: The trained model.
        spec: Its preprocessing, whose mean and std go into the graph.
        target: The target.
        quantization: Calibration pictures and plan; None for float.
        progress: Called for every calibration picture.

    Returns:
        The form, and by what its blocks' outputs differ from the trained model's.
    """
    baked = baked_for(model, spec, target)
    if quantization is None:
        return LaidOut(form_of(baked, target))
    return quantization.laid_out(
        baked,
        partial(form_of, target=target, integers=True),
        pixel_range=target.pixel_range,
        channels_last=target.layout == "NHWC",
        progress=progress,
    )


def baked_for(model: nn.Module, spec: ImageSpec, target: Target) -> nn.Module:
    """A trained model as one that takes the target's pixels and has only constants left."""
    baked: nn.Module = family_of(model).bake(
        model, mean=spec.unit_mean, std=spec.unit_std, pixel_range=target.pixel_range
    )
    return baked


def form_of(baked: nn.Module, target: Target, *, integers: bool = False) -> nn.Module:
    """A baked model laid out, for static int8 if `integers`."""
    family = family_of(baked)
    forms = {**family.forms, **family.integer_forms} if integers else family.forms
    form: nn.Module = forms[target.form, target.layout](baked)
    return form.eval()


def lower(form: nn.Module, recipe: Recipe, card: Card, path: Path, *, taps: tuple[str, ...] = ()) -> int:
    """Call the target's converter.

    Args:
        form: A module that gives logits, or ``(logits, *taps)`` if ``taps`` are named.
        recipe: The recipe.
        card: Texts that are stored in the artifact.
        path: Where to write the artifact.
        taps: Names of the further outputs, valid identifiers, one each.

    Returns:
        Number of convolutions and linears of the artifact that must run in integers.

    Raises:
        ToolchainMissing: The target's packages are not installed.
        ConversionError: The vendor's toolchain failed (``conversion.toolchain``).
    """
    convert = converter(TARGETS[recipe.target])
    try:
        with interruption.held():
            return convert(form, recipe, card=card, path=path, taps=taps)
    except (LevitMobileError, OSError):
        raise
    except Exception as error:
        first = (str(error).strip() or "no message").splitlines()[0]
        sentence = f"the {recipe.target} toolchain failed with {type(error).__name__}: {first}"
        raise ConversionError(sentence, fault="toolchain") from error
