"""The phone that the tests play does what a phone does: programs by their own loader, and commands that answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.phone.faults import Faults
from support.phone.phones import Phone

from levit_mobile.device.adb import Adb
from levit_mobile.device.phone import ROOT

Plugged = Callable[..., Phone]


def test_a_program_is_started_by_the_loader_beside_it(plugged: Plugged, adb: Adb, loaded: Path) -> None:
    reached = adb.device(plugged().serial)
    reached.push(loaded, f"{ROOT}/payload")
    start = "./ld-linux-aarch64.so.1 --library-path . ./inner"
    assert reached.shell(f"cd {ROOT}/payload && {start} one", check=True).text == "one\n"
    assert reached.shell(f"cd {ROOT}/payload && exec {start} fail").code == 3


def test_a_program_starts_other_programs(plugged: Plugged, adb: Adb, loaded: Path) -> None:
    reached = adb.device(plugged().serial)
    reached.push(loaded, f"{ROOT}/payload")
    text = reached.shell(f"cd {ROOT}/payload && ./starter", check=True).text
    assert text == "from starter\nwell\n0\nfrom starter\nfail\n3\n"


def test_a_loader_that_may_not_run_refuses_every_program(plugged: Plugged, adb: Adb, loaded: Path) -> None:
    reached = adb.device(plugged(faults=Faults(not_executable="can't execute: Permission denied")).serial)
    reached.push(loaded, f"{ROOT}/payload")
    done = reached.shell(f"cd {ROOT}/payload && ./ld-linux-aarch64.so.1 --library-path . ./inner one")
    assert (done.code, done.stdout) == (126, b"")


def test_commands_answer_from_files_and_are_written_down(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    phone.reply("dumpsys-battery.txt", "  level: 80\n")
    phone.reply("cmd.txt", phone.root.here("cmd.txt").read_text() + "thermalservice headroom 0 => 0 one\\ntwo\n")
    phone.reply("sys/devices/system/cpu/cpu7/cpufreq/scaling_cur_freq", "1804800\n")
    reached = adb.device(phone.serial)
    commands = {
        "getprop ro.product.model": "Minimal Phone\n",
        "getprop ro.nothing none": "none\n",
        "dumpsys battery": "  level: 80\n",
        "dumpsys nothing": "Can't find service: nothing\n",
        "settings get global low_power": "null\n",
        "settings put global low_power 1; settings get global low_power": "1\n",
        "cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq": "1804800\n",
        "uname -m": "aarch64\n",
        "uname -r; uname": "5.10.157-android13-4\nLinux\n",
        "cmd nothing 2>&1 || echo $?": "cmd: Can't find service: nothing\n20\n",
        "cmd thermalservice headroom 0": "one\ntwo\n",
        "cmd power set-fixed-performance-mode-enabled true": "",
    }
    assert {command: reached.shell(command, check=True).text for command in commands} == commands
    assert phone.root.calls()[-1] == "cmd power set-fixed-performance-mode-enabled true"
    assert phone.root.here("fixed-performance-mode.txt").read_text() == "true\n"


SCRIPT = """cat /proc/loadavg "/proc/loadavg" "$CONDITIONS_ROOT"/sys/one "$CONDITIONS_ROOT/sys/one"
for file in /sys/*; do cat "$file"; done; x=/sys/one; cat $x /data/local/tmp/run/two </dev/null
"""


def test_paths_in_a_script_are_the_phones(plugged: Plugged, adb: Adb) -> None:
    """conditions.sh reads below `CONDITIONS_ROOT`, which is the phone's folder here."""
    phone = plugged("minimal")
    phone.reply("proc/loadavg", "load\n")
    phone.reply("sys/one", "1\n")
    phone.root.here("sys/devices").rename(phone.root.here("elsewhere"))
    phone.reply("data/local/tmp/run/two", "2\n")
    phone.reply("data/local/tmp/run/script.sh", SCRIPT)
    expected = "load\nload\n1\n1\n1\n1\n2\n"
    reached = adb.device(phone.serial)
    assert reached.shell("sh /data/local/tmp/run/script.sh", check=True).text == expected
    assert reached.shell(SCRIPT, check=True).text == expected


def test_a_list_of_digests_is_checked_on_the_phone(plugged: Plugged, adb: Adb, loaded: Path) -> None:
    reached = adb.device(plugged().serial)
    reached.push(loaded, f"{ROOT}/payload")
    listing = "sha256sum ./starter ./inner > digests && sha256sum -c digests"
    assert reached.shell(f"cd {ROOT}/payload && {listing}", check=True).text == "./starter: OK\n./inner: OK\n"
    done = reached.shell(f"cd {ROOT}/payload && echo x > inner && sha256sum -c digests")
    assert (done.text, done.code) == ("./starter: OK\n./inner: FAILED\n", 1)
