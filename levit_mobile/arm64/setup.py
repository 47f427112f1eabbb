"""`levit-mobile setup arm64`: both runtimes for ARM64, in versions equal to those here, in the user's cache folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from levit_mobile.arm64 import build, earlier, folder, packages, payload
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.arm64.folder import Arm64, Manifest
from levit_mobile.errors import BundleError, RunnerUnavailable
from levit_mobile.system.atomic_write import staged, write_text
from levit_mobile.system.files import digest
from levit_mobile.system.folders import CACHE_VARIABLE
from levit_mobile.system.locks import alone
from levit_mobile.system.ownership import keep_from_others, require_own_cache, weakness
from levit_mobile.system.progress import Progress, silent

STEPS = ("Debian for ARM64", "LiteRT and numpy", "ExecuTorch", "runner, counting plugin and payload")
RUN = (
    "counting.so",
    "program/*",
    "payload/*",
    "site/ai_edge_litert/*.so*",
    "root/lib/aarch64-linux-gnu/*.so*",
    "root/usr/bin/python3.*",
)


def setup_arm64(*, force: bool = False, progress: Progress = silent) -> Arm64:
    """Install both runtimes for ARM64 in the cache folder, in the versions installed here, or find them there.

    On an ARM64 machine only the payload is kept, which runs artifacts there and on phones.

    Concurrent calls from threads and processes wait for each other. Runtimes of earlier versions that nobody uses are
    removed.

    Args:
        force: Install anew, even if the installed files are intact.
        progress: Called at the beginning of every step.

    Returns:
        The folder and its manifest.

    Raises:
        RunnerUnavailable: This machine cannot run or install them (``runner.platform``, ``runner.not-installed``),
            others may write to the cache folder (``runner.unsafe``), or the installation failed
            (``runner.set-up-failed``); the message says what to do.

    Example:
        >>> arm64 = levit_mobile.setup_arm64()
        >>> arm64.path.is_dir()
        True
    """
    packages.require_host()
    path = folder.folder()
    require_own_cache(path.parent)
    try:
        with alone(path.parent):
            if force or not path.is_dir() or weakness(path) or folder.damaged(path):
                _make(path, progress)
                earlier.remove(path, lambda sentence: progress(sentence, len(STEPS), len(STEPS)))
    except (OSError, BundleError) as error:
        raise RunnerUnavailable(
            f"ARM64 could not be set up: {error}; {CACHE_VARIABLE} can name a different folder",
            fault="set-up-failed",
        ) from error
    return folder.installed()


def _make(path: Path, progress: Progress) -> None:
    wanted = folder.wanted()
    with staged(path, force=True) as partial:
        progress(STEPS[0], 0, len(STEPS))
        python = packages.make_root(partial / "root")
        progress(STEPS[1], 1, len(STEPS))
        own = {name: wanted[name] for name in ("ai-edge-litert", "numpy")}
        packages.install_wheels(partial / "site", own, python=python)
        progress(STEPS[2], 2, len(STEPS))
        _unpack_executorch(partial, wanted["executorch"], python)
        progress(STEPS[3], 3, len(STEPS))
        _build(partial, wanted)
        manifest = Manifest(versions=wanted, python=python, debian=packages.release(), digests=dict(_digests(partial)))
        write_text(partial / folder.MANIFEST, manifest.model_dump_json(indent=2) + "\n")
        keep_from_others(partial)


def _unpack_executorch(partial: Path, version: str, python: str) -> None:
    members = ("executorch/include/", "executorch/extension/pybindings/_portable_lib")
    (partial / "executorch").mkdir()
    packages.unpack_wheel(partial / "executorch", "executorch", version, python=python, members=members)


def _build(partial: Path, versions: dict[str, str]) -> None:
    build.make_program(partial / "program", partial / "executorch")
    payload.make(partial / payload.FOLDER, partial, versions)
    shutil.rmtree(partial / "executorch")
    if folder.native():
        for name in ("root", "site", "program"):
            shutil.rmtree(partial / name)
        return
    build.make_plugin(partial / "counting.so")
    for cpu in CPUS.values():
        prefix = partial / "cpus" / cpu.name
        (prefix / "proc").mkdir(parents=True)
        (prefix / "proc" / "cpuinfo").write_text(cpu.cpuinfo())
        for entry in (partial / "root").iterdir():
            (prefix / entry.name).symlink_to(Path("..", "..", "root", entry.name))


def _digests(partial: Path) -> Iterator[tuple[str, str]]:
    files = sorted(file for pattern in RUN for file in partial.glob(pattern) if file.is_file())
    return ((str(file.relative_to(partial)), digest(file)) for file in files)
