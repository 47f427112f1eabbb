"""Everything that a validation is about, found and checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.errors import ImageError, RecipeError
from levit_mobile.images import ground_truth as truths
from levit_mobile.images.address import place_of
from levit_mobile.images.image_set import Found, ImageSet, find
from levit_mobile.images.source import ImageOrigin, ImageSource, title, validation_source
from levit_mobile.pipeline import source_model
from levit_mobile.recipe import HALF, Tolerance
from levit_mobile.runtimes import registry
from levit_mobile.runtimes.registry import RuntimeId
from levit_mobile.validation import references
from levit_mobile.validation.references import ReferenceModel

DIGITS = 256  # held-out digits, where no pictures are given
FEW_EMULATED = 8  # pictures, where each takes seconds
# Recipe -> bounds of its own on an ARM64 core, for bundles whose contract was written before that bound was the
# recipe's. XNNPACK's float16 kernels sum in float16 there: 48.6 dB were measured where this machine has 62.9.
ON_CORES: dict[str, dict[str, float]] = {"executorch-fp16": {"min_sqnr_db": HALF.min_sqnr_db}}


@dataclass(frozen=True, slots=True)
class ValidationSetup:
    """A bundle, what runs it, what it is held against, on which pictures, and within which bounds.

    `truth` has the class index of each picture, where that is known; `calibration` is where a static int8 bundle's
    calibration images are, where that was named; `host` is the runtime of this machine that an emulated one is held
    against besides.
    """

    stored: OpenBundle
    runtime: RuntimeId
    reference: ReferenceModel
    pictures: ImageSet
    pictures_from: ImageSource
    truth: Mapping[str, int] | None
    truth_from: str
    tolerance: Tolerance
    calibration: str | Path | None = None
    host: RuntimeId | None = None


def passes(
    stored: OpenBundle, runtime: str | None, reference: str | Path | None
) -> tuple[tuple[str, str | Path | None], ...]:
    """The (runtime, reference) pairs that prove a bundle here: one, unless `runtime` is left open on a Mac.

    There Core ML and the MIL reference are both held against the reference, and the first against the second.
    """
    names = tuple(map(str, registry.defaults(stored.target.name)))
    if runtime is not None or len(names) == 1:
        return ((str(registry.chosen(runtime, stored.target.name)), reference),)
    return (*((name, reference) for name in names), (names[0], stored.path))


def prepare(
    stored: OpenBundle,
    *,
    reference: str | Path | None = None,
    weights: str | None = None,
    images: str | Path | None = None,
    count: int | None = None,
    truth: str | Path | None = None,
    runtime: str | None = None,
    bounds: Mapping[str, float] | None = None,
    skip_broken: bool = False,
    calibration: str | Path | None = None,
    cpu: str | None = None,
) -> ValidationSetup:
    """Find everything that the options of `validate` name. Raises LevitMobileError.

    With `cpu` the artifact runs there, by default on FEW_EMULATED pictures. So few say little of agreement: it is not
    asked unless `bounds` do, and flips are held against what they are on this machine.
    """
    target = stored.target.name
    found = registry.on(cpu, target) if cpu else registry.chosen(runtime, target)
    count = FEW_EMULATED if cpu and count is None else count
    model = references.find(reference, stored, weights)
    pictures, pictures_from, there = _pictures(stored, model, images, count, skip_broken=skip_broken)
    shown, truth_from = _truth(truth, pictures, stored, there)
    own = stored.contract.tolerance
    on_cores = {"min_top1_agreement": 0.0, **ON_CORES.get(stored.contract.recipe, {})} if cpu else {}
    asked = {**on_cores, **(bounds or {})}
    tolerance = replace(own.loosened(model.tolerance) if model.tolerance else own, **asked)
    if shown is None and (tolerance.min_top1_accuracy, tolerance.max_accuracy_drop) != (None, None):
        raise RecipeError("a bound on accuracy needs the images' true labels: pass them by --truth", fault="options")
    host = registry.chosen(None, target) if cpu else None
    return ValidationSetup(
        stored, found, model, pictures, pictures_from, shown, truth_from, tolerance, calibration, host
    )


def _pictures(
    stored: OpenBundle, model: ReferenceModel, images: str | Path | None, count: int | None, *, skip_broken: bool
) -> tuple[ImageSet, ImageSource, Found | None]:
    if model.pictures is not None:
        if images is not None:
            raise ImageError(
                "--images has no effect with golden vectors, which include their own images: omit it",
                fault="golden",
            )
        return model.pictures, ImageSource(ImageOrigin.GOLDEN), None
    source = validation_source(images if images is None else place_of(images))
    if source.place is None:
        return source_model.held_out_digits(stored.spec, DIGITS if count is None else count), source, None
    found = find(source.place)
    return ImageSet.of(found, stored.spec, limit=count, skip_broken=skip_broken), source, found


def _truth(
    source: str | Path | None, pictures: ImageSet, stored: OpenBundle, images: Found | None
) -> tuple[Mapping[str, int] | None, str]:
    names, labels = pictures.names, stored.labels
    if source is None:
        return (truths.of_digits(names, labels) if images is None else None), "the digits that were drawn"
    if images is None:
        raise RecipeError("--truth needs images to label: name them with --images", fault="options")
    truths.require_pictures(source, images.names)
    place = place_of(source)
    return truths.read(source, names, labels, images.store), place.name if isinstance(place, Path) else title(place)
