"""Commands on a phone over a real adb: their output, exit code and end, on new and old phones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.phone.faults import Faults
from support.phone.phones import AdbServer, Phone
from support.refusals import refused

from levit_mobile.device import stream
from levit_mobile.device.adb import Adb
from levit_mobile.device.phone import ROOT
from levit_mobile.device.phone import Phone as Reached
from levit_mobile.errors import DeviceError

Plugged = Callable[..., Phone]
EVERY_ADBD = pytest.mark.parametrize("features", [("shell_v2", "cmd", "stat_v2"), ("cmd",), ()])
WHERE = "/data/local/tmp"


def running(phone: Phone, text: str) -> list[str]:
    """Command lines on the phone that hold a text."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environ = (entry / "environ").read_bytes()
        except OSError:
            continue
        if text in line and f"PHONE={phone.root.path}".encode() in environ:
            found.append(line)
    return found


def left(phone: Phone, text: str) -> list[str]:
    """The same once what was signalled has had a minute to end."""
    deadline = time.monotonic() + 60
    while (found := running(phone, text)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def clients(adb: Adb) -> list[str]:
    """Processes of adb's that this process has started and that still run, without the tests' own server."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    lines = [Path(f"/proc/{child}/cmdline") for file in children for child in file.read_text().split()]
    found = [line.read_text() for line in lines if line.exists()]
    return [line for line in found if line.startswith(f"{adb.path}\0") and "nodaemon" not in line]


@EVERY_ADBD
@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_a_command_gives_its_output_and_its_exit_code(
    plugged: Plugged, adb: Adb, features: tuple[str, ...], code: int
) -> None:
    phone = adb.device(plugged(features=features).serial)
    done = phone.shell(f"printf 'a\\n\\nb'; exit {code}")
    assert (done.text, done.stderr, done.code) == ("a\n\nb", b"", code)


def test_error_output_is_kept_apart(plugged: Plugged, adb: Adb) -> None:
    done = adb.device(plugged().serial).shell("echo out; echo err >&2")
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")


def test_what_a_command_prints_about_adb_is_not_taken_for_adbs(plugged: Plugged, adb: Adb) -> None:
    done = adb.device(plugged().serial).shell("echo 'error: device offline' >&2; exit 1")
    assert (done.code, done.stderr) == (1, b"error: device offline\n")


def test_a_command_that_fails_names_itself_and_its_reason(plugged: Plugged, adb: Adb) -> None:
    phone = adb.device(plugged().serial)
    with refused(DeviceError, "device.failed", "Minimal Phone", phone.serial, "ls /nowhere", "No such file"):
        phone.shell("ls /nowhere", check=True)


def test_a_command_that_does_not_end_in_time_is_ended(plugged: Plugged, adb: Adb) -> None:
    phone = adb.device(plugged().serial)
    with refused(DeviceError, "device.hung", "0.3 s"):
        phone.shell("exec sleep 3000", timeout_s=0.3)
    assert clients(adb) == []


@EVERY_ADBD
def test_a_stream_gives_lines_as_they_come(plugged: Plugged, adb: Adb, features: tuple[str, ...]) -> None:
    with adb.device(plugged(features=features).serial).stream("echo one; cat fifo; echo; printf three") as lines:
        assert next(lines) == b"one"
        rest = [line for line in lines if b"fifo" not in line]
    assert rest == [b"", b"three"]
    assert lines.code == 0


@EVERY_ADBD
def test_a_stream_that_is_closed_ends_everything_below_the_command(
    plugged: Plugged, adb: Adb, features: tuple[str, ...]
) -> None:
    phone = plugged(features=features)
    with adb.device(phone.serial).stream("sleep 4321 & sh -c 'echo ready; sleep 4321; echo never'") as lines:
        assert next(lines) == b"ready"
        assert len(running(phone, "sleep 4321")) >= 2
    assert left(phone, "4321") == []
    assert clients(adb) == []
    assert list(lines) == []


ORDERLY = """trap 'sleep 1; echo ended > {place}/order; exit 143' TERM
echo ready
while :; do sleep 0.05; done"""


@pytest.mark.parametrize("way", ["sh {script}", "exec sh {script}", "true; sh {script}; true"])
def test_a_script_may_put_things_in_order(plugged: Plugged, adb: Adb, way: str, tmp_path: Path) -> None:
    """Whether or not the shell that starts it stays above it."""
    phone, script = plugged(), tmp_path / "script.sh"
    script.write_text(ORDERLY.format(place=WHERE))
    reached = adb.device(phone.serial)
    reached.push(script, f"{ROOT}/script.sh")
    with reached.stream(way.format(script=f"{ROOT}/script.sh")) as lines:
        assert next(lines) == b"ready"
    assert (phone.root.here(WHERE) / "order").exists()
    assert left(phone, "script.sh") == []


def test_a_command_that_does_not_heed_the_first_signal_is_killed(
    plugged: Plugged, adb: Adb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "GRACE_S", 1)
    phone = plugged()
    with adb.device(phone.serial).stream("trap '' TERM; echo ready; while :; do sleep 0.2; : 4321; done") as lines:
        assert next(lines) == b"ready"
    assert left(phone, "4321") == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_exception_ends_the_command(plugged: Plugged, adb: Adb, error: type[BaseException]) -> None:
    phone = plugged()

    def read() -> Iterator[bytes]:
        with adb.device(phone.serial).stream("echo ready; sleep 4321") as lines:
            yield next(lines)
            raise error

    with pytest.raises(error):
        list(read())
    assert left(phone, "4321") == []
    assert clients(adb) == []


INTERRUPTED = """
import sys
from pathlib import Path
from levit_mobile.device.adb import Adb

phone = Adb.found(Path(sys.argv[1])).device(sys.argv[2])
with phone.stream("echo ready; sleep 4321") as lines:
    for line in lines:
        print(line.decode(), flush=True)
"""


def test_ctrl_c_ends_the_command(plugged: Plugged, adb: Adb, adb_server: AdbServer) -> None:
    phone = plugged()
    command = [sys.executable, "-c", INTERRUPTED, str(adb.path), phone.serial]
    with subprocess.Popen(
        command, env=adb_server.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert errors.splitlines()[-1] == b"KeyboardInterrupt"
    assert left(phone, "4321") == []
    (shell,) = [shell for shell in phone.shells if "sleep 4321" in shell.command]
    assert shell.process.wait(60) != 0
    assert clients(adb) == []


def test_a_shell_that_is_killed_names_the_signal(plugged: Plugged, adb: Adb) -> None:
    with (
        refused(DeviceError, "device.crashed", "SIGKILL"),
        adb.device(plugged().serial).stream("echo ready; kill -KILL $PPID") as lines,
    ):
        list(lines)


def test_what_a_command_prints_about_a_server_is_not_taken_for_adbs(plugged: Plugged, adb: Adb) -> None:
    phone = adb.device(plugged().serial)
    with refused(DeviceError, "device.failed", "cannot connect to daemon"):
        phone.shell("echo 'cannot connect to daemon' >&2; exit 1", check=True)


def test_a_stream_on_a_phone_that_is_gone(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    reached = adb.device(phone.serial)
    phone.unplug()
    with refused(DeviceError, "device.gone", phone.serial), reached.stream("true") as lines:
        list(lines)


def test_a_stream_keeps_the_last_lines_of_the_error_output(plugged: Plugged, adb: Adb) -> None:
    with adb.device(plugged().serial).stream("echo noise >&2; echo line") as lines:
        assert list(lines) == [b"line"]
        assert lines.errors == ("noise",)


def test_words_are_quoted_for_the_phones_shell(plugged: Plugged, adb: Adb, tmp_path: Path) -> None:
    phone = plugged()
    reached = adb.device(phone.serial)
    source = tmp_path / 'it\'s $HOME; `ls` "x".txt'
    source.write_text("text")
    reached.push(source, f"{ROOT}/a b/{source.name}")
    assert phone.files() == [f"levit-mobile/a b/{source.name}"]
    reached.remove(f"{ROOT}/a b")
    assert phone.files() == []
    with pytest.raises(ValueError, match="not below"):
        reached.remove(f"{ROOT}/../other")


def test_a_program_runs_on_an_emulated_core(plugged: Plugged, adb: Adb, program: Path) -> None:
    phone = adb.device(plugged().serial)
    phone.push(program, f"{ROOT}/run/program")
    done = phone.shell(f"cd {ROOT}/run && ./program one 'two three'; ./program fail")
    assert (done.text, done.code) == ("one\ntwo three\nfail\n", 3)


# Faults


def pushed(phone: Reached, program: Path) -> str:
    """The program is on the phone; the command that begins there."""
    phone.push(program, f"{ROOT}/run/program")
    return f"cd {ROOT}/run && ./program"


def test_a_phone_that_is_unplugged_while_it_prints(plugged: Plugged, adb: Adb, program: Path) -> None:
    phone = plugged(faults=Faults(on="program a", unplugged_after_lines=3))
    reached = adb.device(phone.serial)
    command, found = pushed(reached, program), []
    with (
        refused(DeviceError, "device.gone", "Minimal Phone", phone.serial),
        reached.stream(f"{command} a b c d wait") as lines,
    ):
        found.extend(lines)
    assert found == [b"a", b"b"]  # the first line is the stream's own
    assert clients(adb) == []
    with refused(DeviceError, "device.offline", phone.serial):
        adb.device(phone.serial)


def test_an_unplugged_phone_ends_the_program_by_itself(plugged: Plugged, adb: Adb, program: Path) -> None:
    phone = plugged(faults=Faults(on="program a", unplugged_after_lines=2))
    reached = adb.device(phone.serial)
    command = pushed(reached, program)
    with refused(DeviceError, "device.gone"), reached.stream(f"{command} a b wait") as lines:
        list(lines)
    (shell,) = [shell for shell in phone.shells if "program a b wait" in shell.command]
    shell.process.wait(60)
    assert left(phone, "program") == []


def test_a_phone_that_is_unplugged_during_a_short_command(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    reached = adb.device(phone.serial)
    phone.unplug()
    with refused(DeviceError, "device.gone", phone.serial):
        reached.shell("true")


def test_a_program_that_prints_nothing_is_ended_with_the_log(plugged: Plugged, adb: Adb, program: Path) -> None:
    phone = plugged(faults=Faults(on="program a", silent_after_lines=2))
    reached = adb.device(phone.serial)
    command = pushed(reached, program)
    with (
        refused(DeviceError, "device.hung", "0.5 s", "Minimal Phone") as caught,
        reached.stream(f"{command} a b wait", silence_s=0.5) as lines,
    ):
        list(lines)
    assert "Fatal signal 11" in caught.value.log[-1]
    assert left(phone, "program") == []


def test_a_program_that_dies_names_its_signal_and_carries_the_log(plugged: Plugged, adb: Adb, program: Path) -> None:
    phone = plugged(faults=Faults(on="program a", killed_after_lines=2))
    reached = adb.device(phone.serial)
    command = pushed(reached, program)
    with (
        refused(DeviceError, "device.crashed", "SIGSEGV", "Minimal Phone") as caught,
        reached.stream(f"{command} a b wait") as lines,
    ):
        list(lines)
    assert "Fatal signal 11" in caught.value.log[-1]


def test_a_program_that_fails_gives_its_exit_code_and_last_line(plugged: Plugged, adb: Adb, program: Path) -> None:
    reached = adb.device(plugged().serial)
    command = pushed(reached, program)
    with (
        refused(DeviceError, "device.crashed", "exit status 3", "no model"),
        reached.stream(f"echo 'no model' >&2; {command} fail") as lines,
    ):
        list(lines)


@pytest.mark.parametrize(
    ("sentence", "fact"),
    [
        ("can't execute: Permission denied", "does not permit programs"),
        ("not executable: 64-bit ELF file", "64-bit"),
        ("not executable: 32-bit ELF file", "64-bit"),
    ],
)
def test_a_phone_that_refuses_programs(plugged: Plugged, adb: Adb, program: Path, sentence: str, fact: str) -> None:
    reached = adb.device(plugged(faults=Faults(not_executable=sentence)).serial)
    command = pushed(reached, program)
    with refused(DeviceError, "device.not-executable", fact, "Minimal Phone"), reached.stream(command) as lines:
        list(lines)
    with refused(DeviceError, "device.not-executable", fact):
        reached.shell(command, check=True)


def test_a_phone_without_a_64_bit_system_is_known_before_anything_is_pushed(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    adb.device(phone.serial).require_arm64()
    text = phone.root.here("getprop.txt").read_text()
    phone.reply("getprop.txt", text.replace("[arm64-v8a]", "[]").replace("arm64-v8a,", ""))
    with refused(DeviceError, "device.not-executable", "armeabi-v7a", "64-bit"):
        adb.device(phone.serial).require_arm64()


def test_a_slow_phone_is_waited_for(plugged: Plugged, adb: Adb) -> None:
    phone = adb.device(plugged(faults=Faults(delay_s=0.3)).serial)
    assert phone.shell("echo late").text == "late\n"
    with phone.stream("echo late") as lines:
        assert list(lines) == [b"late"]


def test_the_log_is_given_up_where_the_phone_is_gone(plugged: Plugged, adb: Adb) -> None:
    phone = plugged()
    reached = adb.device(phone.serial)
    assert [len(reached.logcat_tail(lines)) for lines in (1, 2, 40)] == [1, 2, 2]
    phone.unplug()
    assert reached.logcat_tail() == ()
