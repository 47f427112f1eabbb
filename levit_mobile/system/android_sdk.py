"""Where the Android SDK's program adb is.

The usual folders are those of Android Studio on Linux, macOS and Windows, and of Debian's package.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

SDK_FOLDERS = ("~/Android/Sdk", "~/Library/Android/sdk", "~/AppData/Local/Android/Sdk", "/usr/lib/android-sdk")
SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
ADB = "adb.exe" if sys.platform == "win32" else "adb"


def adb(environ: Mapping[str, str] | None = None) -> Path | None:
    """The program in ``PATH``, in the SDK that a variable names, or in an SDK's usual folder; None without any."""
    return next(filter(is_program, _places(os.environ if environ is None else environ)), None)


def adb_of(path: Path) -> Path:
    """The program that a user means by its own path, by platform-tools or by the SDK's folder."""
    if not path.is_dir():
        return path
    return _in_sdk(path) if _in_sdk(path).exists() else path / ADB


def is_program(path: Path) -> bool:
    """Whether it is a file that may be executed."""
    return path.is_file() and os.access(path, os.X_OK)


def _places(environ: Mapping[str, str]) -> Iterator[Path]:
    if found := shutil.which(ADB, path=environ.get("PATH")):
        yield Path(found)
    yield from (_in_sdk(Path(environ[name])) for name in SDK_VARIABLES if environ.get(name))
    home = environ.get("HOME") or str(Path.home())
    yield from (_in_sdk(Path(folder.replace("~", home, 1))) for folder in SDK_FOLDERS)


def _in_sdk(folder: Path) -> Path:
    return folder / "platform-tools" / ADB
