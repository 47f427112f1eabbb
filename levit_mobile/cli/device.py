"""`levit-mobile device`."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import typer

from levit_mobile.cli.bench_options import AdbOption, WarmupOption
from levit_mobile.cli.common import FAILED, NOT_RUN, known_failures, log_file, say, understood
from levit_mobile.cli.device_options import (
    AcceleratorOption,
    ApkOption,
    AppOption,
    BundlesArgument,
    CoolDownOption,
    IdentifierOption,
    KeepOption,
    OutOption,
    PictureOption,
    PlanOption,
    ProjectOption,
    RoundsOption,
    SeedOption,
    SerialOption,
    StartsOption,
    StrictOption,
    SystemArgument,
    TeamOption,
    ThreadsOption,
)
from levit_mobile.cli.options import JsonOption, QuietOption, VerboseOption, picture_size
from levit_mobile.cli.paths import deployable_of, require_existing
from levit_mobile.recipe import Verdict

if TYPE_CHECKING:
    from levit_mobile import AppOptions, IosAppOptions, TimingPlan, TimingRun

    Options = AppOptions | IosAppOptions

Platform = Literal["android", "ios"]
KNOWN: tuple[Platform, ...] = get_args(Platform)
PROJECT, IDENTIFIER = Path("ios_demo", "LevitDemo.xcodeproj"), "dev.levitmobile.demo"
COLUMNS = 3  # artifacts side by side on a terminal
ROUNDS, WARMUP, STARTS, COOL_DOWN_S, PICTURE = 50, 5, 5, 300, "640x480"
MOST_PX = 8192  # as the plan has it
Accelerator = Literal["cpu", "gpu", "neural-engine"]
ACCELERATORS: tuple[Accelerator, ...] = get_args(Accelerator)
PLAIN = re.compile(r"[^A-Za-z0-9]+")


def device(
    system: SystemArgument,
    bundles: BundlesArgument = None,
    apk: ApkOption = None,
    app: AppOption = None,
    team: TeamOption = None,
    project: ProjectOption = PROJECT,
    identifier: IdentifierOption = IDENTIFIER,
    plan: PlanOption = None,
    serial: SerialOption = None,
    accelerator: AcceleratorOption = None,
    threads: ThreadsOption = None,
    rounds: RoundsOption = ROUNDS,
    warmup: WarmupOption = WARMUP,
    starts: StartsOption = STARTS,
    picture: PictureOption = PICTURE,
    cool_down: CoolDownOption = COOL_DOWN_S,
    seed: SeedOption = 0,
    out: OutOption = None,
    strict: StrictOption = False,
    adb: AdbOption = None,
    keep: KeepOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Time bundles in the demo app on an Android phone or an iPhone, and fetch the timing record.

    Installs the app, copies the bundles, starts the plan, shows progress, and checks the record. Each artifact runs its
    golden images on the phone first, and is not timed where they fail. An iPhone needs a Mac with Xcode.

    Exit codes: 0 done, 1 broken, ended early or failed, 2 wrong usage, 3 not run under --strict.
    """
    if system not in KNOWN:
        raise typer.BadParameter(f"unknown {system!r}, expected {', '.join(KNOWN)}")
    platform: Platform = "ios" if system == "ios" else "android"
    asked = _Asked(accelerator, threads, rounds, warmup, starts, picture, cool_down, seed)
    _require_use(bundles or [], plan, asked)
    _require_system(system, {"--apk": apk, "--adb": adb}, {"--app": app, "--team": team})
    size = understood(lambda: picture_size(picture, MOST_PX))
    known = understood(lambda: _accelerators(accelerator or ["cpu"], platform))
    with known_failures(as_json=json):
        import levit_mobile

        if platform == "ios":
            options: Options = understood(
                lambda: levit_mobile.IosAppOptions(serial, app, team, project, identifier, keep)
            )
        else:
            options = understood(lambda: levit_mobile.AppOptions(serial, apk, adb, keep))
        chosen = deployable_of(bundles, platform) if bundles else []
        wanted = levit_mobile.TimingPlan.read(plan) if plan else _made(chosen, asked, known, size)
        run = _timed(chosen, wanted, options, log_file("device", verbose=verbose), quiet=quiet)
        place = out or _place(chosen, run)
        place.parent.mkdir(parents=True, exist_ok=True)
        run.write(place)
    _print(run, place, as_json=json)
    _exit(run, strict=strict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options that make a plan."""

    accelerators: list[str] | None = None
    threads: list[int] | None = None
    rounds: int = ROUNDS
    warmup: int = WARMUP
    starts: int = STARTS
    picture: str = PICTURE
    cool_down_s: int = COOL_DOWN_S
    seed: int = 0


def _require_use(bundles: Sequence[Path], plan: Path | None, asked: _Asked) -> None:
    if not bundles and plan is None:
        raise typer.BadParameter("neither a bundle nor --plan was given")
    if plan is not None and asked != _Asked():
        raise typer.BadParameter("--plan states what is timed: leave out the options that would make a plan")
    require_existing([*bundles, *([plan] if plan else [])])


def _require_system(system: str, android: Mapping[str, object], ios: Mapping[str, object]) -> None:
    """Options of the other system would be ignored."""
    others = ios if system == "android" else android
    if given := [name for name, value in others.items() if value is not None]:
        raise typer.BadParameter(f"{given[0]} has no meaning for {system}")


def _made(
    bundles: Sequence[Path], asked: _Asked, accelerators: Sequence[Accelerator], size: tuple[int, int]
) -> TimingPlan:
    """The plan of the options. Raises BundleError."""
    import levit_mobile

    return understood(
        lambda: levit_mobile.TimingPlan.of(
            bundles,
            accelerators,
            asked.threads or [1],
            {
                "rounds": asked.rounds,
                "warmup_rounds": asked.warmup,
                "starts": asked.starts,
                "picture_px": size,
                "seed": asked.seed,
                "cool_down": {"longest_ms": 1000 * asked.cool_down_s},
            },
        )
    )


def _timed(bundles: Sequence[Path], plan: TimingPlan, options: Options, log: Path | None, *, quiet: bool) -> TimingRun:
    import levit_mobile
    from levit_mobile.cli.progress import shown

    command = shlex.join(["levit-mobile", *sys.argv[1:]])
    with shown(log, quiet=quiet) as progress:
        if isinstance(options, levit_mobile.IosAppOptions):
            return levit_mobile.bench_in_ios_app(bundles, plan=plan, app=options, command=command, progress=progress)
        return levit_mobile.bench_in_app(bundles, plan=plan, app=options, command=command, progress=progress)


def _place(bundles: Sequence[Path], run: TimingRun) -> Path:
    """Where `report` finds it: below the folder of the bundles."""
    root = bundles[0].resolve().parent if bundles else Path()
    model = PLAIN.sub("-", run.device.model).strip("-").lower() or "phone"
    return root / "timings" / f"{model}-{run.started_at.astimezone(UTC):%Y%m%d-%H%M%S}.json"


def _exit(run: TimingRun, *, strict: bool) -> None:
    verdicts = [timing.parity.verdict for timing in run.timings]
    if run.incomplete or Verdict.BROKEN in verdicts:
        raise typer.Exit(FAILED)
    if strict and any(timing.not_run for timing in run.timings):
        raise typer.Exit(NOT_RUN)


def _accelerators(names: Sequence[str], platform: Platform) -> list[Accelerator]:
    """Raises ValueError for one that the platform does not have."""
    known = [name for name in ACCELERATORS if platform == "ios" or name != "neural-engine"]
    for name in names:
        if name not in known:
            raise ValueError(f"--accelerator is {name!r}, expected {', '.join(known)} for {platform}")
    return cast("list[Accelerator]", list(dict.fromkeys(names)))


def _print(run: TimingRun, place: Path, *, as_json: bool) -> None:
    from rich.console import Console

    from levit_mobile.reporting.tables import bench as tables

    if as_json:
        typer.echo(run.written(), nl=False)
    else:
        say(tables.headline(run), err=False)
        console = Console()
        for start in range(0, len(run.timings), COLUMNS):
            console.print(tables.timing_table(run, run.timings[start : start + COLUMNS]))
    for line in tables.reason_lines(run):
        say(line)
    say(f"timing record: {place}", err=as_json)
