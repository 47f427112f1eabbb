"""Everything found below a folder as one HTML page that holds all it shows: nothing fetched, one script that sorts."""

from __future__ import annotations

import math
import shlex
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from itertools import takewhile
from pathlib import Path, PurePosixPath

from markupsafe import Markup

from levit_mobile.overview import join
from levit_mobile.overview.collect import FoundRun, Gathered
from levit_mobile.overview.join import Artifact, DeviceRow, Timed
from levit_mobile.overview.pareto import Point
from levit_mobile.overview.shipping import shipping_line
from levit_mobile.reporting import text
from levit_mobile.reporting.pages import reproduction
from levit_mobile.reporting.pages.conditions import facts
from levit_mobile.reporting.pages.templates import environment
from levit_mobile.reporting.plots.axes import responsive
from levit_mobile.reporting.plots.pareto import TARGETS, front_key, front_plot
from levit_mobile.reporting.plots.times import MOST_STRIPS, Strip, distributions, profile_bars
from levit_mobile.reporting.warnings import concerns, counted, device_title, overall, plural, setting, units
from levit_mobile.timing.figures import called
from levit_mobile.timing.ratios import told
from levit_mobile.timing.record import Device, Profile
from levit_mobile.timing.samples import Summary

GENERATOR = "levit-mobile report"
HEAD_BYTES = 2048  # of a page, in which its generator stands
MOST_OPEN = 12  # artifacts whose details stand open
MOST_ROWS = 40  # of a table that is shown without a scroll bar of its own
COLUMNS = ("minimum", "median", "p90", "p99", "end_to_end", "load", "first_run")  # of times
NONE = (None,) * 4
WIDTHS = {1: 960.0, 2: 600.0, 3: 400.0}  # px of a plot, by the columns of plots
CARDS_BELOW = "64rem"  # width of the screen, below which rows of tables are cards
PROFILE_WIDTH, KEY_WIDTH = 900.0, 960.0
BETWEEN = "-_./ "  # where a name may be cut


@dataclass(frozen=True, slots=True)
class Panel:
    """What is drawn of one device; `left_out` counts timings beyond the drawn ones."""

    title: str
    simulated: bool
    front: Markup
    times: Markup
    left_out: int


@dataclass(frozen=True, slots=True)
class Section:
    """One artifact with everything that is known of it, and the lines that make it again."""

    anchor: str
    found: Artifact
    conversion: str | None
    validations: tuple[str, ...]
    profiles: tuple[tuple[str, Markup], ...]


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package, and who said it; `alone` where all say the same one."""

    name: str
    version: str
    said_by: tuple[str, ...]
    alone: bool


def page(found: Gathered, artifacts: Sequence[Artifact], *, written: datetime | None = None) -> str:
    """The whole page, `written` now unless told."""
    made = environment(called, device_title, ms, mb, plural, raw, setting, shipping_line, told)
    script = files("levit_mobile.reporting.pages").joinpath("sort.js").read_text(encoding="utf-8")
    rows = join.rows(artifacts)
    searched = reproduction.searched(found.root)
    sections = [_section(number, artifact, searched) for number, artifact in enumerate(artifacts, 1)]
    panels = list(_panels(rows, _prefix(artifacts)))
    drawn = made.get_template("overview.html.j2").render(
        generator=GENERATOR,
        cards_below=CARDS_BELOW,
        written=written or datetime.now(UTC),
        version=version("levit-mobile"),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        folder=found.root.resolve().name,
        searched=shlex.quote(str(searched)),
        verdict=overall(artifacts),
        counted=counted(artifacts),
        period=_period(found.runs),
        found=found,
        facts=facts,
        concerns=list(concerns(artifacts, rows)),
        rows=rows,
        most_rows=MOST_ROWS,
        anchors={section.found.title: section.anchor for section in sections},
        prefix=_prefix(artifacts),
        key=responsive(front_key, KEY_WIDTH),
        panels=panels,
        columns=panel_columns(len(panels)),
        times=_times(rows),
        sections=sections,
        opened=len(sections) <= MOST_OPEN,
        packages=list(_packages(found)),
    )
    return text.clean(drawn)


def is_report(file: Path) -> bool:
    """Did `page` write it? Not where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return f'content="{GENERATOR}"'.encode() in opened.read(HEAD_BYTES)
    except OSError:
        return False


def ms(value: float | None, column: Iterable[float] = ()) -> str:
    """As text; a dash for None."""
    return text.MISSING if value is None else text.ms(value, column)


def mb(size: float | None) -> str:
    """Bytes in MB, a dash for None."""
    return text.MISSING if size is None else f"{size / text.MEGA:.2f}"


def raw(value: float | None) -> str:
    """A number as the script sorts it; empty for what is none."""
    if value is None or math.isnan(value):
        return ""
    return repr(float(value)) if math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"


def panel_columns(panels: int) -> int:
    """Columns of plots on a wide screen, which leave no half of a row empty."""
    return {1: 1, 2: 2, 4: 2}.get(panels, 3)


def _times(rows: Sequence[DeviceRow]) -> dict[str, list[float]]:
    """All times of each column, in ms."""
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for figures in (row.timed.figures for row in rows if row.timed):
        inference, whole = figures.inference, figures.end_to_end
        known = (
            *((inference.minimum_ms, inference.median_ms, inference.p90_ms, inference.p99_ms) if inference else NONE),
            whole.median_ms if whole else None,
            figures.load_ms,
            figures.first_run_ms,
        )
        for name, value in zip(COLUMNS, known, strict=True):
            columns[name] += [] if value is None else [value]
    return columns


def _period(runs: Sequence[FoundRun]) -> str:
    """The days of the runs, in UTC."""
    days = sorted({f"{found.run.started_at.astimezone(tz=UTC):%Y-%m-%d}" for found in runs})
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days else ""


def _prefix(artifacts: Sequence[Artifact]) -> str:
    """What all names begin with, up to a place where they may be cut; plots leave it out."""
    titles = [artifact.title for artifact in artifacts]
    pairs = zip(min(titles), max(titles), strict=False) if len(titles) > 1 else ()
    common = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return common[: max((common.rfind(sign) for sign in BETWEEN), default=-1) + 1]


def _section(number: int, artifact: Artifact, searched: PurePosixPath) -> Section:
    profiles = [(one, one.timing.profile) for one in artifact.timed]
    return Section(
        anchor=f"artifact-{number}",
        found=artifact,
        conversion=reproduction.conversion(artifact, searched),
        validations=tuple(reproduction.validations(artifact, searched)),
        profiles=tuple((_profiled(one), _profile(profile)) for one, profile in profiles if profile),
    )


def _profile(found: Profile) -> Markup:
    return responsive(partial(profile_bars, found), PROFILE_WIDTH)


def _profiled(timed: Timed) -> str:
    how = timed.timing.profile.how if timed.timing.profile else ""
    return f"{device_title(timed.device)}: {how}"


def _panels(rows: Sequence[DeviceRow], prefix: str) -> Iterator[Panel]:
    """One a device; what a later run timed again is left out."""
    by_device: dict[Device, list[tuple[DeviceRow, Timed, Summary]]] = defaultdict(list)
    for row in rows:
        if row.timed and row.timed.latest and row.timed.figures.inference:
            by_device[row.timed.device.identity].append((row, row.timed, row.timed.figures.inference))
    width = WIDTHS[panel_columns(len(by_device))]
    for device, timed in sorted(by_device.items(), key=lambda pair: _order(pair[0])):
        labels = _labels([one for _, one, _ in timed], [row for row, _, _ in timed], prefix)
        title, left_out = device_title(device), max(0, len(timed) - MOST_STRIPS)
        points = [_point(*one, label) for one, label in zip(timed, labels, strict=True)]
        strips = [_strip(*one, label) for one, label in zip(timed, labels, strict=True)]
        front = responsive(partial(front_plot, points, title), width)
        yield Panel(title, device.simulated, front, responsive(partial(distributions, strips, title), width), left_out)


def _order(device: Device) -> tuple[bool, str, str]:
    """Phones before what is none."""
    return device.simulated or device.platform == "host", device.platform, device_title(device)


def _labels(timed: Sequence[Timed], rows: Sequence[DeviceRow], prefix: str) -> list[str]:
    """Names without what all begin with, and of the setting as much as tells them apart."""
    names = [row.artifact.title.removeprefix(prefix) for row in rows]
    ways = (
        names,
        [f"{name}, {units(one.timing)}" for name, one in zip(names, timed, strict=True)],
        [f"{name}, {setting(one.timing)}, {one.timing.runtime}" for name, one in zip(names, timed, strict=True)],
        [one.timing.name.removeprefix(prefix) for one in timed],
    )
    often = [Counter(way) for way in ways]
    return [
        next((way[place] for way, counts in zip(ways, often, strict=True) if counts[way[place]] == 1), names[place])
        for place in range(len(names))
    ]


def _point(row: DeviceRow, timed: Timed, inference: Summary, label: str) -> Point:
    best = row.best_known
    return Point(
        label=label,
        target=row.artifact.target,
        size_mb=timed.timing.bytes / text.MEGA,
        median_ms=inference.median_ms,
        sqnr_db=best.sqnr_db if best else None,
        verdict=row.verdict,
    )


def _strip(row: DeviceRow, timed: Timed, inference: Summary, label: str) -> Strip:
    style = TARGETS.index(row.artifact.target) if row.artifact.target in TARGETS else len(TARGETS)
    return Strip(label, timed.timing.samples_ms, inference, f"s{style}")


def _packages(found: Gathered) -> Iterator[Package]:
    """Every version that anything says, in the order of packages."""
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for source, versions in _versions(found):
        for name, one in versions.items():
            said[name, one].append(source)
    counts = [name for name, _ in said]
    for (name, one), sources in sorted(said.items()):
        yield Package(name, one, tuple(dict.fromkeys(sources)), counts.count(name) == 1)


def _versions(found: Gathered) -> Iterator[tuple[str, Mapping[str, str]]]:
    for bundle in found.bundles:
        if bundle.stored:
            contract = bundle.stored.contract
            yield "convert", {**contract.artifact.toolchain, "levit-mobile": contract.tool}
    for one in found.validations:
        yield "validate", one.validation.versions
    for timed in found.runs:
        run = timed.run
        yield device_title(run.device), {**run.versions, run.app.name: run.app.version}
        yield device_title(run.device), {t.runtime: t.runtime_version for t in run.timings}


def summary_line(found: Gathered, artifacts: Sequence[Artifact]) -> str:
    """ "8 artifacts: 8 bundles, 5 validations, 3 runs on 3 devices"."""
    devices = {found.run.device.identity for found in found.runs}
    counts = (
        plural(len(found.bundles), "bundle"),
        plural(len(found.validations), "validation"),
        f"{plural(len(found.runs), 'run')} on {plural(len(devices), 'device')}",
    )
    return f"{plural(len(artifacts), 'artifact')}: {', '.join(counts)}"
