"""report(): everything found below a folder, joined, as one HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from levit_mobile.errors import BundleError
from levit_mobile.overview.collect import Gathered, gather
from levit_mobile.overview.join import Artifact, join
from levit_mobile.reporting.pages.overview import is_report, page
from levit_mobile.system.atomic_write import write_text

PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Report:
    """A report on everything that was found below a folder.

    Attributes:
        path: The HTML file.
        found: Bundles, validations and timings that were found, and files that could not be read.
        artifacts: The same, joined by the artifact's digest.
    """

    path: Path
    found: Gathered
    artifacts: tuple[Artifact, ...]


def report(folder: str | Path, *, out: str | Path | None = None) -> Report:
    """Write one HTML page about every bundle, validation and timing found below a folder.

    It contains them whatever their verdicts are. Thread-safe.

    Args:
        folder: The folder to search.
        out: The HTML file to write; an earlier report is replaced. Default: ``report.html`` in the folder.

    Returns:
        The page's path and what is on it.

    Raises:
        BundleError: The folder does not exist or holds nothing to report (``bundle.missing``), ``out`` is another kind
            of file (``bundle.exists``), or it cannot be written (``bundle.unwritable``).

    Example:
        >>> levit_mobile.report("build").path.name
        'report.html'
    """
    path = Path(folder) / PAGE if out is None else Path(out)
    if path.exists() and not is_report(path):
        raise BundleError(
            f"{path} already exists and is not a report: use --out to choose a different path", fault="exists"
        )
    found = gather(Path(folder))
    artifacts = join(found)
    write_text(path, page(found, artifacts))
    return Report(path, found, artifacts)
