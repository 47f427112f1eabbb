"""A run as a folder and an archive: what they hold, when they are refused, and that the folder runs as it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest
from support.refusals import refused
from support.run_folders import CONDITIONS, COOL, LOADER, PERFORMANCE, STEPS, TURNS, run

from levit_mobile.device.archive import Written, names, write
from levit_mobile.device.script import Script, text
from levit_mobile.errors import BundleError

ADDED = {"README.txt", "SHA256SUMS", "start.sh"}


def files(source: Path) -> dict[str, bytes | Path]:
    """A run whose programs are small scripts: content, a file and a folder."""
    payload = source / "of the set-up"
    payload.mkdir(parents=True, exist_ok=True)
    (payload / "ld-linux-aarch64.so.1").write_text(LOADER)
    (payload / "turns").write_text(TURNS)
    model = source / "model.tflite"
    model.write_bytes(b"model")
    parts: dict[str, bytes | Path] = {
        "payload": payload,
        "a dir/model.tflite": model,
        "conditions.sh": CONDITIONS.encode(),
        "cool.sh": COOL.encode(),
        "performance.sh": PERFORMANCE.encode(),
        "plan.json": b'{"names": ["a"]}',
    }
    script = Script(steps=STEPS, payload="payload", files=names(parts), rounds=2, log=True)
    return {**parts, "run.sh": text(script).encode()}


@pytest.fixture
def made(tmp_path: Path) -> Written:
    return write(tmp_path / "out" / "phones", files(tmp_path / "source"))


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Content


def test_a_folder_holds_the_files_and_what_explains_them(made: Written) -> None:
    found = content(made.folder)
    assert set(found) - ADDED == {
        "a dir/model.tflite", "conditions.sh", "cool.sh", "payload/ld-linux-aarch64.so.1", "payload/turns",
        "performance.sh", "plan.json", "run.sh",
    }  # fmt: skip
    assert set(found) > ADDED
    assert found["a dir/model.tflite"] == b"model"


def test_names_are_all_that_is_at_the_top_of_the_folder(made: Written, tmp_path: Path) -> None:
    assert sorted(path.name for path in made.folder.iterdir()) == list(names(files(tmp_path / "source")))


def test_the_digests_are_those_of_all_other_files(made: Written) -> None:
    lines = (made.folder / "SHA256SUMS").read_text().splitlines()
    assert [line.partition("  ")[::2] for line in lines] == [
        (hashlib.sha256(data).hexdigest(), name)
        for name, data in sorted(content(made.folder).items())
        if name != "SHA256SUMS"
    ]


def test_scripts_and_programs_may_be_executed(made: Written) -> None:
    executable = {name for name in content(made.folder) if (made.folder / name).stat().st_mode & stat.S_IXUSR}
    scripts = {"conditions.sh", "cool.sh", "performance.sh", "run.sh", "start.sh"}
    assert executable == scripts | {"payload/ld-linux-aarch64.so.1", "payload/turns"}


def test_the_archive_is_the_folder_without_times_and_owners(made: Written, tmp_path: Path) -> None:
    with tarfile.open(made.archive) as archive:
        entries = archive.getmembers()
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert content(tmp_path / "unpacked" / "phones") == content(made.folder)
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries} == {(0, 0, 0, "")}
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert made.archive == made.folder.with_name("phones.tar.gz")


def test_equal_content_gives_equal_bytes(made: Written, tmp_path: Path) -> None:
    given = files(tmp_path / "again")
    os.utime(tmp_path / "again" / "model.tflite", (1, 1))
    again = write(tmp_path / "elsewhere" / "phones", dict(reversed(given.items())))
    assert again.archive.read_bytes() == made.archive.read_bytes()


def test_the_readme_has_one_command_for_each_farm(made: Written) -> None:
    readme = (made.folder / "README.txt").read_text()
    assert "adb -s SERIAL shell sh /data/local/tmp/phones/run.sh" in readme
    assert "--other-files-to-push=phones.tar.gz=/data/local/tmp/phones.tar.gz" in readme
    assert "--paths-to-pull=/data/local/tmp/levit-mobile-phones" in readme
    assert "adb -s $DEVICEFARM_DEVICE_UDID push phones /data/local/tmp/" in readme
    assert max(map(len, readme.splitlines())) <= 120


def test_the_page_on_phones_has_the_commands_of_the_readme(made: Written) -> None:
    """For a folder of that name; an indentation is not part of a command."""
    page = (Path(__file__).parents[2] / "docs" / "phone.md").read_text(encoding="utf-8")
    readme = (made.folder / "README.txt").read_text()
    commands = [line.strip() for line in readme.splitlines() if line.startswith("    ")]
    assert len(commands) > 12
    assert [command for command in commands if command not in page] == []


# Runs


def test_the_folder_runs_and_leaves_its_records_and_the_plan(made: Written) -> None:
    done = run(made.folder)
    assert (done.returncode, done.stdout.count('{"event":"turn"}')) == (0, 1)
    assert set(content(made.folder)) == {
        f"result/{name}" for name in ("levit-mobile.err", "levit-mobile.log", "plan.json")
    }


def test_a_changed_file_is_refused(made: Written) -> None:
    (made.folder / "payload" / "turns").write_text("exit 0\n")
    done = run(made.folder)
    assert done.returncode == 1
    assert "payload/turns is damaged" in done.stdout


def test_start_unpacks_the_archive_and_leaves_the_results_only(made: Written, tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    phone.mkdir()
    shutil.copy(made.archive, phone)
    start = shutil.copy(made.folder / "start.sh", tmp_path)
    done = subprocess.run(["sh", start, str(phone)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.count('{"event":"turn"}')) == (0, 1)
    assert [path.name for path in phone.iterdir()] == ["levit-mobile-phones"]
    assert (phone / "levit-mobile-phones" / "levit-mobile.log").read_text() == done.stdout


def test_start_ends_as_the_run_does(made: Written, tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    phone.mkdir()
    with tarfile.open(made.archive) as archive:
        archive.extractall(phone, filter="data")
    (phone / "phones" / "payload" / "turns").write_text("exit 4\n")
    (phone / "phones" / "SHA256SUMS").unlink()
    with tarfile.open(phone / "phones.tar.gz", "w:gz") as archive:
        archive.add(phone / "phones", "phones")
    done = subprocess.run(
        ["sh", str(made.folder / "start.sh"), str(phone)], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 4


# Refusals


def test_a_folder_with_files_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "phones"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years")
    with refused(BundleError, "bundle.exists", str(folder), "--force"):
        write(folder, files(tmp_path / "source"))
    with refused(BundleError, "bundle.exists", str(folder), "choose a different folder"):
        write(folder, files(tmp_path / "source"), force=True)
    assert content(folder) == {"thesis.txt": b"years"}
    assert not (tmp_path / "phones.tar.gz").exists()


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    folder = tmp_path / "phones"
    folder.mkdir()
    assert write(folder, files(tmp_path / "source")).folder == folder
    assert (folder / "run.sh").exists()


def test_an_earlier_run_is_replaced_by_force_only(made: Written, tmp_path: Path) -> None:
    given = {**files(tmp_path / "source"), "plan.json": b"new"}
    with refused(BundleError, "bundle.exists", str(made.folder)):
        write(made.folder, given)
    write(made.folder, given, force=True)
    assert (made.folder / "plan.json").read_bytes() == b"new"


def test_an_archive_of_that_name_is_kept(tmp_path: Path) -> None:
    (tmp_path / "phones.tar.gz").write_text("mine")
    with refused(BundleError, "bundle.exists", "phones.tar.gz"):
        write(tmp_path / "phones", files(tmp_path / "source"))
    assert (tmp_path / "phones.tar.gz").read_text() == "mine"
    assert not (tmp_path / "phones").exists()


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../b", "", "two\nlines", "back\\slash"])
def test_a_path_out_of_the_folder_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is not a path inside a folder"):
        write(tmp_path / "phones", {name: b"x"})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="lacking"):
        write(tmp_path / "out" / "phones", {"model": tmp_path / "lacking"})
    assert list((tmp_path / "out").iterdir()) == []
