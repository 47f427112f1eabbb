"""Validations for GitHub Actions: annotations on the run, and a table for its summary page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from levit_mobile.recipe import Verdict
from levit_mobile.reporting.text import MISSING, clean, db, error, share
from levit_mobile.reporting.verdicts import counted, figures, flip_count, name, overall, top1_agreement
from levit_mobile.validation.results import Validation

COMMANDS: dict[Verdict, str] = {
    Verdict.PROVEN: "notice",
    Verdict.BY_REFERENCE: "notice",
    Verdict.BROKEN: "error",
    Verdict.NOT_RUN: "warning",
}
HEADINGS = ("bundle", "runtime", "images", "max abs error", "SQNR", "top-1 agreement", "flips", "top-1 accuracy")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|&~#@$])")  # `@` and `#` would link to people and issues


def commands(validations: Sequence[Validation]) -> list[str]:
    """One workflow command a validation: an error for broken, a warning for not run, a notice for proven.

    Source of the escapes: https://github.com/actions/toolkit, packages/core/src/command.ts.
    """
    return [_annotation(validation) for validation in validations]


def summary(validations: Sequence[Validation]) -> str:
    """Markdown for $GITHUB_STEP_SUMMARY: the verdict, a row a validation, a line a reason."""
    rows = [_row("verdict", *HEADINGS), _row(*["---"] * (1 + len(HEADINGS)))]
    rows.extend(_row(f"**{v.verdict.upper()}**", *map(_literal, _cells(v))) for v in validations)
    reasons = [f"- {_literal(name(v))}: {_literal(reason)}" for v in validations for reason in v.reasons]
    heading = f"## levit-mobile validate: {overall(validations).upper()}, {counted(validations)}"
    return "\n\n".join(filter(None, (heading, "\n".join(rows), "\n".join(reasons)))) + "\n"


def _annotation(validation: Validation) -> str:
    message = "\n".join(validation.reasons)
    if validation.report and not message:
        message = figures(validation.report)
    title = f"{validation.verdict.upper()}: {name(validation)}"
    return f"::{COMMANDS[validation.verdict]} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _literal(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(clean(text).split()))


def _cells(validation: Validation) -> tuple[str, ...]:
    report, accuracy = validation.report, validation.accuracy
    return (
        validation.bundle,
        validation.runtime.title if validation.runtime else MISSING,
        str(report.images) if report else MISSING,
        error(report.max_abs_error) if report else MISSING,
        db(report.sqnr_db) if report else MISSING,
        top1_agreement(validation) or MISSING,
        flip_count(validation) or MISSING,
        f"{share(accuracy.candidate)}, reference {share(accuracy.reference)}" if accuracy else MISSING,
    )
