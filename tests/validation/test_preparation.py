"""A checkpoint with a preparation of its own: its artifact is right by LiteRT alone, and no other one is proven."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from support import prepared
from support.one_pass import validate
from support.refusals import refused

import levit_mobile
from levit_mobile.errors import BundleError
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.recipe import Verdict

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_this_process", "converted_once")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As transformers saves a model and its processor."""
    from transformers.models.levit.image_processing_pil_levit import LevitImageProcessorPil

    folder = tmp_path_factory.mktemp("levels")
    processor = LevitImageProcessorPil(do_normalize=False)
    prepared.transformers_folder(folder, processor, prepared.retrained(0.0, 1.0))
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return levit_mobile.convert(folder, "tflite-fp32", out=tmp_path_factory.mktemp("out"))


def test_the_artifact_is_right_by_litert_alone_on_the_processors_pixels(folder: Path, bundle: Bundle) -> None:
    from ai_edge_litert.interpreter import Interpreter
    from transformers.models.levit.image_processing_pil_levit import LevitImageProcessorPil

    processor = LevitImageProcessorPil.from_pretrained(folder)
    pictures, _ = prepared.held_out()
    pixels = processor(pictures, return_tensors="np")["pixel_values"].astype(np.float32)  # 0..1: not normalised
    interpreter = Interpreter(str(bundle.path / bundle.contract.artifact.file))
    interpreter.allocate_tensors()
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    logits = []
    for picture in pixels:
        interpreter.set_tensor(source["index"], picture.transpose(1, 2, 0)[None])
        interpreter.invoke()
        logits.append(interpreter.get_tensor(result["index"])[0])
    assert prepared.accuracy(np.array(logits)) >= 99
    assert bundle.proof.verdict is Verdict.PROVEN


def test_the_contract_states_what_was_taken_and_from_where(bundle: Bundle) -> None:
    found = bundle.contract.preprocessing
    assert (found.mean, found.std, found.source) == ((0.0,) * 3, (1.0,) * 3, "preprocessor_config.json")
    assert (found.crop_rounding, found.mode, found.width) == ("down", "short side", 256)
    assert bundle.contract.model.sizes["depths"] == (2, 3, 4)


def test_validate_prepares_as_the_checkpoint_does(folder: Path, bundle: Bundle) -> None:
    found = validate(bundle.path, reference=folder, runtime="litert", count=40)
    assert found.verdict is Verdict.PROVEN


def test_a_bundle_of_the_papers_preparation_is_not_proven(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    """What earlier versions wrote: both sides of their proof were prepared alike, and both were wrong."""
    wrong = shutil.copytree(bundle.path, tmp_path / "wrong")
    contract = json.loads((wrong / "contract.json").read_text())
    contract["preprocessing"] |= {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "source": "the paper"}
    (wrong / "contract.json").write_text(json.dumps(contract))
    with refused(BundleError, "bundle.preprocessing", wrong, "preprocessor_config.json", "mean 0, std 1", "0.485"):
        validate(wrong, reference=folder, runtime="litert", count=40)


def test_options_of_the_user_count_as_the_bundles_own(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    """The reference is then prepared as the contract states, so an artifact without these options is broken."""
    source = levit_mobile.load_source(folder, mean=0.5, std=0.5)
    assert source.spec.source == "preprocessor_config.json; --mean --std"
    other = shutil.copytree(bundle.path, tmp_path / "other")
    contract = json.loads((other / "contract.json").read_text())
    contract["preprocessing"] |= asdict(source.spec)
    (other / "contract.json").write_text(json.dumps(contract))
    assert validate(other, reference=folder, runtime="litert", count=40).verdict is Verdict.BROKEN
