"""The timing plan that the demo apps read: which bundles they time, where, and how often.

The classes `TimingPlan` in Kotlin (`android_demo/core`) and Swift (`ios_demo/LevitMobileKit`) have the same fields and
defaults, and accept no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import TimingError
from levit_mobile.system.files import read_json

Accelerator = Literal["cpu", "gpu", "neural-engine"]
AndroidThermal = Literal["none", "light", "moderate", "severe", "critical", "emergency", "shutdown"]
Pixels = Annotated[int, Field(ge=1, le=8192)]
MOST_SEED = 2**32 - 1
RUNS_ON: Mapping[str, tuple[Accelerator, ...]] = {
    "tflite": ("cpu", "gpu"),
    "executorch": ("cpu",),
    "coreml": ("cpu", "gpu", "neural-engine"),
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PlanStep(_Part):
    """One bundle on one accelerator."""

    bundle: Annotated[str, Field(min_length=1)]
    """Name of the bundle's folder."""
    accelerator: Accelerator = "cpu"
    """Where the artifact runs, and nowhere else. Only Core ML has a Neural Engine, with the CPU for what it lacks."""
    threads: Annotated[int, Field(ge=1)] = 1
    """Number of CPU threads; Core ML chooses by itself."""

    @property
    def name(self) -> str:
        """Name of the step's timing in the record."""
        return f"{self.bundle}-{self.accelerator}{self.threads if self.accelerator == 'cpu' else ''}"


class PlanCoolDown(_Part):
    """When the device is cool enough for the next process."""

    warmest: AndroidThermal = "light"
    """Hottest accepted state in the words of Android's thermal status; an iPhone's `fair` counts as `light`."""
    most_headroom: float = 0.85
    """Largest accepted thermal headroom; severe throttling begins at 1.0."""
    poll_ms: Annotated[int, Field(ge=1)] = 10_000
    """Time between two looks. Unit: ms."""
    longest_ms: Annotated[int, Field(ge=0)] = 300_000
    """Longest wait before one process. Unit: ms."""


class TimingPlan(_Part):
    """What a demo app times. Readers refuse an unknown `schema_version`."""

    schema_version: Literal[1] = 1
    """Version of this format; readers refuse an unknown one."""
    steps: Annotated[tuple[PlanStep, ...], Field(min_length=1)]
    """What is timed."""
    rounds: Annotated[int, Field(ge=1)] = 50
    """Number of timed rounds of each step, which its processes share."""
    warmup_rounds: Annotated[int, Field(ge=0)] = 5
    """Number of rounds that each process runs first and does not record."""
    starts: Annotated[int, Field(ge=1)] = 5
    """Number of fresh processes of each step."""
    picture_px: tuple[Pixels, Pixels] = (640, 480)
    """Width and height of the decoded image that end-to-end timing begins with. Unit: px."""
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    """Seed of the order in which the processes run."""
    cool_down: PlanCoolDown = PlanCoolDown()
    """When the device is cool enough."""

    @model_validator(mode="after")
    def _steps_differ(self) -> Self:
        names = [step.name for step in self.steps]
        if len(set(names)) < len(names):
            raise ValueError("two steps of the plan are the same")
        return self

    @classmethod
    def of(
        cls,
        bundles: Sequence[str | Path],
        accelerators: Sequence[Accelerator] = ("cpu",),
        threads: Sequence[int] = (1,),
        options: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a plan of every bundle on every accelerator that its runtime has.

        Args:
            bundles: Bundle folders, one or more.
            accelerators: Where to run; an ExecuTorch artifact runs on the CPU only.
            threads: Numbers of CPU threads; a GPU and Core ML have one step, whatever they are.
            options: Other fields of the plan by their names, such as ``rounds``. Default: none.

        Returns:
            The plan.

        Raises:
            BundleError: A bundle is damaged; the codes are those of ``open_bundle``.
            TimingError: No bundle runs on any of the accelerators, or a field has no meaning (``timing.option``).
        """
        targets = {Path(path).resolve().name: open_bundle(Path(path)).target.name for path in bundles}
        steps = _steps(targets, accelerators, threads)
        if not steps:
            raise TimingError(f"no bundle runs on {', '.join(accelerators)}: {_runnable(targets)}", fault="option")
        try:
            return cls(steps=steps, **(options or {}))
        except ValidationError as error:
            first = error.errors()[0]
            raise TimingError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", fault="option") from error

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a plan.

        Raises:
            TimingError: It cannot be read (``timing.unreadable``), or is not a plan of a known schema
                (``timing.schema``).
        """
        return read_json(cls, Path(path), TimingError, "a timing plan")

    def written(self) -> str:
        """The plan as JSON on one line."""
        return self.model_dump_json()

    @property
    def bundles(self) -> tuple[str, ...]:
        """Names of its bundles, each once."""
        return tuple(dict.fromkeys(step.bundle for step in self.steps))


def _runnable(targets: Mapping[str, str]) -> str:
    """Which accelerators the given bundles have."""
    known = dict.fromkeys(targets.values())
    words = [f"{target} artifacts run on {', '.join(RUNS_ON[target])}" for target in known]
    return "; ".join(words) or "no bundle was given"


def _steps(
    targets: Mapping[str, str], accelerators: Sequence[Accelerator], threads: Sequence[int]
) -> tuple[PlanStep, ...]:
    """Every bundle on every accelerator that its runtime has."""
    steps = [
        PlanStep(bundle=name, accelerator=accelerator, threads=count)
        for name, target in targets.items()
        for accelerator in accelerators
        if accelerator in RUNS_ON[target]
        for count in (threads if accelerator == "cpu" and target != "coreml" else (1,))
    ]
    return tuple({step.name: step for step in steps}.values())
