"""An artifact that computes in float16, on a core that has it and on one that lacks it."""

from __future__ import annotations

import pytest
from conftest import Bundles
from support.arm64s import RUNS_HERE, ready
from support.refusals import refused

from levit_mobile.arm64 import cost
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.errors import ArtifactError
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.prepare import Int8Options
from levit_mobile.recipe import recipe

pytestmark = RUNS_HERE


def test_a_core_without_float16_says_why_it_refuses_an_artifact(narrow_bundles: Bundles) -> None:
    ready()
    artifact = narrow_bundles("executorch-fp16").path / "model.pte"
    assert cost.measure(artifact, CPUS["cortex-a76"], ready()).instructions > 0
    with refused(ArtifactError, "artifact.refused", "on cortex-a53", "computes in float16", "choose cortex-a76"):
        cost.measure(artifact, CPUS["cortex-a53"], ready())


@pytest.mark.usefixtures("converted_once")
def test_executorchs_attention_in_float16_spares_a_sixth(
    trained: SourceModel, bundles: Bundles, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """45.0 M instructions become 37.6 M: only fmla of half the width, and no other product, is left in float."""
    ready()
    half = recipe("executorch", "int8", arithmetic="fp16")
    quantization = convert.quantized(trained, half, Int8Options(count=64))
    made = convert.build(trained, half, quantization=quantization, out=tmp_path_factory.mktemp("half"))
    assert made.proof.verdict == "proven", made.proof.reasons
    single, double = (cost.measure(one.path, CPUS["cortex-a76"], ready()) for one in (bundles("executorch-int8"), made))
    assert double.instructions < 0.86 * single.instructions
    assert double.classes["fmla"] < 0.01e6 < double.classes["fmla, half precision"]
    assert double.classes["sdot, udot"] == pytest.approx(single.classes["sdot, udot"], rel=0.01)
