"""Files to and from a phone over a real adb, and the lock that keeps a second run away."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from support.phone.faults import Faults
from support.phone.phones import AdbServer, Phone
from support.refusals import refused

from levit_mobile.device.adb import Adb
from levit_mobile.device.phone import ROOT
from levit_mobile.device.transfer import Pushed
from levit_mobile.errors import DeviceError

Plugged = Callable[..., Phone]
FILES = {"a.bin": b"a" * 200_000, "b.txt": b"two\nlines\n", "deep/er/c.bin": bytes(range(256)) * 8, "empty": b""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "folder"


@pytest.mark.parametrize("features", [("shell_v2", "cmd", "stat_v2"), ()])
def test_a_folder_is_pushed_checked_and_pulled(
    plugged: Plugged, adb: Adb, folder: Path, tmp_path: Path, features: tuple[str, ...]
) -> None:
    phone = plugged(features=features)
    reached = adb.device(phone.serial)
    size = sum(map(len, FILES.values()))
    assert reached.push(folder, f"{ROOT}/payload") == Pushed(files=4, bytes=size, there=0)
    assert phone.files() == sorted(f"levit-mobile/payload/{name}" for name in FILES)
    assert reached.digests(f"{ROOT}/payload", [*FILES, "missing"]) == {
        name: sha256(data).hexdigest() for name, data in FILES.items()
    }
    reached.pull(f"{ROOT}/payload", tmp_path / "back")
    assert {name: (tmp_path / "back" / name).read_bytes() for name in FILES} == FILES


def test_what_is_there_with_the_right_digest_is_not_pushed_again(plugged: Plugged, adb: Adb, folder: Path) -> None:
    phone = plugged()
    reached = adb.device(phone.serial)
    reached.push(folder, f"{ROOT}/payload")
    before = len(phone.services)
    assert reached.push(folder, f"{ROOT}/payload") == Pushed(files=0, bytes=0, there=4)
    assert [service for service in phone.services[before:] if service.startswith("sync")] == []
    phone.root.here(f"{ROOT}/payload/b.txt").write_bytes(b"two\nlinez\n")
    assert reached.push(folder, f"{ROOT}/payload") == Pushed(files=1, bytes=len(FILES["b.txt"]), there=3)


def test_progress_is_counted_in_bytes(plugged: Plugged, adb: Adb, folder: Path) -> None:
    calls: list[tuple[str, float, float]] = []
    adb.device(plugged().serial).push(folder, f"{ROOT}/payload", lambda *call: calls.append(call))
    size = sum(map(len, FILES.values()))
    assert [call[0] for call in calls] == [f"pushing {name}" for name in sorted(FILES)] or len(calls) > len(FILES)
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)
    assert {of for _, _, of in calls} == {size}
    assert calls[-1][1] == size


def test_a_pushed_program_is_executable_whatever_its_mode_was(plugged: Plugged, adb: Adb, program: Path) -> None:
    reached = adb.device(plugged().serial)
    copy = program.with_name("plain")
    copy.write_bytes(program.read_bytes())
    copy.chmod(0o644)
    reached.push(copy, f"{ROOT}/run/plain")
    assert reached.shell(f"{ROOT}/run/plain yes", check=True).text == "yes\n"
    assert reached.digests(f"{ROOT}/run", ["plain"]) == {"plain": sha256(program.read_bytes()).hexdigest()}


def test_a_script_sees_the_phones_paths(plugged: Plugged, adb: Adb, tmp_path: Path) -> None:
    reached = adb.device(plugged().serial)
    (tmp_path / "run.sh").write_text(f'cd "$(dirname "$0")" && pwd && cat {ROOT}/run/$1 && cat /proc/loadavg\n')
    reached.push(tmp_path / "run.sh", f"{ROOT}/run/run.sh")
    assert reached.shell(f"cd {ROOT}/run && echo data > data && sh run.sh data").text.split("\n")[:2] == [
        f"{ROOT}/run", "data",
    ]  # fmt: skip


def test_a_long_copy_reports_the_bytes_that_have_arrived(plugged: Plugged, adb: Adb, tmp_path: Path) -> None:
    calls: list[tuple[str, float, float]] = []
    (tmp_path / "large").write_bytes(bytes(300_000))
    phone = plugged(faults=Faults(copy_waits_at=131_072))
    adb.device(phone.serial).push(tmp_path / "large", f"{ROOT}/large", lambda *call: calls.append(call))
    assert calls[0] == ("pushing large", calls[0][1], 300_000)
    assert 65_536 < calls[0][1] <= 131_072  # adb sends parts of up to 64 KiB
    assert calls[-1] == ("pushing large", 300_000, 300_000)


def test_more_files_than_one_command_has_room_for(plugged: Plugged, adb: Adb) -> None:
    names = [f"{number:03d}" for number in range(101)]
    phone = plugged()
    for name in names:
        phone.reply(f"data/local/tmp/levit-mobile/many/{name}", name)
    found = adb.device(phone.serial).digests(f"{ROOT}/many", names)
    assert found == {name: sha256(name.encode()).hexdigest() for name in names}


# Faults


def test_a_full_phone(plugged: Plugged, adb: Adb, folder: Path) -> None:
    phone = plugged(faults=Faults(full_after_bytes=100_000))
    with refused(DeviceError, "device.full", "Minimal Phone", phone.serial):
        adb.device(phone.serial).push(folder, f"{ROOT}/payload")
    assert phone.files() == []


def test_a_folder_that_may_not_be_written(plugged: Plugged, adb: Adb, folder: Path) -> None:
    phone = plugged(faults=Faults(read_only=True))
    with refused(DeviceError, "device.read-only", "Minimal Phone"):
        adb.device(phone.serial).push(folder, f"{ROOT}/payload")


def test_a_file_that_arrives_damaged(plugged: Plugged, adb: Adb, folder: Path) -> None:
    phone = plugged(faults=Faults(spoiled=True))
    (folder / "empty").unlink()
    with refused(DeviceError, "device.damaged", "a.bin", "Minimal Phone"):
        adb.device(phone.serial).push(folder, f"{ROOT}/payload")


def test_a_phone_that_is_unplugged_while_files_are_copied(plugged: Plugged, adb: Adb, folder: Path) -> None:
    phone = plugged(faults=Faults(unplugged_after_bytes=120_000))
    with refused(DeviceError, "device.gone", "Minimal Phone", phone.serial):
        adb.device(phone.serial).push(folder, f"{ROOT}/payload")


def test_a_half_copied_file_is_copied_again(plugged: Plugged, adb: Adb, adb_server: AdbServer, folder: Path) -> None:
    phone = plugged(faults=Faults(unplugged_after_bytes=120_000))
    with refused(DeviceError, "device.gone"):
        adb.device(phone.serial).push(folder, f"{ROOT}/payload")
    phone.faults.unplugged_after_bytes = None
    phone.plug()
    adb_server.forget(phone)
    adb_server.connect(phone)
    assert adb.device(phone.serial).push(folder, f"{ROOT}/payload").files == 4
    assert phone.root.here(f"{ROOT}/payload/a.bin").read_bytes() == FILES["a.bin"]


def test_a_file_that_is_not_there_cannot_be_pulled(plugged: Plugged, adb: Adb, tmp_path: Path) -> None:
    phone = plugged()
    with refused(DeviceError, "device.failed", "/data/local/tmp/nothing", "No such file", "Minimal Phone"):
        adb.device(phone.serial).pull("/data/local/tmp/nothing", tmp_path / "nothing")


# Two runs at once


def test_a_second_run_on_the_same_phone_is_refused(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    first, second = adb.device(phone.serial), adb.device(phone.serial)
    with first.claimed(), refused(DeviceError, "device.busy", "Minimal Phone", "process"), second.claimed():
        pytest.fail("claimed twice")
    assert phone.files() == []
    with second.claimed():
        assert phone.files() == ["levit-mobile/lock/pid"]
    assert list(phone.root.here("/data/local/tmp").iterdir()) == []


def test_two_phones_are_claimed_at_once(plugged: Plugged, adb: Adb) -> None:
    first, second = plugged(), plugged()
    with adb.device(first.serial).claimed(), adb.device(second.serial).claimed():
        assert first.files() == second.files() == ["levit-mobile/lock/pid"]


@pytest.mark.parametrize("process", ["1", "4194304", ""])
def test_a_lock_whose_process_is_gone_is_taken_over(plugged: Plugged, adb: Adb, process: str) -> None:
    """Number 1 is a process of this machine's that is not ours; the next is above every number that Linux gives."""
    phone = plugged()
    phone.reply("data/local/tmp/levit-mobile/lock/pid", process)
    with adb.device(phone.serial).claimed():
        assert phone.root.here(f"{ROOT}/lock/pid").read_text().strip() != process
    assert phone.files() == []


def test_an_unplugged_phone_gives_its_lock_back(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    with adb.device(phone.serial).claimed():
        phone.unplug()
        for shell in phone.shells:
            shell.process.wait(60)
        assert phone.files() == []
