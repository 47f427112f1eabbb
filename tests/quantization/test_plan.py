"""Plans: the JSON file, which one is found, the committed ones; and the estimate of time that they rest on."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import pytest
import torch
from support import nets
from support.refusals import refused

from levit_mobile.errors import RecipeError
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.fake_quant import fake_quants_of
from levit_mobile.model.families.levit.architecture import VARIANTS
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.parts.counts import count_macs
from levit_mobile.pipeline.lowering import form_of
from levit_mobile.quantization.cost_model import Cost, Region, groups_of
from levit_mobile.quantization.observers import Observer
from levit_mobile.quantization.plan import PLANS, GroupSensitivity, Origin, ParetoStep, Plan, find
from levit_mobile.quantization.prepare import planned_grids
from levit_mobile.quantization.statistics import collect
from levit_mobile.reporting.tables.plan import damage_table, front_table, rules_line, shortfall
from levit_mobile.targets import TARGETS

SIDE = 64
COMMITTED = sorted(PLANS.glob("*.json"))
ORIGIN = Origin(
    checkpoint_sha256="0" * 64,
    calibration="pictures",
    pictures=16,
    pictures_sha256="1" * 64,
    seed=0,
    compared=16,
    max_kl=1e-3,
)
FRONT = (
    ParetoStep(group=None, cost=0, kl=0.5, sqnr_db=3.25, top1_agreement=0.5),
    ParetoStep(group="head", cost=0.01, kl=0.002, sqnr_db=math.inf, top1_agreement=1),
)


def plan(**fields: object) -> Plan:
    whole = {
        "variant": "levit_128s",
        "target": "tflite",
        "float_edges": ("body.stage2.mlp3.change", "body.stage2.mlp3.out", "scores"),
        "origin": ORIGIN,
        "evidence": (GroupSensitivity(group="head", kl=0.4, sqnr_db=4, gain=0.498, saved=0.01),),
        "front": FRONT,
        "picked": 1,
    }
    return Plan.model_validate(whole | fields)


@cache
def form(variant: str, target: str) -> torch.nn.Module:
    spec, row = ImageSpec.for_side(SIDE), TARGETS[target]
    baked = bake(nets.levit(variant, side=SIDE), mean=spec.unit_mean, std=spec.unit_std, pixel_range=row.pixel_range)
    return form_of(baked, row)


# The file


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = plan(observer=Observer.MSE, equalize=None, correct_biases=False)
    written.write(tmp_path / "new" / "plan.json")
    read = Plan.read(tmp_path / "new" / "plan.json")
    assert read == written
    assert read.sha256 == written.sha256 != plan().sha256
    assert json.loads((tmp_path / "new" / "plan.json").read_text())["front"][1]["sqnr_db"] == "Infinity"


def test_a_plan_written_by_hand_needs_three_lines(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text('{"variant": "levit_128s", "target": "tflite", "float_edges": ["scores"]}')
    assert Plan.read(path).float_edges == ("scores",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "JSON"),
        ('{"variant": "levit_128s"}', "target: Field required"),
        ('{"variant": "levit_128s", "target": "tflite", "fast": true}', "fast: Extra inputs"),
        ('{"variant": "levit_128s", "target": "tflite", "observer": "median"}', "observer: Input should be"),
        ('{"variant": "levit_128s", "target": "tflite", "schema_version": 2}', "schema_version: Input should be 1"),
    ],
    ids=["half", "no target", "unknown field", "unknown observer", "later schema"],
)
def test_what_is_no_plan_is_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with refused(RecipeError, "recipe.schema", path, "schema 1", complaint):
        Plan.read(path)


def test_a_plan_that_is_not_there(tmp_path: Path) -> None:
    with refused(RecipeError, "recipe.unreadable", tmp_path / "plan.json", "No such file"):
        Plan.read(tmp_path / "plan.json")


# Which one


def test_a_plan_of_another_variant_or_target_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan().write(path)
    assert find(path, variant="levit_128s", target="tflite") == plan()
    for variant, target in [("levit_256", "tflite"), ("levit_128s", "executorch")]:
        facts = (path, "levit_128s on tflite", f"{variant} on {target}")
        with refused(RecipeError, "recipe.other-plan", *facts):
            find(path, variant=variant, target=target)


def test_without_a_file_it_is_the_committed_one_or_everything_in_int8() -> None:
    assert find(None, variant="levit_384", target="tflite") == Plan(variant="levit_384", target="tflite")
    assert find(None, variant="levit_128s", target="coreml") == Plan.read(PLANS / "levit_128s-coreml-int8.json")


def test_an_edge_that_no_form_has_is_refused() -> None:
    made = form("levit_128s", "executorch")
    pictures = list(nets.pixels(2, SIDE).split(1))
    wrong = plan(target="executorch", float_edges=("scores", "body.stage7.attn0.query"))
    with refused(RecipeError, "recipe.other-plan", "body.stage7.attn0.query", "levit_128s"):
        planned_grids(made, collect(made, lambda: pictures), wrong)


# The committed ones


def test_there_are_committed_plans() -> None:
    assert {path.name for path in COMMITTED} >= {"levit_128s-coreml-int8.json"}


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_plan_names_what_exists(path: Path) -> None:
    found = Plan.read(path)
    assert path.name == f"{found.variant}-{found.target}-int8.json"
    assert found.variant in VARIANTS
    made = form(found.variant, found.target)
    assert set(found.float_edges) <= fake_quants_of(made).keys()
    assert {one.group for one in found.evidence} == groups_of(made).keys()
    assert {step.group for step in found.front[1:]} <= groups_of(made).keys()


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_plan_rests_on_its_search(path: Path) -> None:
    found = Plan.read(path)
    assert found.origin is not None
    assert found.picked is not None
    groups = groups_of(form(found.variant, found.target))
    kept = [edge for step in found.front[1 : found.picked + 1] for edge in groups[step.group or ""]]
    assert list(found.float_edges) == kept
    assert found.front[found.picked].within(found.origin.max_kl)
    assert [one.damage for one in found.evidence] == sorted((one.damage for one in found.evidence), reverse=True)


# The estimate of time


@cache
def cost() -> Cost:
    return Cost.of(form("levit_128s", "executorch"), nets.pixels(1, SIDE))


def test_every_edge_is_in_one_group() -> None:
    groups = groups_of(form("levit_128s", "executorch"))
    assert sorted(edge for edges in groups.values() for edge in edges) == sorted(
        fake_quants_of(form("levit_128s", "executorch"))
    )
    assert groups["body.stage0.attn0.scores"] == ("body.stage0.attn0.query", "body.stage0.attn0.key")
    assert groups["body.shrink0.attn.scores"] == tuple(f"body.shrink0.attn.{one}" for one in ("grid", "query", "key"))
    assert groups["body.stage1.mlp2.output"] == ("body.stage1.mlp2.change", "body.stage1.mlp2.out")
    assert groups["stem.conv0"] == ("stem.pixels", "stem.wide.conv0", "stem.active.conv0")
    assert groups["stem.conv3"] == ("stem.wide.conv3", "tokens")
    assert groups["body.stage2.mlp3.hidden"] == ("body.stage2.mlp3.hidden", "body.stage2.mlp3.pooled")
    assert groups["head"] == ("scores",)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_groups_of_the_same_kinds(target: str) -> None:
    groups = groups_of(form("levit_128s", target))
    assert {"stem.conv0", "stem.conv3", "body.shrink1.attn.output", "body.stage2.mlp3.expand", "head"} <= groups.keys()
    assert sorted(edge for edges in groups.values() for edge in edges) == sorted(
        fake_quants_of(form("levit_128s", target))
    )


@pytest.mark.slow
def test_all_macs_are_counted() -> None:
    regions = cost().regions
    counted = sum(region.macs + region.matmul_macs for region in regions.values())
    assert counted == count_macs(
        nets.levit(side=SIDE, heads=1), (SIDE, SIDE)
    )  # at this side the last stage has one token
    assert regions["body.stage0.attn0.query"].layers == {"body.stage0.attn0.q"}
    assert regions["body.stage0.attn0.mixed"].sources == {
        f"body.stage0.attn0.{one}" for one in ("query", "key", "value")
    }
    assert regions["body.stage0.attn0.out"].sources == {"tokens", "body.stage0.attn0.change"}
    assert [name for name, region in regions.items() if region.matmul_macs and not name.endswith(".mixed")] == []


def test_float_costs_more_the_more_of_it_there_is() -> None:
    groups = groups_of(form("levit_128s", "executorch"))
    shares = {name: cost().share(edges) for name, edges in groups.items()}
    assert all(share > 0 for share in shares.values())
    everything = cost().share(fake_quants_of(form("levit_128s", "executorch")))
    assert max(shares.values()) < everything < 1
    assert cost().share(()) == 0


def test_a_layer_by_hand() -> None:
    """The contraction of one block: its own MACs and the next block's are in float, and both ends are converted."""
    regions, block = cost().regions, "body.stage2.mlp2"
    edges = groups_of(form("levit_128s", "executorch"))[f"{block}.output"]
    change = regions[f"{block}.change"]
    behind = [region for region in regions.values() if f"{block}.out" in region.sources]
    # `hidden` and the block's input are read in float; what reads the block begins int8 anew, its products in float.
    borders = regions[f"{block}.hidden"].elements + regions["body.stage2.attn2.out"].elements
    borders += sum(region.elements for region in behind) + regions["body.stage2.attn3.change"].elements
    macs = change.macs + sum(region.macs for region in behind)
    assert cost().time(edges) - cost().time(()) == 3 * macs + 16 * borders


def made_up(*regions: tuple[str, set[str], float, int, int]) -> Cost:
    """Of regions by name, sources, MACs of layers, MACs of products and elements."""
    return Cost(
        {
            name: Region(sources=sources, macs=macs, matmul_macs=products, elements=elements)
            for name, sources, macs, products, elements in regions
        }
    )


def test_the_time_of_two_layers_by_hand() -> None:
    """Pixels -> a -> b; a product of both runs in float, whatever has a grid."""
    chain = made_up(("pixels", set(), 0, 0, 10), ("a", {"pixels"}, 100, 0, 20), ("b", {"a"}, 200, 0, 30))
    begins = 16 * 10  # pixels are made in float, and put on their grid
    assert chain.time(()) == begins + 100 + 200
    assert chain.time({"b"}) == begins + 100 + 4 * 200 + 16 * 20  # a is read in float
    assert chain.time({"a"}) == begins + 4 * 100 + 16 * 10 + 4 * 200 + 16 * 30
    assert chain.time({"pixels", "a", "b"}) == 4 * 300
    assert chain.share({"b"}) == (begins + 100 + 800 + 320 - begins - 300) / 1200
    product = made_up(("x", set(), 0, 0, 10), ("y", {"x"}, 7, 50, 20))
    assert product.time(()) == 16 * 10 + 4 * 7 + 4 * 50 + 16 * 20 + 16 * 10


def test_a_source_that_two_read_in_float_is_converted_once() -> None:
    fork = made_up(("x", set(), 0, 0, 10), ("a", {"x"}, 1, 0, 5), ("b", {"x"}, 1, 0, 5))
    assert fork.time({"a", "b"}) == 16 * 10 + 8 + 16 * 10


@pytest.mark.parametrize(
    ("sources", "products", "grids", "integer"),
    [
        ({"x"}, 0, {"x", "y"}, True),
        ({"x"}, 0, {"y"}, False),
        ({"x"}, 0, {"x"}, False),
        ({"x", "z"}, 0, {"x", "y"}, False),
        ({"x"}, 1, {"x", "y"}, False),
        (set(), 0, {"y"}, False),
    ],
)
def test_a_region_is_in_int8_where_both_its_ends_are(
    sources: set[str], products: int, grids: set[str], integer: bool
) -> None:
    assert Region(sources=sources, matmul_macs=products).integer("y", grids) is integer


@pytest.mark.parametrize(
    ("kl", "top1", "within"),
    [(0.001, 1.0, True), (math.nextafter(0.001, 1), 1.0, False), (0.0, 0.999, False), (math.nan, 1.0, False)],
)
def test_a_step_is_within_its_bound_up_to_itself_and_without_a_flip(kl: float, top1: float, within: bool) -> None:
    assert ParetoStep(group=None, cost=0, kl=kl, sqnr_db=1, top1_agreement=top1).within(0.001) is within


@pytest.mark.parametrize(("kl", "gain", "damage"), [(0.1, 0.2, 0.2), (0.2, 0.1, 0.2), (0.1, -3.0, 0.1)])
def test_the_damage_is_the_larger_of_both_divergences(kl: float, gain: float, damage: float) -> None:
    assert GroupSensitivity(group="a", kl=kl, sqnr_db=1, gain=gain, saved=0).damage == damage


def test_a_plan_without_options_is_all_int8_by_the_error_of_the_output() -> None:
    bare = Plan(variant="levit_128s", target="tflite")
    assert (bare.observer, bare.equalize, bare.correct_biases) == (Observer.OUTPUT, 0.5, True)
    assert (bare.float_edges, bare.evidence, bare.front, bare.picked) == ((), (), (), None)


# As text


def test_tables_show_the_damage_and_the_pick() -> None:
    many = tuple(GroupSensitivity(group=f"g{i}", kl=1 / (i + 1), sqnr_db=3, gain=0, saved=0.5) for i in range(12))
    damage, front = damage_table(plan(evidence=many)), front_table(plan())
    assert damage.row_count == 10
    assert damage.caption == "and 2 more"
    assert list(front.columns[0].cells) == ["-", "head"]
    assert list(front.columns[-1].cells) == ["", "[green]chosen[/]"]


def test_lines_say_the_rules_and_what_was_not_reached() -> None:
    line = rules_line(plan(observer=Observer.MIN_MAX))
    for fact in ("levit_128s on tflite", "3 tensors in float", "min-max", "equalisation 0.5", "biases corrected"):
        assert fact in line
    everything = rules_line(plan(float_edges=(), observer=Observer.MSE, equalize=None, correct_biases=False))
    for fact in ("everything in int8", "observer mse", "no equalisation", "biases unchanged"):
        assert fact in everything
    assert "KL of 1.0e-03" in str(shortfall(plan()))
    assert shortfall(plan(origin=ORIGIN.model_copy(update={"max_kl": 0.01}))) is None
    assert shortfall(Plan(variant="levit_128s", target="tflite")) is None
