"""Official names and paths to weights on disk, against a server of this machine, not the network."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.hub import FILE, NOTE, SHA, WEIGHTS, Server
from support.refusals import refused

from levit_mobile.errors import CheckpointError, DownloadError
from levit_mobile.model import download
from levit_mobile.model.download import OFFICIAL_URL_VARIABLE, official_file, resolve
from levit_mobile.model.families.levit import OFFICIAL

ROOT = Path(__file__).parents[2]


# Official names


@pytest.fixture
def cache(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's folder; the table names a file whose hash these tests can meet."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(OFFICIAL_URL_VARIABLE, f"{server.address}/LeViT")
    monkeypatch.setitem(OFFICIAL, "levit_128s", FILE)
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.parametrize("name", ["LeViT-128S", "levit_128s", "LeViT_128S", FILE])
def test_an_official_name_is_fetched_once(name: str, server: Server, cache: Path) -> None:
    assert resolve(name) == cache / FILE
    assert (cache / FILE).read_bytes() == WEIGHTS
    assert resolve(name) == cache / FILE
    assert server.asked == [f"GET /LeViT/{FILE}"]
    assert names_in(cache) == [FILE, NOTE]
    assert (cache / NOTE).read_text() == f"{SHA}  {FILE}\n"  # `sha256sum --check` reads it


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / FILE).write_bytes(WEIGHTS[:100])
    assert resolve("LeViT-128S").read_bytes() == WEIGHTS
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("mood", "code", "fact"),
    [
        ("wrong", "download.wrong-hash", "deleted"),
        ("cut", "download.not-fetched", "1000 bytes read, 75800 more"),
        ("missing", "download.not-fetched", "404"),
        ("stalls", "download.not-fetched", "timed out"),
    ],
)
def test_a_failed_fetch_leaves_nothing(
    mood: str, code: str, fact: str, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    server.mood = mood
    with refused(DownloadError, code, fact, f"{server.address}/LeViT/{FILE}", cache / FILE, "--checkpoint"):
        resolve("LeViT-128S")
    assert list(cache.iterdir()) == []
    assert socket.getdefaulttimeout() is None


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_whole_digest_counts_once_it_is_known(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose first 8 digits are right, and not the others, is not the one that was fetched."""
    resolve("LeViT-128S")
    seen = download.digest
    monkeypatch.setattr(download, "digest", lambda path: seen(path)[:63] + ("0" if SHA[63] != "0" else "1"))
    with monkeypatch.context() as patch:
        patch.setenv(OFFICIAL_URL_VARIABLE, "http://127.0.0.1:9")
        with refused(DownloadError, "download.not-fetched", "http://127.0.0.1:9"):
            resolve("LeViT-128S")
    assert (cache / FILE).read_bytes() == WEIGHTS
    monkeypatch.setattr(download, "digest", seen)
    assert resolve("LeViT-128S") == cache / FILE
    assert len(server.asked) == 1


def test_a_file_that_was_put_there_by_hand_is_noted(server: Server, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / FILE).write_bytes(WEIGHTS)
    assert resolve("LeViT-128S") == cache / FILE
    assert (cache / NOTE).read_text() == f"{SHA}  {FILE}\n"
    assert server.asked == []


@pytest.mark.parametrize("note", ["", "0" * 64, "no digest", f"{SHA[:8]}", "\udcff"])
def test_a_note_that_is_none_is_written_again(note: str, server: Server, cache: Path) -> None:
    resolve("LeViT-128S")
    (cache / NOTE).write_bytes(note.encode(errors="surrogateescape"))
    assert resolve("LeViT-128S") == cache / FILE
    assert (cache / NOTE).read_text() == f"{SHA}  {FILE}\n"
    assert len(server.asked) == 1


def test_a_note_of_another_file_fetches_again(server: Server, cache: Path) -> None:
    resolve("LeViT-128S")
    (cache / NOTE).write_text(f"{SHA[:8]}{'0' * 56}  {FILE}\n")
    assert resolve("LeViT-128S") == cache / FILE
    assert (cache / NOTE).read_text() == f"{SHA}  {FILE}\n"
    assert len(server.asked) == 2


def test_a_folder_that_is_only_read_serves(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)
    (cache / FILE).write_bytes(WEIGHTS)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(download, "_note", refuse)
    assert resolve("LeViT-128S") == cache / FILE
    assert names_in(cache) == [FILE]
    assert server.asked == []


def test_what_a_killed_download_left_goes_with_the_next(cache: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    cache.mkdir(parents=True)
    (cache / f".{FILE}.partial-{ended.pid}").write_bytes(WEIGHTS[:1000])
    resolve("LeViT-128S")
    assert names_in(cache) == [FILE, NOTE]


@pytest.mark.slow
def test_two_downloads_at_once_leave_one_file(server: Server, cache: Path) -> None:
    imports = "from levit_mobile.model.download import *\nfrom levit_mobile.model.families.levit import OFFICIAL"
    renamed = f"import sys\n{imports}\nOFFICIAL['levit_128s'] = sys.argv[1]"
    command = [sys.executable, "-c", f"{renamed}\nprint(resolve('LeViT-128S'))", FILE]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    assert [process.communicate(timeout=120)[0].strip() for process in both] == [str(cache / FILE)] * 2
    assert names_in(cache) == [FILE, NOTE]
    assert 1 <= len(server.asked) <= 2


def test_no_network_for_an_official_name(nowhere: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFFICIAL_URL_VARIABLE, nowhere)
    with refused(DownloadError, "download.not-fetched", "refused", f"download {FILE}", f" at {cache / FILE}"):
        resolve("LeViT-128S")


@pytest.mark.usefixtures("cache")
def test_a_download_is_told_in_bytes_and_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[tuple[str, float, float]] = []
    path = resolve("LeViT-128S", progress=lambda *told: heard.append(told))
    size = path.stat().st_size
    assert heard[-1][1:] == (size, size)
    assert FILE in heard[-1][0]
    assert capsys.readouterr().err == ""


def test_the_official_files_carry_their_hashes() -> None:
    files = {variant: url.rpartition("/")[2] for variant, url in OFFICIAL.items()}
    assert len({file.rpartition("-")[2] for file in files.values()}) == 5
    for variant, file in files.items():
        assert official_file(variant) == official_file(file.rpartition("-")[0]) == official_file(file) == file
    assert official_file("levit") is None
    assert official_file("LeViT-128S-00000000.pth") is None


# Paths


def test_an_existing_path_comes_first(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cache.parents[1])
    Path("facebook").mkdir()
    for name in ("LeViT-128S", "facebook/levit-128S"):
        Path(name).write_bytes(b"1")
        assert resolve(name) == Path(name)
        assert resolve(Path(name).absolute()) == Path(name).absolute()
    assert server.asked == []


def test_a_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "w.pth").write_bytes(b"1")
    assert resolve("~/w.pth") == tmp_path / "w.pth"


@pytest.mark.parametrize("name", ["", "levit-999", "a/b/c", "./a/b", "a/b.safetensors", "owner/", "https://a.b/c.pth"])
def test_a_name_that_is_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    official = "LeViT-128S, LeViT-128, LeViT-192, LeViT-256, LeViT-384"
    with refused(CheckpointError, "checkpoint.not-found", repr(name), official):
        resolve(name)
