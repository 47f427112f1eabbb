"""What a reader of many artifacts must see first: verdicts counted, what is broken, and which times to doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from levit_mobile.images.labels import placeholder_note
from levit_mobile.overview.evidence import Evidence
from levit_mobile.overview.join import Artifact, DeviceRow
from levit_mobile.recipe import Verdict
from levit_mobile.timing.figures import called
from levit_mobile.timing.marks import OF_A_RUN
from levit_mobile.timing.record import Device, Timing

MOST_NAMED = 6  # rows by name behind one doubt
MOST_REASONS = 12  # claims that are broken or not run
MOST_SENTENCES = 2  # of one claim
VERDICTS = (Verdict.BROKEN, Verdict.NOT_RUN)  # that have their reasons said
OF_AN_ARTIFACT = {"NO BUNDLE"}  # doubts that an artifact has on every device


@dataclass(frozen=True, slots=True)
class Concern:
    """One line: a word, what it is of, and why."""

    word: str
    of: str
    why: str


def overall(artifacts: Sequence[Artifact]) -> Verdict:
    """Broken if any is, else not run if any is not, else proven."""
    return Verdict.worst(artifact.verdict for artifact in artifacts)


def counted(artifacts: Sequence[Artifact]) -> str:
    """ "6 of 8 artifacts proven, 1 broken, 1 not run"."""
    verdicts = [artifact.verdict for artifact in artifacts]
    others = [f"{verdicts.count(v)} {v}" for v in (Verdict.BY_REFERENCE, *VERDICTS) if v in verdicts]
    return ", ".join([f"{verdicts.count(Verdict.PROVEN)} of {plural(len(verdicts), 'artifact')} proven", *others])


def plural(count: int, word: str) -> str:
    """1 artifact, 2 artifacts."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def device_title(device: Device) -> str:
    """ "Pixel 8, Android 15"; a simulator, a host and emulated cores are marked as such."""
    kind = "simulated" if device.simulated else "host" if device.platform == "host" else ""
    aside = ", ".join(filter(None, (kind, "emulated cores" if device.emulated_cores else "")))
    return f"{called(device)}, {device.os} {device.os_version}" + (f" ({aside})" if aside else "")


def units(timing: Timing) -> str:
    """4 threads; or Core ML's own word."""
    return plural(timing.threads, "thread") if timing.threads else timing.compute_units or ""


def setting(timing: Timing) -> str:
    """ "xnnpack, 4 threads"; what computes is not said twice where it has the runtime's name."""
    own = timing.accelerator.lower() == timing.runtime.lower().replace(" ", "")
    return ", ".join(filter(None, ("" if own else timing.accelerator, units(timing))))


def concerns(artifacts: Sequence[Artifact], rows: Sequence[DeviceRow]) -> Iterator[Concern]:
    """What is broken or not run, with its reasons, then every doubt with the rows that it is of."""
    reasons = list(_reasons(artifacts))
    yield from reasons[:MOST_REASONS]
    if len(reasons) > MOST_REASONS:
        yield Concern("MORE", f"{len(reasons) - MOST_REASONS} more", "listed with their artifacts below")
    yield from _not_timed(rows)
    yield from _without_labels(artifacts)
    yield from _doubts(rows)


def _reasons(artifacts: Sequence[Artifact]) -> Iterator[Concern]:
    for verdict in VERDICTS:
        for artifact in (one for one in artifacts if one.verdict == verdict):
            for claim in _telling(artifact.all_claims, verdict):
                yield Concern(verdict.upper(), artifact.title, f"{claim.source}: {_sentences(claim.reasons)}")


def _telling(claims: Sequence[Evidence], verdict: Verdict) -> Sequence[Evidence]:
    """The claims of that verdict; where a desk could not run it, one says enough."""
    found = [claim for claim in claims if claim.verdict == verdict]
    of_phones = [claim for claim in found if not claim.desk]
    return found if verdict == Verdict.BROKEN else of_phones or found[:1]


def _sentences(reasons: Sequence[str]) -> str:
    more = len(reasons) - MOST_SENTENCES
    return ("; ".join(reasons[:MOST_SENTENCES]) or "no reason is given") + (f"; and {more} more" if more > 0 else "")


def _not_timed(rows: Sequence[DeviceRow]) -> Iterator[Concern]:
    """Those that no verdict has told of."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.timed and row.timed.timing.not_run and row.artifact.verdict.is_proof:
            by_reason[row.timed.timing.not_run].append(f"{row.artifact.title} on {called(row.timed.device)}")
    for reason, names in by_reason.items():
        yield Concern("NOT TIMED", _named(names), reason)


def _without_labels(artifacts: Sequence[Artifact]) -> Iterator[Concern]:
    """Those whose classes nobody has named."""
    by_note: dict[str, list[str]] = defaultdict(list)
    for title, stated in ((one.title, one.contract) for one in artifacts):
        if stated and (note := placeholder_note(stated.output.labels_source, stated.model.classes)):
            by_note[note].append(title)
    for note, names in by_note.items():
        yield Concern("NO LABELS", _named(names), note)


def _doubts(rows: Sequence[DeviceRow]) -> Iterator[Concern]:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        for doubt in row.timed.doubts if row.timed else ():
            found[doubt.word].append((_where(row, doubt.word), doubt.sentence))
    for word, pairs in found.items():
        sentences = list(dict.fromkeys(sentence for _, sentence in pairs))
        why = sentences[0] if len(sentences) == 1 else f"for example: {sentences[0]}"
        yield Concern(word, _named(list(dict.fromkeys(name for name, _ in pairs))), why)


def _where(row: DeviceRow, word: str) -> str:
    assert row.timed
    if word in OF_A_RUN:
        return device_title(row.timed.device)
    if word in OF_AN_ARTIFACT:
        return row.artifact.title
    return f"{row.artifact.title} on {called(row.timed.device)}"


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return "; ".join(names[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
