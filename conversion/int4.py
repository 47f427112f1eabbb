"""int4 weights in groups that share a scale, as XNNPACK's kernels take them: torch only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from levit_mobile.errors import ConversionError
from levit_mobile.model.parts.roles import role_of
from levit_mobile.recipe import Precision, Recipe

GROUP = 32  # inputs that share a scale; XNNPACK takes multiples of 32; it divides every width of the paper's variants
INT4 = 7  # the largest integer
SHRINKS = torch.linspace(0.5, 1.15, 40)  # of a group's largest value / 7, tried as its scale


def require_groups(
    form: nn.Module, recipe: Recipe, kinds: type[nn.Module] | tuple[type[nn.Module], ...] = nn.Linear, least: int = 0
) -> None:
    """Refuse int4 for a form with a projection whose inputs do not fill the groups: no toolchain stores one in int4.

    Args:
        form: The form.
        recipe: The recipe; only int4-weight has groups.
        kinds: The layers that the target stores in int4.
        least: Number of weights up to which a layer stays as it is.

    Raises:
        ConversionError: There is such a projection (``conversion.weights``).
    """
    layers = form.named_modules() if recipe.precision is Precision.INT4_WEIGHT else ()
    for name, layer in layers:
        weight = getattr(layer, "weight", None)
        if not isinstance(layer, kinds) or role_of(layer) != "projection" or weight is None or weight.numel() <= least:
            continue
        if weight.shape[1] % GROUP:
            raise ConversionError(
                f"{name} has {weight.shape[1]} inputs, expected a multiple of {GROUP}, since {recipe.name} stores a "
                f"scale for {GROUP} inputs: choose a precision of 8 bits, or train with other widths",
                fault="weights",
            )


def least_squares_scales(groups: Tensor) -> Tensor:
    """[..., n] -> the scales [...] of int4, exact in bfloat16, that leave the least square error."""
    largest = positive(torch.maximum(groups.amax(-1) / INT4, groups.amin(-1) / (-INT4 - 1)))
    tried = [(largest * shrink).bfloat16().float() for shrink in SHRINKS]
    errors = torch.stack([(int4(groups, s) * s[..., None] - groups).square().sum(-1) for s in tried])
    return torch.stack(tried).gather(0, errors.argmin(0, keepdim=True))[0]


def int4(groups: Tensor, scales: Tensor) -> Tensor:
    """[..., n] and scales [...] -> integers, -8 to 7."""
    return (groups / scales[..., None]).round().clamp(-INT4 - 1, INT4)


def positive(values: Tensor) -> Tensor:
    """A channel of zeros has a scale too."""
    return values.clamp_min(1e-20)
