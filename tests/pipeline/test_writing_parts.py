"""The parts of a contract by recipe, and the golden vectors, on a small model and without a conversion."""

from __future__ import annotations

from contextlib import chdir
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.stored_bundles import Made

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.contract import Quantization
from levit_mobile.model.download import public_name
from levit_mobile.model.fake_quant import QParams
from levit_mobile.pipeline import writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import RECIPES

IO_INT8 = replace(RECIPES["tflite-int8"], io="int8")


@pytest.mark.parametrize(
    ("recipe", "shape", "dtype", "high", "output"),
    [
        ("coreml-fp32", (1, 3, 64, 64), "image", 255.0, "float32"),
        ("coreml-fp16", (1, 3, 64, 64), "image", 255.0, "float32"),
        ("executorch-fp32", (1, 3, 64, 64), "float32", 1.0, "float32"),
        ("executorch-fp16", (1, 3, 64, 64), "float16", 1.0, "float16"),
        ("executorch-int8", (1, 3, 64, 64), "float32", 1.0, "float32"),
        ("tflite-fp16", (1, 64, 64, 3), "float32", 1.0, "float32"),
        ("tflite-int8", (1, 64, 64, 3), "float32", 1.0, "float32"),
    ],
)
def test_inputs_and_outputs_by_recipe(
    small: SourceModel, recipe: str, shape: tuple[int, ...], dtype: str, high: float, output: str
) -> None:
    given = writing.input_of(small, RECIPES[recipe])
    assert (given.name, given.shape, given.dtype, given.range) == ("image", shape, dtype, (0.0, high))
    assert given.layout == ("NCHW" if shape[1] == 3 else "NHWC")
    made = writing.output_of(small, RECIPES[recipe], QParams(0.5, 3))
    assert (made.name, made.shape, made.dtype) == ("logits", (1, 5), output)
    assert (given.quantization, made.quantization) == (None, None)


def test_int8_at_both_ends_has_its_scales(small: SourceModel) -> None:
    given, made = writing.input_of(small, IO_INT8), writing.output_of(small, IO_INT8, QParams(0.5, 3))
    assert (given.dtype, given.quantization) == ("int8", Quantization(scale=1 / 255, zero_point=-128))
    assert (made.dtype, made.quantization) == ("int8", Quantization(scale=0.5, zero_point=3))
    assert given.range == (0.0, 1.0)


def test_the_card_says_what_made_it(small: SourceModel) -> None:
    recipe, checkpoint = RECIPES["tflite-fp16"], small.checkpoint
    found = writing.card_of(small, recipe)
    assert writing.name_of(small, recipe) == "levit_128s-tflite-fp16"
    assert (found.name, found.labels, found.height, found.width) == ("levit_128s", small.labels, 64, 64)
    assert (found.author, found.licence, found.version) == (
        "levit-mobile",
        "see the checkpoint",
        version("levit-mobile"),
    )
    for fact in ("levit_128s", "5 classes", recipe.precision):
        assert fact in found.description
    assert found.metadata == {
        "version": version("levit-mobile"),
        "recipe": "tflite-fp16",
        "variant": "levit_128s",
        "checkpoint_sha256": checkpoint.sha256,
        "checkpoint_format": "official",
        "preprocessing": "short side to 73 px, bicubic; centre 64 x 64 px; "
        "mean 0.485 0.456 0.406, std 0.229 0.224 0.225",
    }


def test_golden_vectors_are_four_of_the_proofs_pictures_evenly_spread(made: Made, small: SourceModel) -> None:
    stored, proof = open_bundle(made("tflite-fp32")), small.reference
    chosen = [quarter * len(proof.pictures) // 4 for quarter in range(4)]
    assert chosen[1] > 1
    names = [proof.pictures.names[index] for index in chosen]
    assert [vector.name for vector in stored.contract.golden] == names
    for number, (index, vector) in enumerate(zip(chosen, stored.contract.golden, strict=True)):
        assert vector.rgb8_file == f"golden/picture{number}.rgb8"
        assert (vector.rgb8_shape, vector.logits_shape) == ((64, 64, 3), (5,))
        pixels, logits = stored.golden()[vector.name]
        assert np.array_equal(pixels, proof.pictures.read(vector.name))
        assert np.array_equal(logits, proof.logits[index].astype(np.float32))


def test_the_contract_names_the_parts_of_its_own_target_and_recipe(made: Made, small: SourceModel) -> None:
    found = {name: open_bundle(made(name)).contract for name in ("tflite-fp32", "tflite-int8", "coreml-fp16")}
    assert [one.artifact.minimum_ios for one in found.values()] == [None, None, 16]
    assert [one.calibration is None for one in found.values()] == [True, False, True]
    assert set(found["coreml-fp16"].artifact.toolchain) == {"torch", "coremltools"}
    for one in found.values():
        assert (one.schema_version, one.model.source, one.artifact.partitions) == (2, "random.pth", 1)
        assert (one.preprocessing.width, one.preprocessing.crop_width) == (small.spec.width, 64)
        assert one.preprocessing.antialias is small.spec.antialias


def test_of_a_path_only_the_name_leaves_this_machine(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").touch()
    assert public_name(str(tmp_path / "mine.pth")) == "mine.pth"
    assert public_name("facebook/levit-128S") == "facebook/levit-128S"
    with chdir(tmp_path):
        assert public_name(".") == tmp_path.name
        assert public_name("mine.pth/..") == "mine.pth/.."  # a path that does not exist is a name


def test_a_plan_of_another_checkpoint_is_doubted() -> None:
    plan: Any = writing.Plan(variant="levit_128s", target="tflite")
    origin = {"calibration": "x", "pictures": 1, "pictures_sha256": "1", "seed": 0, "compared": 1, "max_kl": 0.1}
    searched = plan.model_validate({**plan.model_dump(), "origin": {**origin, "checkpoint_sha256": "ab" * 32}})
    assert list(writing._doubts(plan, "cd" * 32)) == list(writing._doubts(searched, "ab" * 32)) == []
    (sentence,) = writing._doubts(searched, "cd" * 32)
    assert "ab" * 6 in sentence
    assert "levit-mobile plan" in sentence


@pytest.mark.parametrize("recipe", ["tflite-fp32", "tflite-int8", "coreml-fp16"])
def test_no_file_of_a_bundle_names_a_folder_of_this_machine(recipe: str, small: SourceModel, made: Made) -> None:
    here = [str(Path(small.checkpoint.source).parent), str(Path.cwd()), str(Path.home())]
    assert Path(small.checkpoint.source).is_absolute()
    files = [file for file in made(recipe).rglob("*") if file.is_file()]
    assert {"parity.json", "contract.json"} <= {file.name for file in files}
    assert [file.name for file in files for place in here if place.encode() in file.read_bytes()] == []
    proof = open_bundle(made(recipe)).proof
    assert proof.report is None or proof.report.reference == "random.pth"
