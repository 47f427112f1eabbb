"""The drill: its sums, its verdicts, and the block that it names when one is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.nets import OF_128S, levit, pixels
from support.refusals import refused
from torch import Tensor, nn

from levit_mobile import contract
from levit_mobile.errors import ArtifactError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.card import Card
from levit_mobile.interfaces.runner import Images
from levit_mobile.model.checkpoint import Checkpoint
from levit_mobile.model.parts.intermediate_outputs import block_paths
from levit_mobile.parity import metrics
from levit_mobile.pipeline import lowering
from levit_mobile.quantization.prepare import LaidOut
from levit_mobile.recipe import RECIPES
from levit_mobile.runners.adapters import adapted, one_by_one
from levit_mobile.targets import TARGETS, Target
from levit_mobile.validation import block_error as drill
from levit_mobile.validation.results import Block, Drill

Values = NDArray[np.floating]
TARGET = pytest.mark.parametrize("target", list(TARGETS))
BLOCKS = tuple(OF_128S.split()[1:])  # and the logits last
SPEC = ImageSpec.for_side(64)
CARD = Card("levit", "levit", tuple(map(str, range(10))), 64, 64, "nobody", "none", "1")
RESULT = contract.Output(name="logits", shape=(1, 10), dtype="float32", labels_sha256="0" * 64)


# Sums


def drawn(seed: int, *shape: int) -> Values:
    return np.random.default_rng(seed).normal(size=shape)


def summed(*pairs: tuple[Values, Values]) -> drill.BlockStats:
    sums = drill.BlockStats()
    for reference, candidate in pairs:
        sums.add(reference, candidate)
    return sums


def test_pictures_added_one_by_one_are_one_comparison() -> None:
    reference = drawn(1, 5, 7, 4)  # pictures T C
    candidate = reference + 0.01 * drawn(2, 5, 7, 4)
    block = summed(*zip(reference, candidate, strict=True)).finding("stem", 30)
    assert block.sqnr_db == pytest.approx(metrics.sqnr_db(reference, candidate), abs=1e-9)
    assert block.max_abs_error == metrics.max_abs_error(reference, candidate)
    assert block.cosine == pytest.approx(metrics.cosine(reference.reshape(1, -1), candidate.reshape(1, -1)), abs=1e-12)
    assert (block.name, block.shape, block.within) == ("stem", (7, 4), True)


@pytest.mark.parametrize(
    ("min_sqnr_db", "within"), [(math.nextafter(20, 0), True), (20.0, True), (math.nextafter(20, 21), False)]
)
def test_a_budget_is_met_at_its_edge(min_sqnr_db: float, within: bool) -> None:
    block = summed((np.array([[10.0, 0.0]]), np.array([[10.0, 1.0]]))).finding("stem", min_sqnr_db)
    assert (block.sqnr_db, block.within) == (20.0, within)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("first", [True, False])
def test_one_value_that_is_not_finite_fails_a_block(bad: float, first: bool) -> None:
    good, spoilt = (np.ones((2, 2)), np.ones((2, 2))), (np.ones((2, 2)), np.array([[1.0, bad], [1.0, 1.0]]))
    block = summed(*((spoilt, good) if first else (good, spoilt))).finding("stem", 0.001)
    assert not block.within
    assert not block.max_abs_error < math.inf


@pytest.mark.parametrize(
    ("reference", "candidate", "sqnr_db", "cosine"),
    [
        ([[3.0, 4.0]], [[3.0, 4.0]], math.inf, 1.0),
        ([[0.0, 0.0]], [[0.0, 0.0]], math.inf, 1.0),
        ([[0.0, 0.0]], [[1.0, 0.0]], -math.inf, 0.0),
        ([[1.0, 0.0]], [[0.0, 0.0]], 0.0, 0.0),
        ([[1.0, 0.0]], [[-1.0, 0.0]], 10 * math.log10(1 / 4), -1.0),
    ],
)
def test_figures_at_the_ends(
    reference: list[list[float]], candidate: list[list[float]], sqnr_db: float, cosine: float
) -> None:
    block = summed((np.array(reference), np.array(candidate))).finding("stem", 100)
    assert (block.sqnr_db, block.cosine, block.within) == (pytest.approx(sqnr_db), cosine, sqnr_db == math.inf)


@pytest.mark.parametrize(
    ("shipped", "tapped", "same", "difference"),
    [
        ([1.0, 2.0], [1.0, 2.0], True, 0.0),
        ([1.0, math.nan], [1.0, math.nan], True, 0.0),
        ([1.0, 2.0], [1.5, 2.0], False, 0.5),
        ([0.0, 2.0], [-0.0, 2.0], False, 0.0),
        ([1.0, 2.0], [1.0, math.nan], False, math.nan),
    ],
)
def test_logits_are_the_same_by_their_bits(
    shipped: list[float], tapped: list[float], same: bool, difference: float
) -> None:
    one, other = np.array([shipped], np.float32), np.array([tapped])
    for order in ([(one, other), (one, one)], [(one, one), (one, other)]):
        logits = drill.Agreement()
        for pair in order:
            logits.add(*pair)
        assert logits.same == same
        assert logits.max_abs_difference == pytest.approx(difference, nan_ok=True)


def test_logits_of_another_shape_are_refused() -> None:
    with refused(ArtifactError, "artifact.mismatch", "logits", "[1, 3]", "[1, 2]"):
        drill.Agreement().add(np.zeros((1, 3)), np.zeros((1, 2)))


# Without a toolchain: a form is "lowered" by keeping it, and run by PyTorch


def clouds(count: int) -> ImageSet:
    levels = (pixels(count, 64) * 255).byte().permute(0, 2, 3, 1).numpy()
    return ImageSet.from_arrays({f"cloud{i}": picture for i, picture in enumerate(levels)})


CLOUDS = clouds(3)


@dataclass
class Desk:
    """A small net whose forms PyTorch runs; `spoil` may change what is tapped, `spoil_shipped` the artifact."""

    target: Target
    source: contract.Input
    monkeypatch: pytest.MonkeyPatch
    folder: Path
    spoil: Callable[[nn.Module], None] = lambda _: None
    spoil_shipped: Callable[[nn.Module], None] = lambda _: None
    taps: tuple[str, ...] = ()

    def with_scales(self, *parts: Any) -> LaidOut:
        made = lowering.with_scales(*parts)
        self.spoil(made.form)
        return made

    def lower(self, form: nn.Module, _recipe: object, _card: object, _path: Path, *, taps: tuple[str, ...]) -> None:
        def outputs(_: Path, *, source: contract.Input, names: tuple[str, ...]) -> Callable[[Images], dict[str, Any]]:
            return lambda image: dict(zip(names, self.made(form, image, source), strict=True))

        self.taps = taps
        self.monkeypatch.setitem(drill.OUTPUTS_BY, self.target.name, (outputs, "PyTorch"))

    @torch.no_grad()
    def made(self, form: nn.Module, image: Images, source: contract.Input) -> list[Values]:
        made: Tensor | tuple[Tensor, ...] = form(torch.from_numpy(adapted(image, source)))
        return [value.numpy() for value in ((made,) if isinstance(made, Tensor) else made)]

    def drill(self, *, min_sqnr_db: float = 90, pictures: ImageSet = CLOUDS) -> Drill:
        form = lowering.with_scales(levit(side=64), SPEC, self.target).form
        self.spoil_shipped(form)
        return drill.drill(
            Checkpoint(levit(side=64), "levit_128s", 10, 64, True, "nets", "official", "0" * 64, None, {}),
            RECIPES[f"{self.target.name}-fp32"],
            CARD,
            spec=SPEC,
            source=self.source,
            result=RESULT,
            candidate=one_by_one(lambda image: self.made(form, image, self.source)[0]),
            pictures=pictures,
            min_sqnr_db=min_sqnr_db,
            folder=self.folder,
        )


@pytest.fixture
def desk(target: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    row = TARGETS[target]
    source = contract.Input(
        name="image",
        shape=(1, 3, 64, 64) if row.layout == "NCHW" else (1, 64, 64, 3),
        layout=row.layout,
        dtype="float32",
        range=(0, row.pixel_range),
    )
    made = Desk(row, source, monkeypatch, tmp_path)
    monkeypatch.setattr(drill, "with_scales", made.with_scales)
    monkeypatch.setattr(drill, "lower", made.lower)
    return made


def add_to_output(block: str, amount: float) -> Callable[[nn.Module], None]:
    """Spoils the last bias of a block, which shifts its output."""

    def spoil(form: nn.Module) -> None:
        path = {**block_paths(form), "pooled": "body.stage2.mlp3", "logits": "head"}[block]
        list(form.get_submodule(path).parameters())[-1].data.add_(amount)

    return spoil


@TARGET
def test_a_sound_form_is_within_everywhere(desk: Desk) -> None:
    found = desk.drill()
    assert tuple(block.name for block in found.blocks) == (*BLOCKS, "logits")
    assert (found.pictures, found.min_sqnr_db, found.first_over) == (3, 90, None)
    assert (found.same_logits, found.logits_max_abs_difference) == (True, 0.0)
    for fact in (f"{desk.target.name}-fp32", "23 additional outputs", "PyTorch"):
        assert fact in found.tapped
    assert min(block.sqnr_db for block in found.blocks) > 100
    assert min(block.cosine for block in found.blocks) > 1 - 1e-9
    shapes = {block.name: block.shape for block in found.blocks}
    assert [shapes[name] for name in ("stem", "stage0.mlp1", "shrink0.attn", "stage2.attn3", "pooled", "logits")] == [
        (16, 128),
        (16, 128),
        (4, 256),
        (1, 384),
        (1, 384),
        (1, 10),
    ]


@pytest.mark.slow
@TARGET
@pytest.mark.parametrize(
    "block", ["stem", "stage0.attn0", "shrink0.attn", "shrink0.mlp", "stage1.mlp2", "stage2.attn3", "pooled", "logits"]
)
def test_the_first_block_over_is_the_wrong_one(desk: Desk, block: str) -> None:
    desk.spoil = add_to_output(block, 0.01)
    found = desk.drill()
    assert found.first_over == block
    assert not found.same_logits
    assert found.logits_max_abs_difference > 1e-4
    place = [b.name for b in found.blocks].index(block)
    assert all(b.sqnr_db > 100 for b in found.blocks[:place])
    assert found.blocks[place].max_abs_error == pytest.approx(0.01, rel=0.02)  # float32 rounds values of 100 to 1e-5


@pytest.mark.parametrize("target", ["executorch"])
def test_a_wrong_artifact_of_a_sound_checkpoint_has_other_logits(desk: Desk) -> None:
    """What is tapped says nothing of it then, and the drill says that."""
    desk.spoil_shipped = add_to_output("stage1.mlp2", 0.01)
    found = desk.drill()
    assert (found.first_over, found.same_logits) == (None, False)
    assert found.logits_max_abs_difference > 1e-4


@TARGET
def test_a_block_of_nan_fails_and_is_written(desk: Desk) -> None:
    desk.spoil = add_to_output("stage2.attn1", math.nan)
    found = desk.drill(min_sqnr_db=1e-9)
    assert (found.first_over, found.same_logits) == ("stage2.attn1", False)
    assert [block.name for block in found.blocks if block.within] == list(BLOCKS[: BLOCKS.index("stage2.attn1")])
    wrong = {block.name: block for block in found.blocks}["stage2.attn1"]
    assert all(math.isnan(figure) for figure in (wrong.sqnr_db, wrong.max_abs_error, wrong.cosine))
    again = Drill.model_validate_json(found.model_dump_json())
    assert (again.first_over, math.isnan(again.logits_max_abs_difference)) == ("stage2.attn1", True)


@pytest.mark.parametrize("target", ["executorch"])
def test_the_budget_of_the_weakest_block(desk: Desk) -> None:
    weakest: Block = min(desk.drill().blocks, key=lambda block: block.sqnr_db)
    assert desk.drill(min_sqnr_db=weakest.sqnr_db).first_over is None
    assert desk.drill(min_sqnr_db=math.nextafter(weakest.sqnr_db, math.inf)).first_over == weakest.name
    assert desk.drill(min_sqnr_db=math.nan).first_over == "stem"


@TARGET
def test_outputs_are_named_as_formats_can_name_them(desk: Desk) -> None:
    desk.drill()
    assert desk.taps == tuple(name.replace(".", "_") for name in BLOCKS)
    assert all(name.isidentifier() for name in desk.taps)


@pytest.mark.parametrize("target", ["executorch"])
def test_no_pictures_are_no_pass(desk: Desk) -> None:
    with pytest.raises(ValueError, match="no images were given"):
        desk.drill(pictures=ImageSet((), lambda _: np.zeros((64, 64, 3), np.uint8)))
