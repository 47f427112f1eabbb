"""The engines' packages in the user's cache folder: for this machine, which exports and checks, and for ARM64.

`host.txt` and `arm64.txt` pin every version and the SHA-256 of every wheel. A folder is made once for each content of
its file, with pip as the user configured it. `openvino-telemetry` is left out on purpose: nothing is reported.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from levit_mobile.errors import RunnerUnavailable
from levit_mobile.system.atomic_write import staged
from levit_mobile.system.environments import reason, run
from levit_mobile.system.files import digest
from levit_mobile.system.folders import cache_folder
from levit_mobile.system.locks import alone
from levit_mobile.system.ownership import keep_from_others, require_own_cache, weakness

HERE = Path(__file__).parent
PYTHON = "3.11"  # of the wheels, and of the emulated guest
# A wheel names the oldest glibc that it runs on, and pip takes these names literally.
GLIBC = (17, 24, 27, 28, 31, 34, 35)
ARM64 = ["--implementation", "cp", "--python-version", PYTHON]
ARM64 += [word for minor in GLIBC for word in ("--platform", f"manylinux_2_{minor}_aarch64")]
OWN = "own"  # our own artifacts need no package of others
TARGETS: dict[str, list[str]] = {"host": [], "arm64": ARM64}


@cache
def site(target: str) -> Path:
    """The folder of packages for "host" or "arm64", made on first use. Raises RunnerUnavailable."""
    pins = HERE / f"{target}.txt"
    path = cache_folder() / f"peers-{target}-{digest(pins)[:16]}"
    require_own_cache(path.parent)
    with alone(path.parent):
        if not path.is_dir() or weakness(path):
            _install(path, pins, TARGETS[target])
    return path


def _install(path: Path, pins: Path, words: list[str]) -> None:
    command = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--no-compile"]
    command += ["--require-hashes", "--only-binary=:all:", "--requirement", str(pins), *words]
    with staged(path, force=True) as partial:
        done = run([*command, "--target", str(partial)])
        if done.returncode:
            raise RunnerUnavailable(
                f"the packages of {pins.name} could not be installed: {reason(done)}", fault="set-up-failed"
            )
        keep_from_others(partial)


def versions(target: str) -> dict[str, str]:
    """Distribution -> version, as the file of a target pins them."""
    lines = (HERE / f"{target}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split()[0].split("==") for line in lines)


def search_path(target: str, *further: Path) -> str:
    """PYTHONPATH of a process that imports `engines` and the packages of a target; OWN adds none to this process's."""
    packages = () if target == OWN else (site(target),)
    folders = (HERE.parent, HERE.parents[1], *packages, *further)
    return ":".join(map(str, folders))


def target_of(name: str) -> str:
    """Which packages the process of an engine sees on this machine."""
    return OWN if name == "ours" else "host"


@cache
def offline() -> list[str]:
    """Words before a command that leave it without a network, where this system allows that; [] elsewhere."""
    words = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which(words[0]) is None:
        return []
    return words if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0 else []
