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
    """The page's file, what was found below the folder, and the artifacts that it was joined to."""

    path: Path
    found: Gathered
    artifacts: tuple[Artifact, ...]


def report(folder: str | Path, *, out: str | Path | None = None) -> Report:
    """Put every bundle, validation and timing found below `folder` on one page, whatever their verdicts are.

    `out` is the page's file (default: report.html in the folder); an earlier report there is replaced. Thread-safe.
    Raises BundleError when the folder does not exist, or another file is in the page's way.
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
