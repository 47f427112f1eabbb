"""What a `.mlpackage` says of itself, read from its protobuf: what Xcode and Vision will see."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Bundles
from support.conversions import shared_conversions
from support.installed import needs

from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import RECIPES

needs("coremltools")

pytestmark = pytest.mark.slow
BOTH = pytest.mark.parametrize("name", ["coreml-fp32", "coreml-fp16"])
SPECIFICATION = {16: 7, 17: 8, 18: 9}  # Apple's versions of the model format


def specification(package: Path) -> Any:
    from coremltools.models.utils import load_spec

    return load_spec(str(package))


def operations(spec: Any) -> list[Any]:
    (block,) = spec.mlProgram.functions["main"].block_specializations.values()
    return list(block.operations)


@pytest.fixture
def spec(bundles: Bundles, name: str) -> Any:
    return specification(bundles(name).path / "model.mlpackage")


@BOTH
def test_takes_a_picture(spec: Any) -> None:
    (source,) = spec.description.input
    image = source.type.imageType
    assert source.name == "image"
    assert (image.width, image.height, image.ColorSpace.Name(image.colorSpace)) == (224, 224, "RGB")


@BOTH
def test_gives_label_probabilities_and_logits(spec: Any) -> None:
    outputs = {output.name: output.type for output in spec.description.output}
    assert set(outputs) == {"classLabel", "classLabel_probs", "logits"}
    assert outputs["classLabel"].WhichOneof("Type") == "stringType"
    assert outputs["classLabel_probs"].dictionaryType.WhichOneof("KeyType") == "stringKeyType"
    logits = outputs["logits"].multiArrayType
    assert (list(logits.shape), logits.ArrayDataType.Name(logits.dataType)) == ([1, 10], "FLOAT32")
    assert spec.description.predictedFeatureName == "classLabel"
    assert spec.description.predictedProbabilitiesName == "classLabel_probs"


@BOTH
def test_labels_are_the_contracts_own(spec: Any, bundles: Bundles, name: str) -> None:
    (classify,) = [op for op in operations(spec) if op.type == "classify"]
    stored = classify.inputs["classes"].arguments[0].value.immediateValue.list.values
    classes = [value.immediateValue.tensor.strings.values[0] for value in stored]
    folder, output = bundles(name).path, bundles(name).contract.output
    assert classes == (folder / output.labels_file).read_text().splitlines() == [str(i) for i in range(10)]


@BOTH
def test_probabilities_come_from_a_softmax_of_the_logits(spec: Any) -> None:
    made_by = {output.name: op for op in operations(spec) for output in op.outputs}

    def source(op: Any, role: str) -> Any:
        """What makes the input, behind casts."""
        maker = made_by[op.inputs[role].arguments[0].name]
        return source(maker, "x") if maker.type == "cast" else maker

    softmax = source(made_by["classLabel_probs"], "probabilities")
    assert softmax.type == "softmax"
    logits = made_by["logits"]
    assert source(softmax, "x") == (source(logits, "x") if logits.type == "cast" else logits)


@BOTH
def test_normalisation_is_a_subtraction_of_the_mean_colour(spec: Any) -> None:
    (subtraction,) = [op for op in operations(spec) if op.type == "sub"]
    assert "mean" in subtraction.inputs["y"].arguments[0].name
    assert spec.WhichOneof("Type") == "mlProgram"  # and no preprocessing of the older formats beside it


@BOTH
def test_says_who_made_it_and_from_what(spec: Any, bundles: Bundles, name: str) -> None:
    about, contract = spec.description.metadata, bundles(name).contract
    assert about.author
    assert about.license
    assert about.versionString == contract.tool
    assert "levit_128s" in about.shortDescription
    assert about.userDefined["levit_mobile.recipe"] == name
    assert about.userDefined["levit_mobile.checkpoint_sha256"] == contract.model.checkpoint_sha256
    assert "centre 224 x 224 px" in about.userDefined["levit_mobile.preprocessing"]
    assert [output.name for output in spec.description.output if not output.shortDescription] == []


@BOTH
def test_holds_nothing_of_the_day_or_the_machine(bundles: Bundles, name: str) -> None:
    package = bundles(name).path / "model.mlpackage"
    inside = sorted(file.relative_to(package).as_posix() for file in package.rglob("*") if file.is_file())
    data = "Data/com.apple.CoreML"
    assert inside == [f"{data}/model.mlmodel", f"{data}/weights/weight.bin", "Manifest.json"]
    program = (package / data / "model.mlmodel").read_bytes()
    assert b"conversion_date" not in program
    assert os.fsencode(Path.cwd()) not in program
    manifest = json.loads((package / "Manifest.json").read_text())
    assert manifest["rootModelIdentifier"] in manifest["itemInfoEntries"]
    assert all((package / "Data" / entry["path"]).exists() for entry in manifest["itemInfoEntries"].values())


@BOTH
def test_everyone_can_read_it(bundles: Bundles, name: str) -> None:
    package = bundles(name).path / "model.mlpackage"
    modes = {item: item.stat().st_mode & 0o777 for item in [package, *package.rglob("*")]}
    assert {mode for item, mode in modes.items() if item.is_dir()} == {0o755}
    assert {mode for item, mode in modes.items() if item.is_file()} == {0o644}


def test_the_default_runs_on_ios_16(bundles: Bundles) -> None:
    spec = specification(bundles("coreml-fp16").path / "model.mlpackage")
    assert list(spec.mlProgram.functions["main"].block_specializations) == ["CoreML6"]
    assert spec.specificationVersion == SPECIFICATION[16]


@pytest.mark.parametrize(("minimum_ios", "opset"), [(17, "CoreML7"), (18, "CoreML8")])
def test_minimum_ios_is_the_opset(
    small: SourceModel, conversions: Path, tmp_path: Path, minimum_ios: int, opset: str
) -> None:
    recipe = replace(RECIPES["coreml-fp16"], minimum_ios=minimum_ios)
    with shared_conversions(conversions):
        bundle = convert.build(small, recipe, out=tmp_path)
    spec = specification(bundle.path / "model.mlpackage")
    assert list(spec.mlProgram.functions["main"].block_specializations) == [opset]
    assert spec.specificationVersion == SPECIFICATION[minimum_ios]
    assert bundle.contract.artifact.minimum_ios == minimum_ios
    assert bundle.inspection.weight_bytes.keys() == {"float16"}


@pytest.mark.usefixtures("one_block")
def test_a_conversion_leaves_nothing_in_the_temporary_folder(
    shallow: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    convert.build(shallow, RECIPES["coreml-fp16"], out=tmp_path)
    assert [path.name for path in temporary.iterdir()] == []
