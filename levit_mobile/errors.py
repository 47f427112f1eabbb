"""Everything that this package raises on purpose.

LevitMobileError            one clear sentence; the CLI prints it and exits 1
├── CheckpointError         weights that are missing, surplus, misshapen, not finite, unsafe or not a LeViT
├── DownloadError           weights that could not be fetched; says what to download and where to put it
├── ImageError              a picture that cannot be read, or a folder without pictures
├── RecipeError             an unknown recipe, target or precision; lists the known ones
├── LabelsError             a labels file that does not fit the checkpoint
├── ToolchainMissing        a vendor package that is not installed; carries the pip line
├── ConversionError         a vendor toolchain failed, or left an op outside its delegate
├── ArtifactError           an artifact that cannot be read or run
├── RunnerUnavailable       a runtime that does not exist on this machine: NOT RUN, never "passed"
├── TimingError             a record of times that cannot be read, or compared with another
└── BundleError             a bundle that is damaged, of an unknown schema, or in the way
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import ClassVar, Self


class LevitMobileError(Exception):
    """Base of every error that a caller may want to catch; `str(error)` is one sentence for a person.

    `code` is for programs: "<kind>.<fault>", such as "checkpoint.shape", or the kind alone. Codes are stable, sentences
    are not. `FAULTS` lists the kind's faults, each with what it means; docs/errors.md is made from them.
    """

    KIND: ClassVar[str] = "error"
    FAULTS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, sentence: str = "", *, fault: str | None = None) -> None:
        """Raises KeyError for a fault that the kind does not list."""
        super().__init__(sentence)
        self.fault = fault
        if fault is not None:
            self.FAULTS[fault]

    @property
    def code(self) -> str:
        """What programs tell errors apart by."""
        return f"{self.KIND}.{self.fault}" if self.fault else self.KIND

    def reworded(self, sentence: str) -> Self:
        """The same error in other words, such as on one line or with a path in front."""
        error = copy(self)
        error.args = (sentence,)
        return error


class CheckpointError(LevitMobileError):
    """The weights cannot be imported: the message names the key, what was expected and what to do."""

    KIND: ClassVar[str] = "checkpoint"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class DownloadError(LevitMobileError):
    """The weights could not be fetched: the message says what to download by hand and where to put it."""

    KIND: ClassVar[str] = "download"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class ImageError(LevitMobileError):
    """A picture could not be read, or a folder held none."""

    KIND: ClassVar[str] = "image"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class RecipeError(LevitMobileError):
    """The recipe, target or precision does not exist; the message lists those that do."""

    KIND: ClassVar[str] = "recipe"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class LabelsError(LevitMobileError):
    """The labels do not fit the checkpoint's classes."""

    KIND: ClassVar[str] = "labels"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class ConversionError(LevitMobileError):
    """A vendor toolchain failed, or an op stayed outside the delegate."""

    KIND: ClassVar[str] = "conversion"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class ArtifactError(LevitMobileError):
    """An artifact could not be read or run."""

    KIND: ClassVar[str] = "artifact"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class RunnerUnavailable(LevitMobileError):
    """The runtime does not exist on this machine; reports say NOT RUN with this reason."""

    KIND: ClassVar[str] = "runner"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class BundleError(LevitMobileError):
    """A bundle is damaged, of an unknown schema version, or stands where a new one should go."""

    KIND: ClassVar[str] = "bundle"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class TimingError(LevitMobileError):
    """A record of times cannot be read, or nothing in it can be compared with what was measured now."""

    KIND: ClassVar[str] = "timing"
    FAULTS: ClassVar[Mapping[str, str]] = {}


class ToolchainMissing(LevitMobileError):
    """A package that this target needs is not installed."""

    KIND: ClassVar[str] = "toolchain"
    FAULTS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed, and the {extra} target needs it: pip install 'levit-mobile[{extra}]'"
        )
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type[ToolchainMissing], tuple[str, str]]:
        """From another process it comes back by its two arguments."""
        return type(self), (self.package, self.extra)
