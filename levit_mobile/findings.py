"""What `validate` finds of one bundle: values only, written as they are into JSON. `report` draws them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from levit_mobile.contract import Sha256, Verdict
from levit_mobile.parity import ParityReport
from levit_mobile.recipe import Tolerance

SCHEMA_VERSION: Literal[1] = 1
Interval = tuple[float, float]  # 95 %, Wilson


class Finding(BaseModel):
    """Base of everything here: frozen, strict about names, NaN and infinity as strings in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Runtime(Finding):
    """What ran the artifact; `title` is how it is called everywhere, such as "LiteRT"."""

    name: str
    title: str
    version: str
    real: bool  # False for the MIL reference: no phone runs it


class Guess(Finding):
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
    reference: tuple[Guess, ...]
    candidate: tuple[Guess, ...]
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

    def checks(self, tolerance: Tolerance) -> dict[str, tuple[float, bool, str]]:
        """Both bounds that need labels, where asked -> what was found, whether it holds, and the sentence of it."""
        least, most = tolerance.min_top1_accuracy, tolerance.max_accuracy_drop
        drop, made = self.reference - self.candidate, {}
        if least is not None:
            words = f"top-1 accuracy is {self.candidate:.2%}, expected at least {least:.2%}"
            made["min_top1_accuracy"] = (self.candidate, self.candidate >= least, words)
        if most is not None:
            words = (
                f"top-1 accuracy falls from {self.reference:.2%} to {self.candidate:.2%}, expected a drop of at most "
            )
            made["max_accuracy_drop"] = (drop, drop <= most, f"{words}{most:.2%}")
        return made


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


class Validation(Finding):
    """One bundle held against one reference by one runtime.

    `reasons` has a sentence for everything that a verdict other than proven rests on; `notes` what a reader should
    know besides. `report` and what follows it is None where nothing could be run. `errors` are the pictures' max abs
    errors, in the pictures' order; `flips` all pictures with another top class; `worst` those with the largest errors.
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
    notes: tuple[str, ...] = ()
    report: ParityReport | None = None
    top1_interval: Interval | None = None
    top5_interval: Interval | None = None
    errors: tuple[float, ...] = ()
    flips: tuple[Picture, ...] = ()
    worst: tuple[Picture, ...] = ()
    accuracy: Accuracy | None = None
    drill: Drill | None = None
    seconds: float = 0.0
    processes: int = 1
    versions: dict[str, str] = {}
