"""What was timed, on what, under which conditions: one record for this machine, Android and iOS.

It holds what was measured, in the order in which it was, and no statistics: those are computed where it is read. The
JSON schema that apps write by is `timing.schema.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from levit_mobile.errors import TimingError
from levit_mobile.interfaces.runner import ComputeUnits
from levit_mobile.recipe import Verdict
from levit_mobile.system.atomic_write import write_text
from levit_mobile.system.files import Sha256, model_json, read_json
from levit_mobile.timing.earlier import READABLE, upgraded
from levit_mobile.timing.ratios import by_process
from levit_mobile.timing.samples import Samples

SCHEMA_VERSION: Literal[2] = 2
Platform = Literal["host", "android", "ios"]
# iOS's ProcessInfo.ThermalState, then Android's PowerManager.getCurrentThermalStatus, each in its own words.
Thermal = Literal[
    "nominal", "fair", "serious", "critical", "none", "light", "moderate", "severe", "emergency", "shutdown"
]
Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Celsius = Annotated[float, Field(ge=-273.15, allow_inf_nan=False)]
Kilohertz = tuple[Annotated[int, Field(gt=0)] | None, ...]  # of each core by its number, None where it is unknown


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the time has no time zone, expected UTC such as 2026-01-31T12:00:00Z")
    return moment


Moment = Annotated[datetime, AfterValidator(_in_utc)]


class RecordPart(BaseModel):
    """Base of everything here: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), use_attribute_docstrings=True)


class App(RecordPart):
    """What took the times: "levit-mobile", or an app's identifier; and its version."""

    name: str
    """`levit-mobile`, or the app's identifier."""
    version: str
    """Version of the tool or app."""
    debuggable: bool | None = None
    """Whether it is a debuggable build of an Android app, whose own code is slower; null for everything else."""


class Device(RecordPart):
    """What ran it. `model` is the maker's word (Pixel 8, iPhone16,1), `soc` the chip's or processor's name.

    `os_build` names the very build. `simulated` is a simulator or an emulator, which is never a phone's time. `cores`
    are all that it has.
    """

    platform: Platform
    """Kind of machine: `host` is a computer."""
    model: str
    """The maker's name for the model, such as `Pixel 8` or `iPhone16,1`."""
    soc: str
    """Name of the chip or processor."""
    os: str
    """Name of the operating system."""
    os_version: str
    """Version of the operating system."""
    os_build: str
    """Exact build of the operating system."""
    cores: Annotated[int, Field(ge=1)]
    """Number of all CPU cores. Unit: cores."""
    memory_bytes: Count | None = None
    """Size of the main memory; null when unknown. Unit: bytes."""
    simulated: bool = False
    """True for a simulator or an emulator, whose times are never a phone's."""
    emulated_cores: bool = False
    """True when an emulator such as qemu executed the instructions, whose times are no processor's."""
    core_max_khz: Kilohertz = ()
    """Maximum frequency that the hardware of each core allows, by core number, null for an unknown one; empty when
    unknown. Unit: kHz."""

    @property
    def identity(self) -> Self:
        """What tells one device from another; records of schema 1 do not have the frequencies."""
        return self.model_copy(update={"core_max_khz": ()})


class Conditions(RecordPart):
    """A device at one moment; None where it is unknown.

    `battery_percent` is 0 to 100, `load` the runnable processes a core over the last minute.
    """

    thermal: Thermal | None = None
    """Thermal state in the platform's own words; null when unknown."""
    battery_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Charge of the battery; null when unknown. Unit: %."""
    charging: bool | None = None
    """Whether the device is charging; null when unknown."""
    low_power_mode: bool | None = None
    """Whether the low-power mode is on; null when unknown."""
    load: Annotated[float, Field(ge=0)] | None = None
    """Runnable processes per core over the last minute; null when unknown."""
    core_khz: Kilohertz = ()
    """Current frequency of each core, by core number, null for an offline one; empty when unknown. Unit: kHz."""
    core_limit_khz: Kilohertz = ()
    """Highest frequency that the system allows each core at this moment, by core number, null for an offline one;
    empty when unknown. Unit: kHz."""
    thermal_headroom: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """How near Android is to severe throttling, which begins at 1.0, as `PowerManager.getThermalHeadroom` returns it;
    null when unknown."""
    hottest_celsius: Celsius | None = None
    """Highest temperature that any sensor reports; null when unknown. Unit: °C."""
    battery_celsius: Celsius | None = None
    """Temperature of the battery; null when unknown. Unit: °C."""
    screen_on: bool | None = None
    """Whether the screen is on; null when unknown."""
    fixed_performance_mode: bool | None = None
    """Whether Android's fixed performance mode is on, which limits the clocks to what the device can sustain; null when
    unknown."""


class Parity(RecordPart):
    """What the artifact computes where it was timed, on golden pictures, against the trained model's logits.

    `reasons` say why a verdict is not proven. Figures are None where they could not be had; `sqnr_db` is None too for
    logits without any error.
    """

    verdict: Verdict
    """Whether the artifact computes what the trained model computes on this device."""
    reasons: tuple[str, ...] = ()
    """Why the verdict is not proven, one sentence each."""
    against: str = ""
    """What the logits were compared with."""
    pictures: Count = 0
    """Number of golden pictures compared."""
    max_abs_error: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Largest error of any logit; null when not measured. Unit: logits."""
    sqnr_db: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Signal-to-quantization-noise ratio; null when not measured, or without any error. Unit: dB."""
    top1_agreement: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of pictures with the same top class; null when not measured. Unit: share, 0 to 1."""


class Block(RecordPart):
    """One block of the model in a profile: the time it adds in ms, a sample a round, and its ops by name."""

    name: str
    """Name of the block in the model."""
    samples_ms: tuple[Annotated[float, Field(allow_inf_nan=False)], ...]
    """Time that the block adds, one sample per round. Unit: ms."""
    ops: dict[str, int] = {}
    """Number of ops of each kind."""


class Profile(RecordPart):
    """Time by block, in the order in which they run; `how` is the method of measurement."""

    how: str
    """How the time was split into blocks."""
    blocks: tuple[Block, ...]
    """The blocks, in the order in which they run."""


class Timing(RecordPart):
    """One artifact.

    Boundaries: `load_ms` from the file to a model that can run, `first_run_ms` the first inference after it, each in a
    process of its own (an app: after a fresh start), as often as that was done. `samples_ms` is the runtime's own call
    with the input in place: one inference of one picture; several processes follow each other, and `process_samples`
    counts those of each, empty for one process. `end_to_end_samples_ms` is from a decoded RGB picture of
    `picture_px` (width, height) in memory to float logits: resize, crop, layout, inference. `preprocess_samples_ms` is
    the resize and the crop in these. Of each process, `memory_before_bytes` was resident before it loaded, and
    `peak_memory_bytes` at most until it had run.

    `threads` is for CPUs, `compute_units` for Core ML. `accelerator` names what computes: xnnpack, gpu, nnapi, coreml.
    Without samples, `not_run` says why.
    """

    name: str
    """Name of the artifact, unique in the run."""
    file: str
    """File or folder that was timed."""
    sha256: Sha256
    """SHA-256 of the artifact; the same digest as in its contract."""
    bytes: Count
    """Size of the artifact. Unit: bytes."""
    target: str
    """Format of the artifact: `coreml`, `executorch` or `tflite`."""
    variant: str | None = None
    """Which LeViT it is; null when unknown."""
    recipe: str | None = None
    """Name of the recipe; null for artifacts that this tool did not make."""
    contract_sha256: Sha256 | None = None
    """SHA-256 of the bundle's contract; null without a bundle."""
    runtime: str
    """Name of the runtime that ran the artifact."""
    runtime_version: str
    """Version of the runtime."""
    accelerator: str
    """What computes: `xnnpack`, `gpu`, `nnapi` or `coreml`; with ` fp16` behind it where float16 was asked for."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Number of CPU threads; null for Core ML."""
    compute_units: ComputeUnits | None = None
    """Processors that Core ML may use; null for other runtimes."""
    parity: Parity
    """What the artifact computes on this device."""
    load_ms: tuple[Milliseconds, ...] = ()
    """Time from the file to a model that can run, once per fresh process. Unit: ms."""
    first_run_ms: tuple[Milliseconds, ...] = ()
    """Time of the first inference after loading, once per fresh process. Unit: ms."""
    memory_before_bytes: tuple[Count, ...] = ()
    """Resident memory before loading, once per fresh process. Unit: bytes."""
    peak_memory_bytes: tuple[Count, ...] = ()
    """Peak resident memory until the first inference ended, once per fresh process. Unit: bytes."""
    pss_bytes: tuple[Count, ...] = ()
    """Proportional set size after the first inference, once per fresh process: memory that several processes share
    counts in equal parts. Only Android reports it. Unit: bytes."""
    input_shape: tuple[Count, ...] = ()
    """Shape of the input that was timed, the batch first; empty where it was not recorded. Unit: elements."""
    warmup_runs: Count = 0
    """Inferences before the first sample, not kept."""
    samples_ms: tuple[Milliseconds, ...] = ()
    """Time of the runtime's own call for one picture, one sample per round, in order. Unit: ms."""
    process_samples: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Number of samples of each process, in order; empty for one process."""
    end_to_end_samples_ms: tuple[Milliseconds, ...] = ()
    """Time from a decoded RGB picture in memory to float logits. Unit: ms."""
    preprocess_samples_ms: tuple[Milliseconds, ...] = ()
    """Part of each end-to-end time that resizes and crops; empty where it was not measured apart. Unit: ms."""
    picture_px: tuple[int, int] | None = None
    """Width and height of the picture that end to end begins with. Unit: px."""
    not_run: str | None = None
    """Why there are no samples; null when there are some."""
    profile: Profile | None = None
    """Time by block; null when it was not measured."""
    notes: tuple[str, ...] = ()
    """Remarks for the reader, one sentence each."""

    @property
    def by_process(self) -> tuple[Samples, ...]:
        """`samples_ms`, those of each process by themselves."""
        return by_process(self.samples_ms, self.process_samples)

    @model_validator(mode="after")
    def _timed_or_told(self) -> Self:
        if bool(self.samples_ms) == bool(self.not_run):
            raise ValueError("samples_ms and not_run are both present or both missing, expected one of the two")
        if self.process_samples and sum(self.process_samples) != len(self.samples_ms):
            raise ValueError(
                f"process_samples adds up to {sum(self.process_samples)}, expected {len(self.samples_ms)}, "
                "the number of samples_ms"
            )
        if self.samples_ms and (self.threads is None) == (self.compute_units is None):
            raise ValueError("threads and compute_units are both present or both missing, expected one of the two")
        return self


class TimingRun(RecordPart):
    """One run on one device. `interleaved`: every round timed each artifact once, in turn.

    `against` names the timings that the others are compared with; `command` makes the run again; `cores` are those that
    the run was pinned to, empty for none.
    """

    schema_version: Literal[2]
    """Version of this format; readers refuse an unknown one."""
    app: App
    """What measured the times."""
    started_at: Moment
    """Start of the run, in UTC."""
    device: Device
    """The machine or phone."""
    before: Conditions
    """State of the device before the run."""
    after: Conditions
    """State of the device after the run."""
    during: tuple[Conditions, ...] = ()
    """States of the device at moments of the run, in order; empty where none was recorded."""
    cooling_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """How long the run waited in all for the device to cool; null when it was not asked to wait. Unit: s."""
    cores: tuple[int, ...] = ()
    """Numbers of the CPU cores that the run was pinned to; empty for none."""
    interleaved: bool
    """True when every round timed each artifact once, in turn."""
    incomplete: str | None = None
    """Why the run ended early, such as a phone that was unplugged; null for a complete run."""
    command: str = ""
    """Command line that repeats the run."""
    against: tuple[str, ...] = ()
    """Names of the timings that the others are compared with."""
    timings: tuple[Timing, ...]
    """One entry per artifact."""
    versions: dict[str, str] = {}
    """Version of each package that took part, by name."""

    @model_validator(mode="before")
    @classmethod
    def _of_schema_1_too(cls, data: Any) -> Any:
        return upgraded(data) if isinstance(data, Mapping) and data.get("schema_version") == 1 else data

    @property
    def chosen_cores(self) -> tuple[int, ...]:
        """The cores that a user chose, on which a time depends; those of a host are equal, and `bench` draws them."""
        return self.cores if self.device.platform == "android" else ()

    @property
    def moments(self) -> tuple[Conditions, ...]:
        """The states of the device in the order of time: before, during and after the run."""
        return (self.before, *self.during, self.after)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [timing.name for timing in self.timings]
        if len(set(names)) < len(names):
            raise ValueError("two timings have the same name, expected unique ones")
        if unknown := set(self.against) - set(names):
            raise ValueError(f"against names timings that do not exist: {', '.join(sorted(unknown))}")
        return self

    def lacks(self, earlier: TimingRun) -> tuple[str, ...]:
        """Names of artifacts that `earlier` has timed, its `against` left out, and this run has not."""
        timed = {timing.name for timing in self.timings if timing.samples_ms}
        asked = [timing.name for timing in earlier.timings if timing.samples_ms and timing.name not in earlier.against]
        return tuple(name for name in asked if name not in timed)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file of one run, of schema 1 or 2.

        Raises:
            TimingError: It cannot be read (``timing.unreadable``), or is not a run of a known schema
                (``timing.schema``).
        """
        return read_json(cls, path, TimingError, "a timing record", schema=READABLE)

    def written(self) -> str:
        """Return the run as JSON, with one line per value."""
        return model_json(self) + "\n"

    def write(self, path: str | Path) -> None:
        """Write the run to a file, completely or not at all.

        Raises:
            BundleError: The file cannot be written (``bundle.unwritable``).
        """
        write_text(Path(path), self.written())
