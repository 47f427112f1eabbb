"""What a conversion can be refused for before weights are loaded: options, files, folders, the place of its result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from levit_mobile.errors import BundleError, CheckpointError, ImageError, RecipeError
from levit_mobile.images import image_set
from levit_mobile.images import labels as class_labels
from levit_mobile.images.address import place_of, shown
from levit_mobile.images.source import calibration_source, require_count
from levit_mobile.model.checkpoint import Identity, identify
from levit_mobile.model.download import BUNDLED, require_known
from levit_mobile.pipeline.source_model import MIN_PROOF_PICTURES
from levit_mobile.quantization import calibration as calibrations
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.prepare import Int8Options, require_applicable
from levit_mobile.recipe import Precision, Recipe


def check(
    recipes: Sequence[Recipe | str],
    checkpoint: str | Path | None = None,
    *,
    out: str | Path = "build",
    labels: str | Path | None = None,
    images: str | Path | None = None,
    force: bool = False,
    calibration: str | Path | None = None,
    count: int | None = None,
    observer: str | None = None,
    plan: str | Path | None = None,
) -> None:
    """Refuse what ``convert`` would refuse later, after the checkpoint was imported and run.

    Takes a fraction of a second. Of the checkpoint only names and shapes are read, and only if it is on this machine:
    what is wrong with its weights is for ``convert`` to find.

    Args:
        recipes: The recipes, or names of ones in ``RECIPES``.
        checkpoint: As for ``convert``.
        out: The folder in which the bundles' folders would be made.
        labels: A text file with one label per line, in class order.
        images: A folder, archive, tar shards or URL of images for the proof.
        force: Whether an existing bundle may be replaced.
        calibration: Images to measure ranges on, given like ``images``, or ``"synthetic"``.
        count: Number of calibration images.
        observer: Name of an observer.
        plan: A JSON file that lists what stays float.

    Raises:
        CheckpointError: There are no such weights (``checkpoint.not-found``).
        RecipeError: A recipe is unknown (``recipe.unknown-recipe``), an option does not go with it
            (``recipe.int8-only``, ``recipe.unknown-observer``), or the plan cannot be used (``recipe.unreadable``,
            ``recipe.schema``, ``recipe.other-plan``).
        LabelsError: The labels do not fit the classes (``labels.count``, ``labels.format``, ``labels.not-one-line``,
            ``labels.order``, ``labels.unreadable``).
        ImageError: Images do not exist (``image.not-found``), are too few (``image.no-pictures``, ``image.too-few``),
            or cannot be reached or listed (``image.access``, ``image.protocol``, ``image.unreadable``,
            ``image.duplicate``).
        BundleError: A bundle exists (``bundle.exists``).
        ValueError: A number of images is below 1.

    Example:
        >>> levit_mobile.check(["tflite-int8"], calibration="photos")
    """
    require_known(checkpoint or BUNDLED)
    chosen = [Recipe.from_name(one) if isinstance(one, str) else one for one in recipes]
    require_count("count", count)
    options = Int8Options(calibration, count, 0, observer, plan)
    for recipe in chosen:
        require_applicable(recipe, options)
    _require_plan(plan, chosen)
    require_pictures(images, MIN_PROOF_PICTURES, "a proof")
    require_pictures(calibration_source(calibration).place, calibrations.MIN_PICTURES, "a calibration")
    known = _identity(checkpoint)
    if labels is not None and known is not None:
        class_labels.read(Path(labels), known.classes)
    if known is not None and not force:
        _require_free([Path(out) / f"{known.variant}-{recipe.name}" for recipe in chosen])


def _require_plan(plan: str | Path | None, recipes: Sequence[Recipe]) -> None:
    """Of several targets a plan may be for one."""
    targets = [recipe.target for recipe in recipes if recipe.precision is Precision.INT8]
    if plan is not None and (found := Plan.read(Path(plan))).target not in targets:
        raise RecipeError(
            f"{plan} is a plan for {found.target}, expected one for {' or '.join(targets)}", fault="other-plan"
        )


def require_pictures(place: str | Path | None, least: int, purpose: str) -> None:
    """Raise ImageError unless the place, if there is one, holds so many pictures; no more are listed."""
    if place is not None and (found := image_set.count(place, least)) < least:
        raise ImageError(
            f"{shown(place_of(place))} holds {found} images, expected at least {least} for {purpose}", fault="too-few"
        )


def _identity(checkpoint: str | Path | None) -> Identity | None:
    """None for weights that are not here yet, or that `convert` will refuse in its own words."""
    path = Path(checkpoint or BUNDLED).expanduser()
    try:
        return identify(path) if path.exists() else None
    except (CheckpointError, OSError):
        return None


def _require_free(folders: Sequence[Path]) -> None:
    if taken := [str(folder) for folder in folders if folder.exists()]:
        exist = "already exists" if len(taken) == 1 else "already exist"
        raise BundleError(
            f"{', '.join(taken)} {exist}: use --force to replace, or --out to choose a different folder",
            fault="exists",
        )
