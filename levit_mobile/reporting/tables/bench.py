"""A run of times as a table, and its notes: what `bench` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from levit_mobile.recipe import Verdict
from levit_mobile.reporting.text import MEGA, MISSING, clean, db, ratio_text, shown, table_title, verdict
from levit_mobile.timing.figures import Figures, block_medians, compared, figures
from levit_mobile.timing.marks import marks
from levit_mobile.timing.ratios import PROCESSES, Ratio, told
from levit_mobile.timing.record import Timing, TimingRun
from levit_mobile.timing.regression import Slowdown
from levit_mobile.timing.samples import Summary

OVER, OVER_BASELINE = "  95% interval over", "  its 95% over"  # how many processes the ratios above are over
HEADING = 20  # characters of a row's name: an artifact's may be longer


def headline(run: TimingRun) -> str:
    """The machine and how it timed, in one line."""
    device, rounds = run.device, max((len(timing.samples_ms) for timing in run.timings), default=0)
    processes = max((len(timing.by_process) for timing in run.timings), default=0)
    warmup = max((timing.warmup_runs for timing in run.timings), default=0)
    pinned = f"pinned to core {', '.join(map(str, run.cores))}" if run.cores else "not pinned to a core"
    machine = f"{device.soc} ({device.model}, {device.cores} cores), {device.os} {device.os_version}; {pinned}"
    kind = "interleaved rounds" if run.interleaved else "rounds"
    taken = f"{rounds} {kind} in {told((processes,))}, after {warmup} discarded warm-up rounds in each"
    return clean(f"{machine}; {taken}; only the runtime's call, on one image")


def timing_table(run: TimingRun, shown: Sequence[Timing], slowdowns: Sequence[Slowdown] = ()) -> Table:
    """One column per artifact: three of them fit a terminal of 80 characters. Times are in ms."""
    table = Table(show_header=False)
    table.add_column(style="bold", overflow="fold", max_width=HEADING)
    for _ in shown:
        table.add_column(overflow="fold", justify="right")
    columns = [dict(_cells(run, timing, slowdowns)) for timing in shown]
    for heading in dict.fromkeys(heading for column in columns for heading in column):
        table.add_row(heading, *(column.get(heading, MISSING) for column in columns))
    return table


def _cells(run: TimingRun, timing: Timing, slowdowns: Sequence[Slowdown]) -> Iterator[tuple[str, str]]:
    yield "artifact", _name(timing.name)
    yield "runtime", f"{timing.runtime} {timing.runtime_version}"
    yield (
        "runs on",
        f"{timing.threads} thread{'s' * (timing.threads != 1)}" if timing.threads else str(timing.compute_units),
    )
    yield "MB", f"{timing.bytes / MEGA:.2f}"
    yield "parity", _parity(timing)
    if timing.not_run:
        yield "timed", verdict(Verdict.NOT_RUN)
        return
    found = figures(run, timing)
    yield from _start_cells(found)
    yield from _inference_cells(found)
    if words := "\n".join(dict.fromkeys(mark.word for mark in marks(run))):
        yield "marks", f"[bold red]{words}[/]"
    others = baselines(run)
    ratios = {one.name: one.ratio for one in compared(timing, others)}
    for other in others:
        yield f"vs {_name(other.name)}", ratio_text(ratios[other.name]) if other.name in ratios else MISSING
    yield from _over(OVER, list(ratios.values()))
    own = [slowdown.ratio for slowdown in slowdowns if slowdown.name == timing.name]
    for ratio in own:
        yield "vs the baseline", ratio_text(ratio)
    yield from _over(OVER_BASELINE, own)


def _over(heading: str, ratios: Sequence[Ratio]) -> Iterator[tuple[str, str]]:
    """What the intervals are over; all ratios of one artifact have the same number of processes."""
    if ratios:
        yield heading, told(ratios[0].processes)


def _start_cells(of: Figures) -> Iterator[tuple[str, str]]:
    if of.load_ms is not None:
        yield "load", f"{of.load_ms:.1f}"
        yield "first run", MISSING if of.first_run_ms is None else f"{of.first_run_ms:.2f}"
    if of.peak_bytes is not None:
        yield "memory, MB", f"{of.peak_bytes / MEGA:.0f}"
        yield "  added by model", MISSING if of.added_bytes is None else f"{of.added_bytes / MEGA:.1f}"


def _inference_cells(of: Figures) -> Iterator[tuple[str, str]]:
    found, whole = of.inference, of.end_to_end
    assert found is not None
    yield "inference, min", f"{found.minimum_ms:.2f}"
    yield "  median", f"[bold]{found.median_ms:.2f}[/]"
    yield "  p90", f"{found.p90_ms:.2f}"
    yield "  p99", MISSING if found.p99_ms is None else f"{found.p99_ms:.2f}"
    yield "  IQR / median", f"{found.spread:.1%}" + (" [bold red]NOISY[/]" if found.noisy else "")
    yield "  images per second", f"{found.pictures_per_second:.1f}"
    yield "end to end, median", f"{whole.median_ms:.2f}" if whole else MISSING


def _parity(timing: Timing) -> str:
    found = timing.parity
    if found.sqnr_db is not None:
        return f"{verdict(found.verdict)} {db(found.sqnr_db)}"
    return verdict(found.verdict) + (" exact" if found.max_abs_error == 0 else "")


def baselines(run: TimingRun) -> tuple[Timing, ...]:
    """The artifacts that the run compares with: those it names, or else the first that was timed."""
    timed = [timing for timing in run.timings if timing.samples_ms]
    named = tuple(timing for timing in timed if timing.name in run.against)
    return named or tuple(timed[:1])


def reason_lines(run: TimingRun) -> list[str]:
    """A line for everything that a reader must not miss: what is wrong, was not run, or was disturbed."""
    lines = [f"{timing.name}: {line}" for timing in run.timings for line in _reasons(run, timing)]
    marked = [f"{mark.word}: {mark.sentence}" for mark in marks(run)]
    return [clean(line) for line in (*lines, *marked, *_few_processes(run))]


def _few_processes(run: TimingRun) -> Iterator[str]:
    """What intervals of few processes are worth, where anything is compared."""
    timed = [len(timing.by_process) for timing in run.timings if timing.samples_ms]
    fewest = min(timed, default=0)
    if len(timed) > 1 and fewest == 1:
        yield "NOTE: ratios have no interval: the samples of one process do not show how much processes differ"
    elif len(timed) > 1 and fewest < PROCESSES:
        yield f"NOTE: the intervals are over {told((fewest,))}: they hold, but {PROCESSES} or more give narrower ones"


def _reasons(run: TimingRun, timing: Timing) -> Iterator[str]:
    parity = timing.parity
    label = "BROKEN, but timed" if parity.verdict == Verdict.BROKEN and timing.samples_ms else ""
    for why in parity.reasons:
        yield f"{label or parity.verdict.upper()}: {why}"
    if timing.not_run and timing.not_run not in parity.reasons:
        yield f"NOT RUN: {timing.not_run}"
    found = figures(run, timing).inference
    if found and found.noisy:
        yield f"NOISY: IQR / median is {found.spread:.0%}: the machine was busy; repeat the timing"
    for note in timing.notes:
        yield f"NOTE: {note}"


def profile_table(timing: Timing) -> Table:
    """Time by block, its share of all blocks, and what runs in it."""
    table = Table("block", "ms", "share", "ops", title=table_title(f"{timing.name}: time by block"))
    medians = block_medians(timing.profile) if timing.profile else []
    whole = sum(median for _, median in medians)
    for block, median in medians:
        ops = ", ".join(f"{count} {name}" if count > 1 else name for name, count in block.ops.items())
        table.add_row(_name(block.name), f"{median:.3f}", f"{median / whole:.1%}" if whole else MISSING, _name(ops))
    of_all = Summary.of(timing.samples_ms)
    table.add_row("all blocks", f"{whole:.3f}", "", f"whole artifact: {of_all.median_ms:.3f}" if of_all else "")
    return table


def _name(text: str) -> str:
    return shown(text)
