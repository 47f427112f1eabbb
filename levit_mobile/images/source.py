"""Where images come from: a folder, or one of the places that need no folder. Parsed once, written one way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from levit_mobile.system.files import as_text


class ImageOrigin(StrEnum):
    """The kind of place; its value is how contracts and reports call one without a folder."""

    HELD_OUT = "held-out digits"
    GOLDEN = "golden vectors"
    BUNDLED = "bundled training digits"
    SYNTHETIC = "synthetic"
    NONE = "none"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A place that images come from; `folder` is None for all but FOLDER."""

    origin: ImageOrigin
    folder: Path | None = None

    @classmethod
    def of_folder(cls, folder: str | Path) -> ImageSource:
        """A folder, whatever it is called."""
        return cls(ImageOrigin.FOLDER, Path(folder))

    @property
    def title(self) -> str:
        """How contracts and reports call it; of a folder its own name, since a bundle travels."""
        return as_text(self.folder.resolve().name) if self.folder is not None else str(self.origin)


def validation_source(text: str | Path | None) -> ImageSource:
    """What `validate` was given, or what it wrote: None is held-out digits, a Path is always a folder."""
    if text is None:
        return ImageSource(ImageOrigin.HELD_OUT)
    if isinstance(text, str) and text in (ImageOrigin.HELD_OUT, ImageOrigin.GOLDEN, ImageOrigin.NONE):
        return ImageSource(ImageOrigin(text))
    return ImageSource.of_folder(text)


def calibration_source(text: str | Path | None) -> ImageSource:
    """The calibration images by option or by contract: None is the bundled training digits, "synthetic" is noise."""
    if text is None or text == ImageOrigin.BUNDLED:
        return ImageSource(ImageOrigin.BUNDLED)
    if str(text) == ImageOrigin.SYNTHETIC:
        return ImageSource(ImageOrigin.SYNTHETIC)
    return ImageSource.of_folder(text)


def require_count(name: str, count: int | None) -> None:
    """Raise ValueError for a number of images below 1; None is the default."""
    if count is not None and count < 1:
        raise ValueError(f"{name} is {count}, expected 1 or more")
