"""`levit-mobile doctor`: what works on this machine, and the pip line for what does not."""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import Run
from support.command import ask

from levit_mobile.arm64 import folder, packages
from levit_mobile.arm64.folder import Arm64, Manifest
from levit_mobile.errors import RunnerUnavailable
from levit_mobile.runtimes import doctor
from levit_mobile.targets import TARGETS


def test_here_everything_converts(levit_mobile: Run) -> None:
    done = levit_mobile("doctor", "--json")
    assert done.returncode == 0
    found = {row["target"]: row for row in json.loads(done.stdout)["targets"]}
    assert list(found) == list(TARGETS)
    assert [name for name, row in found.items() if not row["converts"]] == []
    assert [name for name, row in found.items() if not row["runs"]] == ([] if sys.platform == "darwin" else ["coreml"])
    assert found["tflite"]["versions"]["ai-edge-litert"] == version("ai-edge-litert")
    assert found["executorch"]["advice"] == []
    assert json.loads(done.stdout)["arm64"]["says"].startswith("ARM64: ")


def test_a_package_that_does_not_import_has_its_pip_line(levit_mobile: Run, tmp_path: Path) -> None:
    for package in ("coremltools", "executorch"):
        (tmp_path / f"{package}.py").write_text("raise ImportError('its wheel is broken')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = levit_mobile("doctor", "--quiet", env={"PYTHONPATH": path, "COLUMNS": "80"})
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == [
        f"{name}: pip install 'levit-mobile[{name}]' (ImportError: its wheel is broken)"
        for name in ("coreml", "executorch")
    ]
    assert re.findall(r"│ (yes|no) +(?=│)", done.stdout) == ["no", "no", "no", "no", "yes", "yes"]
    assert done.stdout.startswith(f"Python {sys.version_info.major}.")
    assert done.stderr == ""


def test_a_distribution_that_is_absent_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_imports", lambda _: (False, "No module named 'coremltools'"))
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "coremltools" else "1.0")
    found = doctor.examine(TARGETS["coreml"])
    assert (found.converts, found.runs) == (False, False)
    assert found.versions == {"torch": "1.0", "coremltools": None}
    assert found.advice == ("pip install 'levit-mobile[coreml]'",)


def test_a_runtime_that_aborts_is_advice_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.IMPORTS, "tflite", ("json", "os; os.abort()"))  # type: ignore[index]
    found = doctor.examine(TARGETS["tflite"])
    assert (found.converts, found.runs) == (True, False)
    assert found.advice == ("the runtime cannot be imported: exit code -6",)


def test_an_import_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TIMEOUT_S", 0.5)
    monkeypatch.setitem(doctor.IMPORTS, "tflite", ("time; time.sleep(60)", "json"))  # type: ignore[index]
    found = doctor.examine(TARGETS["tflite"])
    assert (found.converts, found.runs, found.unknown) == (False, True, ("converts",))
    assert "not known whether it converts: its import took longer than 0.5 s" in found.advice[0]
    assert "pip install" not in "".join(found.advice)


def test_a_slow_machine_is_unknown_in_the_table_and_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_imports", lambda _: (None, "its import took longer than 600 s"))
    shown = ask("doctor")
    assert shown.exit_code == 1
    assert re.findall(r"│ (yes|no|unknown) +(?=│)", shown.stdout) == ["unknown"] * 6
    rows = json.loads(ask("doctor", "--json").stdout)["targets"]
    assert [row["unknown"] for row in rows] == [["converts", "runs"]] * 3


def test_every_import_is_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, float, float]] = []
    monkeypatch.setattr(doctor, "_imports", lambda _: (True, ""))
    doctor.doctor(progress=lambda *call: heard.append(call))
    assert [what for what, _, _ in heard] == [
        f"importing: {target}'s {part}" for target in TARGETS for part in ("converter", "runtime")
    ]
    assert [(done, of) for _, done, of in heard] == [(step, 6) for step in range(6)]


def test_the_machine_is_one_line() -> None:
    assert "\n" not in doctor.machine()
    assert doctor.machine().startswith("Python 3.")


def test_arm64_is_set_up_can_be_or_cannot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unavailable(sentence: str) -> None:
        raise RunnerUnavailable(sentence)

    monkeypatch.setattr(folder, "native", lambda: False)
    manifest = Manifest(versions={}, python="3.11", debian="bookworm", digests={})
    monkeypatch.setattr(folder, "found", lambda: Arm64(tmp_path, manifest))
    assert doctor.arm64() == (True, f"ARM64: set up in {tmp_path}")
    monkeypatch.setattr(folder, "found", lambda: unavailable("not set up: levit-mobile setup arm64"))
    monkeypatch.setattr(packages, "require_host", lambda: None)
    assert doctor.arm64() == (False, "ARM64: NOT RUN: not set up: levit-mobile setup arm64")
    monkeypatch.setattr(packages, "require_host", lambda: unavailable("needs qemu-user"))
    assert doctor.arm64() == (False, "ARM64: NOT RUN: needs qemu-user")
    monkeypatch.setattr(folder, "native", lambda: True)
    assert doctor.arm64() == (True, "ARM64: this machine's own processor")
