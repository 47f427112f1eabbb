"""The JSON that `report` prints, as types."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict  # typing's own gives pydantic too little before Python 3.12

from levit_mobile.images.labels import LabelsSource
from levit_mobile.overview.evidence import Evidence
from levit_mobile.recipe import Verdict
from levit_mobile.reporting.outputs import Dumped, Dumps, Version
from levit_mobile.system.files import Sha256
from levit_mobile.timing.marks import TimingWarning
from levit_mobile.timing.ratios import Ratio
from levit_mobile.timing.record import Device


class Statistics(TypedDict):
    """Statistics of samples, in ms unless named otherwise."""

    minimum: float
    median: float
    p90: float
    p99: float | None
    iqr: float
    spread: float
    noisy: bool
    pictures_per_second: float


class ReportedTiming(TypedDict):
    """One timing of the row's artifact."""

    file: str
    name: str
    started_at: str
    latest: bool
    device: Annotated[Dumps, Dumped(Device)]
    runtime: str
    runtime_version: str
    accelerator: str
    threads: int | None
    compute_units: str | None
    samples: int
    inference_ms: Statistics | None
    end_to_end_ms: Statistics | None
    load_ms: float | None
    first_run_ms: float | None
    peak_memory_bytes: float | None
    added_memory_bytes: float | None
    second_half_over_first: float | None
    ratios: dict[str, Annotated[Dumps, Dumped(Ratio)]]
    not_run: str | None
    doubts: list[Annotated[Dumps, Dumped(TimingWarning)]]
    command: str


class ReportRow(TypedDict):
    """One artifact, device, runtime and setting."""

    artifact: str
    sha256: Sha256
    target: str
    recipe: str
    variant: str
    labels_source: LabelsSource | None
    bytes: int | None
    bundles: list[str]
    shipping: str
    verdict: Verdict
    claims: list[Annotated[Dumps, Dumped(Evidence)]]
    timing: ReportedTiming | None


class NotRead(TypedDict):
    """A file that claims to be a record and could not be read."""

    place: str
    reason: str


class ReportOutput(TypedDict):
    """What `levit-mobile report --json` prints."""

    schema_version: Version
    verdict: Verdict
    rows: list[ReportRow]
    not_read: list[NotRead]


# doctor
