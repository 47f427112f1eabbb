"""Small trained nets of the other families, made by training/small_families.py: int8 keeps what they have learnt."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from levit_mobile.images.digits import Split, source_of
from levit_mobile.interfaces.toolchain import runner_loader
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel, held_out_digits, load_source
from levit_mobile.quantization.prepare import Int8Options
from levit_mobile.recipe import RECIPES, Verdict
from levit_mobile.runners import eager
from levit_mobile.targets import TARGETS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("converted_once")]

MODELS = Path(__file__).parents[1] / "models"
NETS = {"coatnet": "coatnet", "deit": "vit"}  # and their families
PICTURES = 600
LOST = 0.005  # of top-1, at most
MAX_BYTES = 6_000_000


@cache
def source(net: str) -> SourceModel:
    return load_source(MODELS / f"{net}_digits")


@cache
def images(net: str) -> NDArray[np.float32]:
    return np.concatenate(list(held_out_digits(source(net).spec, PICTURES).batches(100)))


@cache
def trained(net: str) -> NDArray[np.float32]:
    run = eager.load(source(net).checkpoint.model, source(net).spec)
    return np.concatenate([run(batch) for batch in np.split(images(net), 6)])


def accuracy(logits: NDArray[np.float32]) -> float:
    labels = np.arange(PICTURES) % logits.shape[1]  # they cycle with the index
    return float((logits.argmax(1) == labels).mean())


@pytest.mark.parametrize(("net", "family"), NETS.items())
def test_it_is_small_and_reads_digits(net: str, family: str) -> None:
    assert (MODELS / f"{net}_digits" / "model.safetensors").stat().st_size <= MAX_BYTES
    assert source(net).checkpoint.family == family
    assert len({source_of(Split.HELD_OUT, index) for index in range(PICTURES)}) > 300
    assert accuracy(trained(net)) >= 0.95


@pytest.mark.parametrize("recipe", ["tflite-int8", "tflite-int8-dynamic", "executorch-int8", "executorch-int8-dynamic"])
@pytest.mark.parametrize("net", NETS)
def test_int8_keeps_its_accuracy(net: str, recipe: str, tmp_path: Path) -> None:
    chosen = RECIPES[recipe]
    options = Int8Options(count=64) if chosen.name.endswith("-int8") else Int8Options()
    quantization = convert.quantized(source(net), chosen, options)
    bundle = convert.build(source(net), chosen, out=tmp_path, quantization=quantization)
    assert bundle.proof.verdict is Verdict.PROVEN
    contract = bundle.contract
    runner = runner_loader(TARGETS[chosen.target])(
        bundle.path / contract.artifact.file, source=contract.input, result=contract.output, threads=1
    )
    logits = np.concatenate([runner(image[None]) for image in images(net)])
    assert accuracy(logits) >= accuracy(trained(net)) - LOST
