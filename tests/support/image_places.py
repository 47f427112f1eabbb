"""The same images in all places that a command takes: archives, shards, memory, a server with and without ranges."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import IO, ClassVar

from fsspec.implementations.memory import MemoryFileSystem

from levit_mobile.images import digits
from levit_mobile.images.image_set import png

KINDS = (
    "zip",
    "zip chained",
    "memory",
    "memory zip",
    "memory tar",
    "http",
    "http zip",
    "http tar",
    "ranges",
    "ranges zip",
    "ranges tar",
    "tar",
    "tar folder",
    "tar glob",
    "tar braces",
)


def digits_by_class(folder: Path, count: int) -> Path:
    """The first held-out digits as PNG files in the folder, a folder a class."""
    for index in range(count):
        pixels, label = digits.picture(digits.Split.HELD_OUT, index)
        (folder / str(label)).mkdir(exist_ok=True)
        (folder / str(label) / f"{index}.png").write_bytes(png(pixels))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its POSIX path, in an order that is not theirs."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return dict(sorted(files.items(), key=lambda one: one[0][::-1]))


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    """A zip archive of these files."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> Path:
    """A tar file of these members, in their order; names may come twice."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def sharded(folder: Path, files: Mapping[str, bytes], count: int = 3) -> Path:
    """`shards-000.tar` and so on: each gets every count-th file."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        tarred(folder / f"shards-{number:03d}.tar", dict(list(files.items())[number::count]))
    return folder


def remembered(base: str, files: Mapping[str, bytes]) -> str:
    """The URL of files in fsspec's file system in memory."""
    for name, content in files.items():
        MemoryFileSystem().pipe_file(f"/{base}/{name}", content)
    return f"memory://{base}"


class _Files(SimpleHTTPRequestHandler):
    """Files and listings of a folder, as Python serves them, and what was asked for. `/secret` needs a password."""

    asked: ClassVar[list[tuple[str, str, str]]]
    ranges: ClassVar[bool]

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path, self.headers.get("Range", "")))
        if self.path.startswith("/secret"):
            self.send_error(403)
            return
        super().do_GET()

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        outputfile.write(source.read(getattr(self, "left", -1)))

    def send_head(self) -> IO[bytes] | None:  # type: ignore[override]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        self.left = -1
        if not self.ranges or wanted is None or not path.is_file():
            return super().send_head()
        first, last = int(wanted[1]), min(int(wanted[2]), path.stat().st_size - 1)
        self.left = last - first + 1
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{path.stat().st_size}")
        self.send_header("Content-Length", str(self.left))
        self.end_headers()
        stream = path.open("rb")
        stream.seek(first)
        return stream

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@contextmanager
def served(folder: Path, *, ranges: bool = False) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The URL of a real server of the folder on this machine, and a list of its requests: method, path, range."""
    asked: list[tuple[str, str, str]] = []
    handler = type("Handler", (_Files,), {"asked": asked, "ranges": ranges})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def place(kind: str, folder: Path, scratch: Path) -> Iterator[str]:
    """What a user writes for the images below a folder, where they are in a place of this kind."""
    where, _, form = kind.partition(" ")
    local = scratch / "places"
    local.mkdir()
    if where in ("http", "ranges"):
        _fill(local, form, contents(folder))
        with served(local, ranges=where == "ranges") as (url, _):
            yield f"{url}/{ENDINGS[form]}"
    elif where == "memory":
        _fill(local, form, contents(folder))
        yield f"{remembered(scratch.name, contents(local))}/{ENDINGS[form]}"
    else:
        _fill(local, where, contents(folder))
        yield f"zip://*::{local}/images.zip" if form == "chained" else f"{local}/{ENDINGS[form or where]}"


# The form of the images -> how their place ends.
ENDINGS = {
    "": "images",
    "zip": "images.zip",
    "tar": "shards-{000..002}.tar",
    "braces": "shards-00{0,1,2}.tar",
    "glob": "shards-*.tar",
    "folder": "",
}


def _fill(local: Path, form: str, files: Mapping[str, bytes]) -> None:
    if form == "zip":
        zipped(local / "images.zip", files)
    elif form == "tar":
        sharded(local, files)
    else:
        for name, content in files.items():
            (local / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            (local / "images" / name).write_bytes(content)
