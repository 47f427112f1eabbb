"""`levit-mobile bench`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from levit_mobile.cli.bench_options import (
    AdbOption,
    ArithmeticOption,
    ArtifactsArgument,
    BaselineOption,
    CoolDownOption,
    CoresOption,
    DataOption,
    FixedPerformanceOption,
    KeepOption,
    MethodOption,
    OnOption,
    OutOption,
    PayloadOption,
    PictureOption,
    ProfileOption,
    RoundsOption,
    SlowdownOption,
    StartsOption,
    StrictOption,
    ThreadsOption,
    UnitsOption,
    WarmupOption,
)
from levit_mobile.cli.common import FAILED, NOT_RUN, known_failures, log_file, say, understood
from levit_mobile.cli.options import (
    AgainstOption,
    ClusterOption,
    ForceOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    picture_size,
)
from levit_mobile.cli.paths import artifacts_of, require_existing
from levit_mobile.recipe import Verdict

if TYPE_CHECKING:
    from levit_mobile import BenchOptions, DeviceOptions, Slowdown, TimingRun

COOL_DOWN_S = 120
COLUMNS = 3  # artifacts side by side on a terminal


def bench(
    artifacts: ArtifactsArgument,
    against: AgainstOption = None,
    rounds: RoundsOption = 150,
    warmup: WarmupOption = 5,
    starts: StartsOption = 5,
    threads: ThreadsOption = 1,
    compute_units: UnitsOption = "all",
    picture: PictureOption = "640x480",
    profile: ProfileOption = False,
    method: MethodOption = "forward",
    data: DataOption = None,
    baseline: BaselineOption = None,
    max_slowdown: SlowdownOption = 1.10,
    strict: StrictOption = False,
    out: OutOption = None,
    on: OnOption = None,
    adb: AdbOption = None,
    keep: KeepOption = False,
    cores: CoresOption = None,
    arithmetic: ArithmeticOption = None,
    fixed_performance: FixedPerformanceOption = False,
    cool_down: CoolDownOption = COOL_DOWN_S,
    payload: PayloadOption = None,
    cluster: ClusterOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Time artifacts on this machine or on a phone, interleaved, each with a verdict on its logits.

    Loads every artifact in fresh processes, then times all of them in turn, in random order. Reports load, first run,
    inference, end-to-end time and memory, and ratios with 95% intervals.

    Exit codes: 0 done, 1 broken or slower than --max-slowdown allows, 2 wrong usage, 3 undecided under --strict.
    """
    size = understood(lambda: picture_size(picture))
    _require_baseline(baseline, strict=strict, starts=starts)
    _require_run(payload, {"--out": out, "--baseline": baseline, "--json": json}, force=force)
    on_phone = {"--adb": adb, "--keep": keep}
    on_device = {"--cores": cores, "--arithmetic": arithmetic, "--cool-down": cool_down != COOL_DOWN_S}
    on_device["--fixed-performance"] = fixed_performance
    here = {"--profile": profile, "--method": method != "forward", "--data": data, "--cluster": cluster}
    _require_use(on, payload, on_phone, on_device, here)
    require_existing([*artifacts, *(against or [])])
    with known_failures(as_json=json):
        import levit_mobile

        before = levit_mobile.TimingRun.read(baseline) if baseline else None
        options = levit_mobile.BenchOptions(rounds, warmup, starts, threads, compute_units, size, profile, method, data)
        told = on or "android", adb, keep, cores, arithmetic, fixed_performance, cool_down
        device = understood(lambda: levit_mobile.DeviceOptions(*told))
        chosen, damaged = _sound(artifacts_of(artifacts))
        asked = _Asked(chosen, artifacts_of(against or []), options, device, cluster)
        if payload is not None:
            _write(asked, payload, force=force)
            raise typer.Exit(FAILED if damaged else 0)
        run = _timed(asked, log_file("bench", verbose=verbose), here=on is None, quiet=quiet)
        if out is not None:
            run.write(out)
        found, undecided = _compared(run, before, max_slowdown)
    _print(run, found, as_json=json)
    slower = [sentence for one in found if (sentence := one.broken(max_slowdown))]
    _exit(run, slower, undecided, damaged=damaged, strict=strict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What both functions take."""

    artifacts: list[Path]
    against: list[Path]
    options: BenchOptions
    device: DeviceOptions
    cluster: str | None

    @property
    def command(self) -> str:
        """As it was typed."""
        return shlex.join(["levit-mobile", *sys.argv[1:]])


def _timed(asked: _Asked, log: Path | None, *, here: bool, quiet: bool) -> TimingRun:
    import levit_mobile
    from levit_mobile.cli.progress import shown

    on_device = partial(levit_mobile.bench_on_device, device=asked.device)
    time = partial(levit_mobile.bench, cluster=asked.cluster) if here else on_device
    with shown(log, quiet=quiet) as progress:
        return time(
            asked.artifacts, against=asked.against, options=asked.options, command=asked.command, progress=progress
        )


def _write(asked: _Asked, folder: Path, *, force: bool) -> None:
    import levit_mobile

    made = levit_mobile.write_payload(
        asked.artifacts,
        folder,
        against=asked.against,
        options=asked.options,
        device=asked.device,
        command=asked.command,
        force=force,
    )
    say(f"{made.folder}: start it on a phone with `sh run.sh`; README.txt has the commands for farms", err=False)
    say(f"{made.archive}: the same as one file", err=False)


def _exit(run: TimingRun, errors: Sequence[str], undecided: Sequence[str], *, damaged: bool, strict: bool) -> None:
    """Print what must not be missed, and end with the code for it."""
    for sentence in errors:
        say(f"error: {sentence}")
    for sentence in undecided:
        say(f"UNDECIDED: {sentence}")
    if damaged or errors or run.incomplete or any(timing.parity.verdict == Verdict.BROKEN for timing in run.timings):
        raise typer.Exit(FAILED)
    if strict and undecided:
        raise typer.Exit(NOT_RUN)


def _require_baseline(baseline: Path | None, *, strict: bool, starts: int) -> None:
    if strict and baseline is None:
        raise typer.BadParameter("--strict has no effect without --baseline")
    if baseline is not None and starts < 2:
        raise typer.BadParameter("--baseline needs --starts 2 or more: one process gives no interval to compare")


def _require_run(payload: Path | None, of_a_run: Mapping[str, Any], *, force: bool) -> None:
    """`--payload` times nothing, so there is no record; and only it writes a folder that can be replaced."""
    if payload is not None:
        _require_absent(of_a_run, "with --payload, which times nothing")
    elif force:
        raise typer.BadParameter("--force has no effect without --payload")


def _require_use(
    on: str | None,
    payload: Path | None,
    on_phone: Mapping[str, Any],
    on_device: Mapping[str, Any],
    here: Mapping[str, Any],
) -> None:
    """Options are given only where they have an effect: over adb, on a device, or on this machine."""
    if on is not None and payload is not None:
        raise typer.BadParameter("--on and --payload were both given, expected one of the two")
    device = on is not None or payload is not None
    if on in (None, "local"):
        _require_absent(on_phone, "without --on android")
    if on == "local":
        _require_absent({"--fixed-performance": on_device["--fixed-performance"]}, "without Android")
    if not device:
        _require_absent(on_device, "without --on or --payload")
    if device:
        _require_absent(here, "on a device, but on this machine only")


def _require_absent(options: Mapping[str, Any], where: str) -> None:
    if given := [name for name, value in options.items() if value]:
        raise typer.BadParameter(f"{given[0]} has no effect {where}")


def _sound(paths: Sequence[Path]) -> tuple[list[Path], bool]:
    """The artifacts and sound bundles among several, and whether there are damaged ones, which do not stop the others.

    Raises BundleError where nothing is left to time.
    """
    from levit_mobile.bundle.listing import damaged

    errors = damaged(paths)
    sound = [path for path in paths if path not in errors]
    if errors and not sound:
        raise next(iter(errors.values()))
    for path, refusal in errors.items():
        say(f"error: {path} is not timed: {refusal}")
    return sound, bool(errors)


def _compared(run: TimingRun, before: TimingRun | None, most: float) -> tuple[Sequence[Slowdown], list[str]]:
    """The slowdowns against a baseline, and what they leave open; an incomplete run may lack whole processes."""
    import levit_mobile

    if before is None:
        return (), []
    if run.incomplete is not None:
        return (), ["the run ended early, so it was not compared with the baseline"]
    found = levit_mobile.slowdowns(run, before)
    return found, _undecided(found, most, run.lacks(before))


def _undecided(found: Sequence[Slowdown], most: float, lacking: Sequence[str]) -> list[str]:
    """What the comparison with the baseline leaves open, a sentence each."""
    said = [sentence for one in found if (sentence := one.undecided(most))]
    return said + [f"the baseline has timed {name}, and this run has not" for name in lacking]


def _print(run: TimingRun, found: Sequence[Slowdown], *, as_json: bool) -> None:
    """Results on stdout; what must not be missed, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import bench as tables

    if as_json:
        typer.echo(run.written(), nl=False)
    else:
        say(tables.headline(run), err=False)
        console = Console()
        for start in range(0, len(run.timings), COLUMNS):
            console.print(tables.timing_table(run, run.timings[start : start + COLUMNS], found))
        for timing in run.timings:
            if timing.profile:
                console.print(tables.profile_table(timing))
    for line in tables.reason_lines(run):
        say(line)
