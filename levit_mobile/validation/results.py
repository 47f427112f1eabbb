"""What `validate` finds of one bundle: values only, written as they are into JSON. `report` draws them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from levit_mobile.images.labels import LabelsSource
from levit_mobile.parity.checks import Check
from levit_mobile.parity.cores import Apart, Bounds
from levit_mobile.parity.report import ParityReport
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.runtimes.registry import Runtime
from levit_mobile.system.files import Sha256

SCHEMA_VERSION: Literal[1] = 1
Interval = tuple[float, float]  # 95%, Wilson; over the clusters of the pictures where a Validation names them


class Finding(BaseModel):
    """Base of everything here: frozen, strict about names, NaN and infinity as strings in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Prediction(Finding):
    """A class and its probability."""

    label: str
    """Label of the class."""
    probability: float
    """Its probability, 0 to 1."""


class Picture(Finding):
    """One picture as both models see it."""

    name: str
    """Name of the picture."""
    truth: str | None
    """Its true label; None if it is not known."""
    max_abs_error: float
    """Largest difference of two logits."""
    reference: tuple[Prediction, ...]
    """The reference's best three classes, best first."""
    candidate: tuple[Prediction, ...]
    """The artifact's best three classes, best first."""
    reference_margin: float
    """Distance of the reference's best two logits."""
    candidate_margin: float
    """Distance of the artifact's best two logits."""


class Accuracy(Finding):
    """Top-1 accuracy of both models against true labels.

    The intervals and ``mcnemar_p`` are over the clusters of the pictures if the Validation names them.
    """

    pictures: int
    """Number of pictures."""
    labels_from: str
    """Where the true labels are from."""
    reference: float
    """Accuracy of the reference, 0 to 1."""
    reference_interval: Interval
    """Its 95% interval."""
    candidate: float
    """Accuracy of the artifact, 0 to 1."""
    candidate_interval: Interval
    """Its 95% interval."""
    only_reference_right: int
    """Number of pictures that only the reference gets right."""
    only_candidate_right: int
    """Number of pictures that only the artifact gets right."""
    mcnemar_p: float
    """Probability of counts as unequal as these two if both models were equally accurate (McNemar's exact test)."""

    def checks(self, tolerance: Tolerance) -> Iterator[Check]:
        """The two bounds that need labels, if they are set."""
        least, most = tolerance.min_top1_accuracy, tolerance.max_accuracy_drop
        if least is not None:
            words = f"top-1 accuracy is {self.candidate:.2%}, expected at least {least:.2%}"
            yield Check("min_top1_accuracy", self.candidate, least, words)
        if most is not None:
            words = (
                f"top-1 accuracy is {self.candidate:.2%}, expected at most {most:.2%} below the reference's "
                f"{self.reference:.2%}"
            )
            yield Check("max_accuracy_drop", self.reference - self.candidate, most, words)


def accuracy_checks(accuracy: Accuracy | None, tolerance: Tolerance) -> tuple[Check, ...]:
    """Both bounds that need labels, where they are asked; without an accuracy, NaN was found, which holds neither."""
    if accuracy is not None:
        return tuple(accuracy.checks(tolerance))
    asked = {name: getattr(tolerance, name) for name in ("min_top1_accuracy", "max_accuracy_drop")}
    words = "accuracy is unknown: no labels were given"
    return tuple(Check(name, math.nan, limit, words) for name, limit in asked.items() if limit is not None)


class Block(Finding):
    """The error of one block's output, over all drilled pictures."""

    name: str
    """Name of the block, such as ``stage0.attn0``."""
    shape: tuple[int, ...]
    """Shape of its output."""
    max_abs_error: float
    """Largest difference of two values."""
    sqnr_db: float
    """SQNR of the output, in dB."""
    cosine: float
    """Mean cosine similarity of the output, -1 to 1."""
    within: bool
    """Whether it is within its budget."""


class Drill(Finding):
    """The error of every block."""

    pictures: int
    """Number of pictures."""
    min_sqnr_db: float
    """The budget: smallest SQNR of a block, in dB."""
    tapped: str
    """How the outputs of the blocks were obtained."""
    same_logits: bool
    """Whether the model with exposed blocks gives the artifact's own logits, bit for bit."""
    logits_max_abs_difference: float
    """Largest difference of the two."""
    blocks: tuple[Block, ...]
    """One entry per block, in the order in which they run."""
    first_over: str | None
    """Name of the first block over its budget; None if all are within it."""


class Emulation(Finding):
    """The artifact on an ARM64 core, compared with the same artifact on this machine."""

    cpu: str
    """Name of the core."""
    host: Runtime
    """The runtime of this machine to compare with."""
    relative_error: float
    """Norm of core - host over all logits, divided by the norm of host."""
    max_relative_error: float | None
    """Its bound; None sets no bound."""
    host_sqnr_db: float
    """SQNR of the host's logits against the reference, in dB."""
    difference_db: float
    """SQNR on the core minus SQNR on the host, in dB."""
    max_difference_db: float | None
    """Bound on its absolute value; None sets no bound."""
    loss_error_db: float | None = None
    """Standard error of it over the pictures, in dB, by the jackknife; None for one picture."""
    max_loss_db: float | None = None
    """Bound on how far SQNR on the core may be below the host's beyond twice that error; None sets no bound."""
    flips: tuple[Picture, ...]
    """Pictures whose top class differs from the host's, which is the reference in them."""
    max_margin: float
    """Largest allowed margin of a flip, in logits: twice the host's largest error against the reference, and the
    core's own where it computes float16 in float16."""
    instructions: dict[str, float] = {}
    """Executed instructions of one inference by class; empty if they were not counted."""

    def checks(self) -> tuple[Check, ...]:
        """Every bound that is set."""
        found = Apart(
            asked=Bounds(self.max_relative_error, self.max_difference_db, self.max_loss_db),
            relative_error=self.relative_error,
            host_sqnr_db=self.host_sqnr_db,
            difference_db=self.difference_db,
            loss_error_db=self.loss_error_db,
            worst_margin=max((flip.reference_margin for flip in self.flips), default=0.0),
            max_margin=self.max_margin,
        )
        return found.checks(f"{self.host.title} on this machine")


class Validation(Finding):
    """One bundle compared with one reference by one runtime.

    Every field from ``report`` to ``emulation`` is None or empty if nothing could be run. Pictures of one source digit
    are not independent. If the pictures are the bundled digits, the intervals and ``mcnemar_p`` are over the digits.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this format."""
    bundle: str
    """Name of the bundle's folder."""
    variant: str
    """LeViT variant."""
    recipe: str
    """Name of the recipe."""
    artifact_sha256: Sha256
    """SHA-256 of the artifact."""
    reference: str
    """Name of the reference."""
    pictures_from: str
    """Where the pictures are from: the name of a folder, archive or built-in set, or a URL without secrets."""
    labels_source: LabelsSource | None = None
    """Where the bundle's labels came from; None if its contract does not state it."""
    skipped: tuple[str, ...] = ()
    """Pictures that could not be read, one sentence each."""
    runtime: Runtime | None
    """What ran the artifact; None if the bundle could not be judged."""
    verdict: Verdict
    """Whether the artifact computes what the reference computes."""
    reasons: tuple[str, ...]
    """Why the verdict is not proven, one sentence each."""
    error_code: str | None = None
    """Code of the error that prevented the validation; None if there was none."""
    notes: tuple[str, ...] = ()
    """What a reader should know besides, one sentence each."""
    report: ParityReport | None = None
    """The figures over all pictures."""
    top1_interval: Interval | None = None
    """Wilson's 95% interval of the top-1 agreement, 0 to 1."""
    top5_interval: Interval | None = None
    """Wilson's 95% interval of the top-5 agreement, 0 to 1."""
    clusters: int | None = None
    """Number of source digits that the pictures show; None if every picture is taken as independent."""
    errors: tuple[float, ...] = ()
    """Largest error of each picture, in logits, in the order of the pictures."""
    flips: tuple[Picture, ...] = ()
    """All pictures for which the top class differs."""
    worst: tuple[Picture, ...] = ()
    """The pictures with the largest errors."""
    accuracy: Accuracy | None = None
    """Accuracy of both models; None without labels."""
    drill: Drill | None = None
    """The error of every block; None if it was not asked."""
    emulation: Emulation | None = None
    """The comparison with this machine, for a pass on an ARM64 core."""
    seconds: float = 0.0
    """How long the pass took."""
    processes: int = 1
    """Number of processes that shared the work."""
    versions: dict[str, str] = {}
    """Versions of the packages involved, by distribution."""

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every bound that is set, in the order of ``Tolerance``, those of a core last; empty if nothing ran."""
        if self.report is None:
            return ()
        of_labels = accuracy_checks(self.accuracy, self.report.tolerance)
        return (*self.report.checks, *of_labels, *(self.emulation.checks() if self.emulation else ()))
