"""The quantization that a static int8 bundle was made by: its plan, over the pictures that its contract records."""

from __future__ import annotations

from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.contract import Calibration
from levit_mobile.errors import ImageError
from levit_mobile.images.address import names_one_path, shown
from levit_mobile.images.source import ImageSource, calibration_source
from levit_mobile.quantization.calibration import drawn_from
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.prepare import Quantization


def again(stored: OpenBundle, source: str | Path | None = None) -> Quantization | None:
    """None for a bundle that measured no ranges.

    `source` is the folder, archive or URL that it was calibrated on. Without it, built-in pictures are drawn anew, and
    a folder or an archive is looked for under its name in the working directory. Raises ImageError when the pictures
    are not here, or are not those of the contract, and RecipeError for a plan that cannot be read.
    """
    stated = stored.contract.calibration
    if stated is None:
        return None
    pictures_from = _source(stated, source)
    found = drawn_from(pictures_from, stored.spec, count=stated.pictures, seed=stated.seed, skip_broken=True)
    if (digest := found.digest) != stated.pictures_sha256:
        called = stated.source if pictures_from.place is None else shown(pictures_from.place)
        raise ImageError(
            f"{called} does not hold the {stated.pictures} images that ranges were measured on: their sha256 begins "
            f"with {digest[:12]}, expected {stated.pictures_sha256[:12]} as in the contract",
            fault="other-pictures",
        )
    return Quantization(found, Plan.read(stored.path / stated.plan_file))


def _source(stated: Calibration, given: str | Path | None) -> ImageSource:
    """The place that was given, or else what the contract says, but for a URL: a stranger may have written it."""
    found = calibration_source(stated.source if given is None else given)
    if given is not None or found.place is None:
        return found
    if isinstance(found.place, str):
        raise ImageError(
            f"the {stated.pictures} images that ranges were measured on are at {stated.source}, and a URL from a "
            "contract is not opened: pass it with --calibration",
            fault="not-found",
        )
    if names_one_path(found.place) and not found.place.exists():
        raise ImageError(
            f"the folder {stated.source}, whose {stated.pictures} images ranges were measured on, does not exist here: "
            "name it with --calibration",
            fault="not-found",
        )
    return found
