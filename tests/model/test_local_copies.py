"""Checkpoints found by their digest: remembered ones, those in folders by any name, those in caches of downloads."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from levit_mobile.model import local_copies
from levit_mobile.model.download import BUNDLED
from levit_mobile.system.files import digest

CONTENT = b"weights" * 100
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Own folders for everything: here/ is the working directory, build/one the bundle, hub/ and torch/ the caches."""
    for name in ("here", "build/one", "hub", "torch/checkpoints"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("LEVIT_MOBILE_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    return tmp_path


def found(places: Path, name: str = "mine.pth", sha256: str = SHA) -> list[tuple[str, str]]:
    """The copies, relative to the places, with the last word of where each is."""
    copies = local_copies.find(sha256, name, places / "build/one")
    return [(copy.path.relative_to(places).as_posix(), copy.place.rpartition(" ")[2]) for copy in copies]


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_nothing_is_found_where_nothing_is(places: Path) -> None:
    assert found(places) == []
    put(places / "here/mine.pth", b"other weights")
    assert found(places) == []


def test_copies_come_in_the_order_of_the_documentation(places: Path) -> None:
    put(places / "elsewhere/mine.pth")
    put(places / "here/renamed.safetensors")
    put(places / "build/mine.pth")
    blob = put(places / f"hub/models--a--b/blobs/{SHA}")
    link = places / "hub/models--a--b/snapshots/c0ffee/model.safetensors"
    link.parent.mkdir(parents=True)
    link.symlink_to(os.path.relpath(blob, link.parent))
    put(places / f"torch/checkpoints/LeViT-128S-{SHA[:8]}.pth")
    local_copies.remember(places / "elsewhere/mine.pth", SHA)
    assert found(places) == [
        ("elsewhere/mine.pth", "before"),
        ("here/renamed.safetensors", "directory"),
        ("here", "directory"),
        ("build/mine.pth", "bundle"),
        ("build", "bundle"),
        ("hub/models--a--b/snapshots/c0ffee", "downloads"),
        ("hub/models--a--b/snapshots/c0ffee/model.safetensors", "downloads"),
        (f"torch/checkpoints/LeViT-128S-{SHA[:8]}.pth", "downloads"),
    ]


def test_a_relative_path_is_remembered_for_other_folders(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(places / "here/mine.pth")
    local_copies.remember("mine.pth", SHA)
    monkeypatch.chdir(places / "build")
    assert found(places) == [("here/mine.pth", "before")]


def test_a_remembered_file_that_changed_or_went_is_not_taken(places: Path) -> None:
    path = put(places / "elsewhere/mine.pth")
    local_copies.remember(path, SHA)
    assert len(found(places)) == 1
    path.write_bytes(CONTENT + b"!")
    assert found(places) == []
    path.unlink()
    assert found(places) == []
    os.mkfifo(path)
    assert found(places) == []


def test_one_file_is_found_once_by_whatever_path(places: Path) -> None:
    path = put(places / "here/mine.pth")
    local_copies.remember(path, SHA)
    (places / "here/link.pth").symlink_to(path)
    assert found(places) == [("here/mine.pth", "before")]
    (places / "here/link.pth").unlink()
    assert found(places) == [("here/mine.pth", "before"), ("here", "directory")]


def test_shards_are_found_by_their_folder(places: Path) -> None:
    halves = CONTENT[:300], CONTENT[300:]
    for folder in ("here/model", "build"):
        for number, part in enumerate(halves):
            put(places / folder / f"model-{number}.safetensors", part)
        index = b'{"weight_map": {"a": "model-0.safetensors", "b": "model-1.safetensors"}}'
        put(places / folder / "model.safetensors.index.json", index)
    assert found(places, "model") == [("here/model", "directory"), ("build", "bundle")]


@pytest.mark.parametrize("name", ["../elsewhere/mine.pth", "/etc/hostname", "", ".."])
def test_the_name_in_a_contract_leads_out_of_no_folder(places: Path, name: str) -> None:
    put(places / "elsewhere/mine.pth")
    assert found(places, name) == []


@pytest.mark.parametrize("sha256", ["*", "", SHA[:12], "../" * 20 + "etc/passwd"])
def test_what_is_no_digest_is_not_looked_for(places: Path, sha256: str) -> None:
    put(places / "here/mine.pth")
    assert found(places, sha256=sha256) == []


def test_large_files_and_very_many_are_not_read(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(places / "here/z.pth")
    monkeypatch.setattr(local_copies, "MOST_BYTES", len(CONTENT) - 1)
    assert found(places) == []
    monkeypatch.undo()
    monkeypatch.chdir(places / "here")
    monkeypatch.setattr(local_copies, "MOST_FILES", 2)
    for name in "ab":
        put(places / f"here/{name}.pth", b"x")
    assert found(places) == []
    assert found(places, "z.pth") == [("here/z.pth", "directory")]


# What is remembered


def test_the_bundled_checkpoint_and_public_names_are_not_noted(places: Path) -> None:
    local_copies.remember(BUNDLED, digest(BUNDLED))
    local_copies.remember("facebook/levit-128S", SHA)
    assert not (places / "state").exists()


def test_a_state_folder_that_cannot_be_written_is_no_error(places: Path) -> None:
    (places / "state").write_text("a file")
    path = put(places / "elsewhere/mine.pth")
    local_copies.remember(path, SHA)
    assert found(places) == []


def test_only_the_owner_reads_the_notes_and_the_oldest_go(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_copies, "REMEMBERED", 2)
    for number in range(3):
        content = bytes([number]) * 9
        local_copies.remember(put(places / f"elsewhere/{number}.pth", content), hashlib.sha256(content).hexdigest())
        note = places / "state/checkpoints" / hashlib.sha256(content).hexdigest()
        os.utime(note, (number, number))
    kept = {Path(os.fsdecode(note.read_bytes())).name for note in (places / "state/checkpoints").iterdir()}
    assert kept == {"1.pth", "2.pth"}
    assert (places / "state/checkpoints").stat().st_mode & 0o777 == 0o700


def test_a_path_that_is_not_utf_8_is_kept_by_its_bytes(places: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(places) + b"/caf\xe9"))
    try:
        path = put(folder / "mine\n.pth")
    except OSError:
        pytest.skip("this file system refuses names that are not UTF-8")
    local_copies.remember(path, SHA)
    (copy,) = local_copies.find(SHA, "x.pth", places / "build/one")
    assert copy.path == path
