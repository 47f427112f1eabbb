"""By every recipe, what is tapped of the bundled checkpoint is its artifact, and every block of it is sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Bundles
from support.conversions import shared_conversions
from support.nets import OF_128S
from support.refusals import refused
from torch import Tensor, nn

from levit_mobile.errors import ArtifactError, ConversionError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.interfaces.card import Card
from levit_mobile.interfaces.runner import Runner
from levit_mobile.parity import metrics
from levit_mobile.pipeline import convert, lowering, writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.prepare import LaidOut
from levit_mobile.recipe import RECIPES
from levit_mobile.runners import eager, mil
from levit_mobile.runners.adapters import running
from levit_mobile.targets import TARGETS, resolve
from levit_mobile.validation import block_error as drill
from levit_mobile.validation.results import Drill

ALL = pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith(("fp32", "fp16"))])
BLOCKS = tuple(OF_128S.split()[1:])  # and the logits last
MIN_SQNR_DB = {"fp32": 100.0, "fp16": 50.0}
Drilled = Callable[[str], Drill]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Below it, one folder a recipe with what was tapped."""
    return tmp_path_factory.mktemp("tapped")


@pytest.fixture(scope="module")
def drilled(bundles: Bundles, trained: SourceModel, conversions: Path, folder: Path) -> Drilled:
    """The bundled checkpoint's artifacts, drilled with eight pictures."""

    def drill(name: str) -> Drill:
        with shared_conversions(conversions):
            return drill_of(name, bundles, trained, folder / name)

    return cache(drill)


def drill_of(name: str, bundles: Bundles, trained: SourceModel, folder: Path) -> Drill:
    folder.mkdir()
    return drill.drill(
        trained.checkpoint,
        RECIPES[name],
        writing.card_of(trained, RECIPES[name]),
        spec=trained.spec,
        source=bundles(name).contract.input,
        result=bundles(name).contract.output,
        candidate=shipped(bundles, name),
        pictures=eight(trained),
        min_sqnr_db=MIN_SQNR_DB[name[-4:]],
        folder=folder,
    )


def eight(trained: SourceModel) -> ImageSet:
    pictures = trained.reference.pictures
    return ImageSet(pictures.names[:8], pictures.read)


def artifact_of(bundles: Bundles, name: str) -> Path:
    return bundles(name).path / bundles(name).contract.artifact.file


def shipped(bundles: Bundles, name: str) -> Runner:
    about = bundles(name).contract
    load = mil.load if name.startswith("coreml") else resolve(TARGETS[RECIPES[name].target].runner)
    runner: Runner = load(artifact_of(bundles, name), source=about.input, result=about.output)
    return runner


@ALL
def test_the_tapped_artifact_gives_the_shipped_ones_logits(drilled: Drilled, name: str) -> None:
    found = drilled(name)
    assert (found.same_logits, found.logits_max_abs_difference, found.pictures) == (True, 0.0, 8)


@ALL
def test_every_block_is_within_the_recipes_bound(drilled: Drilled, name: str) -> None:
    found = drilled(name)
    assert tuple(block.name for block in found.blocks) == (*BLOCKS, "logits")
    assert (found.first_over, [block.name for block in found.blocks if not block.within]) == (None, [])
    worst = min(block.sqnr_db for block in found.blocks)
    assert worst >= 110 if name.endswith("fp32") else 50 <= worst < 80
    assert min(block.cosine for block in found.blocks) > 0.99999


@ALL
def test_the_last_block_is_what_parity_says(
    drilled: Drilled, bundles: Bundles, trained: SourceModel, name: str
) -> None:
    images = np.concatenate(list(eight(trained).batches(8)))
    expected = np.concatenate([eager.load(trained.checkpoint.model, trained.spec)(image[None]) for image in images])
    found, last = shipped(bundles, name)(images), drilled(name).blocks[-1]
    assert last.sqnr_db == pytest.approx(metrics.sqnr_db(expected, found), abs=1e-6)
    assert last.max_abs_error == pytest.approx(metrics.max_abs_error(expected, found))


@ALL
def test_the_tapped_artifact_holds_the_shipped_ones_ops(
    drilled: Drilled, folder: Path, bundles: Bundles, name: str
) -> None:
    drilled(name)
    target = TARGETS[RECIPES[name].target]
    found = convert.inspect(folder / name / f"tapped{target.suffix}", target)
    assert computing(found.ops) == computing(bundles(name).inspection.ops)


def computing(ops: Mapping[str, int]) -> dict[str, int]:
    """Ops that change values: an output may want another layout."""
    moving = ("transpose", "reshape")
    return {op: count for op, count in ops.items() if not op.lower().removeprefix("static").startswith(moving)}


@ALL
def test_an_output_that_is_not_there_is_one_error(bundles: Bundles, name: str) -> None:
    open_outputs, _ = drill.OUTPUTS_BY[RECIPES[name].target]
    source = bundles(name).contract.input
    with pytest.raises(ArtifactError) as caught, running():
        open_outputs(artifact_of(bundles, name), source=source, names=("logits", "stem"))(np.zeros((3, 224, 224)))
    assert caught.value.fault in ("mismatch", "failed")


class TwoOutputs(nn.Module):
    """No network, but what it gives is counted all the same."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.mean((2, 3)), x + 1


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("taps", [(), ("one", "two")])
def test_a_converter_wants_one_name_an_output(target: str, taps: tuple[str, ...], tmp_path: Path) -> None:
    card = Card("two", "two", tuple("abcd"), 8, 8, "nobody", "none", "1")
    with refused(ConversionError, "conversion.toolchain", target, "ValueError: "):
        lowering.lower(TwoOutputs(), RECIPES[f"{target}-fp32"], card, tmp_path / "two", taps=taps)


def test_a_wrong_block_is_named_by_a_real_artifact(
    bundles: Bundles, trained: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_scales(*parts: Any) -> LaidOut:
        made = lowering.with_scales(*parts)
        made.form.get_submodule("body.stage1.mlp2.contract").weight.data.mul_(1.01)
        return made

    monkeypatch.setattr(drill, "with_scales", with_scales)
    found = drill_of("tflite-fp32", bundles, trained, tmp_path / "wrong")
    assert found.first_over == "stage1.mlp2"
    sound = BLOCKS[: BLOCKS.index("stage1.mlp2")]
    assert [block.name for block in found.blocks if block.within] == list(sound)
    assert not found.same_logits
    assert found.logits_max_abs_difference > 0.001
