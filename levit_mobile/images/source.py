"""Where images come from: a folder, archive or URL, or a built-in set. Parsed once, written one way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from levit_mobile.images.address import CHAIN, Place, place_of, shown
from levit_mobile.system.files import as_text


class ImageOrigin(StrEnum):
    """The kind of place; its value is how contracts and reports call a built-in set."""

    HELD_OUT = "held-out digits"
    GOLDEN = "golden vectors"
    BUNDLED = "bundled training digits"
    SYNTHETIC = "synthetic"
    NONE = "none"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A place that images come from: a path or a URL for FOLDER, and None for all others."""

    origin: ImageOrigin
    place: Place | None = None

    @classmethod
    def at(cls, place: str | Path) -> ImageSource:
        """A folder, an archive, shards or a URL, whatever it is called."""
        return cls(ImageOrigin.FOLDER, place_of(place))

    @property
    def title(self) -> str:
        """Its name in contracts and reports, which travel: a folder's own name, or a URL without secrets."""
        return title(self.place) if self.place is not None else str(self.origin)


def validation_source(text: str | Path | None) -> ImageSource:
    """What `validate` was given, or what it wrote: None is held-out digits, a Path is never a built-in set."""
    if text is None:
        return ImageSource(ImageOrigin.HELD_OUT)
    if isinstance(text, str) and text in (ImageOrigin.HELD_OUT, ImageOrigin.GOLDEN, ImageOrigin.NONE):
        return ImageSource(ImageOrigin(text))
    return ImageSource.at(text)


def calibration_source(text: str | Path | None) -> ImageSource:
    """The calibration images by option or by contract: None is the bundled training digits, "synthetic" is noise."""
    if text is None or text == ImageOrigin.BUNDLED:
        return ImageSource(ImageOrigin.BUNDLED)
    if str(text) == ImageOrigin.SYNTHETIC:
        return ImageSource(ImageOrigin.SYNTHETIC)
    return ImageSource.at(text)


def title(place: Place) -> str:
    """The place in a contract or report, which leave this machine: of local paths their last name only."""
    if isinstance(place, Path):
        return as_text(place.resolve().name)
    return as_text(CHAIN.join(part if "://" in part else Path(part).name for part in shown(place).split(CHAIN)))


def require_count(name: str, count: int | None) -> None:
    """Raise ValueError for a number of images below 1; None is the default."""
    if count is not None and count < 1:
        raise ValueError(f"{name} is {count}, expected 1 or more")
