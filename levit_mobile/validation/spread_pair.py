"""Both models over all pictures: on this machine or on a cluster, and from where an earlier run was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace

from levit_mobile.cluster.connect import Cluster
from levit_mobile.errors import ImageError
from levit_mobile.images.image_set import picture_digest
from levit_mobile.images.preprocessing import Pixels
from levit_mobile.parity.logit_stats import LogitStats
from levit_mobile.system import workers
from levit_mobile.system.progress import Detailed, Progress
from levit_mobile.validation.journal import Journal
from levit_mobile.validation.run_pair import Asked, PairStats, batch, chunks, pair_of
from levit_mobile.validation.setup import ValidationSetup

PROBES = 8  # pictures by which a worker finds out whether its folder is this machine's


@dataclass(frozen=True, slots=True)
class Resources:
    """What runs the pairs: processes of this machine, or a cluster; and where finished parts are kept, if anywhere."""

    processes: int
    cluster: Cluster | None = None
    journal: Journal | None = None


def compared(case: ValidationSetup, on: Resources, progress: Progress) -> PairStats:
    """The reference and the artifact on every picture. Raises what loading or running either of them raises."""
    seen = PairStats(LogitStats(case.stored.contract.output.head), {})
    asked = list(chunks(case))
    known = on.journal.known(asked, case.pictures.read, progress) if on.journal else {}
    missing = [number for number in range(len(asked)) if number not in known]
    told = _Told(progress, batch(case), len(case.pictures), len(known))
    with closing(_parts(case, [(number, asked[number]) for number in missing], on, told)) as parts:
        for number in range(len(asked)):
            seen.merge(known[number] if number in known else next(parts))
            if seen.defect:
                break
    return seen


@dataclass(frozen=True, slots=True)
class _Told:
    """Progress in pictures of parts that are finished in any order."""

    progress: Progress
    size: int
    pictures: int
    known: int

    def __call__(self, parts: int, about: str = "") -> None:
        self.progress(Detailed("images", about), min((self.known + parts) * self.size, self.pictures), self.pictures)


def _parts(
    case: ValidationSetup, numbered: list[tuple[int, Asked]], on: Resources, told: _Told
) -> Generator[PairStats, None, None]:
    """Of the chunks in their order; each is kept as soon as it is here."""

    def keep(place: int, part: PairStats) -> None:
        if on.journal is not None and not part.defect:
            on.journal.keep(numbered[place][0], part)

    asked = [chunk for _, chunk in numbered]
    if on.cluster is not None:
        yield from _elsewhere(case, asked, on.cluster, told, keep)
        return
    for place, part in enumerate(workers.spread(pair_of(case), asked, processes=on.processes)):
        keep(place, part)
        told(place + 1)
        yield part


def _elsewhere(
    case: ValidationSetup,
    asked: list[Asked],
    cluster: Cluster,
    told: _Told,
    keep: Callable[[int, PairStats], None],
) -> Generator[PairStats, None, None]:
    pictures = _Travelling(case.pictures.read)
    reference, exact = case.reference.elsewhere()
    pair = replace(pair_of(case), reference=reference, exact=exact, read=_checked(case))
    return cluster.spread(
        pair,
        pictures.items(asked),
        files=(case.stored.artifact, *case.reference.files),
        held=case.reference.held,
        repack=pictures.repack,
        heard=told,
        arrived=keep,
    )


@dataclass(slots=True)
class _Travelling:
    """Pictures by name as long as all workers can read them, and by their pixels from the first that one cannot."""

    read: Callable[[str], Pixels]
    by_pixels: bool = False

    def items(self, asked: list[Asked]) -> Iterator[Asked]:
        for one in asked:
            yield self._with_pixels(one) if self.by_pixels else one

    def repack(self, asked: Asked, error: Exception) -> Asked | None:
        """The same pictures with their pixels, if names did not do."""
        if asked.pixels is not None or not isinstance(error, ImageError):
            return None
        self.by_pixels = True
        return self._with_pixels(asked)

    def _with_pixels(self, asked: Asked) -> Asked:
        return asked._replace(pixels=tuple(map(self.read, asked.names)))


@dataclass(slots=True)
class CheckedReader:
    """Reads pictures on a machine where some of them have these digests, and no others."""

    read: Callable[[str], Pixels]
    digests: Mapping[str, str]
    _is_same: bool | None = field(default=None)

    def __call__(self, name: str) -> Pixels:
        """One picture. Raises ImageError where this machine has none of that name, or different ones."""
        if self._is_same is None:
            self._is_same = all(picture_digest(self.read(one)) == sha256 for one, sha256 in self.digests.items())
        if not self._is_same:
            raise ImageError(
                f"the image {name} is in a folder that differs from the client's: share the folder", fault="not-found"
            )
        return self.read(name)


def _checked(case: ValidationSetup) -> CheckedReader:
    """Some pictures, evenly spread, stand for all."""
    names = case.pictures.names
    some = dict.fromkeys(names[index * len(names) // PROBES] for index in range(PROBES))
    return CheckedReader(case.pictures.read, {name: picture_digest(case.pictures.read(name)) for name in some})
