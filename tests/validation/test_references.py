"""What a bundle is compared with, and what does not fit it, on a bundle around an artifact that is none."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.refusals import refused
from support.stored_bundles import Made

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.errors import BundleError, CheckpointError, LevitMobileError
from levit_mobile.model.download import BUNDLED
from levit_mobile.pipeline.source_model import load_source
from levit_mobile.validation import references
from levit_mobile.validation.references import find


@pytest.fixture(autouse=True)
def nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the other tests' checkpoints are."""
    monkeypatch.setenv("LEVIT_MOBILE_STATE", str(tmp_path / "state"))


@pytest.fixture
def stored(bundle: Path) -> OpenBundle:
    return open_bundle(bundle)


@pytest.fixture
def checkpoint(monkeypatch: pytest.MonkeyPatch, stored: OpenBundle) -> SimpleNamespace:
    """What every path to weights loads: the bundle's own checkpoint, to be changed."""
    own = stored.contract.model.checkpoint_sha256
    one = SimpleNamespace(sha256=own, classes=5, input_size=(64, 64), spec=stored.spec, model="the model", paths=[])
    one.size_assumed, one.choice, one.averaged = False, "", False
    monkeypatch.setattr(references, "load_checkpoint", lambda path, **_: one.paths.append(path) or one)
    return one


def from_source(stored: OpenBundle, source: str) -> OpenBundle:
    """The bundle as if its checkpoint had come from there."""
    model = stored.contract.model.model_copy(update={"source": source})
    return replace(stored, contract=stored.contract.model_copy(update={"model": model}))


# Golden vectors


def test_golden_vectors_are_found_by_their_pixels_in_any_order(stored: OpenBundle) -> None:
    found, vectors = find("golden", stored), stored.golden()
    assert (found.name, found.own, found.exact, found.checkpoint) == ("4 golden vectors", False, None, None)
    assert found.pictures is not None
    assert sorted(found.pictures.names) == sorted(vectors)
    (images,) = found.pictures.batches(4)
    expected = np.stack([vectors[name][1] for name in found.pictures.names])
    assert np.array_equal(found.load()(images), expected)
    assert np.array_equal(found.load()(images[::-1]), expected[::-1])
    assert len(np.unique(expected, axis=0)) == 4


def test_a_bundle_without_golden_vectors_has_none_to_compare_with(stored: OpenBundle) -> None:
    without = replace(stored, contract=stored.contract.model_copy(update={"golden": ()}))
    with refused(BundleError, "bundle.reference", stored.path, "no golden vectors"):
        find("golden", without)


# Checkpoints


def test_the_own_checkpoint_is_called_by_its_name_and_another_by_its_path(
    stored: OpenBundle, checkpoint: SimpleNamespace
) -> None:
    own = find("some/where/renamed.pth", stored)
    assert (own.name, own.own, own.checkpoint) == ("renamed.pth", True, checkpoint)
    checkpoint.sha256 = "0" * 64
    other = find("some/where/renamed.pth", stored)
    assert (other.name, other.own, other.checkpoint) == ("some/where/renamed.pth", False, checkpoint)


def test_of_weights_that_several_variants_fit_the_bundles_own_is_named(
    stored: OpenBundle, checkpoint: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(_path: str, *, variant: str | None = None, **_: object) -> SimpleNamespace:
        asked.append(variant)
        if variant is None:
            raise CheckpointError("several fit", fault="ambiguous")
        return checkpoint

    monkeypatch.setattr(references, "load_checkpoint", load)
    monkeypatch.setattr(references.eager, "load", lambda *_, double: double)
    found = find("a.pth", stored)
    assert not found.load()
    own = stored.contract.model.variant
    assert asked == [None, own, own]


def test_the_checkpoint_runs_in_float32_and_exactly_in_float64(
    stored: OpenBundle, checkpoint: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references.eager, "load", lambda *given, double: (*given, double))
    found = find("a.pth", stored)
    assert found.exact is not None
    assert (found.load(), found.exact()) == (
        ("the model", stored.spec, False),
        ("the model", stored.spec, True),
    )
    assert checkpoint.paths == ["a.pth"] * 3


@pytest.mark.parametrize("source", ["facebook/levit-128S", "LeViT-128S"])
def test_a_public_name_is_its_own_source(stored: OpenBundle, checkpoint: SimpleNamespace, source: str) -> None:
    assert find(None, from_source(stored, source)).own
    assert checkpoint.paths == [source]


def test_the_bundled_checkpoint_and_a_file_beside_are_found_by_their_name(
    stored: OpenBundle, checkpoint: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(None, from_source(stored, BUNDLED.name))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.pth").touch()
    find(None, from_source(stored, "mine.pth"))
    assert checkpoint.paths == [BUNDLED, "mine.pth"]


def test_a_checkpoint_that_is_not_here_is_named_with_what_to_do(
    stored: OpenBundle, checkpoint: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with refused(BundleError, "bundle.reference", "gone.pth", "--reference PATH", "4 golden", "--reference golden"):
        find(None, from_source(stored, "gone.pth"))
    assert checkpoint.paths == []


def test_another_checkpoint_counts_only_where_it_was_asked_for(stored: OpenBundle, checkpoint: SimpleNamespace) -> None:
    checkpoint.sha256 = "0" * 64
    public, own = from_source(stored, "facebook/levit-128S"), stored.contract.model.checkpoint_sha256
    with refused(BundleError, "bundle.reference", "facebook/levit-128S", "0" * 12, own[:12], "--reference PATH"):
        find(None, public)
    assert not find("facebook/levit-128S", public).own


@pytest.mark.parametrize(("classes", "side"), [(7, 64), (5, 96)])
def test_a_checkpoint_of_other_classes_or_another_side_does_not_fit(
    stored: OpenBundle, checkpoint: SimpleNamespace, classes: int, side: int
) -> None:
    checkpoint.classes, checkpoint.input_size = classes, (side, side)
    with refused(
        CheckpointError, "checkpoint.variant", f"{classes} classes at {side} x {side} px", "5 classes at 64 x 64 px"
    ):
        find("a.pth", stored)


def test_the_bundles_checkpoint_is_found_by_its_digest_from_any_folder(
    bundle: Path, random_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not remembered: beside the bundle by another name, and then where `--reference` has named it once."""
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(elsewhere)
    opened = open_bundle(bundle)
    with refused(BundleError, "bundle.reference", random_checkpoint.name, "--reference PATH"):
        find(None, opened)
    beside = shutil.copy(random_checkpoint, bundle.parent / "renamed.pth")
    found = find(None, opened)
    assert (found.own, found.name) == (True, random_checkpoint.name)
    assert f"{beside}, beside the bundle" in found.found
    Path(beside).unlink()
    assert find(random_checkpoint, opened).found == ""
    assert f"{random_checkpoint}, which was imported on this machine before" in find(None, opened).found


def test_an_import_is_remembered(bundle: Path, random_checkpoint: Path) -> None:
    load_source(random_checkpoint)
    assert str(random_checkpoint) in find(None, open_bundle(bundle)).found


HALVES = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
SIZED = {"size": {"shortest_edge": 73}, "crop_size": {"height": 64, "width": 64}}


@pytest.mark.parametrize(
    ("stated", "kind", "code"),
    [
        (HALVES | SIZED, BundleError, "bundle.preprocessing"),
        (HALVES, CheckpointError, "checkpoint.preprocessing"),  # crops to 224 px
    ],
)
def test_a_copy_whose_files_state_another_preparation_gives_way_to_one_that_fits(
    bundle: Path,
    random_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stated: dict[str, Any],
    kind: type[LevitMobileError],
    code: str,
) -> None:
    (here := tmp_path / "here").mkdir()
    monkeypatch.chdir(here)
    shutil.copy(random_checkpoint, here / "random.pth")
    (here / "config.json").write_text(json.dumps({"model_type": "levit"}))
    (here / "preprocessor_config.json").write_text(json.dumps(stated))
    with refused(kind, code):
        find(None, open_bundle(bundle))
    beside = shutil.copy(random_checkpoint, bundle.parent / "random.pth")
    assert str(beside) in find(None, open_bundle(bundle)).found


def test_a_file_of_the_same_name_does_not_stand_for_the_checkpoint(
    bundle: Path, random_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(BUNDLED, tmp_path / "random.pth")
    local = shutil.copy(random_checkpoint, tmp_path / "zoo.pth")
    assert str(local) in find(None, open_bundle(bundle)).found


# Bundles


def test_another_bundle_comes_with_its_bounds_and_the_runtime_of_its_target(
    made: Made, stored: OpenBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_bundle(made("executorch-fp32"))
    found: Any = find(other.path, stored)
    assert found.name == f"{other.path.name} by ExecuTorch"
    assert found.tolerance == other.contract.tolerance
    assert (found.own, found.exact, found.checkpoint, found.pictures) == (False, None, None, None)
    assert (str(found.load.args[0]), *found.load.args[1:]) == ("executorch", other.artifact, other.contract)
    monkeypatch.setattr(sys, "platform", "darwin")
    found = find(made("coreml-fp16"), stored)
    assert str(found.load.args[0]) == "mil"


def test_a_bundle_of_other_labels_or_preparation_does_not_fit(made: Made, stored: OpenBundle) -> None:
    other = made("executorch-fp32")
    with refused(BundleError, "bundle.reference", other, "labels"):
        find(other, replace(stored, labels=stored.labels[::-1]))
    changed = stored.contract.preprocessing.model_copy(update={"height": 99})
    with refused(BundleError, "bundle.reference", other, "preprocessing"):
        find(other, replace(stored, contract=stored.contract.model_copy(update={"preprocessing": changed})))
    larger = stored.contract.preprocessing.model_copy(update={"crop_height": 96})
    with refused(CheckpointError, "checkpoint.variant", "5 classes at 64 x 64 px", "5 classes at 64 x 96 px"):
        find(other, replace(stored, contract=stored.contract.model_copy(update={"preprocessing": larger})))
