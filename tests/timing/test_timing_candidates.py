"""What `bench` is given: bundles and bare artifacts, opened before anything runs."""

from __future__ import annotations

from pathlib import Path

from support.refusals import refused

from levit_mobile.errors import ArtifactError, BundleError
from levit_mobile.timing.candidates import opened


def test_a_bundle_brings_its_contract(bundle: Path) -> None:
    (found,) = opened([bundle])
    assert (found.name, found.target.name, found.artifact) == ("bundle", "tflite", bundle / "model.tflite")
    assert found.contract is not None
    assert not found.baseline


def test_a_bare_artifact_is_known_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "vendor.bin").write_bytes(bytes(4) + b"TFL3")
    (tmp_path / "model.pte").write_bytes(bytes(4) + b"ET12")
    (tmp_path / "model.mlpackage").mkdir()
    (tmp_path / "model.mlpackage" / "Manifest.json").write_text("{}")
    found = opened([tmp_path / "vendor.bin"], [tmp_path / "model.pte", tmp_path / "model.mlpackage"])
    assert [one.target.name for one in found] == ["tflite", "executorch", "coreml"]
    assert [one.baseline for one in found] == [False, True, True]
    assert [one.name for one in found] == [
        "vendor.bin",
        f"{tmp_path.name}/model.pte",
        f"{tmp_path.name}/model.mlpackage",
    ]
    assert {one.contract for one in found} == {None}


def test_a_name_that_comes_twice_gets_a_number(bundle: Path) -> None:
    assert [one.name for one in opened([bundle, bundle], [bundle])] == ["bundle", "bundle (2)", "bundle (3)"]


def test_what_is_no_artifact_is_one_sentence(tmp_path: Path, bundle: Path) -> None:
    wanted = tmp_path / "nothing.tflite", "does not exist", ".tflite", ".pte"
    with refused(ArtifactError, "artifact.missing", *wanted):
        opened([tmp_path / "nothing.tflite"])
    (tmp_path / "notes.txt").write_text("x")
    with refused(ArtifactError, "artifact.unknown-format", tmp_path / "notes.txt", "signature"):
        opened([bundle], [tmp_path / "notes.txt"])
    (bundle / "model.tflite").write_bytes(b"changed")
    with refused(BundleError, "bundle.digest", bundle / "model.tflite"):
        opened([bundle])
