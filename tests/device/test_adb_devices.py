"""Where adb is found, what it lists, which device is chosen, and what each state means."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.phone.faults import Faults
from support.phone.phones import AdbServer, Phone
from support.refusals import refused

from levit_mobile.device.adb import Adb, Listed, chosen, parsed
from levit_mobile.errors import DeviceError

Plugged = Callable[..., Phone]
# As adb 29 to 36 print them.
PRINTED = """* daemon not running; starting now at tcp:5037
* daemon started successfully
List of devices attached
R58M123ABC             device usb:1-2 product:beyond1lte model:SM_G973F device:beyond1 transport_id:1
0123456789ABCDEF       unauthorized usb:1-3 transport_id:2
emulator-5554          offline transport_id:3
????????????           no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html] usb:1-4 transport_id:4
(no serial number)     no permissions; see [http://developer.android.com/tools/device.html] usb:1-5.1 transport_id:5
192.168.1.7:5555       recovery product:x model:Pixel_7 device:panther transport_id:6
SIDE                   sideload 1-7 transport_id:7
BOOT                   bootloader transport_id:8
AUTH                   authorizing usb:1-9 transport_id:9
CONN                   connecting transport_id:10
HOST                   host transport_id:11
adb-R58M-abc (2)._adb-tls-connect._tcp device product:p model:A_B device:d transport_id:12

"""  # noqa: E501


def test_every_state_is_read_from_the_list() -> None:
    found = [(device.serial, re.split(r" \(|;", device.state)[0], device.model) for device in parsed(PRINTED)]
    assert found == [
        ("R58M123ABC", "device", "SM G973F"),
        ("0123456789ABCDEF", "unauthorized", ""),
        ("emulator-5554", "offline", ""),
        ("????????????", "no permissions", ""),
        ("(no serial number)", "no permissions", ""),
        ("192.168.1.7:5555", "recovery", "Pixel 7"),
        ("SIDE", "sideload", ""),
        ("BOOT", "bootloader", ""),
        ("AUTH", "authorizing", ""),
        ("CONN", "connecting", ""),
        ("HOST", "host", ""),
        ("adb-R58M-abc (2)._adb-tls-connect._tcp", "device", "A B"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "code", "fact"),
    [
        ("unauthorized", "device.unauthorised", "Allow USB debugging"),
        ("authorizing", "device.unauthorised", "Allow USB debugging"),
        ("no permissions (user in plugdev group; are your udev rules wrong?)", "device.no-permissions", "udev"),
        ("offline", "device.offline", "adb reconnect"),
        ("connecting", "device.offline", "plug it in again"),
        ("recovery", "device.state", "recovery"),
        ("sideload", "device.state", "sideload"),
        ("bootloader", "device.state", "adb reboot"),
        ("host", "device.state", "host"),
    ],
)
def test_a_device_that_is_not_ready_has_a_reason(state: str, code: str, fact: str) -> None:
    with refused(DeviceError, code, "R58M", fact):
        chosen([Listed("R58M", state)], None)


def test_the_only_device_that_is_ready_is_chosen() -> None:
    ready, other = Listed("A", "device", "Pixel 7"), Listed("B", "offline")
    assert chosen([other, ready], None) == ready
    assert ready.name == "Pixel 7 (A)"
    with refused(DeviceError, "device.offline", "B"):
        chosen([other, ready], "B")


def test_devices_none_of_which_is_ready_are_all_named() -> None:
    with refused(DeviceError, "device.unauthorised", "A", "B: offline"):
        chosen([Listed("A", "unauthorized"), Listed("B", "offline")], None)


# With a real adb


def test_no_device(adb: Adb) -> None:
    assert adb.devices() == ()
    with refused(DeviceError, "device.none", "USB debugging", "adb devices"):
        adb.device()
    with refused(DeviceError, "device.none"):
        adb.device("R58M")


def test_one_device_is_used(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    assert adb.devices() == (Listed(phone.serial, "device", "Minimal Phone"),)
    reached = adb.device()
    assert (reached.serial, reached.name) == (phone.serial, f"Minimal Phone ({phone.serial})")


def test_several_devices_are_listed_and_one_is_chosen(plugged: Plugged, adb: Adb, adb_server: AdbServer) -> None:
    first, second = plugged(), plugged()
    with refused(DeviceError, "device.several", "--on android:SERIAL", first.serial, second.serial):
        adb.device()
    second.reply("which", "second")
    assert adb.device(second.serial).shell("cat which").text == "second"
    with refused(DeviceError, "device.unknown-serial", "R58M", first.serial, second.serial):
        adb.device("R58M")
    by_variable = Adb.found(environ={**adb_server.environ, "ANDROID_SERIAL": second.serial})
    assert by_variable.device().serial == second.serial
    assert by_variable.device(first.serial).shell("cat which").code == 1


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (Faults(key="refused"), "device.unauthorised"),
        (Faults(state="recovery"), "device.state"),
        (Faults(state="sideload"), "device.state"),
        (Faults(state="bootloader"), "device.state"),
    ],
    ids=["unauthorised", "recovery", "sideload", "bootloader"],
)
def test_a_connected_device_that_is_not_ready(plugged: Plugged, adb: Adb, faults: Faults, code: str) -> None:
    phone = plugged(faults=faults)
    with refused(DeviceError, code, phone.serial):
        adb.device()


def test_a_device_that_was_allowed_by_its_user_is_ready(plugged: Plugged, adb: Adb) -> None:
    phone = plugged(faults=Faults(key="accepted"))
    assert adb.device(phone.serial).shell("getprop ro.product.model").text == "Minimal Phone\n"


def test_a_device_that_stops_answering_is_offline(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    phone.unplug()
    with refused(DeviceError, "device.offline", phone.serial, "adb reconnect"):
        adb.device()


# adb itself


def test_adb_is_looked_for_in_path_and_in_the_sdk(adb_server: AdbServer, tmp_path: Path) -> None:
    sdk = tmp_path / "sdk"
    (sdk / "platform-tools").mkdir(parents=True)
    inside = sdk / "platform-tools" / "adb"
    inside.symlink_to(adb_server.adb)
    nowhere = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert Adb.found(environ=adb_server.environ).path == Path(adb_server.adb)
    assert Adb.found(environ={**nowhere, "ANDROID_HOME": str(sdk)}).path == inside
    assert Adb.found(environ={**nowhere, "ANDROID_SDK_ROOT": str(sdk)}).path == inside
    for given in (inside, inside.parent, sdk):
        assert Adb.found(given).path == inside
    (tmp_path / "Android").mkdir()
    (tmp_path / "Android" / "Sdk").symlink_to(sdk)
    assert Adb.found(environ=nowhere).path == tmp_path / "Android/Sdk/platform-tools/adb"


def test_no_adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("levit_mobile.system.android_sdk.SDK_FOLDERS", ("~/Android/Sdk",))
    with refused(DeviceError, "device.no-adb", "ANDROID_HOME", "--adb", "apt-get install adb"):
        Adb.found(environ={"PATH": str(tmp_path), "HOME": str(tmp_path)})
    (tmp_path / "text").write_text("text")
    for path in (tmp_path / "text", tmp_path / "nothing", tmp_path):
        with refused(DeviceError, "device.no-adb", str(path), "--adb"):
            Adb.found(path)


@pytest.fixture
def taken() -> Iterator[tuple[int, list[bytes]]]:
    """A port on which something answers every request as an adb server of version 40 would, and does not end."""
    listener, asked = socket.create_server(("127.0.0.1", 0)), list[bytes]()

    def answer() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    asked.append(connection.recv(100))
                    connection.sendall(b"OKAY00040028")

    threading.Thread(target=answer, daemon=True).start()
    yield listener.getsockname()[1], asked
    listener.close()


def test_a_server_of_a_different_version_that_does_not_end(
    adb_server: AdbServer, taken: tuple[int, list[bytes]]
) -> None:
    port, asked = taken
    adb = Adb.found(environ={**adb_server.environ, "ANDROID_ADB_SERVER_PORT": str(port)})
    with refused(DeviceError, "device.adb-server", "server version (40) doesn't match this client (41)", "kill-server"):
        adb.devices()
    assert any(b"host:version" in request for request in asked)


def test_a_server_that_cannot_be_reached(adb_server: AdbServer) -> None:
    adb = Adb.found(environ={**adb_server.environ, "ADB_SERVER_SOCKET": "tcp:203.0.113.1.invalid:5037"})
    with refused(DeviceError, "device.adb-server", "kill-server"):
        adb.devices()


def test_a_program_that_is_not_adb(tmp_path: Path) -> None:
    other = tmp_path / "adb"
    other.write_text("not a program")
    other.chmod(0o755)
    with refused(DeviceError, "device.no-adb", str(other)):
        Adb.found(other).devices()
    other.write_text("#!/bin/sh\necho 'not adb' >&2\nexit 1\n")
    with refused(DeviceError, "device.adb-server", "not adb"):
        Adb.found(other).devices()


def test_the_tests_leave_a_users_own_server_alone(adb_server: AdbServer) -> None:
    assert adb_server.environ["ANDROID_ADB_SERVER_PORT"] not in ("", os.environ.get("ANDROID_ADB_SERVER_PORT"), "5037")
    assert (adb_server.home / ".android" / "adbkey").is_file()
