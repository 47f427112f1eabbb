"""What files say of the weights that they hold or lie beside, compared with the weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from levit_mobile.errors import CheckpointError
from levit_mobile.images.overrides import Size
from levit_mobile.model import checkpoint_config
from levit_mobile.model.families.family import Sizes
from levit_mobile.model.stated import size_text

# transformers' and timm's names for what is a number a stage -> the name in `Sizes.stated`
CONFIG_SIZES = {
    "hidden_sizes": "channels",
    "num_attention_heads": "heads",
    "depths": "depths",
    "embed_dim": "channels",
    "num_heads": "heads",
    "depth": "depths",
}


def stated_sizes(metadata: Mapping[str, str]) -> Iterator[Size]:
    """The input size in the metadata of a file in our own format."""
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", metadata.get("side", "") if _is_ours(metadata) else "")
    if found:
        yield int(found[1]), int(found[2] or found[1])


def check_config(config: Mapping[str, Any], sizes: Sizes) -> None:
    """Weights that lack their last blocks are those of a whole, shallower net: only `config.json` shows it."""
    options = config.get("model_args")
    for place in (config, options if isinstance(options, Mapping) else {}):
        for name, ours in CONFIG_SIZES.items():
            value, read = place.get(name), sizes.stated.get(ours)
            if isinstance(value, list) and isinstance(read, tuple) and value != list(read):
                raise CheckpointError(
                    f"{checkpoint_config.CONFIG_FILE} has {name} {value}, expected {list(read)} as in the weights: it "
                    "is the file of other weights, or some of these are missing",
                    fault="metadata",
                )


def check_metadata(metadata: Mapping[str, str], variant: str, sizes: Sizes) -> None:
    """The metadata of a file in our own format. Raises CheckpointError."""
    if not _is_ours(metadata):
        return
    read = {
        "variant": variant,
        "classes": str(sizes.classes),
        "side": str(sizes.size[0]) if sizes.size[0] == sizes.size[1] else size_text(sizes.size),
        "distillation": str(sizes.distillation).lower(),
    }
    for name, value in read.items():
        if metadata.get(name, value) != value:
            raise CheckpointError(
                f"the file's metadata has {name} {metadata[name]!r}, expected {value!r} as in the weights: correct it",
                fault="metadata",
            )


def _is_ours(metadata: Mapping[str, str]) -> bool:
    return metadata.get("format") == "levit-mobile"
