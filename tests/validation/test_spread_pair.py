"""A validation on a cluster of this machine: the same figures, pixels that travel, and parts that are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import judgements as made
from support.judgements import HERE, THERE
from support.refusals import refused

from levit_mobile.cluster.connect import Cluster, open_cluster
from levit_mobile.errors import BundleError, ImageError
from levit_mobile.images.image_set import ImageSet, picture_digest
from levit_mobile.images.preprocessing import Pixels
from levit_mobile.interfaces.runner import Runner
from levit_mobile.parity.logit_stats import LogitStats
from levit_mobile.runners import eager
from levit_mobile.system.progress import silent
from levit_mobile.validation import spread_pair
from levit_mobile.validation.journal import Journal
from levit_mobile.validation.references import ReferenceModel
from levit_mobile.validation.run_pair import Asked, Pair, PairStats
from levit_mobile.validation.setup import ValidationSetup
from levit_mobile.validation.spread_pair import CheckedReader, Resources, compared

pytestmark = pytest.mark.usefixtures("in_this_process")  # a desk's processes; those of a cluster are real


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with open_cluster("local:2") as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles") / "one"


def pooled(factor: float) -> Runner:
    """Ten logits of a picture's mean colours."""
    drawn = np.random.default_rng(5).standard_normal((3, 10))
    return partial(_pooled, drawn * factor)


def _pooled(weights: NDArray[np.float64], images: NDArray[np.float32]) -> Any:
    return (images.mean((2, 3)) @ weights).astype(np.float32)


def noise(count: int = 30) -> dict[str, Pixels]:
    drawn = np.random.default_rng(3).integers(0, 256, (count, 16, 16, 3), np.uint8)
    return {f"p{number}": pixels for number, pixels in enumerate(drawn)}


@pytest.fixture
def case(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ValidationSetup:
    """Thirty pictures of noise on two models that differ a little; a core, so that parts are of four."""
    found = made.made(folder, emulated=True)
    reference = ReferenceModel("made up", partial(pooled, 1.0), partial(pooled, 1.0 + 1e-9))
    pair = Pair(reference.load, partial(pooled, 1.01), reference.exact, dict.__getitem__, partial(pooled, 1.02))  # type: ignore[arg-type]
    monkeypatch.setattr(
        spread_pair,
        "pair_of",
        lambda case: replace(pair, read=case.pictures.read, head=case.stored.contract.output.head),
    )
    return replace(found, reference=reference, pictures=ImageSet.from_arrays(noise()))


def test_a_cluster_counts_what_a_desk_counts_to_the_bit(case: ValidationSetup, cluster: Cluster) -> None:
    desk = compared(case, Resources(2), silent)
    assert compared(case, Resources(2, cluster), silent) == desk
    assert [row.name for row in desk.tally.rows] == [f"p{number}" for number in range(30)]
    assert len(desk.host.rows) == len(desk.between.rows) == 30
    assert desk.floor.signal > 0


def test_parts_that_are_merged_are_one_count(case: ValidationSetup) -> None:
    """The witness is one LogitStats over all logits."""
    seen, pictures = compared(case, Resources(1), silent), np.stack(list(noise().values()))
    planar = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    whole = LogitStats(case.stored.contract.output.head)
    whole.add(tuple(noise()), pooled(1.0)(planar), pooled(1.01)(planar))
    assert [row.name for row in seen.tally.rows] == [row.name for row in whole.rows]
    assert [row.squares.noise for row in seen.tally.rows] == pytest.approx([row.squares.noise for row in whole.rows])


# Pictures


def test_a_reader_checks_some_pictures_before_it_gives_any() -> None:
    pictures = noise(3)
    digests = {"p1": picture_digest(pictures["p1"])}
    assert CheckedReader(pictures.__getitem__, digests)("p2") is pictures["p2"]
    other = pictures | {"p1": pictures["p0"]}
    with refused(ImageError, "image.not-found", "p2", "differs from the client's"):
        CheckedReader(other.__getitem__, digests)("p2")


class OnlyHere:
    """A folder that this process can read, and no other: what a pickle makes of it has no pictures."""

    def __init__(self, pictures: dict[str, Pixels]) -> None:
        self.pictures = pictures

    def __reduce__(self) -> Any:
        return OnlyHere, ({},)

    def __call__(self, name: str) -> Pixels:
        if name not in self.pictures:
            raise ImageError(f"{name} does not exist", fault="not-found")
        return self.pictures[name]


def test_pictures_travel_where_a_worker_cannot_read_them(case: ValidationSetup, cluster: Cluster) -> None:
    alone = replace(case, pictures=ImageSet(case.pictures.names, OnlyHere(noise())))
    assert compared(alone, Resources(1, cluster), silent) == compared(case, Resources(1), silent)


def test_a_picture_that_nobody_can_read_is_the_desks_error(case: ValidationSetup, cluster: Cluster) -> None:
    pictures = noise()
    del pictures["p9"]
    broken = replace(case, pictures=ImageSet(case.pictures.names, OnlyHere(pictures)))
    with refused(ImageError, "image.not-found", "p9 does not exist"):
        compared(broken, Resources(1, cluster), silent)


# Parts that are kept


def test_a_run_goes_on_from_the_parts_that_are_kept(
    case: ValidationSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = compared(case, Resources(1), silent)
    journal = Journal(tmp_path / "made", case)

    def interrupted(_what: str, done: float, _of: float) -> None:
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compared(case, Resources(1, None, journal), interrupted)
    journal.path.write_text(journal.path.read_text() + '\n{"number": 3, "part": {"tal')  # a kill cut it short
    asked: list[Asked] = []
    spread = spread_pair.workers.spread

    def watched(load: Any, items: list[Asked], **options: Any) -> Any:
        asked.extend(items)
        return spread(load, items, **options)

    monkeypatch.setattr(spread_pair.workers, "spread", watched)
    assert compared(case, Resources(1, None, Journal(tmp_path / "made", case)), silent) == whole
    assert [one.names[0] for one in asked] == ["p12", "p16", "p20", "p24", "p28"]
    asked.clear()
    assert compared(case, Resources(1, None, Journal(tmp_path / "made", case)), silent) == whole
    assert asked == []
    journal.remove()
    assert list((tmp_path / "made").iterdir()) == []


def test_a_part_whose_pictures_have_changed_is_run_again(case: ValidationSetup, tmp_path: Path) -> None:
    journal = Journal(tmp_path, case)
    compared(case, Resources(1, None, journal), silent)
    changed = noise() | {"p5": noise()["p6"]}
    other = replace(case, pictures=ImageSet.from_arrays(changed))
    assert Journal(tmp_path, other).path == journal.path
    found = compared(other, Resources(1, None, journal), silent)
    assert found.digests["p5"] == found.digests["p6"]
    assert found == compared(other, Resources(1), silent)


def test_another_validation_has_another_file(case: ValidationSetup, tmp_path: Path) -> None:
    paths = {
        Journal(tmp_path, one).path
        for one in (
            case,
            replace(case, runtime=HERE, host=None),
            replace(case, pictures=ImageSet.from_arrays(noise(29))),
            replace(case, reference=replace(case.reference, name="other")),
        )
    }
    assert len(paths) == 4
    assert case.runtime == THERE


def test_a_journal_that_cannot_be_written_is_named(case: ValidationSetup, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file", case)
    with refused(BundleError, "bundle.unwritable", str(tmp_path / "file")):
        journal.keep(0, PairStats(LogitStats(), {}))


def test_a_part_is_read_back_as_it_was_written(case: ValidationSetup, tmp_path: Path) -> None:
    """Infinities, NaN and the last bit of a float."""
    journal = Journal(tmp_path, case)
    compared(case, Resources(1, None, journal), silent)
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert sorted(line["number"] for line in lines) == list(range(8))


def test_a_checkpoints_net_is_in_what_travels() -> None:
    checkpoint: Any = SimpleNamespace(model=object(), sha256="0a" * 32, variant="v", averaged=False, input_size=(2, 2))
    spec: Any = object()
    found = ReferenceModel("one", lambda: pooled(1), checkpoint=checkpoint, spec=spec)
    load, exact = found.elsewhere()
    assert (load.func, load.args) == (eager.load, (checkpoint.model, spec))  # type: ignore[attr-defined]
    assert exact is not None
    assert exact.keywords == {"double": True}  # type: ignore[attr-defined]
    assert list(found.held.values()) == [checkpoint.model]
    other = SimpleNamespace(**{**vars(checkpoint), "averaged": True})
    assert list(ReferenceModel("two", load, checkpoint=other).held) != list(found.held)  # type: ignore[arg-type]
