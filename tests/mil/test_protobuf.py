"""The manifest of a package: whatever it holds, the model's file is found or the package is refused in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.refusals import refused

from levit_mobile.bundle.inspect import inspect
from levit_mobile.errors import ArtifactError
from levit_mobile.mil.protobuf import model_file


def package(folder: Path, manifest: str) -> Path:
    """A folder that holds a manifest and no model."""
    (folder / "Data").mkdir(parents=True)
    (folder / "Manifest.json").write_text(manifest, encoding="utf-8")
    return folder


def naming(path: object) -> str:
    return json.dumps({"itemInfoEntries": {"model": {"path": path}}, "rootModelIdentifier": "model"})


def test_the_named_file_is_taken(tmp_path: Path) -> None:
    path = package(tmp_path / "x.mlpackage", naming("com.apple.CoreML/größe.mlmodel"))
    assert model_file(path) == path / "Data" / "com.apple.CoreML" / "größe.mlmodel"


@pytest.mark.parametrize("opened", ["[", '{"a":', '{"itemInfoEntries":['])
def test_a_manifest_nested_without_end_is_refused(tmp_path: Path, opened: str) -> None:
    path = package(tmp_path / "x.mlpackage", opened * 100_000)
    with refused(ArtifactError, "artifact.damaged", path, "RecursionError"):
        model_file(path)


@pytest.mark.parametrize("name", ["\0", "a\0b/c", "\ud800", "x/\udcff", "\udfff.mlmodel"])
def test_a_name_that_no_file_has_is_refused(tmp_path: Path, name: str) -> None:
    path = package(tmp_path / "x.mlpackage", naming(name))
    with refused(ArtifactError, "artifact.damaged", path, "Manifest.json") as caught:
        model_file(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["../\n../x", "a\nb", "a\u2028b"])
def test_a_name_of_several_lines_is_refused_in_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        inspect(package(tmp_path / "x.mlpackage", naming(name)))
    assert str(caught.value).splitlines() == [str(caught.value)]


@pytest.mark.parametrize("manifest", ["", "null", "1", "[]", '"a"', "{}", '{"rootModelIdentifier": []}', "1" * 5000])
def test_json_of_another_shape_is_refused(tmp_path: Path, manifest: str) -> None:
    path = package(tmp_path / "x.mlpackage", manifest)
    with refused(ArtifactError, "artifact.damaged", path, "Manifest.json"):
        model_file(path)
