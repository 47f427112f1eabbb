"""bench_in_app(): install -> push bundles -> start the plan -> watch -> fetch the record -> check it."""

from __future__ import annotations

import secrets
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.demo.android.app import FILES, LINES, DemoApp
from levit_mobile.demo.checking import read_record, require_artifacts
from levit_mobile.demo.options import AppOptions
from levit_mobile.demo.plan import TimingPlan
from levit_mobile.demo.watching import Watch
from levit_mobile.deployment.copies import source_of
from levit_mobile.deployment.deploy import deploy
from levit_mobile.deployment.index import INDEX_FILE, BundleIndex
from levit_mobile.device.adb import Adb
from levit_mobile.errors import DeviceError, TimingError
from levit_mobile.system.atomic_write import write_text
from levit_mobile.system.progress import Progress, called, silent
from levit_mobile.timing.record import TimingRun

BUNDLES, PLAN, RECORDS = f"{FILES}/bundles", f"{FILES}/plan.json", f"{FILES}/timings"
ASSETS_INDEX = f"assets/bundles/{INDEX_FILE}"
MOST_WORDS = 30_000  # characters of a plan on a command line; adb takes 64 KiB
DIED = "the app died in the middle of the run"


def bench_in_app(
    bundles: Sequence[str | Path] = (),
    *,
    plan: TimingPlan | None = None,
    app: AppOptions | None = None,
    command: str = "",
    progress: Progress = silent,
) -> TimingRun:
    """Time bundles in the Android demo app on a phone, each in fresh processes of the app, after its golden images.

    Bundles that the app lacks are pushed to its folder on the shared storage, and removed afterwards. The app stays
    installed. It is stopped in every way out, an interruption included.

    Args:
        bundles: Bundle folders for Android. They may be left out for a plan of bundles that the app brings along.
        plan: What is timed. Default: every bundle on the CPU with one thread.
        app: Which phone and which app. Default: the one phone that is ready, and the app that it has.
        command: The command line that makes this run again, stored in the record.
        progress: Called while files are copied, and as the run goes on.

    Returns:
        The record. If the app died after the first times, they are kept, and ``incomplete`` has the reason.

    Raises:
        DeviceError: No phone is ready, it went away, the app is missing (``device.no-app``), cannot be installed
            (``device.install``), died (``device.crashed``), or wrote nothing for too long (``device.hung``); or the
            record is not one of the given bundles (``device.damaged``).
        TimingError: The record cannot be read (``timing.unreadable``), is not of a known schema (``timing.schema``), or
            there is neither a bundle nor a plan, or the plan names a bundle that nobody has (``timing.option``).
        BundleError: A bundle is damaged; the codes are those of ``open_bundle``.

    Example:
        >>> options = levit_mobile.AppOptions(apk=Path("app-release.apk"))
        >>> run = levit_mobile.bench_in_app(["build/levit_128s-tflite-int8"], app=options)
        >>> run.timings[0].parity.verdict
        <Verdict.PROVEN: 'proven'>
    """
    opened = {Path(path).resolve().name: open_bundle(Path(path)) for path in bundles}
    chosen = plan or TimingPlan.of(bundles)
    if any(step.accelerator == "neural-engine" for step in chosen.steps):
        raise TimingError("the plan asks for the Neural Engine, which Android does not have", fault="option")
    options = app or AppOptions()
    phone = Adb.found(options.adb).device(options.serial)
    demo, name = DemoApp(phone), f"levit-mobile-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        stack.enter_context(phone.claimed())
        if options.apk is not None:
            demo.install(options.apk, progress)
        path = demo.require()
        stack.enter_context(_cleaned(demo, name, keep=options.keep))
        demo.stop()
        demo.start()
        demo.require_folder()
        _push_bundles(demo, opened, path, chosen, progress)
        _start(demo, chosen, name)
        run = _record(demo, name, chosen, progress)
    require_artifacts(run, chosen, opened, phone.name)
    return run.model_copy(update={"command": command or run.command})


@contextmanager
def _cleaned(demo: DemoApp, name: str, *, keep: bool) -> Iterator[None]:
    """The app is stopped, and nothing of this run stays there; a phone that is gone keeps what it has."""
    try:
        yield
    finally:
        with suppress(DeviceError):
            demo.stop()
            if not keep:
                demo.remove(BUNDLES, PLAN, f"{RECORDS}/{name}.json", LINES)


def _push_bundles(
    demo: DemoApp, given: Mapping[str, OpenBundle], apk: str, plan: TimingPlan, progress: Progress
) -> None:
    """Those that the plan needs and the app does not bring along."""
    demo.remove(BUNDLES)
    there = _index_in(demo, apk).named()
    if lacking := [name for name in plan.bundles if name not in given and name not in there]:
        raise TimingError(
            f"the plan names {lacking[0]}, which was not given and which the app does not have; the app has "
            f"{', '.join(there) or 'no bundle'}",
            fault="option",
        )
    wanted = {name: one for name, one in given.items() if name in plan.bundles}
    missing = [one.path for name, one in wanted.items() if name not in there or source_of(one).entry != there[name]]
    if missing:
        with tempfile.TemporaryDirectory() as folder:
            deploy(missing, folder)
            demo.phone.push(Path(folder), BUNDLES, called(progress, "pushing the bundles"), executable=False)


def _index_in(demo: DemoApp, apk: str) -> BundleIndex:
    """The bundles in the installed APK; none where the phone cannot unpack it."""
    done = demo.phone.shell(f"unzip -p {shlex.quote(apk)} {ASSETS_INDEX} 2>/dev/null")
    try:
        return BundleIndex.model_validate_json(done.text)
    except ValidationError:
        return BundleIndex(schema_version=1, bundles=())


def _start(demo: DemoApp, plan: TimingPlan, name: str) -> None:
    text = plan.written()
    if len(text) <= MOST_WORDS:
        demo.start("--es", "plan", text, "--es", "record", name)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "plan.json")
        write_text(file, text)
        demo.phone.push(file, PLAN, silent, executable=False)
    demo.start("--es", "plan-file", PLAN, "--es", "record", name)


def _record(demo: DemoApp, name: str, plan: TimingPlan, progress: Progress) -> TimingRun:
    """The record of the run, also of one whose app died or hung. Raises DeviceError and TimingError."""
    watch = Watch(demo, name, plan.cool_down.longest_ms / 1000)
    try:
        incomplete = _until_its_end(watch, progress)
        return _pulled(demo, name, incomplete)
    except DeviceError as error:
        if error.fault == "gone":
            place = f"{RECORDS}/{name}.json"
            raise error.reworded(f"{error}; what the app has measured stays on the phone in {place}") from error
        raise


def _until_its_end(watch: Watch, progress: Progress) -> str | None:
    """Why the run ended early; None if it did not. Raises DeviceError where nothing was measured."""
    try:
        return None if watch.until_its_end(progress).event == "finished" else DIED
    except DeviceError as error:
        if error.fault in ("hung", "failed") and watch.has_measured:
            return str(error)
        raise


def _pulled(demo: DemoApp, name: str, incomplete: str | None) -> TimingRun:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{name}.json")
        demo.phone.pull(f"{RECORDS}/{name}.json", file)
        run = read_record(file)
    return run.model_copy(update={"incomplete": incomplete}) if incomplete else run
