"""One process at a time, and who uses a folder: of processes that end well, that are killed, and that wait."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from levit_mobile.system.locks import IN_USE, alone, in_use, use_until_exit, used

HOLD = """
import sys, time
from pathlib import Path
from levit_mobile.system import locks
folder = Path(sys.argv[1])
with locks.{lock}(folder):
    print("holds", flush=True)
    sys.stdin.readline()
print("let go", flush=True)
"""
USE = """
import sys
from pathlib import Path
from levit_mobile.system.locks import use_until_exit
use_until_exit(Path(sys.argv[1]))
use_until_exit(Path(sys.argv[1]))
print("holds", flush=True)
sys.stdin.readline()
"""
COUNT = """
import sys, time
from pathlib import Path
from levit_mobile.system.locks import alone
counter = Path(sys.argv[1]) / "counter"
for _ in range(20):
    with alone(counter.parent):
        count = int(counter.read_text())
        time.sleep(0.002)
        counter.write_text(str(count + 1))
"""


def holder(script: str, folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


def test_processes_take_turns(tmp_path: Path) -> None:
    (tmp_path / "counter").write_text("0")
    counting = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in counting] == [0, 0, 0]
    assert (tmp_path / "counter").read_text() == "60"


def test_the_others_wait_until_a_process_lets_go(tmp_path: Path) -> None:
    process = holder(HOLD.format(lock="alone"), tmp_path)
    with pytest.raises(TimeoutError), alone(tmp_path, timeout_s=0.2):
        pytest.fail("two at once")
    process.communicate("go\n", timeout=60)
    with alone(tmp_path, timeout_s=0.2):
        assert (tmp_path / ".lock").exists()


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    process = holder(HOLD.format(lock="alone"), tmp_path / "made")
    process.kill()
    process.communicate()
    with alone(tmp_path / "made", timeout_s=5):
        assert (tmp_path / "made" / ".lock").exists()


def test_a_folder_that_cannot_be_made_is_an_operating_systems_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), alone(tmp_path / "file" / "folder"):
        pytest.fail("there is no such folder")


@pytest.mark.parametrize("script", [HOLD.format(lock="used"), USE])
def test_a_folder_is_in_use_until_all_have_ended(tmp_path: Path, script: str) -> None:
    assert not in_use(tmp_path)
    first, second = holder(script, tmp_path), holder(script, tmp_path)
    assert in_use(tmp_path)
    first.communicate("go\n", timeout=60)
    assert in_use(tmp_path)
    second.communicate("go\n", timeout=60)
    assert not in_use(tmp_path)
    assert list((tmp_path / IN_USE).iterdir()) == []


def test_a_killed_process_uses_nothing(tmp_path: Path) -> None:
    process = holder(USE, tmp_path)
    assert in_use(tmp_path)
    process.kill()
    process.communicate()
    assert not in_use(tmp_path)


def test_our_own_use_counts(tmp_path: Path) -> None:
    with used(tmp_path):
        assert in_use(tmp_path)
    assert not in_use(tmp_path)


def test_to_ask_makes_nothing_and_waits_for_nobody(tmp_path: Path) -> None:
    process = holder(HOLD.format(lock="used"), tmp_path)
    started = time.monotonic()
    assert in_use(tmp_path)
    assert time.monotonic() - started < 1
    process.kill()
    process.communicate()
    assert not in_use(tmp_path / "nowhere")
    assert [path.name for path in tmp_path.iterdir()] == [IN_USE]


def test_a_folder_that_is_not_there_cannot_be_used(tmp_path: Path) -> None:
    use_until_exit(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []
