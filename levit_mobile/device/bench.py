"""bench_on_device(): prepare -> claim the device -> push -> run -> read its lines; what was measured is never lost."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from levit_mobile.arm64 import payload as programs
from levit_mobile.arm64.payload import Payload
from levit_mobile.device import archive, local, planning
from levit_mobile.device.adb import Adb
from levit_mobile.device.archive import PAYLOAD, Written
from levit_mobile.device.conditions import functions, script
from levit_mobile.device.options import DeviceOptions
from levit_mobile.device.phone import ROOT, Phone
from levit_mobile.device.planning import Given, Prepared
from levit_mobile.device.printed import Printed
from levit_mobile.device.reading import timing_run
from levit_mobile.device.script import PLAN, RUN_FILE, Script, text
from levit_mobile.errors import DeviceError, RunnerUnavailable, TimingError
from levit_mobile.system.files import model_json
from levit_mobile.system.progress import Progress, called, silent
from levit_mobile.timing.bench import BenchOptions
from levit_mobile.timing.marks import ANDROID as HEAT
from levit_mobile.timing.record import TimingRun

SILENCE_S = 120.0  # beyond the cool-down: a program prints a line at every inference
COOL = HEAT[0]
LOGGED = 5  # lines of the phone's log in a record


def bench_on_device(
    paths: Sequence[str | Path],
    *,
    against: Sequence[str | Path] = (),
    options: BenchOptions | None = None,
    device: DeviceOptions | None = None,
    command: str = "",
    progress: Progress = silent,
) -> TimingRun:
    """Time bundles and artifacts on a phone over adb, or on an ARM64 machine, by programs that need no app.

    The phone gets the runtimes for ARM64 that ``setup_arm64`` has installed here. Each artifact runs the golden
    pictures there first, and its verdict stands beside its times. Nothing stays on the phone. Several threads may call
    this at once with different phones.

    Args:
        paths: Bundle folders, or ``.tflite`` and ``.pte`` artifacts; Core ML is recorded as NOT RUN.
        against: Baselines of the same kinds, with which the others are compared.
        options: How often and on how many threads. Default: ``BenchOptions()``.
        device: Which device, and how artifacts run there. Default: the one phone that adb lists.
        command: The command line that makes this run again, stored in the record.
        progress: Called while files are copied, and as the runs go on.

    Returns:
        The record. If the phone went away after the first times, they are kept, and ``incomplete`` has the reason.

    Raises:
        DeviceError: No phone is ready, or it went away or failed before anything was timed.
        RunnerUnavailable: The runtimes for ARM64 are not set up, or ``local`` was asked of a different machine.
        TimingError: An option has no meaning on a device (``timing.option``).
        BundleError: A bundle is damaged; the codes are those of ``open_bundle``.
        ArtifactError: A path is not an artifact (``artifact.missing``, ``artifact.unknown-format``).

    Example:
        >>> device = levit_mobile.DeviceOptions("android", cores="f0")
        >>> run = levit_mobile.bench_on_device(["build/levit_128s-tflite-int8"], device=device)
        >>> run.timings[0].parity.verdict
        <Verdict.PROVEN: 'proven'>
    """
    asked, where = options or BenchOptions(), device or DeviceOptions()
    if where.is_local:
        local.require_arm64_linux()
    ready = _prepared(paths, against, asked, where, command)
    if not ready.steps:
        return timing_run(ready.planned, Printed())
    payload = programs.found()
    if where.is_local:
        return _on_this_machine(ready, payload, asked, where, progress)
    return _on_phone(ready, payload, asked, where, progress)


def write_payload(
    paths: Sequence[str | Path],
    folder: str | Path,
    *,
    against: Sequence[str | Path] = (),
    options: BenchOptions | None = None,
    device: DeviceOptions | None = None,
    command: str = "",
    force: bool = False,
) -> Written:
    """Write everything that a phone needs to time artifacts by itself, for a device farm or a USB hub.

    The folder holds the programs, the artifacts and ``run.sh``; ``README.txt`` in it has the commands. The files that
    the run leaves in ``result/`` are what ``report`` reads.

    Args:
        paths: Bundle folders, or ``.tflite`` and ``.pte`` artifacts.
        folder: The folder to write; the archive beside it has the same name with ``.tar.gz``.
        against: Baselines of the same kinds.
        options: How often and on how many threads. Default: ``BenchOptions()``.
        device: How artifacts run there; which device and how it is reached is not used.
        command: The command line that makes this run again, stored in the record.
        force: Replace a folder that an earlier call wrote.

    Returns:
        The paths of both.

    Raises:
        RunnerUnavailable: The runtimes for ARM64 are not set up.
        TimingError: An option has no meaning on a device, or no artifact runs on one (``timing.option``).
        BundleError: A bundle is damaged, or the folder exists or cannot be written.
        ArtifactError: A path is not an artifact.

    Example:
        >>> written = levit_mobile.write_payload(["build/levit_128s-tflite-int8"], "phones")
        >>> written.archive.name
        'phones.tar.gz'
    """
    asked, where = options or BenchOptions(), device or DeviceOptions()
    ready = _prepared(paths, against, asked, where, command)
    if not ready.steps:
        reasons = "; ".join(f"{one.timing.name}: {one.timing.not_run}" for one in ready.planned.artifacts)
        raise TimingError(f"none of the artifacts runs on an ARM64 device: {reasons}", fault="option")
    payload = programs.found()
    content = {**_content(ready), **{f"{PAYLOAD}/{name}": payload.path / name for name in payload.files}}
    script = _script(ready, PAYLOAD, asked, where, archive.names({**content, RUN_FILE: b""}), log=True)
    return archive.write(Path(folder), {**content, RUN_FILE: text(script).encode()}, force=force)


def _prepared(
    paths: Sequence[str | Path],
    against: Sequence[str | Path],
    options: BenchOptions,
    device: DeviceOptions,
    command: str,
) -> Prepared:
    if options.profile or options.method != "forward" or options.data is not None:
        raise TimingError("profile, method and data are options for this machine, not for a device", fault="option")
    given = Given(device.mask, device.arithmetic)
    found = [Path(path) for path in paths], [Path(path) for path in against]
    return planning.prepared(*found, options, given, command=command, local=device.is_local)


def _content(ready: Prepared) -> dict[str, bytes | Path]:
    """All files of the run's folder but the script."""
    return {
        **ready.files,
        **{file.name: file for file in (script(), *functions())},
        PLAN: model_json(ready.planned).encode(),
    }


def _script(
    ready: Prepared, payload: str, options: BenchOptions, device: DeviceOptions, files: tuple[str, ...], *, log: bool
) -> Script:
    return Script(
        steps=tuple(ready.steps),
        payload=payload,
        files=files,
        warmup=options.warmup,
        rounds=options.rounds,
        starts=options.starts,
        cool_down_s=device.cool_down_s,
        fixed_performance=device.fixed_performance,
        keep=device.keep,
        remove_payload=not log and not device.is_local and not device.keep,
        log=log,
    )


@contextmanager
def _run_folder(ready: Prepared, payload: str, options: BenchOptions, device: DeviceOptions) -> Iterator[Path]:
    """Everything but the payload, in a folder that is removed at the end."""
    content = _content(ready)
    script = _script(ready, payload, options, device, (*content, RUN_FILE), log=False)
    with tempfile.TemporaryDirectory(prefix="levit-mobile-") as folder:
        for name, data in {**content, RUN_FILE: text(script).encode()}.items():
            target = Path(folder) / name
            if isinstance(data, Path):
                target.symlink_to(data.resolve())
            else:
                target.write_bytes(data)
        yield Path(folder)


def _on_this_machine(
    ready: Prepared, payload: Payload, options: BenchOptions, device: DeviceOptions, progress: Progress
) -> TimingRun:
    printed = Printed()
    with _run_folder(ready, PAYLOAD, options, device) as folder:
        (folder / PAYLOAD).symlink_to(payload.path)
        with local.lines(folder, RUN_FILE) as lines:
            _listen(lines, printed, ready, progress)
    if printed.refused:
        raise RunnerUnavailable(f"this machine does not run the programs: {printed.refused}", fault="platform")
    return timing_run(ready.planned, printed)


def _on_phone(
    ready: Prepared, payload: Payload, options: BenchOptions, device: DeviceOptions, progress: Progress
) -> TimingRun:
    phone = Adb.found(device.adb).device(device.serial)
    phone.require_arm64()
    place, shared = f"{ROOT}/run-{secrets.token_hex(4)}", f"{ROOT}/payload-{payload.digest[:16]}"
    with ExitStack() as stack:
        folder = stack.enter_context(_run_folder(ready, f"../{Path(shared).name}", options, device))
        stack.enter_context(phone.claimed())
        if not device.keep:
            stack.enter_context(_removed(phone, place, shared))
        phone.push(payload.path, shared, called(progress, "pushing the runtimes"))
        phone.push(folder, place, called(progress, "pushing the artifacts"))
        return _streamed(phone, place, ready, device, progress)


@contextmanager
def _removed(phone: Phone, *places: str) -> Iterator[None]:
    """Nothing of these stays, unless the phone is gone, whose script removes what it can."""
    try:
        yield
    finally:
        for place in places:
            with suppress(DeviceError):
                phone.remove(place)


def _streamed(phone: Phone, place: str, ready: Prepared, device: DeviceOptions, progress: Progress) -> TimingRun:
    printed, ended = Printed(), None
    silence_s = SILENCE_S + device.cool_down_s
    try:
        with phone.stream(f"sh {place}/{RUN_FILE}", silence_s=silence_s) as lines:
            _listen((line.decode(errors="replace") for line in lines), printed, ready, progress)
    except DeviceError as error:
        printed.remarks += [f"the phone's log ends with: {' | '.join(error.log[-LOGGED:])}"] if error.log else []
        if (made := timing_run(ready.planned, printed)).incomplete is None:
            return made  # it came to its end, where each program had failed with a reason of its own
        if not any(one.count for one in printed.artifacts.values()):
            raise _refusal(phone, printed, error) from error
        ended = str(error)
    return timing_run(ready.planned, printed, ended=ended)


def _refusal(phone: Phone, printed: Printed, error: DeviceError) -> DeviceError:
    """The script's own reason is better than its exit code."""
    if printed.refused is None:
        return error
    return DeviceError(f"{phone.name} does not run the programs: {printed.refused}", fault="not-executable")


def _listen(lines: Iterable[str], printed: Printed, ready: Prepared, progress: Progress) -> None:
    of = ready.planned.rounds * len(ready.steps)
    for line in lines:
        what = printed.feed(line)
        done = sum(one.count for one in printed.artifacts.values())
        hot = what == "cooling" and printed.looks[-1].status not in (None, COOL)
        progress(_title(done, len(ready.steps), hot=hot), min(done, of), of)


def _title(done: int, artifacts: int, *, hot: bool) -> str:
    if hot:
        return "waiting for the device to cool"
    return f"timing {artifacts} artifacts" if done else "starting on the device"
