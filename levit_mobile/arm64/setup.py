"""`levit-mobile setup arm64`: both runtimes for ARM64, in versions equal to those here, in the user's cache folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from levit_mobile.arm64 import build, folder, packages
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.arm64.folder import Arm64, Manifest
from levit_mobile.errors import BundleError, RunnerUnavailable
from levit_mobile.system.atomic_write import staged, write_text
from levit_mobile.system.environments import alone
from levit_mobile.system.files import digest

STEPS = ("Debian for ARM64", "LiteRT and numpy", "ExecuTorch", "the program and the plugin")
RUN = (
    "counting.so",
    "program/*",
    "site/ai_edge_litert/*.so*",
    "root/lib/aarch64-linux-gnu/*.so*",
    "root/usr/bin/python3.*",
)
OnStep = Callable[[str], None]


def set_up(*, force: bool = False, on_step: OnStep = lambda _: None) -> Arm64:
    """Make the folder, or find it; processes that want it at the same time wait for each other.

    Raises RunnerUnavailable where it cannot be made, with the reason and what to do about it.
    """
    packages.require_host()
    path = folder.folder()
    try:
        with alone(path.parent):
            if force or not path.is_dir() or folder.damaged(path):
                _make(path, on_step)
    except (OSError, BundleError) as error:
        raise RunnerUnavailable(
            f"ARM64 could not be set up: {error}; LEVIT_MOBILE_CACHE can name another folder for it",
            fault="set-up-failed",
        ) from error
    return folder.found()


def _make(path: Path, on_step: OnStep) -> None:
    wanted = folder.wanted()
    with staged(path, force=True) as partial:
        on_step(STEPS[0])
        python = packages.make_root(partial / "root")
        on_step(STEPS[1])
        own = {name: wanted[name] for name in ("ai-edge-litert", "numpy")}
        packages.install_wheels(partial / "site", own, python=python)
        on_step(STEPS[2])
        _unpack_executorch(partial, wanted["executorch"], python)
        on_step(STEPS[3])
        _build(partial)
        manifest = Manifest(versions=wanted, python=python, debian=packages.release(), digests=dict(_digests(partial)))
        write_text(partial / folder.MANIFEST, manifest.model_dump_json(indent=2) + "\n")


def _unpack_executorch(partial: Path, version: str, python: str) -> None:
    members = ("executorch/include/", "executorch/extension/pybindings/_portable_lib")
    (partial / "executorch").mkdir()
    packages.unpack_wheel(partial / "executorch", "executorch", version, python=python, members=members)


def _build(partial: Path) -> None:
    build.make_plugin(partial / "counting.so")
    build.make_program(partial / "program", partial / "executorch")
    shutil.rmtree(partial / "executorch")
    for cpu in CPUS.values():
        prefix = partial / "cpus" / cpu.name
        (prefix / "proc").mkdir(parents=True)
        (prefix / "proc" / "cpuinfo").write_text(cpu.cpuinfo())
        for entry in (partial / "root").iterdir():
            (prefix / entry.name).symlink_to(Path("..", "..", "root", entry.name))


def _digests(partial: Path) -> Iterator[tuple[str, str]]:
    files = sorted(file for pattern in RUN for file in partial.glob(pattern) if file.is_file())
    return ((str(file.relative_to(partial)), digest(file)) for file in files)
