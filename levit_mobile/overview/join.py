"""What was found below a folder, joined by the artifact's digest: its evidence, and its times per device."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from levit_mobile.contract import Contract
from levit_mobile.overview.collect import FoundBundle, FoundRun, FoundValidation, Gathered
from levit_mobile.overview.evidence import Evidence, best_known, of_bundle, of_timing, of_validation, worst
from levit_mobile.recipe import RECIPES, Verdict
from levit_mobile.system.files import Sha256
from levit_mobile.timing.figures import Figures, doubts, figures
from levit_mobile.timing.marks import TimingWarning
from levit_mobile.timing.record import Device, Timing
from levit_mobile.validation.results import Validation

SHORT = 8  # digits of a digest that distinguish artifacts of the same name


@dataclass(frozen=True, slots=True)
class Timed:
    """One timing, what it comes to, and why it may be doubted. `latest` is False where a later run timed the same."""

    place: str
    found: FoundRun
    timing: Timing
    figures: Figures
    doubts: tuple[TimingWarning, ...]
    latest: bool

    @property
    def device(self) -> Device:
        """What ran it."""
        return self.found.run.device


@dataclass(frozen=True, slots=True)
class Artifact:
    """All that is known of one artifact. `title` is its name, made unique; `claims` are of bundles and validations."""

    sha256: Sha256
    title: str
    name: str
    target: str
    recipe: str
    variant: str
    size_bytes: int | None
    contract: Contract | None
    bundles: tuple[FoundBundle, ...]
    validations: tuple[FoundValidation, ...]
    claims: tuple[Evidence, ...]
    timed: tuple[Timed, ...]

    @property
    def all_claims(self) -> tuple[Evidence, ...]:
        """Those of devices too."""
        return (*self.claims, *(of_timing(one.found, one.timing) for one in self.timed))

    @property
    def verdict(self) -> Verdict:
        """The worst of all claims."""
        return worst(self.all_claims)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """An artifact where it was timed, once for each device, runtime and setting; or once, where it never was."""

    artifact: Artifact
    timed: Timed | None

    @property
    def own(self) -> Evidence | None:
        """What the device found that it was timed on."""
        return of_timing(self.timed.found, self.timed.timing) if self.timed else None

    @property
    def claims(self) -> tuple[Evidence, ...]:
        """What bundles, validations and this timing say."""
        return (*self.artifact.claims, *([self.own] if self.own else []))

    @property
    def verdict(self) -> Verdict:
        """The worst of those; what did not run here is not proven here."""
        found = worst(self.claims)
        return Verdict.of_one((found, self.own.verdict)) if self.own else found

    @property
    def best_known(self) -> Evidence | None:
        """The claim that rests on most pictures, of those with figures."""
        return best_known(self.claims)


def join(found: Gathered) -> tuple[Artifact, ...]:
    """Everything by artifact, in the order of names; timings by device, then by time."""
    bundles, validations, timings = _by_artifact(found)
    holders = {bundle.name: bundle for bundle in found.bundles}
    latest = _latest(found.runs)
    joined = []
    for key in dict.fromkeys([*bundles, *validations, *timings]):
        timed = [_timed(run, timing, holders, bundles, latest) for run, timing in timings.get(key, ())]
        joined.append(_artifact(key, bundles.get(key, ()), validations.get(key, ()), timed))
    return tuple(_titled(sorted(joined, key=lambda one: (one.name, one.sha256))))


def rows(artifacts: Iterable[Artifact]) -> tuple[DeviceRow, ...]:
    """In the same order."""
    return tuple(DeviceRow(one, timed) for one in artifacts for timed in (one.timed or (None,)))


Timings = list[tuple[FoundRun, Timing]]
Setting = tuple[object, ...]


def _by_artifact(
    found: Gathered,
) -> tuple[Mapping[str, list[FoundBundle]], Mapping[str, list[FoundValidation]], Mapping[str, Timings]]:
    """By digest; what has none, because it is damaged, by its name."""
    bundles: dict[str, list[FoundBundle]] = defaultdict(list)
    validations: dict[str, list[FoundValidation]] = defaultdict(list)
    timings: dict[str, Timings] = defaultdict(list)
    for bundle in found.bundles:
        bundles[bundle.stored.contract.artifact.sha256 if bundle.stored else bundle.name].append(bundle)
    for one in found.validations:
        validations[one.validation.artifact_sha256 or one.validation.bundle].append(one)
    for run in found.runs:
        for timing in run.run.timings:
            timings[timing.sha256].append((run, timing))
    return bundles, validations, timings


def _setting(run: FoundRun, timing: Timing) -> Setting:
    """What two timings have in common that time the same."""
    how = (timing.runtime, timing.accelerator, timing.threads, timing.compute_units)
    return (timing.sha256, *how, run.run.chosen_cores, run.run.device.identity)


def _latest(runs: Iterable[FoundRun]) -> Mapping[Setting, datetime]:
    latest: dict[Setting, datetime] = {}
    for run in runs:
        for timing in run.run.timings:
            setting = _setting(run, timing)
            latest[setting] = max(latest.get(setting, run.run.started_at), run.run.started_at)
    return latest


def _timed(
    run: FoundRun,
    timing: Timing,
    holders: Mapping[str, FoundBundle],
    bundles: Mapping[str, Sequence[FoundBundle]],
    latest: Mapping[Setting, datetime],
) -> Timed:
    found = figures(run.run, timing)
    current = run.run.started_at == latest[_setting(run, timing)]
    told = [
        *doubts(run.run, timing, found),
        *_of_bundle(timing, bundles.get(timing.sha256, ()), holders.get(timing.name)),
    ]
    if not current:
        told.append(TimingWarning("EARLIER RUN", "a later run timed the same artifact"))
    return Timed(run.place, run, timing, found, tuple(told), current)


def _of_bundle(timing: Timing, bundles: Sequence[FoundBundle], namesake: FoundBundle | None) -> Iterator[TimingWarning]:
    """Whether the timed artifact is the one found here."""
    if not bundles and namesake is None:
        yield TimingWarning("NO BUNDLE", "none of the bundles holds this artifact")
    elif not bundles and namesake:
        state = f"holds {namesake.stored.contract.artifact.sha256[:SHORT]}" if namesake.stored else "is damaged"
        yield TimingWarning(
            "OTHER ARTIFACT",
            f"the run timed {timing.sha256[:SHORT]}, the bundle {namesake.place} {state}: time the bundle again",
        )
    contracts = {bundle.contract_sha256 for bundle in bundles}
    if timing.contract_sha256 and contracts and timing.contract_sha256 not in contracts:
        yield TimingWarning(
            "OTHER CONTRACT", "the artifact was timed with a contract that is not the bundle's present one"
        )


def _artifact(
    key: str, bundles: Sequence[FoundBundle], validations: Sequence[FoundValidation], timed: Sequence[Timed]
) -> Artifact:
    contract = next((bundle.stored.contract for bundle in bundles if bundle.stored), None)
    timing = timed[0].timing if timed else None
    said = validations[0].validation if validations else None
    recipe = contract.recipe if contract else (timing and timing.recipe) or (said.recipe if said else "")
    names = [*(b.name for b in bundles), *(v.validation.bundle for v in validations), *(t.timing.name for t in timed)]
    return Artifact(
        sha256="" if key == names[0] else key,
        title=names[0],
        name=names[0],
        target=RECIPES[recipe].target if recipe in RECIPES else timing.target if timing else "",
        recipe=recipe,
        variant=_variant(contract, timing, said),
        size_bytes=contract.artifact.bytes if contract else timing.bytes if timing else None,
        contract=contract,
        bundles=tuple(bundles),
        validations=tuple(validations),
        claims=(*map(of_bundle, bundles), *map(of_validation, validations)),
        timed=tuple(sorted(timed, key=_by_device)),
    )


def _variant(contract: Contract | None, timing: Timing | None, said: Validation | None) -> str:
    if contract:
        return contract.model.variant
    return (timing and timing.variant) or (said.variant if said else "")


def _by_device(timed: Timed) -> tuple[object, ...]:
    device = timed.device
    units = timed.timing.threads or 0, timed.timing.compute_units or ""
    return (device.platform, device.model, device.os_version, *units, timed.timing.runtime, timed.found.run.started_at)


def _titled(artifacts: Sequence[Artifact]) -> Iterator[Artifact]:
    """With the digest's beginning, or the place, behind a name that several have."""
    often = Counter(one.name for one in artifacts)
    for one in artifacts:
        apart = one.sha256[:SHORT] or (one.bundles[0].place if one.bundles else "damaged")
        yield replace(one, title=f"{one.name} ({apart})") if often[one.name] > 1 else one
