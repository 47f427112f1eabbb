"""The quantization that a static int8 bundle was made by: its plan, over the pictures that its contract records."""

from __future__ import annotations

from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.contract import Calibration
from levit_mobile.errors import ImageError
from levit_mobile.images.source import ImageSource, calibration_source
from levit_mobile.quantization.calibration import drawn_from
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.prepare import Quantization


def again(stored: OpenBundle, source: str | Path | None = None) -> Quantization | None:
    """None for a bundle that measured no ranges.

    `source` is the folder that it was calibrated on; without it, built-in pictures are drawn anew, and a folder is
    looked for under its name in the working directory. Raises ImageError when the pictures are not here, or are not
    those of the contract, and RecipeError for a plan that cannot be read.
    """
    stated = stored.contract.calibration
    if stated is None:
        return None
    pictures_from = _source(stated, source)
    found = drawn_from(pictures_from, stored.spec, count=stated.pictures, seed=stated.seed, skip_broken=True)
    if (digest := found.digest) != stated.pictures_sha256:
        raise ImageError(
            f"{source or stated.source} does not hold the {stated.pictures} images that ranges were measured on: "
            f"their sha256 begins with {digest[:12]}, expected {stated.pictures_sha256[:12]} as in the contract",
            fault="other-pictures",
        )
    return Quantization(found, Plan.read(stored.path / stated.plan_file))


def _source(stated: Calibration, given: str | Path | None) -> ImageSource:
    """The folder that was given, or else what the contract says; of a folder that has its name only."""
    found = calibration_source(stated.source if given is None else given)
    if given is None and found.folder is not None and not found.folder.is_dir():
        raise ImageError(
            f"the folder {stated.source}, whose {stated.pictures} images ranges were measured on, does not exist here: "
            "name it with --calibration",
            fault="not-found",
        )
    return found
