"""Weights from anywhere -> a model: every key accounted for, every shape equal, and nothing in the file is executed.

Each family has its own names of tensors, and reads variant, classes, side and heads from names and shapes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from levit_mobile.errors import CheckpointError
from levit_mobile.images.overrides import Overrides
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model import checkpoint_config, weight_files
from levit_mobile.model.checkpoint_config import CheckpointConfig, Head
from levit_mobile.model.download import resolve
from levit_mobile.model.families import family_of, recognised
from levit_mobile.model.families.family import Family, Sizes, their_key
from levit_mobile.model.weight_files import few, read_json
from levit_mobile.system.files import digest_in_turn
from levit_mobile.system.progress import Progress, silent

COUNTER = "num_batches_tracked"  # of batch norm: read by training only, and left out


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An imported LeViT and what its file says about it.

    Attributes:
        model: The model in evaluation mode, float32, on the CPU.
        variant: ``levit_128s``, ``levit_128``, ``levit_192``, ``levit_256`` or ``levit_384``.
        classes: Number of classes.
        side: Height and width of the input in pixels.
        distillation: Whether there is a second head, trained on a teacher's predictions.
        source: The name that was given.
        format: Layout of the file: official, timm, transformers or levit-mobile.
        sha256: SHA-256 of the weight file, or of all shards in order.
        labels: One label per class; None if the file has none.
        metadata: The metadata of a ``.safetensors`` file, else empty.
        sizes: Widths, heads, depths and so on, by the family's names for them.
        config: What the files beside the weights say of preprocessing and head.
    """

    model: nn.Module
    variant: str
    classes: int
    side: int
    distillation: bool
    source: str
    format: str
    sha256: str
    labels: tuple[str, ...] | None
    metadata: Mapping[str, str]
    sizes: Mapping[str, Any] = field(default_factory=dict)
    config: CheckpointConfig = field(default_factory=CheckpointConfig)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the input in pixels."""
        return self.side, self.side

    @property
    def head(self) -> Head:
        """What makes probabilities of the logits: ``softmax``, ``sigmoid`` or ``none``."""
        return self.config.head

    @property
    def spec(self) -> ImageSpec:
        """How pictures are prepared, as the checkpoint's own files say, or as the paper does if they say nothing."""
        return self.prepared()

    def prepared(self, asked: Overrides | None = None) -> ImageSpec:
        """Return how pictures are prepared, with a user's own words on top. Raises CheckpointError."""
        paper = family_of(self.model).spec(*self.input_size)
        return self.config.spec(self.input_size, asked, paper=paper)

    @property
    def family(self) -> str:
        """Name of the model's family."""
        return family_of(self.model).name


def load_checkpoint(source: str | Path, *, variant: str | None = None, progress: Progress = silent) -> Checkpoint:
    """Import weights from a file, a folder, the Hugging Face hub or the LeViT authors' server.

    Every key and every shape must match exactly one LeViT, and nothing in the file is executed. Thread-safe.

    Args:
        source: A file, a folder, a hub id (``owner/name``) or an official name, such as ``LeViT-256``.
        variant: Raise an error unless the weights are of this variant; they determine it themselves.
        progress: Called while weights are downloaded.

    Returns:
        The model and what its file says about it.

    Raises:
        CheckpointError: There are no such weights (``checkpoint.not-found``, ``checkpoint.no-weights``), the file
            cannot be read safely (``checkpoint.unreadable``, ``checkpoint.damaged``, ``checkpoint.unsafe``,
            ``checkpoint.no-state-dict``, ``checkpoint.metadata``), it is not a LeViT (``checkpoint.not-levit``,
            ``checkpoint.other-levit``, ``checkpoint.variant``), or its tensors do not fit (``checkpoint.missing-keys``,
            ``checkpoint.surplus-keys``, ``checkpoint.shape``, ``checkpoint.dtype``, ``checkpoint.not-finite``).
        DownloadError: The weights cannot be fetched (``download.not-fetched``, ``download.wrong-hash``), or the hub
            does not provide them (``download.gated``, ``download.no-repository``, ``download.no-weights``).

    Example:
        >>> checkpoint = levit_mobile.load_checkpoint("LeViT-256.pth")
        >>> checkpoint.variant
        'levit_256'
    """
    path = resolve(source, progress=progress)
    files = weight_files.find(path)
    state, metadata = weight_files.read(files)
    family, layout, sizes = _sizes(state)
    found = family.named(sizes, variant)
    _check_metadata(metadata, found, sizes)
    config = checkpoint_config.read(checkpoint_config.folder_of(path), size=(sizes.side, sizes.side))
    return Checkpoint(
        model=_build(state, family, layout, found, sizes),
        variant=found,
        classes=sizes.classes,
        side=sizes.side,
        distillation=sizes.distillation,
        source=str(source),
        format=layout,
        sha256=digest_in_turn(files),
        labels=_labels(files[0].parent, layout, metadata, sizes.classes),
        metadata=metadata,
        sizes=sizes.stated,
        config=config,
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """What names and shapes tell of weights that are on this machine."""

    variant: str
    classes: int


def identify(path: Path) -> Identity:
    """Read a file's or folder's variant and classes, without building a model. Raises CheckpointError."""
    state, _ = weight_files.read(weight_files.find(path))
    family, _, sizes = _sizes(state)
    return Identity(family.named(sizes, None), sizes.classes)


def _sizes(state: Mapping[str, Tensor]) -> tuple[Family[Any, Any], str, Sizes]:
    """Family, layout and sizes, by names and shapes."""
    family, layout = recognised(list(state))
    return family, layout, family.sizes({key: tuple(tensor.shape) for key, tensor in state.items()}, layout)


# Tensors -> a model


def _build(state: Mapping[str, Tensor], family: Family[Any, Any], layout: str, variant: str, sizes: Sizes) -> nn.Module:
    model: nn.Module = family.empty(variant, sizes)
    names = family.layouts[layout](variant)
    shapes = {key: tensor.shape for key, tensor in model.state_dict().items() if not key.endswith(COUNTER)}
    theirs = {key: their_key(key, names) for key in shapes}
    _check_keys(state.keys(), set(theirs.values()), _ignorable(model, names), f"{variant} in the {layout} layout")
    weights = {key: _weight(theirs[key], state[theirs[key]], shape) for key, shape in shapes.items()}
    family.check(state, model, names)
    model.load_state_dict(weights, assign=True)
    return model.eval()


def _ignorable(model: nn.Module, names: Mapping[str, str]) -> set[str]:
    """Constants, which the family checks, and batch norm's counters, which only training reads."""
    stored = model.state_dict().keys()
    counters = {their_key(key, names) for key in stored if key.endswith(COUNTER)}
    return counters | {names[name] for name, _ in model.named_buffers() if name not in stored and name in names}


def _check_keys(found: Iterable[str], expected: set[str], ignorable: set[str], what: str) -> None:
    missing = sorted(expected - set(found))
    surplus = sorted(set(found) - expected - ignorable)
    parts = [
        f"{len(wrong)} {'key is' if len(wrong) == 1 else 'keys are'} {how} ({few(wrong)})"
        for how, wrong in (("missing", missing), ("surplus", surplus))
        if wrong
    ]
    if parts:
        raise CheckpointError(
            f"the weights are not those of a {what}: {' and '.join(parts)}; pass one model's whole state_dict()",
            fault="missing-keys" if missing else "surplus-keys",
        )


def _weight(key: str, tensor: Tensor, shape: torch.Size) -> Tensor:
    """float32, a 1x1 convolution as the matrix that it is; refuses any other shape, integers, NaN and infinity."""
    if tensor.shape == (*shape, 1, 1):
        tensor = tensor.flatten(1)
    if tensor.shape != shape:
        raise CheckpointError(
            f"{key} has shape {list(tensor.shape)}, expected {list(shape)}: save the state_dict() again", fault="shape"
        )
    if not tensor.is_floating_point():
        raise CheckpointError(
            f"{key} has the type {tensor.dtype}, expected floating-point numbers: pass weights that are not quantized",
            fault="dtype",
        )
    # A copy: .safetensors tensors are windows into the file on disk.
    weight = tensor.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    if not bool(weight.isfinite().all()):
        raise CheckpointError(
            f"{key} holds NaN or infinity in float32: pass weights of a training that did not diverge",
            fault="not-finite",
        )
    return weight


# What the file says about itself


def _check_metadata(metadata: Mapping[str, str], variant: str, sizes: Sizes) -> None:
    if metadata.get("format") != "levit-mobile":
        return
    read = {
        "variant": variant,
        "classes": str(sizes.classes),
        "side": str(sizes.side),
        "distillation": str(sizes.distillation).lower(),
    }
    for name, value in read.items():
        if metadata.get(name, value) != value:
            raise CheckpointError(
                f"the file's metadata has {name} {metadata[name]!r}, expected {value!r} as in the weights: correct it",
                fault="metadata",
            )


def _labels(folder: Path, layout: str, metadata: Mapping[str, str], classes: int) -> tuple[str, ...] | None:
    labels = _own_labels(metadata["labels"]) if "labels" in metadata else None
    if layout == "transformers" and (folder / "config.json").is_file():
        labels = _config_labels(read_json(folder / "config.json").get("id2label"))
    if labels is not None and len(labels) != classes:
        raise CheckpointError(
            f"the checkpoint has {len(labels)} labels, expected {classes}, the classes of its head: "
            "correct id2label or labels",
            fault="metadata",
        )
    return labels


def _own_labels(text: str) -> tuple[str, ...]:
    """`0,1,2` or, where a label holds a comma, a JSON list."""
    try:
        listed = json.loads(text) if text.startswith("[") else text.split(",")
    except ValueError as error:
        raise CheckpointError(
            f"the labels in the file's metadata are neither a JSON list nor separated by commas ({error})",
            fault="metadata",
        ) from error
    return tuple(str(label) for label in listed)


def _config_labels(id2label: Any) -> tuple[str, ...] | None:
    """{'0': name, ...} -> names in order; None for the placeholders LABEL_0, LABEL_1, ..."""
    if not isinstance(id2label, dict) or id2label == {key: f"LABEL_{key}" for key in id2label}:
        return None
    names = {str(key): str(label) for key, label in id2label.items()}
    if set(names) != {str(i) for i in range(len(names))}:
        raise CheckpointError(
            "id2label in config.json does not number its labels 0, 1, 2 and so on: correct the numbers",
            fault="metadata",
        )
    return tuple(names[str(i)] for i in range(len(names)))
