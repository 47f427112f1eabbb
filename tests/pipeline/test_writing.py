"""A bundle holds what its contract says, and the contract says what is true."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Bundles
from PIL import Image
from support.refusals import refused

import levit_mobile
from levit_mobile.errors import BundleError
from levit_mobile.images import digits
from levit_mobile.images.preprocessing import preprocess
from levit_mobile.model.parts.counts import count_macs, count_parameters
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS

ALL = pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith(("fp32", "fp16", "tflite-int8"))])
PACKAGE = {
    "model.mlpackage/Manifest.json",
    "model.mlpackage/Data/com.apple.CoreML/model.mlmodel",
    "model.mlpackage/Data/com.apple.CoreML/weights/weight.bin",
}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def files(folder: Path) -> set[str]:
    return {item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file()}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@ALL
def test_holds_exactly_these_files(bundles: Bundles, name: str) -> None:
    bundle, suffix = bundles(name), TARGETS[RECIPES[name].target].suffix
    golden = {f"golden/picture{n}.{kind}" for n in range(4) for kind in ("rgb8", "logits.f32")}
    artifact = PACKAGE if suffix == ".mlpackage" else {f"model{suffix}"}
    assert bundle.path.name == f"levit_128s-{name}"
    plan = {"plan.json"} if name.endswith("-int8") else set()
    assert files(bundle.path) == {"contract.json", "parity.json", "labels.txt"} | golden | artifact | plan
    modes = {item.name: item.stat().st_mode & 0o777 for item in bundle.path.rglob("*") if item.is_file()}
    assert {file: mode for file, mode in modes.items() if mode & 0o600 != 0o600 or mode & 0o111} == {}


@ALL
def test_artifact_is_the_one_in_the_contract(bundles: Bundles, name: str) -> None:
    bundle = bundles(name)
    stated, path = bundle.contract.artifact, bundle.path / bundle.contract.artifact.file
    assert stated.partitions == bundle.inspection.partitions
    assert stated.minimum_ios == (16 if name.startswith("coreml") else None)
    assert stated.toolchain.keys() == set(TARGETS[RECIPES[name].target].packages)
    if path.is_file():
        assert (stated.bytes, stated.sha256) == (path.stat().st_size, sha256(path.read_bytes()))
        return
    inside = sorted(files(path))  # of a folder: what `sha256sum` prints for its files
    lines = "".join(f"{sha256((path / file).read_bytes())}  {file}\n" for file in inside)
    assert stated.sha256 == sha256(lines.encode())
    assert stated.bytes == sum((path / file).stat().st_size for file in inside)


@ALL
def test_model_and_labels_are_the_checkpoints(bundles: Bundles, trained: SourceModel, name: str) -> None:
    bundle, checkpoint = bundles(name), trained.checkpoint
    stated = bundle.contract.model
    assert (stated.variant, stated.classes) == ("levit_128s", 10)
    assert stated.checkpoint_sha256 == sha256(Path(checkpoint.source).read_bytes())
    assert (
        stated.parameters == count_parameters(checkpoint.model) == sum(p.numel() for p in checkpoint.model.parameters())
    )
    assert stated.macs == count_macs(checkpoint.model, checkpoint.input_size)
    assert "/" not in stated.source
    labels = (bundle.path / bundle.contract.output.labels_file).read_bytes()
    assert labels == b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    assert bundle.contract.output.labels_sha256 == sha256(labels)


def test_macs_are_what_a_counter_counts(bundles: Bundles, trained: SourceModel) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        trained.checkpoint.model(torch.zeros(1, 3, 224, 224))
    assert bundles("tflite-fp32").contract.model.macs == counter.get_total_flops() // 2


@ALL
def test_golden_pictures_and_logits_are_the_trained_models(bundles: Bundles, trained: SourceModel, name: str) -> None:
    """Drawn, preprocessed and run again here, without the runner that made them."""
    bundle = bundles(name)
    assert len(bundle.contract.golden) == 4
    for golden in bundle.contract.golden:
        rgb8, logits = (bundle.path / file for file in (golden.rgb8_file, golden.logits_file))
        assert (golden.rgb8_sha256, golden.logits_sha256) == (sha256(rgb8.read_bytes()), sha256(logits.read_bytes()))
        drawn, _ = digits.picture(digits.Split.HELD_OUT, int(golden.name.removeprefix("digit-")))
        pixels = np.frombuffer(rgb8.read_bytes(), np.uint8).reshape(golden.rgb8_shape)
        assert np.array_equal(pixels, preprocess(Image.fromarray(drawn), trained.spec))
        with torch.inference_mode():
            image = (torch.tensor(pixels) / 255 - MEAN) / STD
            expected = trained.checkpoint.model(image.permute(2, 0, 1)[None])[0].numpy()
        stored = np.frombuffer(logits.read_bytes(), "<f4").reshape(golden.logits_shape)
        np.testing.assert_allclose(stored, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_golden_pictures_differ(bundles: Bundles) -> None:
    golden = bundles("tflite-fp32").contract.golden
    assert len({g.rgb8_sha256 for g in golden}) == len({g.logits_sha256 for g in golden}) == 4


@ALL
def test_both_json_files_read_back(bundles: Bundles, name: str) -> None:
    bundle = bundles(name)
    assert levit_mobile.Contract.read(bundle.path) == bundle.contract
    proof = levit_mobile.Proof.model_validate_json((bundle.path / "parity.json").read_bytes())
    assert proof == bundle.proof
    assert bundle.contract.verdict == proof.verdict
    assert bundle.contract.tolerance == RECIPES[name].tolerance


@ALL
def test_contract_is_the_same_bytes_when_written_again(bundles: Bundles, name: str, tmp_path: Path) -> None:
    bundle = bundles(name)
    levit_mobile.Contract.read(bundle.path).write(tmp_path)
    assert (tmp_path / "contract.json").read_bytes() == (bundle.path / "contract.json").read_bytes()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"schema_version": 3}, "schema_version"),
        ({"verdict": "fine"}, "verdict"),
        ({"surprise": 1}, "surprise"),
        ({"golden": None}, "golden"),
    ],
)
def test_a_foreign_contract_is_refused(bundles: Bundles, tmp_path: Path, change: dict[str, Any], where: str) -> None:
    content = json.loads((bundles("tflite-fp32").path / "contract.json").read_text())
    (tmp_path / "contract.json").write_text(json.dumps(content | change))
    with refused(BundleError, "bundle.schema", tmp_path / "contract.json", f"schema 1 or 2: {where}: "):
        levit_mobile.Contract.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_damaged_contract_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "contract.json").write_bytes(content)
    with refused(BundleError, "bundle.schema", tmp_path / "contract.json", "schema 1"):
        levit_mobile.Contract.read(tmp_path)


def test_a_folder_without_a_contract_is_no_bundle(tmp_path: Path) -> None:
    with refused(BundleError, "bundle.unreadable", tmp_path, "contract.json"):
        levit_mobile.Contract.read(tmp_path)
