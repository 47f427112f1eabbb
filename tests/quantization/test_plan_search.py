"""The sensitivity search: on a model with one sabotaged block, through an interruption, and as a command."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import nets
from support.checkpoints import one_block_a_stage
from support.command import ask
from support.refusals import refused
from torch import Tensor, nn

from levit_mobile.errors import BundleError, ImageError, RecipeError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.source import ImageSource
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.fake_quant import fake_quants_of
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.trained import LeViT
from levit_mobile.parity.metrics import margins
from levit_mobile.pipeline import lowering
from levit_mobile.pipeline import plan as planning
from levit_mobile.pipeline.lowering import form_of
from levit_mobile.quantization import search as searching
from levit_mobile.quantization.calibration import CalibrationSet
from levit_mobile.quantization.observers import Observer
from levit_mobile.quantization.plan import ParetoStep, Plan, Score
from levit_mobile.quantization.score_cache import open_journal
from levit_mobile.quantization.search import (
    CandidateEvaluator,
    SearchProblem,
    Settings,
    identity,
    pick,
    search,
)
from levit_mobile.targets import TARGETS, Target

SIDE, COUNT, MAX_KL = 64, 16, 5e-3
COATNET = Path(__file__).parents[1] / "models" / "coatnet_digits"
HURT, CHANNEL, GAIN = "body.stage1.mlp1", 7, 3000.0
KEPT = ("body.stage1.attn1.out", "body.stage1.mlp1.", "body.stage1.attn2.")
FEW = (Settings(Observer.MIN_MAX, None, True), Settings(Observer.MIN_MAX, 0.5, True))


class Interrupted(CandidateEvaluator):
    """Stops as Ctrl-C does once it has scored `left` candidates."""

    left: float = float("inf")
    scored = 0

    def _score(self, form: nn.Module) -> Score:
        if self.scored >= self.left:
            raise KeyboardInterrupt
        self.scored += 1
        return super()._score(form)


@cache
def sabotaged() -> LeViT:
    """One hidden channel of one block GAIN times as large as the others, and read as weakly."""
    model = copy.deepcopy(nets.levit(side=SIDE))
    block: Any = model.get_submodule(HURT)
    with torch.no_grad():
        block.expand.norm.weight[CHANNEL] *= GAIN
        block.expand.norm.bias[CHANNEL] *= GAIN
        block.contract.linear.weight[:, CHANNEL] /= GAIN
    return model


@torch.no_grad()
def pictures(seed: int = 0, count: int = COUNT) -> CalibrationSet:
    """Of four times as many those that the model is surest of: top classes flip where it is not, whatever is done."""
    drawn = nets.pixels(4 * count, SIDE, seed)
    sure = np.argsort(-margins(nets.logits_of(sabotaged(), nets.normalised(drawn))))[:count]
    stored = (drawn.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
    named = ImageSet.from_arrays({f"p{index}": stored[index] for index in sure})
    return CalibrationSet(named, ImageSource.at("clouds"), seed, None)


class NoEdge(nn.Module):
    """Stands where an edge was, and does nothing."""

    def forward(self, x: Tensor, **_: bool) -> Tensor:
        return x


def few_edges(baked: nn.Module, target: Target = TARGETS["executorch"]) -> nn.Module:
    """The form with edges in two blocks and before them only, for the sake of time."""
    form = form_of(baked, target)
    for name in fake_quants_of(form):
        if not name.startswith(KEPT):
            path, _, leaf = name.rpartition(".")
            setattr(form.get_submodule(path), leaf, NoEdge())
    return form


def subject(model: LeViT, calibration: CalibrationSet | None = None, compared: int = COUNT) -> SearchProblem:
    spec = ImageSpec.for_side(SIDE)
    baked = bake(model, mean=spec.unit_mean, std=spec.unit_std, pixel_range=1)
    return SearchProblem(
        baked, few_edges, calibration or pictures(), pixel_range=1, channels_last=False, compared=compared
    )


def found_by(bench: CandidateEvaluator, path: Path) -> Plan:
    origin = identity(bench.subject, "0" * 64, MAX_KL)
    journal = open_journal(path, origin, "executorch")
    return search(bench, journal, origin, variant="levit_128s", target="executorch")


@pytest.fixture(scope="module", autouse=True)
def few_settings() -> Iterator[None]:
    """Two of the 24, for the sake of time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "ALL_SETTINGS", FEW)
        yield


@pytest.fixture(scope="module")
def bench() -> Interrupted:
    return Interrupted(subject(sabotaged()))


@pytest.fixture(scope="module")
def journal_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search") / "plan.json.partial"


@pytest.fixture(scope="module")
def whole(bench: Interrupted, journal_file: Path) -> Plan:
    """The plan of a search that nobody interrupted; its journal is kept."""
    return found_by(bench, journal_file)


# What it finds


def test_the_sabotaged_block_is_named_first(whole: Plan) -> None:
    worst = [one.group for one in whole.evidence[:2]]
    assert set(worst) == {f"{HURT}.expand", f"{HURT}.hidden"}
    assert whole.evidence[1].damage > 5 * whole.evidence[2].damage


def test_the_picked_plan_keeps_it_in_float_and_little_else(whole: Plan) -> None:
    assert {f"{HURT}.wide", f"{HURT}.hidden"} <= set(whole.float_edges)
    assert len(whole.float_edges) <= 5
    assert whole.picked is not None
    assert whole.front[whole.picked].within(MAX_KL)
    assert whole.front[0].kl > 5 * whole.front[whole.picked].kl
    assert whole.front[0].cost == 0 < whole.front[whole.picked].cost < 0.2


def test_it_is_the_form_that_convert_makes(bench: Interrupted, whole: Plan) -> None:
    from levit_mobile.quantization.prepare import Quantization

    assert whole.picked is not None
    made = Quantization(pictures(), whole).laid_out(
        bench.subject.baked, bench.subject.lay_out, pixel_range=1, channels_last=False
    )
    score, step = bench._score(made.form), whole.front[whole.picked]
    assert score.kl == pytest.approx(step.kl, rel=1e-2)
    assert score.sqnr_db == pytest.approx(step.sqnr_db, abs=0.05)


def test_without_the_sabotage_int8_hurts_less(bench: Interrupted) -> None:
    healthy = CandidateEvaluator(subject(nets.levit(side=SIDE)))
    assert healthy.mixed(FEW[1]).sqnr_db > bench.mixed(FEW[1]).sqnr_db + 10


def test_the_cheapest_step_within_the_bound_is_picked() -> None:
    def step(cost: float, kl: float, top1: float = 1) -> ParetoStep:
        return ParetoStep(group="g", cost=cost, kl=kl, sqnr_db=30, top1_agreement=top1)

    front = [step(0, 0.5), step(0.1, 0.004, 0.9), step(0.2, 0.002), step(0.3, 0.001), step(0.4, 0.0015)]
    assert pick(front, 0.01) == 2
    assert pick(front, 1e-4) == 3  # nothing reaches it: the lowest
    assert pick([*front, step(0.15, 0.009)], 0.01) == 5


# Going on


def test_an_interrupted_search_measures_only_what_is_missing(
    whole: Plan, bench: Interrupted, journal_file: Path, tmp_path: Path
) -> None:
    lines = journal_file.read_text().splitlines(keepends=True)
    path, missing = tmp_path / "plan.json.partial", 9
    path.write_text("".join(lines[:-missing]) + lines[-missing][:20])  # killed while it wrote
    bench.scored, bench.left = 0, 4
    with pytest.raises(KeyboardInterrupt):
        found_by(bench, path)
    assert path.read_text() == "".join(lines[: -missing + 4])
    bench.scored, bench.left = 0, float("inf")
    assert found_by(bench, path) == whole
    assert bench.scored == missing - 4
    assert path.read_text() == journal_file.read_text()


def test_what_is_known_needs_no_ranges(whole: Plan, journal_file: Path) -> None:
    again = Interrupted(subject(sabotaged()))
    assert found_by(again, journal_file) == whole
    assert again.scored == 0
    assert again.measured == {}


def test_a_journal_of_another_search_is_refused(whole: Plan, bench: Interrupted, journal_file: Path) -> None:
    assert whole.front
    origin = identity(bench.subject, "0" * 64, MAX_KL)
    seen = journal_file.read_text()
    others = [
        origin.model_copy(update={"checkpoint_sha256": "f" * 64}),
        identity(subject(sabotaged(), pictures(1)), "0" * 64, MAX_KL),
    ]
    for other in others:
        with refused(RecipeError, "recipe.other-search", journal_file, "checkpoint", "calibration", "--search-count"):
            open_journal(journal_file, other, "executorch")
    with refused(RecipeError, "recipe.other-search", journal_file):
        open_journal(journal_file, origin, "tflite")
    assert (
        open_journal(journal_file, origin.model_copy(update={"max_kl": 1.0}), "executorch").found
        == len(seen.splitlines()) - 1
    )
    assert journal_file.read_text() == seen


@pytest.mark.parametrize("text", ["", "{}\n", "not ours\n", "\x00\xff\n"], ids=["empty", "no search", "words", "bytes"])
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, bench: Interrupted, text: str) -> None:
    path = tmp_path / "plan.json.partial"
    path.write_text(text)
    with refused(RecipeError, "recipe.other-search", path, "delete", "--out"):
        found_by(bench, path)
    assert path.read_text() == text


def test_a_journal_that_cannot_be_written_is_one_sentence(tmp_path: Path, bench: Interrupted) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "plan.json.partial"
    with refused(BundleError, "bundle.unwritable", path):
        found_by(bench, path)


# Refusals


def test_too_few_pictures() -> None:
    with refused(ImageError, "image.too-few", "8 calibration images", "16 or more"):
        subject(sabotaged(), pictures(count=8))
    with refused(ImageError, "image.too-few", "4 calibration images", "16 or more"):
        subject(sabotaged(), compared=4)


@pytest.mark.slow
def test_a_form_without_edges() -> None:
    class Bare(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3))

    whole = subject(sabotaged())
    with refused(RecipeError, "recipe.int8-only", "int8"):
        CandidateEvaluator(SearchProblem(whole.baked, lambda _: Bare(), pictures(), 1, False, COUNT))


# The command


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("-t", "tflit"), 2, "did you mean tflite?"),
        (("-t", "all"), 2, "unknown target 'all'"),
        (("-t", "tflite", "--calibration", "nowhere"), 1, "error: nowhere does not exist"),
        (("-t", "tflite", "--calibration-count", "8"), 1, "would use 8 calibration images, expected 16"),
        (
            ("-t", "tflite", "--search-count", "8", "--calibration-count", "16"),
            1,
            "would use 8 calibration images, expected 16",
        ),
        (("-t", "tflite", "--out", "."), 1, "is a folder, expected a file"),
        (("-t", "tflite", "--out", "there.json"), 1, "there.json already exists: use --force to replace it"),
        (("-t", "tflite", "--variant", "levit_256"), 1, "levit_256"),
    ],
    ids=["misspelt", "all", "no folder", "few pictures", "few judges", "folder", "exists", "other variant"],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.json").write_text("{}")
    shown = ask("plan", *arguments)
    assert shown.exit_code == code
    assert sentence in " ".join(shown.output.split())
    assert "Traceback" not in shown.output
    assert [path.name for path in tmp_path.iterdir()] == ["there.json"]


@pytest.fixture
def small_search(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The command over a form of few edges of a net with one block a stage, in an empty folder."""
    monkeypatch.setattr(lowering, "form_of", few_edges)
    monkeypatch.setitem(globals(), "KEPT", ("body.stage1.attn0.out", "body.stage1.mlp0."))
    monkeypatch.chdir(tmp_path)
    with one_block_a_stage("levit_128s"):
        yield "--calibration", "synthetic", "--calibration-count", "16", "--search-count", "16", "--max-kl", "1000"


@pytest.mark.slow
def test_the_command_writes_a_plan(small_search: tuple[str, ...], shallow_checkpoint: Path, tmp_path: Path) -> None:
    shown = ask("plan", "-t", "executorch", "-c", str(shallow_checkpoint), *small_search, "--json")
    assert shown.exit_code == 0, shown.output
    (path,) = tmp_path.iterdir()
    assert path.name == "levit_128s-executorch-int8.json"
    assert Plan.model_validate_json(shown.stdout) == Plan.read(path)
    assert "wrote levit_128s-executorch-int8.json" in shown.stderr
    assert re.search("^note: .*synthetic", shown.stderr, re.M)


@pytest.mark.slow
def test_a_search_of_another_family_ends(
    small_search: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "KEPT", ("body.stage1.block0.", "body.stage2.block1.normed"))
    shown = ask("plan", "-t", "tflite", "-c", str(COATNET), *small_search)
    assert shown.exit_code == 0, shown.output
    plan = Plan.read(tmp_path / "coatnet-tflite-int8.json")
    assert (plan.variant, plan.target) == ("coatnet", "tflite")
    assert len(plan.evidence) >= 3


@pytest.mark.slow
def test_an_interrupted_command_goes_on(
    small_search: tuple[str, ...], shallow_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("plan", "-t", "executorch", "-c", str(shallow_checkpoint), *small_search, "--out", "mine.json")
    with monkeypatch.context() as patch:
        patch.setattr(Interrupted, "left", 3)
        patch.setattr(planning, "CandidateEvaluator", Interrupted)
        shown = ask(*arguments)
    assert shown.exit_code == 130
    assert re.search("^interrupted.* mine.json.partial$", shown.stderr, re.M)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json.partial"]
    shown = ask(*arguments)
    assert shown.exit_code == 0, shown.output
    assert re.search("mine.json.partial, which held 3 measurements", shown.stderr)
    assert "Error of each group in int8" in shown.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]
