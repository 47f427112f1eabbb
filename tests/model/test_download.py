"""Names to weights on disk: the hub's own client, and downloads, against a server of this machine, not the network."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.refusals import refused

from levit_mobile.errors import CheckpointError, DownloadError
from levit_mobile.model import download
from levit_mobile.model.download import OFFICIAL_FILES, OFFICIAL_URL_VARIABLE, official_file, resolve

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = bytes(range(256)) * 300
SHA = hashlib.sha256(WEIGHTS).hexdigest()
FILE = f"LeViT-128S-{SHA[:8]}.pth"
NOTE = f"{FILE}.sha256"
REPOSITORIES: dict[str, dict[str, bytes]] = {
    "facebook/levit-128S": {
        "config.json": b"{}",
        "model.safetensors": WEIGHTS,
        "pytorch_model.bin": WEIGHTS,
        "README.md": b"#",
    },
    "timm/old.in1k": {"config.json": b"{}", "pytorch_model.bin": WEIGHTS},
    "some/dataset": {"README.md": b"#"},
}
REFUSALS = {"gated/levit": (403, "GatedRepo"), "no/levit": (404, "RepoNotFound"), "broken/hub": (500, "")}


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does, and serves official files under /LeViT/, some of them badly."""

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        self.server.asked.append(f"{self.command} /{path}")
        parts = path.split("/")
        if parts[0] == "LeViT":
            return self.official(parts[1])
        repo = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if repo in REFUSALS:
            return self.send(b"", REFUSALS[repo][0], {"X-Error-Code": REFUSALS[repo][1]})
        files = REPOSITORIES.get(repo)
        if files is None:  # the client asks for more than repositories
            return self.send(b"", 404)
        if parts[0] != "api":
            return self.send(files[parts[4]])
        listing = [{"type": "file", "path": name, "size": len(body), "oid": "0"} for name, body in files.items()]
        siblings = [{"rfilename": name} for name in files]
        answer = listing if "tree" in parts else {"id": repo, "sha": COMMIT, "siblings": siblings}
        return self.send(json.dumps(answer).encode(), kind="application/json")

    def official(self, name: str) -> None:
        if self.server.mood == "missing" or name != FILE:
            return self.send(b"not found", 404)
        if self.server.mood == "stalls":
            self.server.released.wait(10)
        if self.server.mood == "cut":
            return self.send(WEIGHTS[:1000], length=len(WEIGHTS))
        return self.send(WEIGHTS[::-1] if self.server.mood == "wrong" else WEIGHTS)

    def send(
        self,
        body: bytes,
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        length: int | None = None,
        kind: str = "application/octet-stream",
    ) -> None:
        self.send_response(status)
        tag = hashlib.sha256(body).hexdigest()
        common = {"Content-Length": str(length or len(body)), "Content-Type": kind, "X-Repo-Commit": COMMIT}
        for name, value in (common | {"ETag": f'"{tag}"'} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Silent."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    mood = "well"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hub)
        self.asked: list[str] = []
        self.released = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as served:
        threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield served
        served.released.set()
        served.shutdown()


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


# Hub ids: the client reads its environment on import, so each call is a process of its own

RESOLVE = """
import sys
from levit_mobile.errors import LevitMobileError
from levit_mobile.model.download import resolve
try:
    told = lambda *heard: print("told:", *heard, file=sys.stderr)
    print(resolve(sys.argv[1], **({"progress": told} if sys.argv[2] == "told" else {})))
except LevitMobileError as error:
    print(error.code, error)
from huggingface_hub.utils import are_progress_bars_disabled
print("bars off:", are_progress_bars_disabled(), file=sys.stderr)
"""


def resolve_hub(
    source: str, endpoint: str, home: Path, *, offline: bool = False, told: bool = False
) -> tuple[str, str]:
    """What `resolve` returned or raised, and what stood on stderr."""
    clean = {key: value for key, value in os.environ.items() if not key.upper().endswith(("_PROXY", "_TOKEN"))}
    clean = {key: value for key, value in clean.items() if not key.startswith("HF_")}
    hub = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": str(int(offline)), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RESOLVE, source, "told" if told else "quiet"]
    done = subprocess.run(command, env=clean | hub, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def test_a_hub_id_and_then_its_cache(server: Server, nowhere: str, tmp_path: Path) -> None:
    found, stderr = resolve_hub("facebook/levit-128S", server.address, tmp_path)
    folder = Path(found)
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]  # and no .bin
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert folder.is_relative_to(tmp_path)
    assert "%|" not in stderr
    assert "bars off: False" in stderr  # the process has its setting back
    count = len(server.asked)
    assert resolve_hub("facebook/levit-128S", server.address, tmp_path, offline=True)[0] == found
    assert len(server.asked) == count
    assert resolve_hub("facebook/levit-128S", nowhere, tmp_path)[0] == found


def test_a_repository_without_safetensors(server: Server, tmp_path: Path) -> None:
    found, stderr = resolve_hub("timm/old.in1k", server.address, tmp_path, told=True)
    assert sorted(file.name for file in Path(found).iterdir()) == ["config.json", "pytorch_model.bin"]
    assert "told: downloading timm/old.in1k 1 1\n" in stderr
    assert "%|" not in stderr


@pytest.mark.parametrize(
    ("source", "code", "facts"),
    [
        ("gated/levit", "download.gated", ["terms", "hf auth login"]),
        ("no/levit", "download.no-repository", ["private", "hf auth login"]),
        ("broken/hub", "download.not-fetched", ["500"]),
        ("some/dataset", "download.no-weights", ["*.safetensors", "*.bin"]),
    ],
)
def test_a_repository_that_cannot_be_had(
    source: str, code: str, facts: list[str], server: Server, tmp_path: Path
) -> None:
    said, _ = resolve_hub(source, server.address, tmp_path)
    found, _, sentence = said.partition(" ")
    assert found == code
    for fact in (*facts, f"{server.address}/{source}", "--checkpoint FOLDER"):
        assert fact in sentence


def test_a_damaged_file_in_the_hubs_cache_is_a_sentence(server: Server, tmp_path: Path) -> None:
    """The client looks at sizes alone."""
    folder = Path(resolve_hub("facebook/levit-128S", server.address, tmp_path)[0])
    blob = (folder / "model.safetensors").resolve()
    assert blob.name == SHA
    blob.chmod(0o644)
    blob.write_bytes(WEIGHTS[::-1])
    said, _ = resolve_hub("facebook/levit-128S", server.address, tmp_path, offline=True)
    page = f"{server.address}/facebook/levit-128S"
    found, _, sentence = said.partition(" ")
    assert found == "download.wrong-hash"
    assert all(fact in sentence for fact in (str(blob), page, "delete"))
    assert "\n" not in sentence
    blob.unlink()
    assert resolve_hub("facebook/levit-128S", server.address, tmp_path)[0] == str(folder)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("offline", [False, True])
def test_no_network(offline: bool, nowhere: str, tmp_path: Path) -> None:
    said, _ = resolve_hub("facebook/levit-128S", nowhere, tmp_path, offline=offline)
    found, _, sentence = said.partition(" ")
    assert found == "download.not-fetched"
    assert sentence.startswith("facebook/levit-128S ")
    for fact in ("no connection", "cache", "config.json", "model.safetensors", f"{nowhere}/facebook/levit-128S"):
        assert fact in sentence


# Official names


@pytest.fixture
def cache(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's folder; the table names a file whose hash these tests can meet."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(OFFICIAL_URL_VARIABLE, f"{server.address}/LeViT")
    monkeypatch.setitem(OFFICIAL_FILES, "levit_128s", FILE)
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


def test_two_downloads_at_once_leave_one_file(server: Server, cache: Path) -> None:
    renamed = "import sys\nfrom levit_mobile.model.download import *\nOFFICIAL_FILES['levit_128s'] = sys.argv[1]"
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
    assert len({file.rpartition("-")[2] for file in OFFICIAL_FILES.values()}) == 5
    for variant, file in OFFICIAL_FILES.items():
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
