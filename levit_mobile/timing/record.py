"""What was timed, on what, under which conditions: one record for this machine, Android and iOS.

It holds what was measured, in the order in which it was, and no statistics: those are computed where it is read. The
JSON schema that apps write by is `timing.schema.json`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from levit_mobile.errors import TimingError
from levit_mobile.interfaces.runner import ComputeUnits
from levit_mobile.recipe import Verdict
from levit_mobile.system.atomic_write import write_text
from levit_mobile.system.files import Sha256, read_json
from levit_mobile.timing.ratios import by_process
from levit_mobile.timing.samples import Samples

SCHEMA_VERSION: Literal[1] = 1
Platform = Literal["host", "android", "ios"]
# iOS's ProcessInfo.ThermalState, then Android's PowerManager.getCurrentThermalStatus, each in its own words.
Thermal = Literal[
    "nominal", "fair", "serious", "critical", "none", "light", "moderate", "severe", "emergency", "shutdown"
]
Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone, expected UTC such as 2026-01-31T12:00:00Z")
    return moment


Moment = Annotated[datetime, AfterValidator(_in_utc)]


class RecordPart(BaseModel):
    """Base of everything here: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class App(RecordPart):
    """What took the times: "levit-mobile", or an app's identifier; and its version."""

    name: str
    version: str


class Device(RecordPart):
    """What ran it. `model` is the maker's word (Pixel 8, iPhone16,1), `soc` the chip's or processor's name.

    `os_build` names the very build. `simulated` is a simulator or an emulator, which is never a phone's time. `cores`
    are all that it has.
    """

    platform: Platform
    model: str
    soc: str
    os: str
    os_version: str
    os_build: str
    cores: Annotated[int, Field(ge=1)]
    memory_bytes: Count | None = None
    simulated: bool = False


class Conditions(RecordPart):
    """A device at one moment; None is what it cannot tell.

    `battery_percent` is 0 to 100, `load` the runnable processes a core over the last minute.
    """

    thermal: Thermal | None = None
    battery_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    charging: bool | None = None
    low_power_mode: bool | None = None
    load: Annotated[float, Field(ge=0)] | None = None


class Parity(RecordPart):
    """What the artifact computes where it was timed, on golden pictures, against the trained model's logits.

    `reasons` say why a verdict is not proven. Figures are None where they could not be had; `sqnr_db` is None too for
    logits without any error.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    against: str = ""
    pictures: Count = 0
    max_abs_error: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    sqnr_db: Annotated[float, Field(allow_inf_nan=False)] | None = None
    top1_agreement: Annotated[float, Field(ge=0, le=1)] | None = None


class Block(RecordPart):
    """One block of the model in a profile: the time it adds in ms, a sample a round, and its ops by name."""

    name: str
    samples_ms: tuple[Annotated[float, Field(allow_inf_nan=False)], ...]
    ops: dict[str, int] = {}


class Profile(RecordPart):
    """Time by block, in the order in which they run; `how` says how the runtime was made to tell."""

    how: str
    blocks: tuple[Block, ...]


class Timing(RecordPart):
    """One artifact.

    Boundaries: `load_ms` from the file to a model that can run, `first_run_ms` the first inference after it, each in a
    process of its own (an app: after a fresh start), as often as that was done. `samples_ms` is the runtime's own call
    with the input in place: one inference of one picture; several processes follow each other, and `process_samples`
    counts those of each, empty for one process. `end_to_end_samples_ms` is from a decoded RGB picture of
    `picture_px` (width, height) in memory to float logits: resize, crop, layout, inference. Of each process,
    `memory_before_bytes` was resident before it loaded, and `peak_memory_bytes` at most until it had run.

    `threads` is for CPUs, `compute_units` for Core ML. `accelerator` names what computes: xnnpack, gpu, nnapi, coreml.
    Without samples, `not_run` says why.
    """

    name: str
    file: str
    sha256: Sha256
    bytes: Count
    target: str
    variant: str | None = None
    recipe: str | None = None
    contract_sha256: Sha256 | None = None
    runtime: str
    runtime_version: str
    accelerator: str
    threads: Annotated[int, Field(ge=1)] | None = None
    compute_units: ComputeUnits | None = None
    parity: Parity
    load_ms: tuple[Milliseconds, ...] = ()
    first_run_ms: tuple[Milliseconds, ...] = ()
    memory_before_bytes: tuple[Count, ...] = ()
    peak_memory_bytes: tuple[Count, ...] = ()
    warmup_runs: Count = 0
    samples_ms: tuple[Milliseconds, ...] = ()
    process_samples: tuple[Annotated[int, Field(ge=1)], ...] = ()
    end_to_end_samples_ms: tuple[Milliseconds, ...] = ()
    picture_px: tuple[int, int] | None = None
    not_run: str | None = None
    profile: Profile | None = None
    notes: tuple[str, ...] = ()

    @property
    def by_process(self) -> tuple[Samples, ...]:
        """`samples_ms`, those of each process by themselves."""
        return by_process(self.samples_ms, self.process_samples)

    @model_validator(mode="after")
    def _timed_or_told(self) -> Self:
        if bool(self.samples_ms) == bool(self.not_run):
            raise ValueError("samples_ms and not_run: expected one of the two")
        if self.process_samples and sum(self.process_samples) != len(self.samples_ms):
            raise ValueError("process_samples: expected numbers that sum up to those of samples_ms")
        if self.samples_ms and (self.threads is None) == (self.compute_units is None):
            raise ValueError("threads and compute_units: expected one of the two")
        return self


class TimingRun(RecordPart):
    """One run on one device. `interleaved`: every round timed each artifact once, in turn.

    `against` names the timings that the others are compared with; `command` makes the run again; `cores` are those that
    the run was pinned to, empty for none.
    """

    schema_version: Literal[1]
    app: App
    started_at: Moment
    device: Device
    before: Conditions
    after: Conditions
    cores: tuple[int, ...] = ()
    interleaved: bool
    command: str = ""
    against: tuple[str, ...] = ()
    timings: tuple[Timing, ...]
    versions: dict[str, str] = {}

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [timing.name for timing in self.timings]
        if len(set(names)) < len(names):
            raise ValueError("timings: two have one name")
        if unknown := set(self.against) - set(names):
            raise ValueError(f"against: no timing is called {', '.join(sorted(unknown))}")
        return self

    def lacks(self, earlier: TimingRun) -> tuple[str, ...]:
        """Names of artifacts that `earlier` has timed, its `against` left out, and this run has not."""
        timed = {timing.name for timing in self.timings if timing.samples_ms}
        asked = [timing.name for timing in earlier.timings if timing.samples_ms and timing.name not in earlier.against]
        return tuple(name for name in asked if name not in timed)

    @classmethod
    def read(cls, path: Path) -> Self:
        """A file of one run; raises TimingError when it cannot be read, is none, or of another schema."""
        return read_json(cls, path, TimingError, "no timing")

    def written(self) -> str:
        """As JSON, a line each."""
        return self.model_dump_json(indent=2) + "\n"

    def write(self, path: str | Path) -> None:
        """Write it to a file, whole or not at all. Raises BundleError when it cannot be written."""
        write_text(Path(path), self.written())
