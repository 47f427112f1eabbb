"""Validations as tables, lines and JSON: what `validate` prints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from levit_mobile.images.labels import origin
from levit_mobile.parity.report import ParityReport
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.reporting.text import (
    MISSING,
    clean,
    cosine,
    db,
    error,
    interval,
    margin,
    p_value,
    share,
    shown,
    strict,
    table_title,
    verdict,
)
from levit_mobile.reporting.verdicts import flip_count, flips, kernels, name, overall
from levit_mobile.validation.results import Accuracy, Drill, Emulation, Picture, Validation

if TYPE_CHECKING:
    from levit_mobile.reporting.outputs import ValidateOutput

Cell = Callable[[Validation], str | None]
INTERVAL = "  95% interval"
WITHIN = {True: "[green]within[/]", False: "[bold red]over[/]"}


def validation_table(validations: Sequence[Validation]) -> Table:
    """One column per validation: three of them fit a terminal of 80 characters. Rows without any value are left out."""
    table = Table(title="Compared with the trained model", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    for _ in validations:
        table.add_column(overflow="fold")
    for heading, cell in ROWS:
        cells = [cell(validation) for validation in validations]
        if any(cells):
            table.add_row(heading, *(found or MISSING for found in cells))
    return table


def flip_table(validations: Sequence[Validation], limit: int = 10) -> Table:
    """The images with a different top class, those that the reference was surest of first, `limit` per validation.

    Margins are in logits. The caption says how many are left out.
    """
    table = Table(
        "bundle", "image", "reference", "margin", "artifact", "margin", title="Images with a different top class"
    )
    for column in table.columns:
        column.overflow = "fold"
    for validation in validations:
        for number, picture in enumerate(flips(validation)[:limit]):
            table.add_row("" if number else shown(name(validation)), *_flip(picture))
        table.add_section()
    left_out = sum(max(0, len(validation.flips) - limit) for validation in validations)
    table.caption = f"and {left_out} more" if left_out else None
    return table


def drill_table(validation: Validation) -> Table:
    """One row per block, in the order in which the model runs them. Raises ValueError where nothing was drilled."""
    drill = validation.drill
    if drill is None:
        raise ValueError(f"{name(validation)} was not drilled")
    table = Table("block", "shape", "max abs error", "SQNR", "cosine", "budget", title=table_title(name(validation)))
    for block in drill.blocks:
        shape = "x".join(map(str, block.shape))
        figures = (error(block.max_abs_error), db(block.sqnr_db), cosine(block.cosine))
        table.add_row(shown(block.name), shape, *figures, WITHIN[block.within])
    table.caption = f"{drill.pictures} images, budget {db(drill.min_sqnr_db)}, {shown(drill.tapped)}"
    return table


def reason_lines(validations: Sequence[Validation]) -> list[str]:
    """One line per reason for a verdict that is not proven."""
    return [clean(f"{name(v)}: {v.verdict.upper()}: {reason}") for v in validations for reason in v.reasons]


def note_lines(validations: Sequence[Validation]) -> list[str]:
    """One line per note, flips relative to this machine included."""
    return [clean(f"{name(v)}: {note}") for v in validations for note in (*v.notes, *_flipped(v))]


def _flipped(validation: Validation) -> Iterator[str]:
    for flip in validation.emulation.flips if validation.emulation else ():
        here, there = flip.reference[0].label, flip.candidate[0].label
        sure = margin(flip.reference_margin)
        yield f"{flip.name}: top class {there}, but {here} on this machine, with a margin of {sure}"


def validations_json(validations: Sequence[Validation]) -> str:
    """All validations as they are, and the verdict over all; NaN and infinity are strings."""
    found = [validation.model_dump(mode="json") for validation in validations]
    whole: ValidateOutput = {"schema_version": 1, "verdict": overall(validations), "validations": found}
    return to_json(strict(whole))


def _flip(picture: Picture) -> tuple[str, str, str, str, str]:
    reference, candidate = (shown(guesses[0].label) for guesses in (picture.reference, picture.candidate))
    margins = margin(picture.reference_margin), margin(picture.candidate_margin)
    return shown(picture.name), reference, margins[0], candidate, margins[1]


def _of_report(write: Callable[[ParityReport], str | None]) -> Cell:
    return lambda validation: write(validation.report) if validation.report else None


def _floor(validation: Validation) -> str | None:
    """None beside bundles and golden vectors, which nothing computes in float64."""
    report = validation.report
    return None if report is None or math.isnan(report.floor_sqnr_db) else db(report.floor_sqnr_db)


def _of_accuracy(write: Callable[[Accuracy], str]) -> Cell:
    return lambda validation: write(validation.accuracy) if validation.accuracy else None


def _of_emulation(write: Callable[[Emulation], str]) -> Cell:
    return lambda validation: write(validation.emulation) if validation.emulation else None


def _pictures(validation: Validation) -> str:
    count = f"{validation.report.images} of " if validation.report else ""
    return count + shown(validation.pictures_from)


def _clusters(validation: Validation) -> str | None:
    """What intervals are over, where that is not every picture by itself."""
    report, digits = validation.report, validation.clusters
    return None if report is None or digits is None or digits >= report.images else f"{digits} source digits"


def _first_over(validation: Validation) -> str | None:
    drill: Drill | None = validation.drill
    return shown(drill.first_over or "none") if drill else None


# Heading -> the cell in a validation's column; None where it has none.
ROWS: tuple[tuple[str, Cell], ...] = (
    ("bundle", lambda v: shown(v.bundle)),
    ("runtime", lambda v: shown(v.runtime.title) if v.runtime else None),
    ("reference", lambda v: shown(v.reference)),
    ("images", _pictures),
    ("labels", lambda v: origin(v.labels_source)),
    ("intervals over", _clusters),
    ("images skipped", lambda v: str(len(v.skipped)) if v.skipped else None),
    ("max abs error", _of_report(lambda r: error(r.max_abs_error))),
    ("mean abs error", _of_report(lambda r: error(r.mean_abs_error))),
    ("SQNR", _of_report(lambda r: db(r.sqnr_db))),
    ("SQNR, centred", _of_report(lambda r: None if r.centred_sqnr_db is None else db(r.centred_sqnr_db))),
    ("SQNR, fp32 vs fp64", _floor),
    ("cosine", _of_report(lambda r: cosine(r.cosine))),
    ("KL", _of_report(lambda r: error(r.kl))),
    ("top-1 agreement", _of_report(lambda r: share(r.top1_agreement))),
    (INTERVAL, lambda v: interval(v.top1_interval) if v.top1_interval else None),
    ("top-5 agreement", _of_report(lambda r: share(r.top5_agreement))),
    (INTERVAL, lambda v: interval(v.top5_interval) if v.top5_interval else None),
    ("flips", flip_count),
    ("top-1 accuracy", _of_accuracy(lambda a: share(a.candidate))),
    (INTERVAL, _of_accuracy(lambda a: interval(a.candidate_interval))),
    ("  reference accuracy", _of_accuracy(lambda a: share(a.reference))),
    (INTERVAL, _of_accuracy(lambda a: interval(a.reference_interval))),
    ("McNemar p", _of_accuracy(lambda a: p_value(a.mcnemar_p))),
    ("SQNR on this machine", _of_emulation(lambda e: db(e.host_sqnr_db))),
    ("error vs this machine", _of_emulation(lambda e: error(e.relative_error))),
    ("flips vs this machine", _of_emulation(lambda e: str(len(e.flips)))),
    ("kernels executed", _of_emulation(kernels)),
    ("first over budget", _first_over),
    ("verdict", lambda v: verdict(v.verdict)),
)
