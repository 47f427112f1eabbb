"""The folder of a run on a device, whose programs are small scripts: `run.sh` runs in it with this machine's `sh`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from levit_mobile.device.script import RUN_FILE, Script, Step, text

# `--list` asks whether a program could be loaded.
LOADER = '#!/bin/sh\nshift 2\n[ "$1" = --list ] && exit 0\nexec sh "$@"\n'
# Prints its words, one a line, as `turns` prints what its programs print.
TURNS = 'echo "{\\"event\\":\\"turn\\"}"\nfor word; do echo "word $word"; done\necho chatter >&2\n'
HANGING = 'trap "echo ended >\\"$0.ended\\"; exit 143" TERM\necho "{}"\nwhile :; do sleep 0.05; done\n'
DEAF = 'trap "" TERM\necho "{}"\nwhile :; do sleep 0.05; done\n'
CONDITIONS = "echo '== uname'\necho aarch64\n"
COOL = 'cool_down() { echo "@cooling 0 $1"; }\n'
PERFORMANCE = (
    'fixed_performance_on() { echo on >>"$here"/../performance; }\n'
    'fixed_performance_off() { code=9; echo off >>"$here"/../performance; }\n'
)
STEPS = (
    Step("litert", ("--name", "it's a $name", "--model", "@/a dir/model.tflite")),
    Step("executorch", ("--name", "b")),
)
FILES = ("a dir", "conditions.sh", "cool.sh", "payload", "performance.sh", RUN_FILE)
SCRIPT = Script(steps=STEPS, payload="payload", files=FILES, rounds=3, starts=2)


def written(at: Path, script: Script = SCRIPT, **files: str) -> Path:
    """A folder `run` in `at`; `turns`, `loader`, `conditions` and `cool` replace its own files."""
    folder = at / "run"
    content = {
        "payload/ld-linux-aarch64.so.1": files.get("loader", LOADER),
        "payload/turns": files.get("turns", TURNS),
        "a dir/model.tflite": "model",
        "conditions.sh": files.get("conditions", CONDITIONS),
        "cool.sh": files.get("cool", COOL),
        "performance.sh": PERFORMANCE,
        RUN_FILE: text(script),
    }
    for name, lines in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(lines)
        path.chmod(0o755)
    return folder


def changed(**options: object) -> Script:
    """`SCRIPT` with other options."""
    return replace(SCRIPT, **options)  # type: ignore[arg-type]


def run(folder: Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`sh run.sh` from a different folder, to its end."""
    command = ["sh", str(folder / RUN_FILE)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def started(folder: Path) -> subprocess.Popen[str]:
    """The same, not waited for; its own process group, as a remote shell's."""
    command = ["sh", str(folder / RUN_FILE)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def read_until(process: subprocess.Popen[str], line: str) -> list[str]:
    """Lines of its output up to this one."""
    assert process.stdout is not None
    found = []
    for each in process.stdout:
        found.append(each.rstrip("\n"))
        if found[-1] == line:
            return found
    raise AssertionError(found)


def wait_for(path: Path, content: str = "", seconds: float = 60) -> None:
    """Until another process has written a file, and this in it."""
    until = time.monotonic() + seconds
    while not path.exists() or content not in path.read_text():
        assert time.monotonic() < until, path
        time.sleep(0.02)


def processes_of(group: int) -> list[int]:
    """Processes of a group that have not ended, as Linux lists them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def end(process: subprocess.Popen[str]) -> None:
    """Whatever is left of it."""
    for number in processes_of(process.pid):
        os.kill(number, signal.SIGKILL)
