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


class LevitMobileError(Exception):
    """Base of every error that a caller may want to catch; `str(error)` is one sentence for a person."""


class CheckpointError(LevitMobileError):
    """The weights cannot be imported: the message names the key, what was expected and what to do."""


class DownloadError(LevitMobileError):
    """The weights could not be fetched: the message says what to download by hand and where to put it."""


class ImageError(LevitMobileError):
    """A picture could not be read, or a folder held none."""


class RecipeError(LevitMobileError):
    """The recipe, target or precision does not exist; the message lists those that do."""


class LabelsError(LevitMobileError):
    """The labels do not fit the checkpoint's classes."""


class ConversionError(LevitMobileError):
    """A vendor toolchain failed, or an op stayed outside the delegate."""


class ArtifactError(LevitMobileError):
    """An artifact could not be read or run."""


class RunnerUnavailable(LevitMobileError):
    """The runtime does not exist on this machine; reports say NOT RUN with this reason."""


class BundleError(LevitMobileError):
    """A bundle is damaged, of an unknown schema version, or stands where a new one should go."""


class TimingError(LevitMobileError):
    """A record of times cannot be read, or nothing in it can be compared with what was measured now."""


class ToolchainMissing(LevitMobileError):
    """A package that this target needs is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed, and the {extra} target needs it: pip install 'levit-mobile[{extra}]'"
        )
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type[ToolchainMissing], tuple[str, str]]:
        """From another process it comes back by its two arguments."""
        return type(self), (self.package, self.extra)
