"""`run.sh`, run by this machine's own `sh`: the order of its lines, and every way in which it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from pathlib import Path

import pytest
from support.run_folders import (
    DEAF,
    FILES,
    HANGING,
    SCRIPT,
    changed,
    end,
    processes_of,
    read_until,
    run,
    started,
    wait_for,
    written,
)

from levit_mobile.device import script
from levit_mobile.device.script import Script, Step, text

CONDITIONS = ["== uname", "aarch64", "@end"]
SIGNALS = [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]


def words_of(lines: list[str]) -> list[list[str]]:
    """The words of each call of `turns`."""
    found: list[list[str]] = []
    for line in lines:
        if line.startswith("{"):
            found.append([])
        elif line.startswith("word "):
            found[-1].append(line.removeprefix("word "))
    return found


# Order


def test_the_lines_come_in_order(tmp_path: Path) -> None:
    done = run(written(tmp_path, changed(cool_down_s=7)))
    lines = [line for line in done.stdout.splitlines() if not line.startswith("word ")]
    assert lines == [
        "@conditions before", *CONDITIONS,
        "@cooling 0 7", '{"event":"turn"}', "@conditions process 1", *CONDITIONS,
        "@cooling 0 7", '{"event":"turn"}', "@conditions process 2", *CONDITIONS,
        "@conditions after", *CONDITIONS,
    ]  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "chatter\nchatter\n")


def test_turns_gets_every_program_with_its_words(tmp_path: Path) -> None:
    done = run(written(tmp_path, changed(seed=5, warmup=2)))
    start = ["./ld-linux-aarch64.so.1", "--library-path", "."]
    model = str(tmp_path / "run" / "a dir" / "model.tflite")
    assert words_of(done.stdout.splitlines()) == [
        [
            "--seed", str(5 + process), "--warmup", "2", "--rounds", str(rounds),
            "--", *start, "./litert", "--name", "it's a $name", "--model", model, "--process", str(process),
            "--", *start, "./executorch", "--name", "b", "--process", str(process),
        ]
        for process, rounds in ((0, 1), (1, 2))
    ]  # fmt: skip


def test_without_a_limit_nothing_waits_until_the_device_is_cool(tmp_path: Path) -> None:
    assert "@cooling" not in run(written(tmp_path)).stdout


def test_the_payload_may_be_beside_the_run(tmp_path: Path) -> None:
    folder = written(tmp_path, changed(payload="../payload-1234"))
    (folder / "payload").rename(tmp_path / "payload-1234")
    assert run(folder).returncode == 0
    assert (tmp_path / "payload-1234" / "turns").exists()


def test_the_script_uses_no_words_of_bash() -> None:
    lines = text(changed(log=True, fixed_performance=True)).splitlines()
    assert lines[0] == "#!/system/bin/sh"
    for word in ("[[", "function ", "local ", "source ", "<(", "&>", "printf", "=="):
        assert [line for line in lines if word in line] == []


@pytest.mark.parametrize("shell", ["dash", "mksh", "bash"])
def test_a_shell_can_read_the_script(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"NOT RUN: {shell} is not installed")
    script = tmp_path / "run.sh"
    script.write_text(text(SCRIPT))
    assert os.spawnlp(os.P_WAIT, shell, shell, "-n", str(script)) == 0


# Removal


def test_nothing_is_left(tmp_path: Path) -> None:
    run(written(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_kept_folder_is_left_whole(tmp_path: Path) -> None:
    folder = written(tmp_path, changed(keep=True))
    run(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_files_of_others_are_never_removed(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "thesis.txt").write_text("years")
    assert run(folder).returncode == 0
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


# Refusals


def refused(folder: Path) -> str:
    """The sentence of its one line."""
    done = run(folder)
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert (done.returncode, found["event"]) == (1, "refused")
    return str(found["error"])


@pytest.mark.parametrize(
    "loader", ["#!/bin/sh\necho 'cannot \"open\" \\n it' >&2\necho more >&2\nexit 126\n", "\x7fELF of a different kind"]
)
def test_a_device_that_refuses_to_execute_is_one_line(tmp_path: Path, loader: str) -> None:
    sentence = refused(written(tmp_path, loader=loader))
    assert sentence.startswith(f"programs do not run from {tmp_path}/run/payload ({os.uname().machine}): ")
    assert len(sentence) > len(f"programs do not run from {tmp_path}/run/payload (x86_64): ") + 5
    assert list(tmp_path.iterdir()) == []


def test_a_payload_that_is_gone_is_one_line(tmp_path: Path) -> None:
    folder = written(tmp_path)
    shutil.rmtree(folder / "payload")
    assert refused(folder) == "the payload is not on this device"


def test_a_file_that_was_damaged_on_the_way_is_one_line(tmp_path: Path) -> None:
    folder = written(tmp_path, changed(files=(*FILES, "SHA256SUMS")))
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  a dir/model.tflite\n")
    assert refused(folder) == "a dir/model.tflite is damaged: its digest is not the one in SHA256SUMS"
    assert list(tmp_path.iterdir()) == []


def test_without_sha256sum_digests_are_not_compared(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "chmod", "dirname", "rm", "rmdir", "tr", "uname", "sleep"):
        (tools / name).symlink_to(str(shutil.which(name)))
    folder = written(tmp_path, changed(files=(*FILES, "SHA256SUMS")))
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  a dir/model.tflite\n")
    assert run(folder, {"PATH": str(tools)}).returncode == 0


def test_a_loader_that_lost_its_mode_on_the_way_gets_it_back(tmp_path: Path) -> None:
    folder = written(tmp_path, changed(keep=True))
    loader = folder / "payload" / "ld-linux-aarch64.so.1"
    loader.chmod(0o644)
    assert run(folder).returncode == 0
    assert loader.stat().st_mode & stat.S_IXUSR


def test_turns_that_fails_ends_the_run_and_says_so(tmp_path: Path) -> None:
    done = run(written(tmp_path, turns="exit 5\n"))
    lines = done.stdout.splitlines()
    assert [json.loads(line) for line in lines if line.startswith("{")] == [
        {"event": "ended", "name": "turns", "process": 0, "code": 5}
    ]
    assert [line for line in lines if line.startswith("@c")] == [
        "@conditions before", "@conditions process 1", "@conditions after",
    ]  # fmt: skip
    assert done.returncode == 5


# Signals


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_ends_the_programs_and_removes_the_folder(tmp_path: Path, number: int, code: int) -> None:
    folder = written(tmp_path, changed(fixed_performance=True), turns=HANGING.replace("$0.ended", f"{tmp_path}/ended"))
    process = started(folder)
    try:
        read_until(process, "{}")
        os.kill(process.pid, number)
        process.communicate(timeout=60)
        assert process.returncode == code
        assert (tmp_path / "performance").read_text() == "on\noff\n"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["ended", "performance"]
    finally:
        end(process)


def test_the_mode_is_off_before_a_program_that_does_not_heed_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "PATIENCE_S", 600)
    process = started(written(tmp_path, changed(fixed_performance=True), turns=DEAF))
    try:
        read_until(process, "{}")
        os.kill(process.pid, signal.SIGTERM)
        wait_for(tmp_path / "performance", "on\noff\n")
        assert (tmp_path / "run").exists()
    finally:
        end(process)


def test_a_program_that_does_not_heed_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "PATIENCE_S", 0.5)
    process = started(written(tmp_path, turns=DEAF))
    try:
        read_until(process, "{}")
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 143
        assert list(tmp_path.iterdir()) == []
    finally:
        end(process)


def test_a_reader_that_went_away_ends_the_run(tmp_path: Path) -> None:
    turns = f'while [ ! -e "{tmp_path}/gone" ]; do sleep 0.05; done\n'
    process = started(written(tmp_path, changed(fixed_performance=True), turns=turns))
    try:
        read_until(process, "@end")
        assert process.stdout is not None
        process.stdout.close()
        (tmp_path / "gone").touch()
        process.wait(timeout=60)
        assert process.returncode == 141
        assert sorted(path.name for path in tmp_path.iterdir()) == ["gone", "performance"]
        assert (tmp_path / "performance").read_text() == "on\noff\n"
    finally:
        end(process)


def test_a_signal_while_the_device_cools_ends_the_run(tmp_path: Path) -> None:
    waiting = "cool_down() { echo waiting; while :; do sleep 0.05; done; }\n"
    process = started(written(tmp_path, changed(cool_down_s=600), cool=waiting))
    try:
        read_until(process, "waiting")
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 143
        assert list(tmp_path.iterdir()) == []
        assert processes_of(process.pid) == []
    finally:
        end(process)


def test_fixed_performance_is_switched_only_when_it_was_asked_for(tmp_path: Path) -> None:
    run(written(tmp_path))
    assert list(tmp_path.iterdir()) == []


# A log for services that collect files


def test_a_log_holds_all_lines_and_is_printed_at_the_end(tmp_path: Path) -> None:
    folder = written(tmp_path, changed(log=True, keep=True))
    (folder / "plan.json").write_text('{"names": []}')
    done = run(folder)
    result = folder / "result"
    assert (result / "levit-mobile.log").read_text() == done.stdout
    assert (result / "levit-mobile.err").read_text() == done.stderr == "chatter\nchatter\n"
    assert (result / "plan.json").read_text() == '{"names": []}'
    assert done.stdout.startswith("@conditions before\n")
    assert done.returncode == 0


def test_only_the_log_is_left(tmp_path: Path) -> None:
    folder = written(tmp_path, changed(log=True))
    run(folder)
    assert [path.name for path in folder.iterdir()] == ["result"]


def test_a_run_that_is_stopped_leaves_its_log(tmp_path: Path) -> None:
    folder = written(tmp_path, changed(log=True), turns=HANGING.replace("$0.ended", f"{tmp_path}/ended"))
    log = folder / "result" / "levit-mobile.log"
    process = started(folder)
    try:
        wait_for(log)
        while "{}" not in log.read_text():
            pass
        os.kill(process.pid, signal.SIGTERM)
        printed, _ = process.communicate(timeout=60)
        assert (log.read_text(), process.returncode) == (printed, 143)
        assert "@conditions before\n" in printed
        assert [path.name for path in folder.iterdir()] == ["result"]
    finally:
        end(process)


def test_a_refusal_is_in_the_log(tmp_path: Path) -> None:
    folder = written(tmp_path, changed(log=True), loader="#!/bin/sh\nexit 1\n")
    assert refused(folder) in (folder / "result" / "levit-mobile.log").read_text()


def test_a_script_needs_a_payload_and_its_files() -> None:
    with pytest.raises(TypeError):
        Script(steps=(Step("litert", ()),))  # type: ignore[call-arg]
