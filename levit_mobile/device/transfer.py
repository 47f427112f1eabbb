"""Files to and from a phone, each checked by its digest.

adb shows its progress on a terminal only, so the size that has arrived is asked of the phone while a file is copied.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from levit_mobile.device import refusals
from levit_mobile.device.program import Reached, end
from levit_mobile.errors import DeviceError
from levit_mobile.system.files import digest
from levit_mobile.system.progress import Progress

AT_ONCE = 100  # names in one command: a line has a greatest length
ASKED_S = 0.5  # between two questions how far a copy is
COPYING_S = 600.0  # for one file


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was copied.

    Attributes:
        files: Number of files that were copied.
        bytes: Their size.
        there: Number of files that were on the phone already.
    """

    files: int
    bytes: int
    there: int


def push(phone: Reached, source: Path, target: str, progress: Progress, *, executable: bool = True) -> Pushed:
    """See `Phone.push`."""
    folder, files = _files(source, target)
    expected = {name: digest(path) for name, path in files.items()}
    _make_folders(phone, folder, files)
    there = digests(phone, folder, tuple(files))
    missing = {name: path for name, path in files.items() if there.get(name) != expected[name]}
    of, done = sum(path.stat().st_size for path in missing.values()), 0
    for name, path in missing.items():
        here = done
        _copy(
            phone,
            path,
            f"{folder}/{name}",
            lambda size, name=name, here=here: progress(  # type: ignore[misc]
                f"pushing {name}", min(here + size, of), max(of, 1)
            ),
        )
        done += path.stat().st_size
        progress(f"pushing {name}", done, max(of, 1))
    _check(phone, folder, {name: expected[name] for name in missing})
    for names in _batches(tuple(missing) if executable else ()):
        phone.shell(f"cd {shlex.quote(folder)} && chmod 755 {_words(names)}", check=True)
    return Pushed(len(missing), of, len(files) - len(missing))


def _files(source: Path, target: str) -> tuple[str, dict[str, Path]]:
    """The folder on the phone, and its files by their names in it."""
    if not source.is_dir():
        place = PurePosixPath(target)
        return str(place.parent), {place.name: source}
    found = sorted(path for path in source.rglob("*") if path.is_file())
    return target.rstrip("/"), {path.relative_to(source).as_posix(): path for path in found}


def _make_folders(phone: Reached, folder: str, names: Mapping[str, Path]) -> None:
    parents = {str(PurePosixPath(folder, name).parent) for name in names} | {folder}
    for some in _batches(sorted(parents)):
        phone.shell(f"mkdir -p {' '.join(shlex.quote(parent) for parent in some)}", check=True)


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))


def digests(phone: Reached, folder: str, names: Sequence[str]) -> dict[str, str]:
    """See `Phone.digests`."""
    found: dict[str, str] = {}
    for some in _batches(names):
        done = phone.shell(f"cd {shlex.quote(folder)} && sha256sum {_words(some)}", timeout_s=COPYING_S)
        if done.code == 127:
            raise DeviceError(f"{phone.name} lacks sha256sum, which Android has since version 8", fault="failed")
        lines = (line.split(maxsplit=1) for line in done.stdout.decode(errors="replace").splitlines())
        found |= {pair[1].removeprefix("./"): pair[0] for pair in lines if len(pair) == 2 and len(pair[0]) == 64}
    return found


def _words(names: Sequence[str]) -> str:
    """Names for a shell in their folder; none of them is taken for an option."""
    return " ".join(shlex.quote(f"./{name}") for name in names)


def _copy(phone: Reached, source: Path, target: str, arrived: Callable[[int], None]) -> None:
    """Copy one file, and report how many bytes are there. Raises DeviceError."""
    with tempfile.TemporaryFile() as printed:
        words = phone.adb.command("push", str(source.resolve()), target, serial=phone.serial)
        process = phone.adb.start(words, printed.fileno(), printed.fileno())
        try:
            for _ in _until_it_ends(process, phone.name, source.name):
                if (size := _size(phone, target)) is not None:
                    arrived(size)
        finally:
            end(process)
        printed.seek(0)
        _require_success(phone, process.returncode, printed.read(), f"{source.name} could not be copied to")


def _size(phone: Reached, path: str) -> int | None:
    """What has arrived; None where it is not known, as the copy itself reports what is wrong."""
    with suppress(DeviceError, ValueError):
        return int(phone.shell(f"stat -c %s {shlex.quote(path)}", timeout_s=10.0).stdout)
    return None


def _until_it_ends(process: subprocess.Popen[bytes], name: str, file: str) -> Iterator[None]:
    for _ in range(int(COPYING_S / ASKED_S)):
        try:
            process.wait(ASKED_S)
            return
        except subprocess.TimeoutExpired:
            yield
    raise DeviceError(f"{file} was not copied to {name} within {COPYING_S:g} s", fault="hung")


def _require_success(phone: Reached, code: int, printed: bytes, what: str) -> None:
    if code == 0:
        return
    # A phone's own reason comes first: the connection is closed after it, too.
    known = refusals.of_command(phone.name, printed) or refusals.of_connection(phone.name, printed)
    raise known or DeviceError(f"{what} {phone.name}: {refusals.reason(printed)}", fault="failed")


def _check(phone: Reached, folder: str, expected: Mapping[str, str]) -> None:
    """Raise DeviceError for a file that did not arrive as it is here."""
    found = digests(phone, folder, tuple(expected))
    if wrong := [name for name, value in expected.items() if found.get(name) != value]:
        raise DeviceError(
            f"{wrong[0]} has a different digest on {phone.name} after it was copied: run the command again; a "
            "failing storage or cable may be the cause",
            fault="damaged",
        )


def pull(phone: Reached, source: str, target: Path) -> None:
    """See `Phone.pull`."""
    done = phone.adb.run("pull", source, str(target), serial=phone.serial, timeout_s=COPYING_S)
    _require_success(phone, done.returncode, done.stderr + done.stdout, f"{source} could not be copied from")
