"""LeViT as it ships, in the MIL reference, through the runner."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from conftest import Bundles
from support.installed import needs
from support.mil_programs import Array, numbers
from support.refusals import refused

from levit_mobile.errors import ArtifactError
from levit_mobile.interfaces.runner import Runner
from levit_mobile.mil.program import Mode, read
from levit_mobile.parity import compare, metrics
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.runners import mil

needs("coremltools")


def runner(bundle: Bundle, mode: Mode = "declared") -> Runner:
    contract = bundle.contract
    return mil.load(bundle.path / "model.mlpackage", source=contract.input, result=contract.output, mode=mode)


@pytest.mark.parametrize(
    ("name", "mode", "decibels"),
    [
        ("coreml-fp32", "declared", 100),
        ("coreml-fp32", "float32", 100),
        ("coreml-fp16", "declared", 35),
        ("coreml-fp16", "float32", 40),
    ],
)
def test_levit_computes_what_the_model_computes(
    trained: SourceModel, bundles: Bundles, name: str, mode: Mode, decibels: float
) -> None:
    logits = compare.run(runner(bundles(name), mode), trained.reference.pictures)
    assert metrics.sqnr_db(trained.reference.logits, logits) >= decibels
    assert metrics.top_k_agreement(trained.reference.logits, logits, 1) == 1


def test_levit_takes_half_a_second_a_picture(trained: SourceModel, bundles: Bundles) -> None:
    run = runner(bundles("coreml-fp16"))
    pictures = next(trained.reference.pictures.batches(4))
    run(pictures[:1])
    spans = []
    for picture in pictures:
        start = time.process_time()
        run(picture[None])
        spans.append(time.process_time() - start)
    assert min(spans) <= 0.5


def test_an_image_input_sees_whole_levels(bundles: Bundles) -> None:
    bundle = bundles("coreml-fp32")
    picture = numbers(1, 3, 224, 224, low=0, high=1)
    run = runner(bundle)
    assert np.array_equal(run(picture), run((np.rint(picture * 255) / 255).astype(np.float32)))


def test_label_and_probabilities_are_those_of_the_logits(bundles: Bundles) -> None:
    found = read(bundles("coreml-fp32").path / "model.mlpackage").run(
        {"image": numbers(1, 3, 224, 224, low=0, high=255)}
    )
    wanted = torch.from_numpy(found["logits"]).softmax(-1)
    assert set(found) == {"classLabel", "classLabel_probs", "logits"}
    np.testing.assert_allclose(found["classLabel_probs"], wanted[0], rtol=0, atol=1e-6)
    assert found["classLabel"] == str(found["logits"].argmax())


def test_observe_sees_every_tensor(bundles: Bundles) -> None:
    seen: dict[str, Array] = {}
    program = read(bundles("coreml-fp16").path / "model.mlpackage")
    found = program.run({"image": numbers(1, 3, 224, 224, low=0, high=255)}, observe=seen.__setitem__)
    assert set(seen) == {"image"} | {result.name for step in program.steps for result in step.results}
    assert all(np.array_equal(seen[name], value) for name, value in found.items())


def test_a_contract_of_another_model_is_refused(bundles: Bundles) -> None:
    bundle = bundles("coreml-fp32")
    contract, path = bundle.contract, bundle.path / "model.mlpackage"
    smaller = contract.input.model_copy(update={"shape": (1, 3, 64, 64)})
    tensor = contract.input.model_copy(update={"dtype": "float32"})
    other = contract.output.model_copy(update={"name": "scores"})
    with refused(ArtifactError, "artifact.mismatch", path, "contract's image [1, 3, 64, 64]"):
        mil.load(path, source=smaller, result=contract.output)
    with refused(ArtifactError, "artifact.mismatch", path, "as RGB", "contract's float32"):
        mil.load(path, source=tensor, result=contract.output)
    with refused(ArtifactError, "artifact.mismatch", path, "logits", "expected scores"):
        mil.load(path, source=contract.input, result=other)


def test_threads_are_put_back(bundles: Bundles) -> None:
    before = torch.get_num_threads()
    bundle = bundles("coreml-fp32")
    contract = bundle.contract
    run = mil.load(bundle.path / "model.mlpackage", source=contract.input, result=contract.output, threads=before + 1)
    run(numbers(1, 3, 224, 224, low=0, high=1))
    assert torch.get_num_threads() == before
