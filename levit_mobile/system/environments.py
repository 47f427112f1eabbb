"""Isolated virtual environments, for runtimes that cannot live beside this package's own dependencies.

tflite-runtime 2.14.0 wants numpy below 2. It lives below the user's cache folder and is made on first use, once.
"""

from __future__ import annotations

import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from levit_mobile.errors import BundleError, RunnerUnavailable
from levit_mobile.system.atomic_write import staged
from levit_mobile.system.folders import CACHE_VARIABLE, cache_folder
from levit_mobile.system.locks import alone
from levit_mobile.system.ownership import keep_from_others, require_own_cache, weakness

TFLITE_RUNTIME = "2.14.0"
REQUIREMENTS = (f"tflite-runtime=={TFLITE_RUNTIME}", "numpy==1.26.4")
PYTHONS = ("3.11", "3.10", "3.9")  # its wheels are for these
MACHINES = ("x86_64", "aarch64")  # on Linux

# Given to an interpreter: which one it is, when it can make environments; and whether it holds the requirements.
WHICH = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
CHECK = """
import sys, tflite_runtime.interpreter
from importlib.metadata import version
wanted = dict(requirement.split("==") for requirement in sys.argv[1:])
sys.exit({name: version(name) for name in wanted} != wanted)
"""


def tflite_runtime_python() -> Path:
    """The Python of an environment that holds REQUIREMENTS and nothing else.

    The first call makes it, in seconds, with pip as the user configured it; processes wait for each other. Raises
    RunnerUnavailable where there are no wheels or no Python for them, where pip fails, or the folder cannot be written
    or can be written by other users too.
    """
    _require_platform()
    require_own_cache(cache_folder())
    return _found() or _made()


def _require_platform() -> None:
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        raise RunnerUnavailable(
            f"tflite-runtime {TFLITE_RUNTIME} has wheels for Linux on {' and '.join(MACHINES)} only; "
            f"this machine is {platform.system()} on {platform.machine()}",
            fault="platform",
        )


def _found() -> Path | None:
    """An environment that is whole: it is asked to import the runtime. One that others may have changed is not run."""
    folders = [folder for folder in map(_folder, PYTHONS) if folder.is_dir() and not weakness(folder)]
    pythons = map(_python_in, folders)
    return next((python for python in pythons if run([str(python), *_check()]).returncode == 0), None)


def _made() -> Path:
    base, version = _base()
    folder = _folder(version)
    try:
        with alone(folder.parent):
            return _found() or _build(base, folder)
    except (OSError, BundleError) as error:
        raise RunnerUnavailable(
            f"tflite-runtime {TFLITE_RUNTIME} could not be installed: {error}; "
            f"{CACHE_VARIABLE} can name a different folder",
            fault="set-up-failed",
        ) from error


def _base() -> tuple[str, str]:
    """A Python that can make the environment, and its version."""
    named = [shutil.which(f"python{version}") for version in PYTHONS]
    for python in filter(None, [sys.executable, *named]):
        version = run([python, "-I", "-c", WHICH]).stdout.strip()
        if version in PYTHONS:
            return python, version
    raise RunnerUnavailable(
        f"tflite-runtime {TFLITE_RUNTIME} needs Python {' or '.join(PYTHONS)} with its venv module; this is Python "
        f"{platform.python_version()} and no other one is on PATH: install python{PYTHONS[0]} and its venv module",
        fault="not-installed",
    )


def _build(base: str, folder: Path) -> Path:
    with staged(folder, force=True) as partial:
        for step in (*_steps(base, partial), [str(_python_in(partial)), *_check()]):
            done = run(step)
            if done.returncode:
                by_hand = " && ".join(shlex.join(step) for step in _steps(base, folder))
                raise RunnerUnavailable(
                    f"tflite-runtime {TFLITE_RUNTIME} could not be installed: {reason(done)}; by hand: {by_hand}",
                    fault="set-up-failed",
                )
        keep_from_others(partial)
    return _python_in(folder)


def _steps(base: str, folder: Path) -> tuple[list[str], list[str]]:
    install = ["-I", "-m", "pip", "install", "--no-deps", "--no-input", *REQUIREMENTS]
    return [base, "-I", "-m", "venv", "--clear", str(folder)], [str(_python_in(folder)), *install]


def _check() -> list[str]:
    return ["-I", "-c", CHECK, *REQUIREMENTS]


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last error that the command printed, else its last line."""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return [f"exit status {done.returncode}", *lines, *errors][-1]


def _folder(version: str) -> Path:
    return cache_folder() / f"tflite-runtime-{TFLITE_RUNTIME}-python{version}-{platform.machine()}"


def _python_in(folder: Path) -> Path:
    return folder / "bin" / "python"


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Like a shell, 127 for a command that cannot be started."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))
