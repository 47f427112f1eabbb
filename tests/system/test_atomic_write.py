"""A folder is there whole or not at all: failures, interruptions, kills and full disks leave what was there before."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.refusals import refused
from support.written import contents, names_in

from levit_mobile.errors import BundleError, LevitMobileError
from levit_mobile.system.atomic_write import staged, write_text

WRITE_AND_WAIT = """
import sys, time
from pathlib import Path
from levit_mobile.system.atomic_write import staged, write_text
with staged(Path(sys.argv[1]), force=True) as folder:
    (folder / "model").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""
ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from levit_mobile.errors import BundleError
from levit_mobile.system.atomic_write import staged, write_text
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with staged(Path(sys.argv[1]), force=True) as folder:
        (folder / "contract.json").write_text("{}")
        (folder / "model").write_bytes(bytes(1_000_000))
except BundleError as error:
    print(error.code, error, sep="\\n")
"""


@pytest.fixture
def final(tmp_path: Path) -> Path:
    return tmp_path / "build" / "levit_128s-tflite-fp32"


@pytest.fixture
def old(final: Path) -> Path:
    """An older bundle, where the new one goes."""
    final.mkdir(parents=True)
    (final / "model").write_text("old")
    return final


def write(final: Path, content: str = "new", *, force: bool = False) -> None:
    with staged(final, force=force) as folder:
        (folder / "model").write_text(content)


def write_half(final: Path, error: BaseException, *, force: bool = False) -> None:
    with staged(final, force=force) as folder:
        (folder / "model").write_text("half")
        raise error


def leftover(final: Path, owner: int, suffix: str = "") -> Path:
    folder = final.with_name(f".{final.name}.partial-{owner}{suffix}")
    folder.mkdir(parents=True)
    (folder / "model").write_text("half")
    return folder


# Success


def test_the_folder_appears_at_the_end(final: Path) -> None:
    with staged(final, force=False) as folder:
        (folder / "golden").mkdir()
        (folder / "golden" / "a").write_text("new")
        assert not final.exists()
        assert folder.parent == final.parent
    assert contents(final) == {f"{final.name}/golden/a": "new"}


def test_an_existing_folder_wants_force(old: Path) -> None:
    with refused(BundleError, "bundle.exists", old, "--force", "--out"):
        write(old)
    assert contents(old) == {f"{old.name}/model": "old"}
    write(old, force=True)
    assert contents(old) == {f"{old.name}/model": "new"}
    assert names_in(old.parent) == [old.name]


def test_a_replaced_folder_keeps_none_of_its_files(old: Path) -> None:
    (old / "stale.bin").write_text("stale")
    write(old, force=True)
    assert contents(old) == {f"{old.name}/model": "new"}


def test_the_old_folder_stands_while_the_new_one_is_written(old: Path) -> None:
    with staged(old, force=True) as folder:
        (folder / "model").write_text("new")
        assert (old / "model").read_text() == "old"


# Failure


@pytest.mark.parametrize("error", [RuntimeError("vendor"), KeyboardInterrupt(), SystemExit(3), LevitMobileError("no")])
@pytest.mark.parametrize("force", [False, True])
def test_a_failure_passes_through_and_leaves_nothing(final: Path, error: BaseException, force: bool) -> None:
    if force:
        write(final, "old")
    before = contents(final)
    with pytest.raises(type(error)) as raised:
        write_half(final, error, force=force)
    assert raised.value is error
    assert contents(final) == before
    assert names_in(final.parent) == ([final.name] if force else [])


def test_an_operating_system_error_becomes_a_sentence(final: Path) -> None:
    with refused(BundleError, "bundle.unwritable", final, "No space left on device"):
        write_half(final, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert contents(final) == {}


def test_a_swap_that_fails_brings_the_old_folder_back(old: Path) -> None:
    with refused(BundleError, "bundle.unwritable", old, "No such file"), staged(old, force=True) as folder:
        shutil.rmtree(folder)  # so that the last rename has nothing to move
    assert contents(old) == {f"{old.name}/model": "old"}
    assert names_in(old.parent) == [old.name]


def test_a_parent_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("a file")
    with refused(BundleError, "bundle.unwritable", tmp_path / "build" / "bundle"):
        write(tmp_path / "build" / "bundle")
    assert (tmp_path / "build").read_text() == "a file"


def test_a_full_disk(final: Path) -> None:
    write(final, "old")
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(final)], capture_output=True, text=True, check=True
    )
    code, sentence = done.stdout.splitlines()
    assert code == "bundle.unwritable"
    assert str(final) in sentence
    assert "File too large" in sentence
    assert contents(final) == {f"{final.name}/model": "old"}


# Kills


def kill_while_writing(final: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITE_AND_WAIT, str(final)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()


def test_a_kill_leaves_no_folder_and_the_next_run_clears_up(final: Path) -> None:
    kill_while_writing(final)
    assert not final.exists()
    assert list(contents(final).values()) == ["half"]
    write(final)
    assert contents(final) == {f"{final.name}/model": "new"}
    assert names_in(final.parent) == [final.name]


def test_a_kill_leaves_the_old_folder(old: Path) -> None:
    kill_while_writing(old)
    assert (old / "model").read_text() == "old"
    write(old, force=True)
    assert contents(old) == {f"{old.name}/model": "new"}


def test_a_leftover_of_a_running_process_is_not_touched(final: Path, alive: int, dead: int) -> None:
    others, gone = leftover(final, alive), leftover(final, dead)
    write(final)
    assert (others / "model").read_text() == "half"
    assert not gone.exists()


def test_a_leftover_of_an_earlier_process_with_our_id_is_removed(final: Path) -> None:
    """In a container every run may have the same id."""
    leftover(final, os.getpid())
    write(final)
    assert contents(final) == {f"{final.name}/model": "new"}


def test_other_bundles_and_strange_names_are_not_touched(final: Path, dead: int) -> None:
    other = leftover(final.with_name("levit_256-tflite-fp32"), dead)
    strange = final.with_name(f".{final.name}.partial-notes")
    strange.mkdir()
    write(final)
    assert other.exists()
    assert strange.exists()


def test_a_kill_between_the_two_renames_loses_nothing(final: Path, dead: int) -> None:
    leftover(final, dead, "-old")
    with refused(BundleError, "bundle.exists", final):
        write(final)
    assert contents(final) == {f"{final.name}/model": "half"}


def test_an_old_folder_that_was_replaced_already_is_cleared(old: Path, dead: int) -> None:
    leftover(old, dead, "-old")
    write(old, force=True)
    assert contents(old) == {f"{old.name}/model": "new"}


# A single file


def test_a_file_is_written_whole_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "page.html"
    write_text(path, "zwölf")
    write_text(path, "zwei")
    assert path.read_text(encoding="utf-8") == "zwei"
    assert [found.name for found in path.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize("name", ["file/page.html", "folder"])
def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    with refused(BundleError, "bundle.unwritable", tmp_path / name):
        write_text(tmp_path / name, "page")
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["file", "folder"]


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \udcff")
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["page.html"]


def test_a_file_clears_what_killed_runs_left_of_it_and_nothing_else(tmp_path: Path, dead: int, alive: int) -> None:
    kept = {f".page.html.partial-{alive}", f".other.html.partial-{dead}", ".page.html.partial-x"}
    for name in (*kept, f".page.html.partial-{dead}"):
        (tmp_path / name).write_text("half")
    write_text(tmp_path / "page.html", "new")
    assert set(names_in(tmp_path)) == {*kept, "page.html"}
    assert (tmp_path / "page.html").read_text() == "new"


def test_an_error_about_a_file_that_the_block_reads_is_the_callers_own(tmp_path: Path) -> None:
    absent = tmp_path / "photos" / "a.jpg"
    with pytest.raises(FileNotFoundError, match=r"a\.jpg"), staged(tmp_path / "build" / "bundle", force=False):
        absent.read_bytes()
    with pytest.raises(ConnectionResetError), staged(tmp_path / "build" / "bundle", force=False):
        raise ConnectionResetError(errno.ECONNRESET, "reset")
    assert list((tmp_path / "build").iterdir()) == []
