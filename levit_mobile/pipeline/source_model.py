"""A trained model, ready to be converted and compared with: weights, labels, and its own logits on real pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from PIL import Image

from levit_mobile.errors import ImageError
from levit_mobile.images import digits, overrides
from levit_mobile.images import labels as class_labels
from levit_mobile.images.image_set import ImageSet, find
from levit_mobile.images.labels import Labels, LabelsSource
from levit_mobile.images.overrides import GivenColour, GivenCrop, GivenResize
from levit_mobile.images.preprocessing import Pixels, preprocess
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model import local_copies
from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.download import BUNDLED, public_name
from levit_mobile.parity import compare
from levit_mobile.quantization.calibration import Remembered
from levit_mobile.runners import eager
from levit_mobile.system.progress import Progress, silent

PROOF_PICTURES = 64
MIN_PROOF_PICTURES = 32


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A trained model ready to be converted: weights, labels, preprocessing and its own logits.

    Attributes:
        checkpoint: The imported weights.
        labels: One label per class, in the order of the logits.
        spec: How pictures are prepared for the model.
        reference: The model's logits on the images of the proof.
        labels_source: Where the labels came from: ``file``, ``checkpoint``, ``published`` (ImageNet's names, for
            weights of a known publisher) or ``placeholder`` (``class_0``, ``class_1`` and so on).
    """

    checkpoint: Checkpoint
    labels: tuple[str, ...]
    spec: ImageSpec
    reference: compare.Reference
    labels_source: LabelsSource

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the model, one sentence each."""
        height, width = self.checkpoint.input_size
        assumed = (
            f"the input is assumed to be {height}x{width} px; rectangles fit the weights too: --side HEIGHTxWIDTH "
            "chooses one"
        )
        notes = (
            class_labels.placeholder_note(self.labels_source, len(self.labels)),
            assumed if self.checkpoint.size_assumed else "",
            self.checkpoint.doubt,
            self.checkpoint.choice,
        )
        return tuple(note for note in notes if note)


def load_source(
    source: str | Path | None = None,
    *,
    variant: str | None = None,
    weights: str | None = None,
    side: GivenResize = None,
    labels: str | Path | None = None,
    images: str | Path | None = None,
    skip_broken: bool = False,
    mean: GivenColour = None,
    std: GivenColour = None,
    resize: GivenResize = None,
    crop: GivenCrop = None,
    interpolation: str | None = None,
    progress: Progress = silent,
) -> SourceModel:
    """Import a checkpoint, find its labels, and run it on the images of the proof.

    Several ``convert`` calls can share the result. The path of the checkpoint is noted in the state folder by its
    digest, so that ``validate`` finds it from any folder.

    Args:
        source: A file, a folder, a hub id or an official name. Default: the bundled digits model.
        variant: Raise an error unless the checkpoint is of this variant.
        weights: ``"ema"`` for averaged weights, ``"raw"`` for the others. Default: those that the framework which wrote
            the file loads itself.
        side: Height and width of the input in pixels, or one number for a square; for weights that several sizes fit.
            Default: what the checkpoint's files state, else the square.
        labels: A text file with one label per line, in class order. Default: the checkpoint's own, ImageNet's
            for weights of a known publisher, else placeholders.
        images: A folder, archive, tar shards or URL of at least 32 images for the proof, of which up to 64 are used.
            Default: held-out digits.
        skip_broken: Leave out images that cannot be read.
        mean: What to subtract from pixels in [0,1]: one number or three. Default: the checkpoint's own.
        std: What to divide by after that: one number or three. Default: the checkpoint's own.
        resize: Length of the short side in pixels, ``(height, width)`` to squash to, or ``"none"``. Default: the
            checkpoint's own.
        crop: Share of the resized image that the net takes, or the net's input size. Default: the checkpoint's
            own.
        interpolation: ``"bicubic"`` or ``"bilinear"``. Default: the checkpoint's own.
        progress: Called when the import begins and ends.

    Returns:
        The model with everything that ``convert`` needs of it.

    Raises:
        CheckpointError: The weights cannot be imported, with the codes of ``load_checkpoint``, or their logits are not
            finite (``checkpoint.not-finite``).
        DownloadError: The weights cannot be downloaded; the codes are those of ``load_checkpoint``.
        LabelsError: The labels do not fit the classes (``labels.count``, ``labels.format``, ``labels.not-one-line``,
            ``labels.order``, ``labels.unreadable``).
        ImageError: The images cannot be used (``image.not-found``, ``image.no-pictures``, ``image.too-few``,
            ``image.unreadable``).

    Example:
        >>> source = levit_mobile.load_source()
        >>> len(source.labels)
        10
        >>> bundle = levit_mobile.convert(source, "tflite-fp32", force=True)
    """
    asked, named = source or BUNDLED, source or "the bundled checkpoint"
    given = overrides.read(mean=mean, std=std, resize=resize, crop=crop, interpolation=interpolation)
    progress(f"importing {named}", 0, 1)
    checkpoint = load_checkpoint(
        asked, variant=variant, weights=weights, side=overrides.read_side(side), progress=progress
    )
    local_copies.remember(asked, checkpoint.sha256)
    found = find_labels(checkpoint, labels)
    spec = checkpoint.prepared(given)
    pictures = proof_pictures(spec, images, skip_broken=skip_broken)
    model, exact = (eager.load(checkpoint.model, spec, double=double) for double in (False, True))
    reference = compare.reference(public_name(checkpoint.source), model, exact, pictures)
    progress(f"importing {named}", 1, 1)
    return SourceModel(checkpoint, found.names, spec, reference, found.source)


def find_labels(checkpoint: Checkpoint, labels_file: str | Path | None = None) -> Labels:
    """From the file, else what the checkpoint names, else placeholders. Raises LabelsError when they do not fit."""
    made_up = class_labels.placeholders(checkpoint.classes)
    if labels_file is not None:
        names = class_labels.read(Path(labels_file), checkpoint.classes)
        return Labels(names, "placeholder" if names == made_up else "file")
    if checkpoint.labels is not None:
        names = class_labels.checked(checkpoint.labels, checkpoint.classes, checkpoint.source)
        return Labels(names, checkpoint.labels_source or "checkpoint")
    return Labels(made_up, "placeholder")


def proof_pictures(spec: ImageSpec, images: str | Path | None = None, *, skip_broken: bool = False) -> ImageSet:
    """64 pictures: evenly spread over a place, or held-out digits. Raises ImageError when fewer than 32 are left."""
    if images is None:
        return held_out_digits(spec, PROOF_PICTURES)
    found = find(images)
    pictures = ImageSet.of(found, spec, limit=PROOF_PICTURES, skip_broken=skip_broken)
    if len(pictures) < MIN_PROOF_PICTURES:
        raise ImageError(
            f"{found.place} gave {len(pictures)} readable images, expected at least {MIN_PROOF_PICTURES} for a proof: "
            "add some, or omit --images to use the held-out digits",
            fault="too-few",
        )
    return replace(pictures, read=Remembered(pictures.read))  # a conversion reads them four times


def held_out_digits(spec: ImageSpec, count: int) -> ImageSet:
    """The first `count` held-out digits, drawn anew on every pass over more than those of a proof."""
    return ImageSet(tuple(map(digits.held_out_name, range(count))), partial(_drawn, spec))


@lru_cache(maxsize=PROOF_PICTURES)  # a conversion reads the pictures of its proof four times
def _drawn(spec: ImageSpec, name: str) -> Pixels:
    index = digits.held_out_index(name)
    assert index is not None
    pixels, _ = digits.picture(digits.Split.HELD_OUT, index)
    prepared = preprocess(Image.fromarray(pixels), spec)
    prepared.setflags(write=False)
    return prepared
