"""The JSON that `predict` prints, as types: its schema in `levit_mobile/schemas/` is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from levit_mobile.reporting.outputs import Dumped, Dumps, Version
from levit_mobile.runtimes.registry import Runtime
from levit_mobile.system.files import Sha256


class ScoredClass(TypedDict):
    """One class and its score."""

    index: int
    label: str
    logit: float
    probability: float | None


class PredictedPicture(TypedDict):
    """The best classes of one picture."""

    picture: str
    classes: list[ScoredClass]


class SkippedPicture(TypedDict):
    """A picture that could not be read."""

    picture: str
    reason: str


class PredictOutput(TypedDict):
    """What `levit-mobile predict --json` prints."""

    schema_version: Version
    bundle: str
    variant: str
    recipe: str
    artifact_sha256: Sha256
    runtime: Annotated[Dumps, Dumped(Runtime)]
    head: Literal["softmax", "sigmoid", "none"]
    pictures: list[PredictedPicture]
    skipped: list[SkippedPicture]
    notes: list[str]
