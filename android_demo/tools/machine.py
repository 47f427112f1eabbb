"""What this machine has: a JDK, the tools of Android, the wheels of the runtimes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache as remembered
from pathlib import Path

from catalogue import ROOT

OLDEST_JAVA = 22  # the twins call native libraries by java.lang.foreign; Robolectric's newest platforms need 21
JDK_FOLDER = Path(os.environ.get("JDK_FOLDER", "/usr/lib/jvm"))
PROGRAMS = {"mvn": "Maven", "aapt2": "Android's resource compiler (Debian: aapt)"}
WHEELS = "ai_edge_litert", "executorch", "torch"
REPOSITORY = ROOT.parent


def missing() -> str:
    """Why nothing can run here; empty if it can."""
    if java_home() is None:
        found = ", ".join(f"{home} is {version}" for home, version in _versions().items()) or "none"
        return f"no JDK {OLDEST_JAVA} or newer in JAVA_HOME, on the path or in {JDK_FOLDER}; found: {found}"
    return next((f"no {what}: `{name}` is not on the path" for name, what in PROGRAMS.items() if not _has(name)), "")


def twins_missing() -> str:
    """Why no twin of a runtime can run here; empty if they can."""
    if wheels() is None:
        return f"no Python with {', '.join(WHEELS)}: `make convert` makes an environment with them"
    return "" if _has("g++") else "no C++ compiler: `g++` is not on the path"


def _has(name: str) -> bool:
    return shutil.which(name) is not None


@remembered
def java_home() -> Path | None:
    """The JDK of JAVA_HOME, of the path or the newest installed one, whichever is the first that is new enough."""
    return next((home for home, version in _versions().items() if version >= OLDEST_JAVA), None)


@remembered
def java_version() -> int:
    """First number of the version of the JDK that is used."""
    home = java_home()
    return _versions()[home] if home else 0


@remembered
def _versions() -> dict[Path, int]:
    return {home: version for home in _homes() if (home / "bin" / "javac").exists() and (version := _version(home))}


def _homes() -> Iterator[Path]:
    if named := os.environ.get("JAVA_HOME"):
        yield Path(named)
    if found := shutil.which("java"):
        yield Path(found).resolve().parents[1]
    installed = [path for path in JDK_FOLDER.glob("*") if path.is_dir() and not path.is_symlink()]
    yield from sorted(installed, key=_version, reverse=True)


@remembered
def _version(home: Path) -> int:
    """The version as the JDK's own file states it, or as the program prints it."""
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        text = _printed_version(home)
    match = re.search(r'version "(\d+)|JAVA_VERSION="(\d+)', text, re.IGNORECASE)
    return int(match[1] or match[2]) if match else 0


def _printed_version(home: Path) -> str:
    try:
        return subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return ""


@remembered
def python_with_wheels() -> Path | None:
    """A Python that has the runtimes' wheels: that of the checkout's environment, or $PYTHON."""
    for program in (REPOSITORY / ".venv" / "bin" / "python", shutil.which(os.environ.get("PYTHON", "python3"))):
        if program and Path(program).exists() and _has_wheels(Path(program)):
            return Path(program)
    return None


def _has_wheels(program: Path) -> bool:
    asked = f"import importlib.util as u; exit(not all(map(u.find_spec, {WHEELS})))"
    return subprocess.run([program, "-c", asked], capture_output=True, check=False).returncode == 0


@remembered
def wheels() -> Path | None:
    """The folder of installed packages with the runtimes' native libraries, or None."""
    program = python_with_wheels()
    if program is None:
        return None
    asked = "import importlib.util as u; print(u.find_spec('executorch').submodule_search_locations[0])"
    done = subprocess.run([program, "-c", asked], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()).parent
