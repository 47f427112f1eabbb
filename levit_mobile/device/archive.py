"""A run as a folder and as one archive, for services that run plain executables on phones, and for phones on a hub."""

from __future__ import annotations

import gzip
import shlex
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from levit_mobile.device.script import RESULT, RUN_FILE
from levit_mobile.errors import BundleError
from levit_mobile.system.atomic_write import staged, staged_file
from levit_mobile.system.files import digest

PAYLOAD = "payload"  # folder of the programs, in the folder of the run
SUMS, README, START = "SHA256SUMS", "README.txt", "start.sh"
SUFFIX = ".tar.gz"
PLACE = "/data/local/tmp"  # where Android's shell may write and execute
PULLED = "levit-mobile-"  # before the run's name, for the folder of its results on a phone


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        folder: The run as a folder.
        archive: The same folder as one file beside it.
    """

    folder: Path
    archive: Path


def names(files: Mapping[str, bytes | Path]) -> tuple[str, ...]:
    """The files and folders at the top of a run's folder, for `Script.files`."""
    return tuple(sorted({PurePosixPath(name).parts[0] for name in (*files, RUN_FILE, SUMS, README, START)}))


def write(folder: Path, files: Mapping[str, bytes | Path], *, force: bool = False) -> Written:
    """Write a run as a folder, and as an archive beside it. Equal content gives an archive of equal bytes.

    Args:
        folder: Where to write; the archive has the same name with ``.tar.gz``.
        files: Path in the folder, with ``/`` -> its content, or the file or folder to copy. ``run.sh``,
            ``conditions.sh``, ``cool.sh`` and ``performance.sh`` are among them. ``SHA256SUMS``, ``start.sh`` and
            ``README.txt`` are added.
        force: Replace an earlier run's folder and archive.

    Returns:
        The paths of both.

    Raises:
        BundleError: The folder or the archive exists and is not an earlier run's, or ``force`` is not given
            (``bundle.exists``); or the disk is full or cannot be written (``bundle.unwritable``).
        ValueError: A path leads out of the folder.
    """
    archive = folder.with_name(folder.name + SUFFIX)
    _require_replaceable(folder, archive, force=force)
    with staged(folder, force=folder.is_dir()) as partial:
        for name, content in files.items():
            _put(partial / _checked(name), content)
        _put(partial / START, _start(folder.name).encode())
        _put(partial / README, _readme(folder.name).encode())
        found = _all_files(partial)
        _put(partial / SUMS, "".join(f"{digest(partial / name)}  {name}\n" for name in found).encode())
        with staged_file(archive) as packed:
            _pack(partial, folder.name, packed)
    return Written(folder, archive)


def _require_replaceable(folder: Path, archive: Path, *, force: bool) -> None:
    """An empty folder is free; with `force` an earlier run's is, which no other folder looks like."""
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise BundleError(f"{folder} is not empty: use --force to replace it", fault="exists")
        if not ((folder / RUN_FILE).is_file() and (folder / SUMS).is_file()):
            raise BundleError(
                f"{folder} holds other files than a run for a phone, so it is not replaced: choose a different folder",
                fault="exists",
            )
    if archive.exists() and not force:
        raise BundleError(f"{archive} already exists: use --force to replace it", fault="exists")


def _checked(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\n" in name or "\\" in name:
        raise ValueError(f"{name!r} is not a path inside a folder")
    return name


def _put(to: Path, content: bytes | Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        to.write_bytes(content)
    elif content.is_dir():
        shutil.copytree(content, to)
    else:
        shutil.copyfile(content, to)


def _all_files(folder: Path) -> list[str]:
    """Paths of all files in a folder, after their modes were set."""
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name in found:
        (folder / name).chmod(_mode(name))
    return found


def _mode(name: str) -> int:
    return 0o755 if name.endswith(".sh") or name.startswith(f"{PAYLOAD}/") else 0o644


def _pack(folder: Path, name: str, to: Path) -> None:
    """Without times, owners and the order of the disk."""
    with (
        to.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for file in _all_files(folder):
            entry = tarfile.TarInfo(f"{name}/{file}")
            entry.size, entry.mode = (folder / file).stat().st_size, _mode(file)
            with (folder / file).open("rb") as content:
                archive.addfile(entry, content)


def _start(name: str) -> str:
    archive, folder, pulled = (shlex.quote(word) for word in (name + SUFFIX, name, PULLED + name))
    return f"""#!/system/bin/sh
# Unpacks {name}{SUFFIX} where it is, runs it, and leaves the results in {PULLED}{name} beside it.
cd "${{1:-{PLACE}}}" || exit 1
tar -xzf {archive} || exit 1
sh {folder}/{RUN_FILE}
code=$?
rm -rf {pulled} {archive}
mv {folder}/{RESULT} {pulled}
rmdir {folder} 2>/dev/null
exit "$code"
"""


def _readme(name: str) -> str:
    """The one command for each kind of farm."""
    there = f"{PLACE}/{name}"
    return f"""A run of levit-mobile for an ARM64 phone: the runtimes, the artifacts and {RUN_FILE}.

It needs no app and no root, and takes a few minutes. It prints its records, leaves them in {RESULT}/, and removes
everything else. Collect {RESULT}/ in a folder here, one for each phone, and read all of them with

    levit-mobile report results/

A phone on USB, or several on a hub; SERIAL is one of the names that `adb devices` prints

    mkdir -p results
    adb -s SERIAL push {name} {PLACE}/
    adb -s SERIAL shell sh {there}/{RUN_FILE}
    adb -s SERIAL pull {there}/{RESULT} results/SERIAL
    adb -s SERIAL shell rm -r {there}

Google Cloud's Device Run; `gcloud beta device-run devices list` prints the names of the phones

    gcloud beta device-run sessions submit android-executable --device=PHONE \\
        --executable={name}/{START} \\
        --other-files-to-push={name}{SUFFIX}={there}{SUFFIX} \\
        --paths-to-pull={PLACE}/{PULLED}{name}

AWS Device Farm, in the commands of a custom test environment's phase `test`; the files are in the test package

    adb -s $DEVICEFARM_DEVICE_UDID push {name} {PLACE}/
    adb -s $DEVICEFARM_DEVICE_UDID shell sh {there}/{RUN_FILE}
    adb -s $DEVICEFARM_DEVICE_UDID pull {there}/{RESULT} $DEVICEFARM_LOG_DIR/levit-mobile
"""
