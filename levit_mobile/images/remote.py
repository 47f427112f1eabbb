"""URLs that fsspec opens: its file systems, and their failures in the words of this package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from levit_mobile.errors import ImageError, LevitMobileError
from levit_mobile.images.address import CHAIN, GLOB, is_masked, masked, shown

# Protocol -> the package that its file system needs.
PACKAGES: Mapping[str, str] = {
    "abfs": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "hf": "huggingface_hub",
    "http": "aiohttp",
    "https": "aiohttp",
    "s3": "s3fs",
    "s3a": "s3fs",
    "sftp": "paramiko",
}
REFUSED = (401, 403)  # status codes of HTTP
MISSING = (404, 410)
STALL_S = 60.0  # for which a server may stay silent
DENIED = re.compile(r"credentials|access ?denied|forbidden|unauthori[sz]ed", re.IGNORECASE)
Info = Mapping[str, Any]  # of fsspec: name, size, type and what else the file system states


class Remote:
    """A URL and its file system, which every process opens anew.

    A file system in memory has its files in one process only: those at the URL travel along.
    """

    def __init__(self, url: str, held: Mapping[str, bytes] | None = None) -> None:
        self.url = url
        self._held = held or {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and other.url == self.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __reduce__(self) -> tuple[type[Remote], tuple[str, Mapping[str, bytes]]]:
        return Remote, (self.url, dict(_in_memory(self.url)))

    @property
    def called(self) -> str:
        """The URL for people."""
        return shown(self.url)

    @property
    def fs(self) -> Any:
        """The file system of fsspec. Raises ImageError."""
        return self._opened[0]

    @property
    def path(self) -> str:
        """The path of the URL in it. Raises ImageError."""
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        _require_protocols(self.url)
        _remember(self._held)
        with translated(self.called):
            fs, path = url_to_fs(self.url, **_options(self.url))
        return fs, str(path)

    @property
    def is_http(self) -> bool:
        """Are names in it percent-encoded, and may they have a query?"""
        return self.path.startswith(("http://", "https://"))

    @property
    def leaf(self) -> str:
        """The last name of the path."""
        path = re.split(r"[?#]", self.path, maxsplit=1)[0] if self.is_http else self.path
        return self._decoded(path.rstrip("/").rpartition("/")[2])

    @property
    def has_query(self) -> bool:
        """Is a part of the URL behind its path?"""
        return self.is_http and "?" in self.path

    def path_of(self, name: str) -> str:
        """The path of something below the URL's own path."""
        base = self.path.rstrip("/")
        return f"{base}/{quote(name) if self.is_http else name}" if base else name

    def name_of(self, path: str) -> str | None:
        """The name again; None for what is not below it, such as a page's link to elsewhere."""
        base, inside = self.path.strip("/"), path.strip("/")
        if base and not inside.startswith(f"{base}/"):
            return None
        return self._decoded(inside.removeprefix(base).lstrip("/"))

    def listed(self, name: str) -> list[Info]:
        """What is in a folder below the URL, or in its own for "". Raises ImageError."""
        path = self.path_of(name) if name else self.path
        with translated(f"{self.called.rstrip('/')}/{name}" if name else self.called):
            found = self.fs.ls(f"{path.rstrip('/')}/" if self.is_http else path, detail=True)
            self._forget()
        return [found] if isinstance(found, dict) else list(found)

    def matching(self) -> list[str]:
        """The paths that fit the glob in the URL, sorted. Raises ImageError."""
        with translated(self.called):
            found = sorted(map(str, self.fs.glob(self.path)))
            self._forget()
        return found

    def is_file(self) -> bool:
        """Does the URL name one file? Raises ImageError where it names nothing."""
        with translated(self.called):
            return bool(self.fs.info(self.path)["type"] == "file")

    def _forget(self) -> None:
        """The listing that the file system keeps: it may grow old, and has far more than names."""
        if (kept := getattr(self.fs, "dircache", None)) is not None:
            kept.clear()

    def _decoded(self, name: str) -> str:
        return unquote(name, errors="surrogateescape") if self.is_http else name


@contextmanager
def translated(called: str) -> Iterator[None]:
    """What a file system raises inside becomes an ImageError that names `called`, and no secret of a URL."""
    try:
        yield
    except LevitMobileError:
        raise
    except Exception as error:  # file systems raise what their clients raise
        raise _in_our_words(called, error) from None  # whose text and traceback may hold a URL with its secrets


def _in_our_words(called: str, error: Exception) -> ImageError:
    cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error
    status = getattr(cause, "status", None)
    if status in REFUSED or isinstance(cause, PermissionError) or DENIED.search(f"{type(cause).__name__} {cause}"):
        code = f" (HTTP {status})" if status else ""
        return ImageError(
            f"access to {called} was refused{code}: check its credentials and permissions", fault="access"
        )
    if status in MISSING or isinstance(cause, FileNotFoundError):
        return ImageError(f"{called} does not exist", fault="not-found")
    said = "" if is_masked(called) else " ".join(masked(str(cause)).split())  # a client may quote what is masked
    return ImageError(f"{called} cannot be read: {type(cause).__name__}{': ' * bool(said)}{said}", fault="access")


def _require_protocols(url: str) -> None:
    from fsspec.registry import get_filesystem_class, known_implementations

    for part in url.split(CHAIN):
        protocol = part.partition("://")[0] if "://" in part else ""
        try:
            get_filesystem_class(protocol or None)
        except ValueError:
            raise ImageError(
                f"{shown(url)} has the unknown protocol {protocol}://, expected a local path or a URL that fsspec "
                "opens, such as s3://, gs://, hf:// or https://",
                fault="protocol",
            ) from None
        except ImportError:
            package = PACKAGES.get(protocol)
            hint = known_implementations[protocol].get("err", f"install the package that {protocol}:// needs")
            needed = f"needs the package {package}, which is not installed: pip install {package}"
            raise ImageError(
                f"{shown(url)} {needed if package else f'cannot be opened: {hint}'}", fault="protocol"
            ) from None


def _options(url: str) -> dict[str, dict[str, Any]]:
    """Of each protocol in the URL: proxies and .netrc as other tools heed them, and no bound on a long download."""
    protocols = {part.partition("://")[0] for part in url.split(CHAIN)} & {"http", "https"}
    if not protocols:
        return {}
    from aiohttp import ClientTimeout

    client = {"trust_env": True, "timeout": ClientTimeout(total=None, sock_connect=STALL_S, sock_read=STALL_S)}
    return {protocol: {"client_kwargs": client} for protocol in protocols}


def _in_memory(url: str) -> Iterator[tuple[str, bytes]]:
    """The files at a URL of fsspec's file system in memory, by path."""
    from fsspec.implementations.memory import MemoryFileSystem

    last = url.split(CHAIN)[-1]
    if not last.startswith("memory://"):
        return
    base = str(MemoryFileSystem._strip_protocol(last))
    if GLOB.search(base):
        base = GLOB.split(base)[0].rpartition("/")[0]
    for path, file in MemoryFileSystem.store.items():
        if path == base or path.startswith(f"{base}/"):
            yield path, file.getvalue()


def _remember(held: Mapping[str, bytes]) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    for path, content in held.items():
        if path not in MemoryFileSystem.store:
            MemoryFileSystem().pipe_file(path, content)
