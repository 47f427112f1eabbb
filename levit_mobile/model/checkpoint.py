"""Weights from anywhere -> a model: every key accounted for, every shape equal, and nothing in the file is executed.

Each family has its own names of tensors, and reads variant, classes, side and heads from names and shapes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from levit_mobile.errors import CheckpointError
from levit_mobile.images.overrides import Overrides, Size
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model import checkpoint_config, checkpoint_labels, claims, containers, weight_files
from levit_mobile.model.checkpoint_config import CheckpointConfig, Head
from levit_mobile.model.download import resolve
from levit_mobile.model.families import family_of, published_variant
from levit_mobile.model.families.family import Facts, Sizes, their_key
from levit_mobile.model.stored_tensors import FLOATS, counted_keys
from levit_mobile.system.files import digest_in_turn
from levit_mobile.system.progress import Progress, silent

COUNTER = "num_batches_tracked"  # of batch norm: read by training only, and left out


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An imported net and what its file says about it.

    Attributes:
        model: The model in evaluation mode, float32, on the CPU.
        variant: Name of its sizes, such as ``levit_128s``; the family's name, such as ``levit``, for sizes without one.
        classes: Number of classes.
        input_size: Height and width of the input in pixels.
        distillation: Whether there is a second head, trained on a teacher's predictions.
        source: The name that was given.
        format: Layout of the file's keys, such as ``timm`` or ``transformers``.
        sha256: SHA-256 of the weight file, or of all shards in order.
        labels: One label per class; None if nothing names them.
        metadata: The metadata of a ``.safetensors`` file, else empty.
        weights: Place of the weights in the file, such as ``state_dict_ema``; empty for a bare state dict.
        averaged: Whether they are averaged over the training (EMA, SWA).
        choice: A sentence about the weights that were taken; empty where the file holds only these.
        sizes: Widths, heads, depths and so on, by the family's names for them.
        config: What the files beside the weights say of preprocessing and head.
        size_assumed: Whether rectangles would fit the weights as well as the square that was taken.
        labels_source: ``checkpoint`` for labels that its files name, ``published`` for ImageNet's, which weights of a
            known publisher have; None without labels.
        doubt: A sentence about what neither the weights nor the files beside them state; empty if nothing is in doubt.
    """

    model: nn.Module
    variant: str
    classes: int
    input_size: tuple[int, int]
    distillation: bool
    source: str
    format: str
    sha256: str
    labels: tuple[str, ...] | None
    metadata: Mapping[str, str]
    weights: str = ""
    averaged: bool = False
    choice: str = ""
    sizes: Mapping[str, Any] = field(default_factory=dict)
    config: CheckpointConfig = field(default_factory=CheckpointConfig)
    labels_source: Literal["checkpoint", "published"] | None = None
    size_assumed: bool = False
    doubt: str = ""

    @property
    def head(self) -> Head:
        """What makes probabilities of the logits: ``softmax``, ``sigmoid`` or ``none``."""
        return self.config.head

    @property
    def spec(self) -> ImageSpec:
        """How pictures are prepared, as the checkpoint's own files say, or as usual for the net if they are silent."""
        return self.prepared()

    def prepared(self, asked: Overrides | None = None) -> ImageSpec:
        """Return how pictures are prepared, with a user's own words on top. Raises CheckpointError."""
        unstated = family_of(self.model).prepared(self.variant, self.format)
        return self.config.spec(self.input_size, asked, unstated=unstated)

    @property
    def family(self) -> str:
        """Name of the model's family."""
        return family_of(self.model).name


def load_checkpoint(
    source: str | Path,
    *,
    variant: str | None = None,
    weights: str | None = None,
    side: int | tuple[int, int] | None = None,
    progress: Progress = silent,
) -> Checkpoint:
    """Import weights from a file, a folder, the Hugging Face hub or the server of a net's authors.

    Every key and every shape must match exactly one net, and nothing in the file is executed. Thread-safe.

    Args:
        source: A file, a folder, a hub id (``owner/name``) or an official name, such as ``LeViT-256``.
        variant: Raise an error unless the weights are of this variant. Most weights determine it themselves; of those
            that several variants fit, this chooses one.
        weights: ``"ema"`` for averaged weights, ``"raw"`` for the others. Default: those that the framework which wrote
            the file loads itself: the averaged ones, but ``model`` of the official script.
        side: Height and width of the input in pixels, or one number for a square; for weights that several sizes fit.
            Default: what the checkpoint's files state, else the square.
        progress: Called while weights are downloaded.

    Returns:
        The model and what its file says about it.

    Raises:
        CheckpointError: There are no such weights (``checkpoint.not-found``, ``checkpoint.no-weights``), the file
            cannot be read safely (``checkpoint.unreadable``, ``checkpoint.damaged``, ``checkpoint.unsafe``,
            ``checkpoint.no-state-dict``, ``checkpoint.metadata``), it does not hold the weights that were asked for or
            holds several nets (``checkpoint.weights``), it is not a known net (``checkpoint.not-levit``,
            ``checkpoint.other-levit``, ``checkpoint.other-net``, ``checkpoint.variant``), several variants fit it
            (``checkpoint.ambiguous``), or its tensors do not fit (``checkpoint.missing-keys``,
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
    held, metadata, beside = weight_files.read(files)
    taken = containers.take(held, path, weights)
    layout, sha256 = taken.net.layout, digest_in_turn(files)
    config, facts = _described(path, taken, beside, variant, sha256)
    asked = (side, side) if isinstance(side, int) else side
    with _choice_named(taken):
        sizes = _sizes(taken, [asked] if asked else [*claims.stated_sizes(metadata), *config.sizes, None], facts)
        found = taken.net.family.named(sizes, variant)
        model = _build(taken, found, sizes)
    claims.check_metadata(metadata, found, sizes)
    claims.check_config(config.config, sizes)
    downloaded = path != Path(source).expanduser()
    published = checkpoint_labels.is_published(taken.net.family, str(source), sha256, downloaded=downloaded)
    labels = checkpoint_labels.find(metadata, beside, config.config, sizes.classes, published=published)
    return Checkpoint(
        model=model,
        variant=found,
        classes=sizes.classes,
        input_size=sizes.size,
        distillation=sizes.distillation,
        source=str(source),
        format=layout,
        sha256=sha256,
        labels=labels.names,
        metadata=metadata,
        weights=taken.net.name,
        averaged=taken.net.averaged,
        choice=taken.choice,
        sizes=sizes.stated,
        config=config,
        labels_source=labels.source,
        size_assumed=sizes.assumed,
        doubt=sizes.doubt,
    )


def _described(
    path: Path, taken: containers.Taken, beside: Mapping[str, Any], variant: str | None, sha256: str
) -> tuple[CheckpointConfig, Facts]:
    """What the files beside the weights say, alone and with what the user and the weights' digest say."""
    family, arguments = taken.net.family, _arguments(beside)
    config = checkpoint_config.read(checkpoint_config.folder_of(path, family), arguments, family=family)
    return config, Facts(config.config, arguments, variant, published_variant(sha256))


@contextmanager
def _choice_named(taken: containers.Taken) -> Iterator[None]:
    """Averaged weights may be incomplete, without batch norm's statistics: the error names the others, if any."""
    try:
        yield
    except CheckpointError as error:
        if not taken.other:
            raise
        raise error.reworded(f"{error}; {taken.choice}") from error


@dataclass(frozen=True, slots=True)
class Identity:
    """What names and shapes tell of weights that are on this machine."""

    variant: str
    classes: int


def identify(path: Path, variant: str | None = None) -> Identity:
    """Read a file's or folder's variant and classes, without building a model. Raises CheckpointError.

    `variant` is what the user named, for weights that several fit.
    """
    files = weight_files.find(path)
    held, _, beside = weight_files.read(files)
    taken = containers.take(held, path)
    config, facts = _described(path, taken, beside, variant, digest_in_turn(files))
    sizes = _sizes(taken, [*config.sizes, None], facts)
    return Identity(taken.net.family.named(sizes, variant), sizes.classes)


def _sizes(taken: containers.Taken, candidates: Sequence[Size | None], facts: Facts) -> Sizes:
    """Widths, heads, classes and so on, by names and shapes, for the first input size of the candidates that fits."""
    shapes = {key: tuple(tensor.shape) for key, tensor in taken.state.items()}
    for asked in candidates[:-1]:
        with suppress(CheckpointError):
            return _sized(taken, shapes, asked, facts)
    return _sized(taken, shapes, candidates[-1], facts)


def _sized(taken: containers.Taken, shapes: Mapping[str, tuple[int, ...]], asked: Size | None, facts: Facts) -> Sizes:
    sizes: Sizes = taken.net.family.sizes(shapes, taken.net.layout, asked, facts)
    return sizes


def _arguments(beside: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a training script was called with, where it kept that beside the weights."""
    found = beside.get("args")
    if isinstance(found, argparse.Namespace):
        return vars(found)
    return found if isinstance(found, Mapping) else {}


# Tensors -> a model


def _build(taken: containers.Taken, variant: str, sizes: Sizes) -> nn.Module:
    state, family, layout = taken.state, taken.net.family, taken.net.layout
    model: nn.Module = family.empty(variant, sizes)
    names = family.layouts[layout](sizes.architecture)
    shapes = {key: tensor.shape for key, tensor in model.state_dict().items() if not key.endswith(COUNTER)}
    theirs = {key: their_key(key, names) for key in shapes}
    what = sizes.described(variant)
    _check_keys(state.keys(), set(theirs.values()), _ignorable(model, names), f"{what} in the {layout} layout")
    weights = {key: _weight(theirs[key], state[theirs[key]], shape, what) for key, shape in shapes.items()}
    family.check(state, model, names)
    model.load_state_dict(weights, assign=True)
    return model.eval()


def _ignorable(model: nn.Module, names: Mapping[str, str]) -> set[str]:
    """Constants, which the family checks, and batch norm's counters, which only training reads."""
    stored = model.state_dict().keys()
    counters = {their_key(key, names) for key in stored if key.endswith(COUNTER)}
    return counters | {names[name] for name in _buffers(model) if name not in stored and name in names}


def _buffers(model: nn.Module) -> list[str]:
    """Every name of each buffer: blocks on the same grid share one."""
    return [name for name, _ in model.named_buffers(remove_duplicate=False)]


def _check_keys(found: Iterable[str], expected: set[str], ignorable: set[str], what: str) -> None:
    missing = sorted(expected - set(found))
    surplus = sorted(set(found) - expected - ignorable)
    parts = [counted_keys(wrong, how) for how, wrong in (("missing", missing), ("surplus", surplus)) if wrong]
    if parts:
        raise CheckpointError(
            f"{' and '.join(parts)} for {what}",
            fault="missing-keys" if missing else "surplus-keys",
        )


def _weight(key: str, tensor: Tensor, shape: torch.Size, what: str) -> Tensor:
    """float32, a 1x1 convolution as the matrix that it is; refuses any other shape, integers, NaN and infinity."""
    if tensor.shape == (*shape, 1, 1):
        tensor = tensor.flatten(1)
    if tensor.shape != shape:
        raise CheckpointError(
            f"{key} has shape {list(tensor.shape)}, expected {list(shape)} as in {what}", fault="shape"
        )
    if tensor.dtype not in FLOATS:
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
