"""predict(): pictures -> the artifact's logits on this machine -> labels with probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.errors import ArtifactError, ImageError
from levit_mobile.images.image_set import Skipped, find, read, skip
from levit_mobile.images.labels import placeholder_note
from levit_mobile.images.preprocessing import to_planar
from levit_mobile.images.spec import ImageSpec
from levit_mobile.images.stores import Store
from levit_mobile.interfaces.runner import Images, Logits
from levit_mobile.parity import metrics
from levit_mobile.recipe import Verdict
from levit_mobile.runtimes import registry
from levit_mobile.runtimes.registry import Runtime
from levit_mobile.system import workers
from levit_mobile.system.progress import Progress, silent

TOP = 5
Head = Literal["softmax", "sigmoid", "none"]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """A class and its score for one picture.

    Attributes:
        index: Index of the class, from 0, as in ``labels.txt``.
        label: Label of the class.
        logit: The artifact's own output for the class.
        probability: Probability by the contract's head, 0 to 1; None where the head is ``"none"``.
    """

    index: int
    label: str
    logit: float
    probability: float | None


@dataclass(frozen=True, slots=True)
class ClassifiedPicture:
    """The best classes of one picture.

    Attributes:
        name: Path or URL of the picture, as it was given or found; in an archive ``photos.zip: cat/1.jpg``.
        classes: Its best classes, best first.
    """

    name: str
    classes: tuple[ClassScore, ...]


@dataclass(frozen=True, slots=True)
class PredictionRun:
    """What a bundle's artifact sees in pictures.

    Attributes:
        bundle: The bundle.
        runtime: The runtime that ran the artifact; ``runtime.real`` is False for the MIL reference, which no phone
            runs.
        pictures: One entry per picture, in the order in which they were given.
        skipped: Pictures that could not be read, with ``skip_broken``.
    """

    bundle: OpenBundle
    runtime: Runtime
    pictures: tuple[ClassifiedPicture, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def head(self) -> Head:
        """What makes probabilities of the logits: ``"softmax"``, ``"sigmoid"`` or ``"none"``."""
        return self.bundle.contract.output.head

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of these predictions, one sentence each."""
        return tuple(_notes(self))


def predict(
    bundle: str | Path | OpenBundle,
    pictures: str | Path | Sequence[str | Path],
    *,
    top: int = TOP,
    runtime: str | None = None,
    skip_broken: bool = False,
    progress: Progress = silent,
) -> PredictionRun:
    """Classify pictures with the artifact of a bundle, by a runtime of this machine.

    The pictures are prepared as the contract states. The artifact runs on the target's own runtime: ExecuTorch, LiteRT,
    or Core ML on a Mac. Elsewhere the MIL reference runs Core ML packages, and the result names it. Thread-safe: the
    artifact runs in a process of its own.

    Args:
        bundle: A bundle's folder, or the result of ``open_bundle``.
        pictures: A picture, a folder, archive, tar shards or URL of pictures, or several of them.
        top: Number of classes per picture, best first, 1 or more; all classes if there are fewer.
        runtime: A name in ``runtimes.registry.RUNTIMES``. Default: the first that proves the target here.
        skip_broken: Leave out pictures that cannot be read, and list them in the result.
        progress: Called for every picture.

    Returns:
        The best classes of every picture, and the runtime that computed them.

    Raises:
        BundleError: The bundle is damaged; the codes are those of ``open_bundle``.
        ImageError: A picture does not exist or cannot be read (``image.not-found``, ``image.unreadable``,
            ``image.too-large``, ``image.pixel-format``), there is none (``image.no-pictures``), or a URL or an archive
            cannot be used (``image.access``, ``image.protocol``, ``image.duplicate``).
        RecipeError: The runtime does not run the target (``recipe.runtime``, ``recipe.unknown-cpu``).
        RunnerUnavailable: The runtime does not exist on this machine; any ``runner`` code.
        ToolchainMissing: The runtime's package is not installed (``toolchain``).
        ArtifactError: The artifact cannot be loaded or run, with the runtime's code, gives logits of another shape
            (``artifact.mismatch``), or gives NaN or infinity (``artifact.not-finite``).
        ValueError: ``top`` is below 1.

    Example:
        >>> run = levit_mobile.predict("build/levit_128s-tflite-fp32", "photo.jpg")
        >>> for score in run.pictures[0].classes:
        ...     print(score.label, score.probability)
    """
    if top < 1:
        raise ValueError(f"top is {top}, expected 1 or more classes")
    opened = bundle if isinstance(bundle, OpenBundle) else open_bundle(bundle)
    chosen = registry.chosen(runtime, opened.target.name)
    registry.require(chosen)
    given = [pictures] if isinstance(pictures, str | Path) else pictures
    found = [(one.store, name) for one in map(find, given) for name in one.names]
    reading = _Reading(found, opened.spec, skip_broken)
    runner = partial(registry.load, chosen, opened.artifact, opened.contract)
    told = partial(progress, f"{opened.path.name} by {chosen}")
    told(0, len(found))
    classified = []
    for name, logits in reading.run(runner):
        classified.append(ClassifiedPicture(name, _best(logits, opened, top, name)))
        told(len(classified) + len(reading.skipped), len(found))
    _require_any(classified, reading.skipped)
    return PredictionRun(opened, registry.described(chosen), tuple(classified), tuple(reading.skipped))


class _Reading:
    """Pictures that are read one after the other while the artifact runs, and those that cannot be read."""

    def __init__(self, found: Iterable[tuple[Store, str]], spec: ImageSpec, skip_broken: bool) -> None:
        self.found, self.spec, self.skip_broken = found, spec, skip_broken
        self.names: list[str] = []
        self.skipped: list[Skipped] = []

    def run(self, load_runner: Callable[[], Callable[[Images], Logits]]) -> Iterator[tuple[str, Logits]]:
        """The name and the logits of every readable picture, in order."""
        results = workers.spread(load_runner, self._images(), processes=1)
        for number, logits in enumerate(results):
            yield self.names[number], logits

    def _images(self) -> Iterator[Images]:
        """[1,3,H,W] each."""
        for store, name in self.found:
            try:
                image = to_planar(read(store, self.spec, name))[None]
            except ImageError as error:
                if not self.skip_broken:
                    raise
                self.skipped.append(skip(error, store.called(name)))
                continue
            self.names.append(store.called(name))
            yield image


def _best(logits: Logits, opened: OpenBundle, top: int, name: str) -> tuple[ClassScore, ...]:
    wanted = opened.contract.output.shape
    if logits.shape != wanted:
        raise ArtifactError(
            f"{opened.artifact} gave logits of shape {list(logits.shape)}, expected {list(wanted)}", fault="mismatch"
        )
    if not np.isfinite(logits).all():
        raise ArtifactError(f"{opened.artifact} gave NaN or infinite logits for {name}", fault="not-finite")
    to_probabilities = PROBABILITIES.get(opened.contract.output.head)
    probabilities = to_probabilities(logits)[0] if to_probabilities else None
    return tuple(
        ClassScore(
            index,
            opened.labels[index],
            float(logits[0, index]),
            None if probabilities is None else float(probabilities[index]),
        )
        for index in metrics.top_classes(logits, top)[0].tolist()
    )


def _sigmoid(logits: Logits) -> Values:
    """[N,classes] -> [N,classes], each class for itself: 1 / (1 + exp(-x)), without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -np.asarray(logits, np.float64))))


# A contract's head -> what makes probabilities of logits; the head "none" has none.
PROBABILITIES: Mapping[str, Callable[[Logits], Values]] = {"softmax": metrics.softmax, "sigmoid": _sigmoid}


def _require_any(classified: Sequence[ClassifiedPicture], skipped: Sequence[Skipped]) -> None:
    if not classified:
        reason = f"none can be read; the first: {skipped[0].reason}" if skipped else "none was given"
        raise ImageError(f"expected at least one image, and {reason}", fault="no-pictures")


def _notes(run: PredictionRun) -> Iterator[str]:
    contract = run.bundle.contract
    if contract.verdict == Verdict.BROKEN:
        yield (
            "the artifact failed its proof, so its predictions may differ from the trained model's: `levit-mobile "
            "validate` shows by how much"
        )
    if note := placeholder_note(contract.output.labels_source, contract.model.classes):
        yield note
    if run.head == "none":
        yield "the model's head has no probabilities: the values are its outputs, the largest first"
    if not run.runtime.real:
        yield "the MIL reference computed these predictions; no device ran the artifact"
