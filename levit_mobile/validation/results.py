"""What `validate` finds of one bundle: values only, written as they are into JSON. `report` draws them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from levit_mobile.parity.checks import Check
from levit_mobile.parity.compare import ParityReport
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.runtimes.registry import Runtime
from levit_mobile.system.files import Sha256

SCHEMA_VERSION: Literal[1] = 1
Interval = tuple[float, float]  # 95 %, Wilson


class Finding(BaseModel):
    """Base of everything here: frozen, strict about names, NaN and infinity as strings in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Prediction(Finding):
    """A class and its probability, 0 to 1."""

    label: str
    probability: float


class Picture(Finding):
    """One picture as both models see it: their best three classes, and the margins of the best in logits.

    `truth` is its label, where it is known.
    """

    name: str
    truth: str | None
    max_abs_error: float
    reference: tuple[Prediction, ...]
    candidate: tuple[Prediction, ...]
    reference_margin: float
    candidate_margin: float


class Accuracy(Finding):
    """Top-1 accuracy of both against labels, 0 to 1, on `pictures` pictures.

    `only_*_right` count the pictures that exactly one of the two gets right; `mcnemar_p` is of them.
    """

    pictures: int
    labels_from: str
    reference: float
    reference_interval: Interval
    candidate: float
    candidate_interval: Interval
    only_reference_right: int
    only_candidate_right: int
    mcnemar_p: float

    def checks(self, tolerance: Tolerance) -> Iterator[Check]:
        """Both bounds that need labels, where they are asked."""
        least, most = tolerance.min_top1_accuracy, tolerance.max_accuracy_drop
        if least is not None:
            words = f"top-1 accuracy is {self.candidate:.2%}, expected at least {least:.2%}"
            yield Check("min_top1_accuracy", self.candidate, least, words)
        if most is not None:
            fall = f"top-1 accuracy falls from {self.reference:.2%} to {self.candidate:.2%}"
            words = f"{fall}, expected a drop of at most {most:.2%}"
            yield Check("max_accuracy_drop", self.reference - self.candidate, most, words)


def accuracy_checks(accuracy: Accuracy | None, tolerance: Tolerance) -> tuple[Check, ...]:
    """Both bounds that need labels, where they are asked; without an accuracy, NaN was found, which holds neither."""
    if accuracy is not None:
        return tuple(accuracy.checks(tolerance))
    asked = {name: getattr(tolerance, name) for name in ("min_top1_accuracy", "max_accuracy_drop")}
    words = "accuracy is unknown: no labels were given"
    return tuple(Check(name, math.nan, limit, words) for name, limit in asked.items() if limit is not None)


class Block(Finding):
    """The output of one block over all drilled pictures, against the trained model's; `within` its budget or not."""

    name: str
    shape: tuple[int, ...]
    max_abs_error: float
    sqnr_db: float
    cosine: float
    within: bool


class Drill(Finding):
    """The error block by block.

    `tapped` says how the outputs were had; `same_logits` whether what was tapped gives the artifact's own logits, bit
    for bit, and `logits_max_abs_difference` by how much it does not. `first_over` is the first block over the budget.
    """

    pictures: int
    min_sqnr_db: float
    tapped: str
    same_logits: bool
    logits_max_abs_difference: float
    blocks: tuple[Block, ...]
    first_over: str | None


class Emulation(Finding):
    """The artifact on an ARM64 core, held against the same artifact by the same runtime on this machine.

    `relative_error` is |core - host| / |host| over all logits; `difference_db` the core's SQNR against the reference
    less the host's. `flips` are the pictures with another top class than on the host, which is the reference in them,
    and `max_margin`, in logits, is what such a flip's margin may be: twice the host's own max abs error against the
    reference. `instructions` are the executed ones of an inference, by class, empty where nothing counts them. A bound
    of None asks nothing.
    """

    cpu: str
    host: Runtime
    relative_error: float
    max_relative_error: float | None
    host_sqnr_db: float
    difference_db: float
    max_difference_db: float | None
    flips: tuple[Picture, ...]
    max_margin: float
    instructions: dict[str, float] = {}

    def checks(self) -> tuple[Check, ...]:
        """Every bound that is asked."""
        apart, worst = abs(self.difference_db), max((flip.reference_margin for flip in self.flips), default=0.0)
        asked = (
            (
                "max_relative_error",
                self.relative_error,
                self.max_relative_error,
                f"relative error of the logits vs {self.host.title} on this machine is {self.relative_error:.1e}",
            ),
            (
                "max_difference_db",
                apart,
                self.max_difference_db,
                f"SQNR is {apart:.2f} dB from the {self.host_sqnr_db:.1f} dB of {self.host.title} on this machine",
            ),
            (
                "max_margin",
                worst,
                self.max_margin,
                f"a top class differs from this machine's at a margin of {worst:.3g}",
            ),
        )
        return tuple(
            Check(name, found, most, f"{words}, expected at most {most:.3g}")
            for name, found, most, words in asked
            if most is not None
        )


class Validation(Finding):
    """One bundle held against one reference by one runtime.

    `reasons` has a sentence for everything that a verdict other than proven rests on; `notes` what a reader should
    know besides. `error_code` is the code of the error that kept the bundle from being judged, if one did. `report` and
    what follows it is None where nothing could be run. `errors` are the pictures' max abs errors, in the pictures'
    order; `flips` all pictures with another top class; `worst` those with the largest errors.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    bundle: str
    variant: str
    recipe: str
    artifact_sha256: Sha256
    reference: str
    pictures_from: str
    skipped: tuple[str, ...] = ()
    runtime: Runtime | None
    verdict: Verdict
    reasons: tuple[str, ...]
    error_code: str | None = None
    notes: tuple[str, ...] = ()
    report: ParityReport | None = None
    top1_interval: Interval | None = None
    top5_interval: Interval | None = None
    errors: tuple[float, ...] = ()
    flips: tuple[Picture, ...] = ()
    worst: tuple[Picture, ...] = ()
    accuracy: Accuracy | None = None
    drill: Drill | None = None
    emulation: Emulation | None = None
    seconds: float = 0.0
    processes: int = 1
    versions: dict[str, str] = {}

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every bound that was asked, in the Tolerance's order, those of a core last; none where nothing was run."""
        if self.report is None:
            return ()
        of_labels = accuracy_checks(self.accuracy, self.report.tolerance)
        return (*self.report.checks, *of_labels, *(self.emulation.checks() if self.emulation else ()))
