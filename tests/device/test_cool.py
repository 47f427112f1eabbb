"""The shell functions of a run, by dash: the wait for a cool device, and fixed performance in every way out."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.replied import SHELL, Replied

from levit_mobile.device.conditions import functions, read, script
from levit_mobile.device.cooling import Cooling, parsed, waited_s

COOL, PERFORMANCE = functions()
TURN_ON, TURN_OFF = (f"cmd power set-fixed-performance-mode-enabled {word}" for word in ("true", "false"))
GUARD = """trap fixed_performance_off EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 141' PIPE; trap 'exit 143' TERM
"""


@pytest.fixture
def phone(tmp_path: Path) -> Replied:
    """A Pixel 8, on which all works."""
    return Replied("pixel-8", tmp_path)


# The wait for a cool device


def statuses(phone: Replied, *found: str) -> None:
    """`dumpsys thermalservice` gives these in turn, and the last one for ever."""
    for number, text in enumerate(found):
        (phone.replies / f"status-{number}").write_text(text + "\n", encoding="utf-8")
    phone.stub(
        "dumpsys",
        f"""count=$(cat "$REPLIES/count" 2>/dev/null || echo 0)
cat "$REPLIES/status-$count"
[ "$count" -lt {len(found) - 1} ] && echo $((count + 1)) > "$REPLIES/count"
exit 0""",
    )


def cooled(phone: Replied, limit_s: int) -> tuple[list[str], int]:
    """The lines of `cool_down`, and what it returned."""
    done = phone.run("-c", f'. "{COOL}"; cool_down {limit_s}; echo "returned $?"')
    assert done.stderr == b""
    *lines, last = done.stdout.decode().splitlines()
    return lines, int(last.removeprefix("returned "))


def status(number: int, override: str = "false") -> str:
    return f"IsStatusOverride: {override}\nThermalEventListeners:\nThermal Status: {number}\nCached temperatures:"


def test_a_cool_device_is_not_waited_for(phone: Replied) -> None:
    assert cooled(phone, 300) == (["@cooling 0 0"], 0)
    assert phone.calls == []


def test_a_hot_device_is_waited_for(phone: Replied) -> None:
    statuses(phone, status(3), status(2), status(0))
    assert cooled(phone, 300) == (["@cooling 0 3", "@cooling 10 2", "@cooling 20 0"], 0)
    assert phone.calls == ["sleep 10", "sleep 10"]


def test_the_wait_is_given_up_at_its_limit(phone: Replied) -> None:
    statuses(phone, status(2))
    assert cooled(phone, 25) == (["@cooling 0 2", "@cooling 10 2", "@cooling 20 2", "@cooling 25 2 limit"], 1)
    assert phone.calls == ["sleep 10", "sleep 10", "sleep 5"]
    assert cooled(phone, 0) == (["@cooling 0 2 limit"], 1)


@pytest.mark.parametrize(
    "text",
    ["", "Can't find service: thermalservice", "Thermal Status: 7", "Thermal Status: hot", status(0, "true"),
     status(4, "true")],
    ids=["nothing", "no service", "no such status", "no number", "set to cool by hand", "set to hot by hand"],
)  # fmt: skip
def test_an_unknown_status_is_not_waited_for(phone: Replied, text: str) -> None:
    statuses(phone, text)
    assert cooled(phone, 300) == (["@cooling 0 unknown"], 0)


def test_a_phone_without_the_service_is_not_waited_for(tmp_path: Path) -> None:
    assert cooled(Replied("mi-a1", tmp_path), 300) == (["@cooling 0 unknown"], 0)


def test_a_wait_whose_sleep_fails_ends(phone: Replied) -> None:
    statuses(phone, status(3))
    phone.stub("sleep", "exit 1")
    assert cooled(phone, 300) == (["@cooling 0 3"], 1)


def test_the_lines_are_understood(phone: Replied) -> None:
    statuses(phone, status(3), status(1), status(1))
    looks = [parsed(line) for line in cooled(phone, 15)[0]]
    assert looks == [Cooling(0, "severe"), Cooling(10, "light"), Cooling(15, "light", gave_up=True)]


@pytest.mark.parametrize(
    "line", ["", "@cooling", "@cooling 3", "@cooling x 0", "@cooling 3 7", "@cooling 3 0 soon", "{}"]
)
def test_another_line_is_no_look(line: str) -> None:
    assert parsed(line) is None


def test_all_waits_of_a_run_are_added() -> None:
    lines = ["@cooling 0 2", "@cooling 10 2", "@cooling 20 0", "@cooling 0 0", "@cooling 0 1", "@cooling 10 1 limit"]
    looks = [look for line in lines if (look := parsed(line))]
    assert waited_s(looks) == 30
    assert waited_s(looks[3:4]) == 0
    assert waited_s([]) is None


# Fixed performance


def run_sh(phone: Replied, body: str) -> Path:
    """A script that uses the mode as performance.sh says."""
    path = phone.programs.parent / "run.sh"
    path.write_text(f'. "{PERFORMANCE}"\n{GUARD}fixed_performance_on\n{body}\n', encoding="utf-8")
    return path


@pytest.mark.parametrize(("body", "code"), [("exit 0", 0), ("exit 7", 7), ("set -e; false", 1), (": ", 0)])
def test_the_mode_is_switched_off_at_the_end(phone: Replied, body: str, code: int) -> None:
    done = phone.run(run_sh(phone, body))
    assert (done.returncode, phone.calls) == (code, [TURN_ON, TURN_OFF])


def test_the_mode_is_switched_off_once(phone: Replied) -> None:
    phone.run(run_sh(phone, "fixed_performance_off; fixed_performance_off"))
    assert phone.calls == [TURN_ON, TURN_OFF]


@pytest.mark.parametrize("sent", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_the_mode_is_switched_off_on_a_signal(phone: Replied, sent: signal.Signals) -> None:
    process = start(phone, "echo ready; while :; do /bin/sleep 0.05; done")
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(sent)
        assert process.wait(timeout=30) == 128 + sent
    assert phone.calls == [TURN_ON, TURN_OFF]


def test_the_mode_is_switched_off_where_nobody_reads_any_more(phone: Replied) -> None:
    """As when the cable is pulled out: the next line cannot be written."""
    process = start(phone, "while :; do echo line; /bin/sleep 0.05; done")
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.wait(timeout=30) == 141
    assert phone.calls == [TURN_ON, TURN_OFF]


def test_a_signal_while_the_mode_is_switched_on_switches_it_off(phone: Replied) -> None:
    phone.stub("cmd", 'echo "cmd $*" >> "$CALLS"; case $* in *true) /bin/sleep 0.4 ;; esac; exit 0')
    process = start(phone, "while :; do /bin/sleep 0.05; done")
    with process:
        while not phone.calls:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
    assert phone.calls == [TURN_ON, TURN_OFF]


def start(phone: Replied, body: str) -> subprocess.Popen[bytes]:
    words = [SHELL, str(run_sh(phone, body))]
    return subprocess.Popen(
        words, env=phone.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, restore_signals=True
    )


@pytest.mark.parametrize("device", ["xiaomi-11t", "galaxy-s9", "mi-a1"])
def test_a_device_without_the_mode_says_so_and_is_left_alone(device: str, tmp_path: Path) -> None:
    phone = Replied(device, tmp_path)
    done = phone.run(run_sh(phone, f'echo "returned $?"; {SHELL} "{script()}"'))
    assert done.stdout.startswith(b"returned 1\n")
    assert done.stderr == b"this device has no fixed performance mode\n"
    assert phone.calls[0] == TURN_ON
    assert TURN_OFF not in phone.calls
    assert read(done.stdout.decode()).conditions().fixed_performance_mode is None


@pytest.mark.parametrize(("before", "expected"), [("", True), ("fixed_performance_off", False)])
def test_conditions_report_the_mode_that_was_set(phone: Replied, before: str, expected: bool) -> None:
    done = phone.run(run_sh(phone, f'{before}\n{SHELL} "{script()}"'))
    assert read(done.stdout.decode()).conditions().fixed_performance_mode is expected
