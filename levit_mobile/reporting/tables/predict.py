"""Classes of pictures as a table and JSON: what `predict` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from levit_mobile.prediction.predict import ClassScore, PredictionRun
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.reporting.text import clean, number, share, strict

if TYPE_CHECKING:
    from levit_mobile.reporting.predict_output import PredictedPicture, PredictOutput, ScoredClass, SkippedPicture


def prediction_table(found: PredictionRun) -> Table:
    """The best classes of every picture, one row per class, with the runtime in the title."""
    by = f"{found.runtime.title} {found.runtime.version}"
    table = Table(title=_shown(f"{found.bundle.path.resolve().name} by {by}"), title_justify="left")
    table.add_column("image", overflow="fold")
    table.add_column("class", overflow="fold")
    table.add_column("index", justify="right", no_wrap=True)
    table.add_column("output" if found.head == "none" else "probability", justify="right", no_wrap=True)
    for picture in found.pictures:
        for place, score in enumerate(picture.classes, 1):
            name = _shown(picture.name) if place == 1 else ""
            last = place == len(picture.classes)
            table.add_row(name, _shown(score.label), str(score.index), _value(score), end_section=last)
    return table


def lines(found: PredictionRun) -> Iterator[str]:
    """Notes and skipped pictures, whose reasons name them, one line each."""
    yield from (f"NOTE: {_one_line(note)}" for note in found.notes)
    yield from (f"skipped: {_one_line(skipped.reason)}" for skipped in found.skipped)


def predictions_json(found: PredictionRun) -> str:
    """Everything in the run, and the digest of the artifact."""
    contract = found.bundle.contract
    pictures: list[PredictedPicture] = [
        {"picture": picture.name, "classes": [_entry(score) for score in picture.classes]} for picture in found.pictures
    ]
    skipped: list[SkippedPicture] = [{"picture": one.name, "reason": one.reason} for one in found.skipped]
    written: PredictOutput = {
        "schema_version": 1,
        "bundle": str(found.bundle.path),
        "variant": contract.model.variant,
        "recipe": contract.recipe,
        "artifact_sha256": contract.artifact.sha256,
        "runtime": found.runtime.model_dump(),
        "head": found.head,
        "pictures": pictures,
        "skipped": skipped,
        "notes": list(found.notes),
    }
    return to_json(strict(written))


def _entry(score: ClassScore) -> ScoredClass:
    return {"index": score.index, "label": score.label, "logit": score.logit, "probability": score.probability}


def _value(score: ClassScore) -> str:
    return number(score.logit, ".4g") if score.probability is None else share(score.probability)


def _shown(text: str) -> str:
    return escape(_one_line(text))


def _one_line(text: str) -> str:
    """Names of files and labels hold anything, line ends too."""
    return clean(" ".join(text.splitlines()))
