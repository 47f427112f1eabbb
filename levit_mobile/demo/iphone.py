"""bench_in_ios_app(): build or install -> copy bundles -> start the app once per step and start -> fetch -> join."""

from __future__ import annotations

import random
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.demo.checking import read_record, require_artifacts
from levit_mobile.demo.devicectl import INSTALL_S, Devicectl, Iphone
from levit_mobile.demo.joining import joined
from levit_mobile.demo.options import IosAppOptions
from levit_mobile.demo.plan import PlanStep, TimingPlan
from levit_mobile.errors import DeviceError, TimingError
from levit_mobile.system.printable import printable
from levit_mobile.system.progress import Progress, silent
from levit_mobile.timing.record import TimingRun

FOLDER = "Documents/levit"  # as HostFolder of LevitMobileKit has it
NOT_FINISHED = "the app has not finished the run, or was ended in the middle of it"  # as TimingSession has it
SCHEME, CONFIGURATION, PRODUCT = "LevitDemo Release", "Release", "LevitDemo.app"
EVERY_S = 2.0
SILENCE_S = 300.0  # beyond the cool-down: the first load on the Neural Engine takes minutes
BUILD_S = 1800.0


@dataclass(frozen=True, slots=True)
class IosApp:
    """The demo app on one iPhone."""

    devicectl: Devicectl
    phone: Iphone
    identifier: str

    def install(self, app: Path) -> None:
        """Install or update it. Raises DeviceError (``device.install``)."""
        words = ("device", "install", "app", "--device", self.phone.identifier, str(app))
        self.devicectl.call(*words, timeout_s=INSTALL_S)

    def start(self, *arguments: str) -> None:
        """End the running app and start it anew with these arguments. Raises DeviceError."""
        words = ("device", "process", "launch", "--device", self.phone.identifier, "--terminate-existing")
        self.devicectl.call(*words, self.identifier, *arguments)

    def copy_to(self, source: Path, place: str) -> None:
        """Copy a file or a folder into the app's container. Raises DeviceError."""
        self.devicectl.call(*self._copy("to"), "--source", str(source), "--destination", place, timeout_s=INSTALL_S)

    def copy_from(self, place: str, target: Path) -> None:
        """Copy a file out of the app's container. Raises DeviceError."""
        self.devicectl.call(*self._copy("from"), "--source", place, "--destination", str(target))

    def _copy(self, direction: str) -> tuple[str, ...]:
        domain = ("--domain-type", "appDataContainer", "--domain-identifier", self.identifier)
        return "device", "copy", direction, "--device", self.phone.identifier, *domain


def bench_in_ios_app(
    bundles: Sequence[str | Path] = (),
    *,
    plan: TimingPlan | None = None,
    app: IosAppOptions | None = None,
    command: str = "",
    progress: Progress = silent,
) -> TimingRun:
    """Time bundles in the iOS demo app on an iPhone, each in fresh processes of the app, after its golden images.

    Given bundles are copied to the app's documents and removed afterwards. The app stays installed. An app cannot start
    processes, so this function starts the app once for each step of the plan and each of its starts, in drawn orders.

    Args:
        bundles: Bundle folders for iOS. They may be left out for a plan of bundles that the app brings along.
        plan: What is timed. Default: every bundle on the CPU with one thread.
        app: Which phone and which app. Default: the one phone that is ready, and the app that it has.
        command: The command line that makes this run again, stored in the record.
        progress: Called as the run goes on.

    Returns:
        The record. If a start failed after the first times, they are kept, and ``incomplete`` has the reason.

    Raises:
        RunnerUnavailable: This is no Mac (``runner.platform``), or it has no Xcode (``runner.not-installed``).
        DeviceError: No phone is ready, a command of `devicectl` failed, the app wrote nothing for too long
            (``device.hung``), or the record is not one of the given bundles (``device.damaged``).
        TimingError: The app cannot be built, there is neither a bundle nor a plan (``timing.option``), or the record
            cannot be read (``timing.schema``).
        BundleError: A bundle is damaged; the codes are those of ``open_bundle``.

    Example:
        >>> plan = levit_mobile.TimingPlan.of(["build/levit_128s-coreml-fp16"], ["cpu", "neural-engine"])
        >>> run = levit_mobile.bench_in_ios_app(["build/levit_128s-coreml-fp16"], plan=plan)
        >>> [timing.compute_units for timing in run.timings]
        ['cpuOnly', 'cpuAndNeuralEngine']
    """
    opened = {Path(path).resolve().name: open_bundle(Path(path)) for path in bundles}
    chosen, options = plan or TimingPlan.of(bundles), app or IosAppOptions()
    devicectl = Devicectl()
    demo = IosApp(devicectl, devicectl.chosen(options.serial), options.identifier)
    with ExitStack() as stack:
        if options.team is not None:
            demo.install(_built(options, Path(stack.enter_context(tempfile.TemporaryDirectory())), progress))
        elif options.app is not None:
            demo.install(options.app)
        stack.enter_context(_cleaned(demo, keep=options.keep))
        for name, bundle in opened.items():
            if name in chosen.bundles:
                progress(f"copying {name}", 0, 1)
                demo.copy_to(bundle.path, f"{FOLDER}/bundles/{name}")
        run = _run(demo, chosen, progress)
    require_artifacts(run, chosen, opened, demo.phone.name)
    return run.model_copy(update={"command": command or run.command})


@contextmanager
def _cleaned(demo: IosApp, *, keep: bool) -> Iterator[None]:
    """The app removes what was copied; a phone that is gone keeps it."""
    try:
        yield
    finally:
        if not keep:
            with suppress(DeviceError):
                demo.start("--levit-clean")


def _built(options: IosAppOptions, folder: Path, progress: Progress) -> Path:
    """Build the app for a phone. Raises TimingError with the last error of xcodebuild."""
    progress("building the app", 0, 1)
    words = ["xcodebuild", "-project", str(options.project), "-scheme", SCHEME, "-configuration", CONFIGURATION]
    words += ["-destination", "generic/platform=iOS", "-derivedDataPath", str(folder), "-allowProvisioningUpdates"]
    words += [f"DEVELOPMENT_TEAM={options.team}", f"DEMO_BUNDLE_IDENTIFIER={options.identifier}", "build"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=BUILD_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TimingError(f"xcodebuild did not build the app: {error}", fault="option") from error
    made = folder / "Build" / "Products" / f"{CONFIGURATION}-iphoneos" / PRODUCT
    if done.returncode or not made.is_dir():
        lines = (done.stdout + done.stderr).splitlines()
        why = next((line for line in lines if "error:" in line), lines[-1] if lines else "nothing was printed")
        raise TimingError(f"xcodebuild did not build the app: {printable(why)[:300]}", fault="option")
    return made


def _run(demo: IosApp, plan: TimingPlan, progress: Progress) -> TimingRun:
    jobs, name = _jobs(plan), f"levit-mobile-{secrets.token_hex(4)}"
    records: list[tuple[PlanStep, TimingRun]] = []
    for number, job in enumerate(jobs):
        (step,) = job.steps
        if any(one.name == step.name and not run.timings[0].samples_ms for one, run in records):
            continue  # what could not be timed is not started again
        progress(f"timing {step.name}", number, len(jobs))
        try:
            run = _started(demo, job, f"{name}-{number}")
        except DeviceError as error:
            if not records:
                raise
            return joined(plan, records, str(error))
        records.append((step, run))
        if run.incomplete:
            break
    progress("done", len(jobs), len(jobs))
    return joined(plan, records, None)


def _jobs(plan: TimingPlan) -> list[TimingPlan]:
    """One plan per start and step: every step starts once before any starts again, in an order that is drawn."""
    drawn = random.Random(plan.seed)
    jobs = []
    for start in range(plan.starts):
        rounds = plan.rounds // plan.starts + (start < plan.rounds % plan.starts)
        for step in drawn.sample(plan.steps, len(plan.steps)) if rounds else []:
            jobs.append(plan.model_copy(update={"steps": (step,), "starts": 1, "rounds": rounds}))
    return jobs


def _started(demo: IosApp, job: TimingPlan, name: str) -> TimingRun:
    """The record of one start of the app. Raises DeviceError (``device.hung``) and TimingError."""
    demo.start("--levit-plan", job.written(), "--levit-record", name)
    most_s = SILENCE_S + job.cool_down.longest_ms / 1000
    end = time.monotonic() + most_s
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{name}.json")
        while time.monotonic() < end:
            with suppress(DeviceError):  # before the first record there is no file
                demo.copy_from(f"{FOLDER}/records/{name}.json", file)
            if file.exists() and (run := read_record(file)).incomplete != NOT_FINISHED and run.timings:
                return run
            time.sleep(EVERY_S)
    raise DeviceError(
        f"the demo app on {demo.phone.name} wrote no record within {most_s:g} s: keep the phone unlocked and the app "
        "on the screen, and check that it is the app of this version of levit-mobile",
        fault="hung",
    )
