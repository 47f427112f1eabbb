"""Validations as one HTML page that holds all it shows: no script, nothing fetched, so that it opens anywhere."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from markupsafe import Markup

from levit_mobile.reporting import text
from levit_mobile.reporting.pages.templates import environment
from levit_mobile.reporting.plots import block_error
from levit_mobile.reporting.plots import validation as plots
from levit_mobile.reporting.plots.axes import responsive
from levit_mobile.reporting.plots.validation import Share
from levit_mobile.reporting.verdicts import Bound, bounds, counted, flip_count, flips, kernels, name, overall
from levit_mobile.validation.results import Drill, Picture, Validation

MOST_FLIPS = 50


@dataclass(frozen=True, slots=True)
class Section:
    """One validation with what is drawn of it. `flips` are the first MOST_FLIPS, `more_flips` counts the rest.

    `folded` stands for the table of blocks where no reader has to look at it.
    """

    anchor: str
    title: str
    found: Validation
    bounds: tuple[Bound, ...]
    flips: list[Picture]
    more_flips: int
    flip_count: str | None
    histogram: Markup | None
    shares: Markup | None
    drill: Markup | None
    folded: str | None


def page(validations: Sequence[Validation], thumbnails: Mapping[str, bytes], *, written: datetime | None = None) -> str:
    """The whole page, `written` now unless told.

    `thumbnails` is a picture's name -> its PNG; a picture without one is shown by its name.
    """
    drills = {name(v): v.drill for v in validations if v.drill}
    drawn = (
        environment(kernels, width)
        .get_template("page.html.j2")
        .render(
            written=written or datetime.now(UTC),
            reports=[v.report for v in validations if v.report],
            verdict=overall(validations),
            counted=counted(validations),
            sections=[_section(number, validation) for number, validation in enumerate(validations, 1)],
            comparison=_comparison(drills) if len(drills) > 1 else None,
            thumbnails={picture: _data_uri(png) for picture, png in thumbnails.items()},
        )
    )
    return text.clean(drawn)


def _section(number: int, found: Validation) -> Section:
    ordered = flips(found)
    shares = list(_shares(found))
    return Section(
        anchor=f"validation-{number}",
        title=name(found),
        found=found,
        bounds=bounds(found),
        flips=ordered[:MOST_FLIPS],
        more_flips=max(0, len(ordered) - MOST_FLIPS),
        flip_count=flip_count(found),
        histogram=responsive(partial(plots.error_histogram, found.errors), plots.WIDTH) if found.report else None,
        shares=responsive(partial(plots.share_bars, shares), plots.WIDTH) if shares else None,
        drill=_drill(found.drill) if found.drill else None,
        folded=_folded(found.drill) if found.drill else None,
    )


def _folded(found: Drill) -> str | None:
    """One line for all blocks, if each of them is within the budget."""
    if not found.blocks or not all(block.within for block in found.blocks):
        return None
    lowest = min(found.blocks, key=lambda block: block.sqnr_db)
    within = f"all within the budget of {text.db(found.min_sqnr_db)}"
    return f"{len(found.blocks)} blocks, {within}; the lowest is {lowest.name} with {text.db(lowest.sqnr_db)}"


def _drill(found: Drill) -> Markup:
    return responsive(partial(block_error.sqnr_plot, found), block_error.WIDTH)


def _comparison(found: Mapping[str, Drill]) -> Markup:
    return responsive(partial(block_error.sqnr_comparison, found), block_error.WIDTH)


def _shares(found: Validation) -> Iterator[Share]:
    """Agreements with the reference, then accuracies against labels."""
    report, accuracy = found.report, found.accuracy
    if report is None:
        return
    asked = report.tolerance
    yield Share("top-1 agreement", report.top1_agreement, found.top1_interval, asked.min_top1_agreement, "candidate")
    yield Share("top-5 agreement", report.top5_agreement, found.top5_interval, asked.min_top5_agreement, "candidate")
    if accuracy:
        of_reference, of_artifact = accuracy.reference_interval, accuracy.candidate_interval
        yield Share("top-1 accuracy, reference", accuracy.reference, of_reference, None, "reference")
        yield Share("top-1 accuracy, artifact", accuracy.candidate, of_artifact, asked.min_top1_accuracy, "candidate")


def width(probability: float) -> str:
    """A bar's width in CSS; whatever a model gives, it stays in its track."""
    part = 0.0 if math.isnan(probability) else min(max(probability, 0.0), 1.0)
    return f"{part:.2%}"


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"
