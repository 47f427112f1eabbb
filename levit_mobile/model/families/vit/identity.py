"""Which net it is where shapes do not tell: heads, activation and epsilon from files, a name, or the user's word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.family import Facts, mapping
from levit_mobile.model.families.vit.architecture import (
    OTHER,
    TIMM_EPSILON,
    TRANSFORMERS_EPSILON,
    VARIANTS,
    Architecture,
    Gelu,
    side_of,
    with_epsilon,
)
from levit_mobile.model.families.vit.keys import FROM_TRANSFORMERS

Identity = tuple[str, Architecture, str]  # name, sizes, and a sentence about what is in doubt

# transformers' and timm's names of an activation -> torch's GELU.
GELUS: Mapping[str, Gelu] = {
    "gelu": "none", "gelu_python": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh", "gelu_fast": "tanh",
    "gelu_accurate": "tanh", "gelu_tanh": "tanh",
}  # fmt: skip
# transformers' config: what a file leaves out (ViTConfig and DeiTConfig of 5.23).
DEFAULTS: Mapping[str, Any] = {
    "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
    "patch_size": 16, "hidden_act": "gelu", "layer_norm_eps": TRANSFORMERS_EPSILON,
}  # fmt: skip
CONFIG_SHAPES = {
    "hidden_size": "width", "num_hidden_layers": "depth", "intermediate_size": "hidden", "patch_size": "patch",
}  # fmt: skip
TIMM_NAME = re.compile(r"(vit|deit)_(tiny|small|base|large)(_distilled)?_patch(8|16|32)_(\d+)(\..*)?")
# Options of timm's model that shapes show, or that evaluation does not read.
SHOWN = {
    "img_size", "num_classes", "patch_size", "embed_dim", "depth", "mlp_ratio", "in_chans", "num_heads", "act_layer",
    "drop_rate", "pos_drop_rate", "proj_drop_rate", "attn_drop_rate", "drop_path_rate", "patch_drop_rate",
    "weight_init", "fix_init", "distilled", "dynamic_img_size", "strict_img_size", "qkv_bias", "global_pool",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What the shapes show, the input size in pixels and the layout of the keys."""

    width: int
    depth: int
    hidden: int
    patch: int
    tokens: int
    size: tuple[int, int]
    layout: str

    @property
    def candidates(self) -> dict[str, Architecture]:
        """The variants with these shapes and this input size."""
        shapes = self.width, self.depth, self.hidden, self.patch, self.tokens
        return {
            name: with_epsilon(one, self.epsilon)
            for name, one in VARIANTS.items()
            if one.shapes == shapes and self.size == (side_of(name),) * 2
        }

    @property
    def epsilon(self) -> float:
        """What the framework that has such keys takes by default."""
        return TRANSFORMERS_EPSILON if self.layout in FROM_TRANSFORMERS else TIMM_EPSILON

    def with_unseen(self, heads: int, gelu: Gelu, epsilon: float) -> Architecture:
        if heads < 1 or self.width % heads:
            raise CheckpointError(
                f"config.json has {heads} heads, expected a divisor of the width {self.width}", fault="metadata"
            )
        return Architecture(self.width, heads, self.depth, self.hidden, self.patch, self.tokens, gelu, epsilon)


def identified(seen: Seen, facts: Facts) -> Identity:
    """The name and all sizes.

    In order of trust: a config of transformers, a name of timm's, the digest of published weights, the user's word,
    and a distillation token. Raises CheckpointError where several variants fit and none of these chooses.
    """
    if facts.config.get("model_type") in ("vit", "deit"):
        return _of_transformers(seen, facts.config)
    for place, name, options in facts.architectures:
        return _of_timm(seen, place, name, {**options})
    for known in (facts.published, facts.variant or ""):
        if known in seen.candidates:
            return known, seen.candidates[known], ""
    if len(seen.candidates) == 1 and seen.tokens > 1:
        ((only, sizes),) = seen.candidates.items()
        return only, sizes, _doubt("exact GELU is assumed, as DeiT has it")
    raise _ambiguous(seen, facts)


def _doubt(what: str) -> str:
    return f"neither the weights nor a file beside them name the activation: {what}"


def _ambiguous(seen: Seen, facts: Facts) -> CheckpointError:
    sizes = f"width {seen.width}, depth {seen.depth}, patch {seen.patch}, {seen.size[0]}x{seen.size[1]} px"
    beside = "put the config.json of timm or transformers beside the weights"
    if facts.variant in VARIANTS:
        return CheckpointError(
            f"the weights have {sizes} and {seen.tokens} special token{'s' * (seen.tokens > 1)}, expected those of "
            f"{facts.variant}: omit the variant or correct it",
            fault="variant",
        )
    if not seen.candidates:
        return CheckpointError(
            f"the weights ({sizes}) are of no known variant, and shapes do not show heads, activation and the norms' "
            f"epsilon: {beside}",
            fault="ambiguous",
        )
    return CheckpointError(
        f"the weights ({sizes}) fit {' and '.join(seen.candidates)}, which prepare images differently: choose one with "
        f"--variant, or {beside}",
        fault="ambiguous",
    )


def _of_transformers(seen: Seen, config: Mapping[str, Any]) -> Identity:
    said = {name: config.get(name, default) for name, default in DEFAULTS.items()}
    for name, ours in CONFIG_SHAPES.items():
        if name in config and said[name] != getattr(seen, ours):
            raise CheckpointError(
                f"config.json has {name} {said[name]}, expected {getattr(seen, ours)} as in the weights: it is the "
                "file of other weights, or some of these are missing",
                fault="metadata",
            )
    epsilon = _number("layer_norm_eps", said["layer_norm_eps"])
    found = seen.with_unseen(
        _whole("num_attention_heads", said["num_attention_heads"]), _gelu("config.json", said["hidden_act"]), epsilon
    )
    return _name_of(seen, found, str(config["model_type"])), found, ""


def _of_timm(seen: Seen, place: str, name: str, options: Mapping[str, Any]) -> Identity:
    if (match := TIMM_NAME.fullmatch(name)) is None:
        raise CheckpointError(
            f"{place} names timm's {name}, expected a plain ViT or DeiT, such as {', '.join(list(VARIANTS)[:2])}: "
            "others have layers or functions that cannot be converted",
            fault="other-net",
        )
    known = next(one for other, one in VARIANTS.items() if other.startswith(f"{match[1]}_{match[2]}_"))
    _require_known(place, options)
    heads = _whole("num_heads", options.get("num_heads", known.heads))
    found = seen.with_unseen(heads, _gelu(place, options.get("act_layer") or "gelu"), TIMM_EPSILON)
    return _name_of(seen, found, match[1]), found, ""


def _name_of(seen: Seen, found: Architecture, prefix: str) -> str:
    return next((name for name, one in seen.candidates.items() if one == found and name.startswith(prefix)), OTHER)


def _require_known(place: str, options: Mapping[str, Any]) -> None:
    """Options that change what is computed, and that shapes do not show."""
    odd = [name for name, value in options.items() if name not in SHOWN and value is not None]
    if odd:
        raise CheckpointError(
            f"{place} has {odd[0]} {options[odd[0]]!r}, expected a plain ViT or DeiT: nets with this option cannot be "
            "converted",
            fault="other-net",
        )


def _gelu(place: str, name: object) -> Gelu:
    if (found := GELUS.get(str(name))) is None:
        raise CheckpointError(
            f"{place} has the activation {name!r}, expected one of {', '.join(GELUS)}: only nets with GELU can be "
            "converted",
            fault="other-net",
        )
    return found


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise CheckpointError(f"config.json has {name} {value!r}, expected a whole number", fault="metadata")
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise CheckpointError(f"config.json has {name} {value!r}, expected a number from 0 to 1", fault="metadata")
    return float(value)


def require_token_pooling(facts: Facts) -> None:
    """Only nets whose heads read the class token. Raises CheckpointError."""
    for place, said in facts.places:
        value = said.get("global_pool", mapping(said.get("pretrained_cfg")).get("global_pool"))
        if isinstance(value, str) and value != "token":
            raise CheckpointError(
                f"{place} has global_pool {value!r}, expected token: only nets that read the class token can be "
                "converted",
                fault="other-net",
            )
