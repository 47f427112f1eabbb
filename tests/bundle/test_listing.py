"""What paths stand for: bundles, the bundles below a folder, artifacts; and what is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.small_bundles import bundle

from levit_mobile.bundle.listing import Listing, listed

RECIPE = "tflite-fp32"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Two bundles, one of them deeper, and what people keep beside bundles."""
    build = tmp_path / "build"
    bundle(build / "b", RECIPE)
    bundle(build / "nested" / "a", "coreml-fp16")
    (build / "nested" / "notes.txt").write_text("notes")
    (build / "report.html").write_text("<title>report</title>")
    (build / "bench.json").write_text("{}")
    (build / "photos").mkdir()
    (build / "photos" / "1.jpg").write_bytes(b"")
    (build / ".DS_Store").write_bytes(b"")
    (build / ".b.partial-1").mkdir()
    return build


def below(root: Path, paths: list[Path], *, artifacts: bool = False) -> tuple[list[str], list[str]]:
    """What the paths stand for and what is passed over, below `root`."""
    found = listed(paths, artifacts=artifacts)
    return named(root, found), [one.path.relative_to(root).as_posix() for one in found.passed_over]


def named(root: Path, found: Listing) -> list[str]:
    return [path.relative_to(root).as_posix() for path in found.paths]


@pytest.mark.parametrize("artifacts", [False, True])
def test_a_folder_stands_for_the_bundles_below_it(build: Path, artifacts: bool) -> None:
    assert below(build, [build], artifacts=artifacts) == (
        ["b", "nested/a"],
        ["bench.json", "nested/notes.txt", "photos", "report.html"],
    )


@pytest.mark.parametrize("artifacts", [False, True])
def test_a_shells_list_of_the_same_folder_gives_the_same_bundles(build: Path, artifacts: bool) -> None:
    paths = sorted(path for path in build.iterdir() if not path.name.startswith("."))
    found, passed_over = below(build, paths, artifacts=artifacts)
    assert found == ["b", "nested/a"]
    assert passed_over == ["bench.json", "nested/notes.txt", "photos", "report.html"]


def test_a_bundle_stands_for_itself_whatever_is_in_it(build: Path) -> None:
    bundle(build / "b" / "inner", RECIPE)
    assert below(build, [build / "b"]) == (["b"], [])


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        (["contract.json", "model.tflite"], True),
        (["labels.txt", "parity.json"], True),
        (["golden", "model.tflite", "labels.txt"], True),
        (["labels.txt", "model.tflite"], False),
        (["contract.json"], False),
        (["model.tflite"], False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bundle_that_lost_files_is_still_a_bundle(build: Path, parts: list[str], kept: bool) -> None:
    (build / "c").mkdir()
    for part in parts:
        (build / "c" / part).write_text("{}")
    found, passed_over = below(build, [build])
    assert ("c" in found, "c" in passed_over) == (kept, not kept)


def test_a_folder_that_was_named_is_a_bundle_with_a_contract_alone(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text("{}")
    assert below(tmp_path, [tmp_path]) == (["."], [])


def test_a_folder_without_bundles_is_passed_over_with_the_reason(build: Path) -> None:
    (passed_over,) = listed([build / "photos"], artifacts=False).passed_over
    assert (passed_over.path, passed_over.reason) == (build / "photos", "no bundle is in it")


def test_links_are_followed_and_each_folder_is_searched_once(build: Path, tmp_path: Path) -> None:
    bundle(tmp_path / "elsewhere" / "c", RECIPE)
    (build / "z-away").symlink_to(tmp_path / "elsewhere")
    (build / "z-loop").symlink_to(build)
    (build / "z-again").symlink_to(build / "b")
    found, passed_over = below(build, [build])
    assert found == ["b", "nested/a", "z-away/c"]
    assert passed_over[-2:] == ["z-again", "z-loop"]


@pytest.mark.parametrize("name", ["node_modules", "venv", "site-packages", "x.app"])
def test_folders_that_hold_nothing_of_ours_are_not_searched(build: Path, name: str) -> None:
    bundle(build / name / "c", RECIPE)
    found, passed_over = below(build, [build])
    assert name not in "".join(found)
    assert name in passed_over


@pytest.mark.parametrize("name", ["a.tflite", "a.pte", "a.mlmodel"])
def test_what_is_meant_as_an_artifact_stands_for_itself_though_damaged(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"damaged")
    assert below(tmp_path, [tmp_path / name], artifacts=True) == ([name], [])
    assert below(tmp_path, [tmp_path / name]) == ([], [name])


@pytest.mark.parametrize("name", ["a.mlpackage", "a.mlmodelc"])
def test_a_folder_that_is_one_artifact_stands_for_itself(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "Data").mkdir(parents=True)
    assert below(tmp_path, [tmp_path / name], artifacts=True) == ([name], [])


def test_an_artifact_of_any_name_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"\x1c\0\0\0TFL3" + bytes(30))
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "Manifest.json").write_text("{}")
    paths = [tmp_path / "weights.bin", tmp_path / "package"]
    assert below(tmp_path, paths, artifacts=True) == (["weights.bin", "package"], [])


def test_a_file_that_is_often_mistaken_for_an_artifact_is_passed_over_with_the_advice(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"PK\x03\x04" + bytes(30))
    (passed_over,) = listed([tmp_path / "model.zip"], artifacts=True).passed_over
    assert "unpack it" in passed_over.reason


def test_a_folder_that_cannot_be_read_is_said(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(folder: Path) -> Iterator[Path]:
        if folder == build / "photos":
            raise PermissionError(13, "Permission denied", str(folder))
        return items(folder)

    items = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", refusing)
    found = listed([build], artifacts=False)
    assert named(build, found) == ["b", "nested/a"]
    assert [one.reason for one in found.passed_over if one.path == build / "photos"] == ["it cannot be read"]
