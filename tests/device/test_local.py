"""`--on local`: this machine runs the programs of the payload itself, by the same script as a phone."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ask
from support.refusals import refused
from support.small_bundles import bundle

from levit_mobile.device import local
from levit_mobile.errors import RunnerUnavailable


def test_another_machine_than_arm64_with_linux_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    done = ask("bench", str(tmp_path / "a"), "--on", "local", "--json")
    assert done.exit_code == 1
    assert '"runner.platform"' in done.stdout
    assert "x86_64" in done.stderr
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(sys, "platform", "darwin")
    with refused(RunnerUnavailable, "runner.platform", "ARM64 machines with Linux"):
        local.require_arm64_linux()


def test_arm64_with_linux_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(sys, "platform", "linux")
    local.require_arm64_linux()


def test_a_script_gives_its_lines_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("pwd; echo two\n")
    with local.lines(tmp_path, "run.sh") as lines:
        assert [line.strip() for line in lines] == [str(tmp_path), "two"]


@pytest.mark.parametrize("trapped", [True, False])
def test_leaving_ends_the_script_and_what_it_started(tmp_path: Path, trapped: bool) -> None:
    ignoring = "trap '' TERM; " if not trapped else ""
    (tmp_path / "run.sh").write_text(f"{ignoring}sleep 1000 & echo $!; wait\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "PATIENCE_S", 0.2)
        with local.lines(tmp_path, "run.sh") as lines:
            child = int(next(lines))
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True)
    assert done.stdout.strip()[:1] in ("", "Z")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--keep"], "--keep has no effect without --on android"),
        (["--adb", "adb", "--on", "local"], "--adb has no effect without --on android"),
        (["--cores", "f0"], "--cores has no effect without --on or --payload"),
        (["--fixed-performance"], "--fixed-performance has no effect without --on or --payload"),
        (["--profile", "--on", "android"], "--profile has no effect on a device"),
        (["--method", "x", "--payload", "p"], "--method has no effect on a device"),
        (["--on", "android", "--payload", "p"], "--on and --payload were both given"),
        (["--force"], "--force has no effect without --payload"),
        (["--cool-down", "5"], "--cool-down has no effect without --on or --payload"),
        (["--cool-down", "0"], "--cool-down has no effect without --on or --payload"),
        (["--fixed-performance", "--on", "local"], "--fixed-performance has no effect without Android"),
        (["--payload", "p", "--json"], "--json has no effect with --payload"),
        (["--payload", "p", "--out", "run.json"], "--out has no effect with --payload"),
        (["--payload", "p", "--baseline", "run.json"], "--baseline has no effect with --payload"),
        (["--on", "iphone"], "'iphone', expected android, android:SERIAL or local"),
        (["--on", "android:"], "'android:', expected android, android:SERIAL or local"),
        (["--on", "local", "--cores", "g"], "'g', expected a hexadecimal number above 0"),
        (["--on", "local", "--cores", "0"], "'0', expected a hexadecimal number above 0"),
    ],
)
def test_options_without_an_effect_are_usage_errors(tmp_path: Path, words: list[str], named: str) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    done = ask("bench", str(tmp_path / "a"), *words)
    assert done.exit_code == 2
    assert named in " ".join(done.stderr.replace("│", " ").split())
