"""`setup arm64`: what it needs, what it makes, and what it says where it cannot."""

from __future__ import annotations

import fnmatch
import os
import platform
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import Run
from support.arm64s import RUNS_HERE, ready
from support.refusals import refused
from support.warm import COMMAND

from levit_mobile.arm64 import folder, packages
from levit_mobile.arm64.cpus import CPUS, chosen
from levit_mobile.arm64.folder import GUEST, MANIFEST, Manifest
from levit_mobile.arm64.setup import STEPS, setup_arm64
from levit_mobile.errors import RecipeError, RunnerUnavailable
from levit_mobile.system.files import digest

ROOT = Path(__file__).parents[2]
APT_LINE = "apt-get install --no-install-recommends qemu-user gcc libc6-dev g++-aarch64-linux-gnu"


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A folder with one file, as its manifest says."""
    path = tmp_path / "cache" / "arm64"
    path.mkdir(parents=True)
    (path / "counting.so").write_bytes(b"code")
    digests = {"counting.so": digest(path / "counting.so")}
    manifest = Manifest(versions={"numpy": "2"}, python="3.11", debian="bookworm", digests=digests)
    (path / MANIFEST).write_text(manifest.model_dump_json())
    return path


def require_obstacle(fault: str, *facts: str) -> None:
    """This machine cannot be set up, for a reason that holds every fact."""
    with refused(RunnerUnavailable, f"runner.{fault}", *facts):
        packages.require_host()


# Cores


def test_cores_are_chosen_by_name() -> None:
    assert [cpu.name for cpu in chosen("i8mm, cortex-a53,i8mm")] == ["i8mm", "cortex-a53"]
    assert [cpu.emulated for cpu in chosen(["cortex-a76"])] == ["cortex-a76"]


@pytest.mark.parametrize("names", ["cortex-a99", "cortex-a53,", "", ",", "A53"])
def test_other_names_are_refused_with_the_known(names: str) -> None:
    if names == "cortex-a53,":
        assert len(chosen(names)) == 1
        return
    with refused(RecipeError, "recipe.unknown-cpu", "cortex-a53, cortex-a76, i8mm"):
        chosen(names)


def test_a_guest_reads_of_its_own_core() -> None:
    text = CPUS["cortex-a76"].cpuinfo()
    assert text.count("CPU part\t: 0xd0b") == text.count("processor") == 2
    assert "asimddp" in text
    assert "asimddp" not in CPUS["cortex-a53"].cpuinfo()
    assert "i8mm" in CPUS["i8mm"].cpuinfo()


# What it needs


def test_another_machine_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    require_obstacle("platform", "Debian on x86_64 only", "on riscv64")


def test_another_distribution_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "fedora", "NAME": "Fedora Linux"})
    require_obstacle("platform", "Debian", "Fedora Linux")


def test_missing_packages_come_with_the_line_that_installs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    monkeypatch.setattr(packages, "HEADERS", (str(tmp_path / "stdlib.h"), "libc6-dev"))
    monkeypatch.setenv("PATH", str(tmp_path))
    require_obstacle("not-installed", "qemu-user, gcc, g++-aarch64-linux-gnu, libc6-dev", APT_LINE)


def test_without_a_runtime_there_is_nothing_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "PACKAGES", ("numpy", "ai-edge-none"))
    with refused(RunnerUnavailable, "runner.not-installed", "ai-edge-none", "pip install 'levit-mobile"):
        folder.wanted()


def test_the_guests_sources_are_in_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["levit_mobile"]
    for source in (source for source in GUEST.rglob("*") if source.is_file()):
        name = source.relative_to(GUEST.parents[1]).as_posix()
        assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns), name


# What lies there


def test_a_whole_folder_is_whole(whole: Path) -> None:
    assert folder.damaged(whole) is None


def test_a_changed_file_is_named(whole: Path) -> None:
    (whole / "counting.so").write_bytes(b"cod3")
    assert str(folder.damaged(whole)).startswith("counting.so has changed")


@pytest.mark.parametrize("name", ["counting.so", MANIFEST])
def test_a_missing_file_is_damage(whole: Path, name: str) -> None:
    (whole / name).unlink()
    assert "cannot be read" in str(folder.damaged(whole))


def test_a_manifest_of_another_schema_is_damage(whole: Path) -> None:
    (whole / MANIFEST).write_text('{"schema_version": 2}')
    assert "cannot be read" in str(folder.damaged(whole))


def test_damage_is_said_with_what_to_do(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole / "counting.so").write_bytes(b"cod3")
    monkeypatch.setattr(folder, "folder", lambda: whole)
    monkeypatch.setattr(folder, "native", lambda: False)
    with refused(RunnerUnavailable, "runner.damaged", whole, "counting.so", "levit-mobile setup arm64 --force"):
        folder.found()


@pytest.mark.parametrize("part", ["..", ".", "counting.so"])
def test_nothing_runs_that_others_may_have_written(whole: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(folder, "folder", lambda: whole)
    monkeypatch.setattr(folder, "native", lambda: False)
    (whole / part).chmod(0o777)
    with refused(RunnerUnavailable, "runner.unsafe", (whole / part).resolve(), "chmod go-w"):
        folder.found()


def test_other_versions_lie_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    before = folder.folder()
    monkeypatch.setattr(folder, "wanted", lambda: {"executorch": "0.0.1"})
    assert folder.folder() != before
    assert folder.folder().parent == before.parent


def test_an_unknown_thing_is_a_usage_error(levit_mobile: Run) -> None:
    done = levit_mobile("setup", "arm32")
    assert done.returncode == 2
    assert "expected arm64" in done.stderr


# Made for real


@RUNS_HERE
def test_what_is_there_is_not_made_again() -> None:
    steps: list[str] = []
    made = ready()
    assert setup_arm64(progress=lambda step, _done, _of: steps.append(step)) == made
    assert steps == []
    assert made.manifest.versions == folder.wanted()
    assert {made.plugin, made.program} <= {made.path / name for name in made.manifest.digests}


@pytest.mark.slow
@RUNS_HERE
def test_processes_that_want_it_at_once_wait_for_each_other(tmp_path: Path) -> None:
    environment = {**os.environ, "LEVIT_MOBILE_CACHE": str(tmp_path / "cache")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([*COMMAND, "setup", "arm64"], env=environment, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    said = [process.communicate(timeout=600) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    steps = "".join(stderr for _, stderr in said).splitlines()
    assert [line for line in steps if line in STEPS] == list(STEPS)
    assert len({stdout.partition(":")[0] for stdout, _ in said}) == 1
    assert sorted(file.name for file in (tmp_path / "cache").iterdir()) == [
        ".lock",
        Path(said[0][0].partition(":")[0]).name,
    ]


@pytest.mark.slow
@RUNS_HERE
def test_a_step_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(packages, "GUEST", ("levit-no-such-package",))
    facts = "ARM64", "apt-get", "Unable to locate package", "levit-no-such-package"
    with refused(RunnerUnavailable, "runner.set-up-failed", *facts):
        setup_arm64()
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [".lock"]


@RUNS_HERE
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path / "file" / "cache"))
    with refused(RunnerUnavailable, "runner.set-up-failed", "LEVIT_MOBILE_CACHE"):
        setup_arm64()
