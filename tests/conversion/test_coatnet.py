"""Small CoAtNets and grafts through every target: proven against their trained selves, in one partition."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from support.coatnets import graft_parts, graft_state, saved

import levit_mobile
from levit_mobile.parity.report import ParityReport
from levit_mobile.pipeline.source_model import SourceModel, load_source
from levit_mobile.recipe import RECIPES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("converted_once")]

Sources = Callable[[str], SourceModel]

NETS = ("coatnet_0_rw", "coatnet_2_rw", "coatnet_bn_0_rw", "graft")
BOUNDS = {"tflite-fp32": 100, "executorch-fp32": 100, "coreml-fp16": 50}
INTEGERS = ("tflite-int8", "tflite-int8-dynamic", "executorch-int8-dynamic")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    @lru_cache
    def source(net: str) -> SourceModel:
        folder = tmp_path_factory.mktemp(net)
        if net != "graft":
            return load_source(saved(net, folder))
        torch.save(graft_state(graft_parts(2)), folder / "weights.pth")
        return load_source(folder / "weights.pth")

    return source


def converted(of: SourceModel, recipe: str, out: Path) -> levit_mobile.Bundle:
    count = 64 if recipe.endswith("-int8") else None
    return levit_mobile.convert(of, recipe, out=out, timing=False, emulation=False, count=count)


def report(bundle: levit_mobile.Bundle) -> ParityReport:
    assert bundle.proof.report is not None
    return bundle.proof.report


@pytest.mark.parametrize(("net", "recipe"), [(net, recipe) for net in NETS for recipe in BOUNDS])
def test_float_artifacts_are_close_and_whole(net: str, recipe: str, sources: Sources, tmp_path: Path) -> None:
    bundle = converted(sources(net), recipe, tmp_path)
    assert report(bundle).sqnr_db >= BOUNDS[recipe]
    if not recipe.startswith("coreml"):
        assert bundle.contract.artifact.partitions == 1


@pytest.mark.parametrize("recipe", INTEGERS)
@pytest.mark.parametrize("net", ["coatnet_0_rw", "graft"])
def test_integers_keep_their_bound_in_one_partition(net: str, recipe: str, sources: Sources, tmp_path: Path) -> None:
    """Of drawn weights the error says something, and the top class nothing: tests/pipeline has trained ones."""
    bundle = converted(sources(net), recipe, tmp_path)
    assert report(bundle).sqnr_db >= RECIPES[recipe].tolerance.min_sqnr_db
    assert bundle.contract.artifact.partitions == 1


@pytest.mark.parametrize("net", ["coatnet", "graft"])
def test_core_ml_survives_a_large_channel_of_the_stream(net: str, tmp_path: Path) -> None:
    """Trained nets grow channels to hundreds, of which the square does not fit float16."""
    of = with_large_channels_coatnet(tmp_path) if net == "coatnet" else with_a_large_channel_graft(tmp_path)
    assert report(converted(of, "coreml-fp16", tmp_path / "out")).sqnr_db >= 50


def with_large_channels_coatnet(folder: Path) -> SourceModel:
    """One in the stream of either stage of attention."""
    saved("coatnet_0_rw", folder)
    state = torch.load(folder / "pytorch_model.bin")
    for stage in (2, 3):
        state[f"stages.{stage}.blocks.0.mlp.fc2.bias"] = state[f"stages.{stage}.blocks.0.mlp.fc2.bias"].clone()
        state[f"stages.{stage}.blocks.0.mlp.fc2.bias"][5] = 600.0
    torch.save(state, folder / "pytorch_model.bin")
    return load_source(folder)


def with_a_large_channel_graft(folder: Path) -> SourceModel:
    """One in the stream of the tokens."""
    state = graft_state(graft_parts(2))
    state["tail.stem.position"] = state["tail.stem.position"].clone()
    state["tail.stem.position"][:, :, 5] = 600.0
    torch.save(state, folder / "weights.pth")
    return load_source(folder / "weights.pth")
