"""The starts of an iOS app that make one run: each times one step, and writes a record by itself."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from levit_mobile.demo.checking import read_record
from levit_mobile.demo.ios.app import IosApp, IosStart
from levit_mobile.demo.joining import joined
from levit_mobile.demo.plan import PlanStep, TimingPlan
from levit_mobile.demo.watching import Watch
from levit_mobile.errors import DeviceError, TimingError
from levit_mobile.system.progress import Progress
from levit_mobile.timing.record import TimingRun

NOT_FINISHED = "the app has not finished the run, or was ended in the middle of it"  # as TimingSession has it
LOADING_S = 900.0  # the first load on the Neural Engine takes minutes, and the app is silent in it
SETTLING_S = 30.0  # until an app that was started anew has completed the record of the process that died
OF_THE_STEP = ("hung", "crashed", "failed")  # faults after which a different step may still run


@dataclass(slots=True)
class Starts:
    """All starts of a plan.

    Attributes:
        app: The app.
        plan: What is timed.
        name: Name of the run; the records are called by it and a number.
        clock: Monotonic time in seconds.
        pause: Waits for a time in seconds.
    """

    app: IosApp
    plan: TimingPlan
    name: str
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _records: list[tuple[PlanStep, TimingRun]] = field(default_factory=list)
    _lost: dict[str, DeviceError] = field(default_factory=dict)
    _files: list[str] = field(default_factory=list)
    _cancelled: bool = False

    @property
    def files(self) -> list[str]:
        """What the starts have left on the phone: paths below the app's folder for computers."""
        return list(self._files)

    def run(self, progress: Progress) -> TimingRun:
        """Start the app for each step and each of its starts.

        Returns:
            One record of all starts. ``incomplete`` names the first step that could not be had, or why the run ended.

        Raises:
            DeviceError: Nothing could be had. The error is that of the first start.
            TimingError: A record cannot be read.
        """
        jobs, ended = _jobs(self.plan), None
        for number, job in enumerate(jobs):
            (step,) = job.steps
            if self._is_settled(step):
                continue
            try:
                self._start(job, number, lambda what, done, of, at=number: progress(what, at + done / of, len(jobs)))
            except DeviceError as error:
                ended = error
                break
        progress("done", len(jobs), len(jobs))
        first = next(iter(self._lost.values()), ended)
        if first is not None and not self._records:
            raise first
        return joined(self.plan, self._records, str(first) if first else None)

    def _is_settled(self, step: PlanStep) -> bool:
        """What could not be timed is not started again."""
        untimed = any(one.name == step.name and not run.timings[0].samples_ms for one, run in self._records)
        return untimed or step.name in self._lost

    def _start(self, job: TimingPlan, number: int, progress: Progress) -> None:
        """Start the app once. Raises DeviceError where no other step can run either."""
        (step,) = job.steps
        begun = IosStart(self.app, f"{self.name}-{number}")
        self._files += begun.files
        try:
            process = self.app.start("--levit-plan", job.written(), "--levit-record", begun.run)
            record = self._watched(IosStart(self.app, begun.run, process), job, progress)
        except DeviceError as error:
            if self._cancelled or error.fault not in OF_THE_STEP:
                raise
            self._lost[step.name] = error
            return
        self._records.append((step, record))

    def _watched(self, start: IosStart, job: TimingPlan, progress: Progress) -> TimingRun:
        watch = Watch(start, start.run, job.cool_down.longest_ms / 1000, LOADING_S, self.clock, self.pause)
        try:
            watch.until_its_end(progress)
        except DeviceError as error:
            self._cancelled = watch.last is not None and watch.last.event == "cancelled"
            if error.fault not in ("hung", "crashed"):
                raise
            return self._settled(start, error)
        return self._fetched(start)

    def _settled(self, start: IosStart, why: DeviceError) -> TimingRun:
        """The app, started anew, completes the record of a process that died or was ended. Raises `why` if not."""
        self.app.start()
        end = self.clock() + SETTLING_S
        while self.clock() < end:
            if (found := self._completed(start)) is not None:
                return _with_reason(found, str(why)) if why.fault == "hung" else found
            self.pause(1.0)
        raise why

    def _completed(self, start: IosStart) -> TimingRun | None:
        try:
            found = self._fetched(start)
        except (DeviceError, TimingError):
            return None
        return found if found.timings and found.incomplete != NOT_FINISHED else None

    def _fetched(self, start: IosStart) -> TimingRun:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "record.json")
            self.app.copy_from(start.files[0], file)
            return read_record(file)


def _with_reason(run: TimingRun, why: str) -> TimingRun:
    """The app knows only that its process was ended, and not that it had hung."""
    (timing,) = run.timings
    if timing.samples_ms:
        return run
    parity = timing.parity.model_copy(update={"reasons": (why,)})
    return run.model_copy(update={"timings": (timing.model_copy(update={"not_run": why, "parity": parity}),)})


def _jobs(plan: TimingPlan) -> list[TimingPlan]:
    """One plan per start and step: every step starts once before any starts again, in an order that is drawn."""
    drawn = random.Random(plan.seed)
    jobs = []
    for start in range(plan.starts):
        rounds = plan.rounds // plan.starts + (start < plan.rounds % plan.starts)
        for step in drawn.sample(plan.steps, len(plan.steps)) if rounds else []:
            jobs.append(plan.model_copy(update={"steps": (step,), "starts": 1, "rounds": rounds}))
    return jobs
