"""Hub ids to weights on disk: the hub's own client against a server of this machine, not the network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.hub import SHA, WEIGHTS, Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


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
    described = ["config.json", "model.safetensors", "preprocessor_config.json"]
    assert sorted(file.name for file in folder.iterdir()) == described  # and no .bin
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
