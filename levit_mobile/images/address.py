"""Where images are, as users write it: a local path or a URL; and how either is shown without its secrets."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

Place = str | Path  # a URL, or a local path

MASK = "***"
ZIP, TAR = ".zip", ".tar"
CHAIN = "::"  # fsspec's: zip://*::s3://bucket/photos.zip
GLOB = re.compile(r"[*?\[]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::.*://)")
_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_LOCAL = ("file://", "local://")
_COLLAPSED = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/[^/]")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_NOT_A_PORT = re.compile(r"[^/@]*:(?!\d*(/|$))")


def place_of(written: Place) -> Place:
    """A URL as it is, anything else as a path: `file:///photos` too."""
    if isinstance(written, Path) or not _URL.match(written):
        return Path(written)
    local = next((prefix for prefix in _LOCAL if written.startswith(prefix)), None)
    return written if local is None or CHAIN in written else Path(written.removeprefix(local))


def is_url(written: Place) -> bool:
    """Is it opened by fsspec, and not by a path of this machine?"""
    return isinstance(place_of(written), str)


def is_pattern(written: Place) -> bool:
    """Does it name several tar shards, by braces or a glob? A path that exists is itself, whatever it is called."""
    text = str(written)
    return text.endswith(TAR) and bool(_BRACES.search(text) or GLOB.search(text)) and not Path(text).exists()


def names_one_path(written: Place) -> bool:
    """Must a path of exactly this name exist on this machine?"""
    return not is_url(written) and not is_pattern(written)


def was_url(path: Path) -> bool:
    """Does the path look like a URL that `pathlib` took for a path, `s3:/bucket`?"""
    return bool(_COLLAPSED.match(str(path)))


def expanded(text: str) -> list[str]:
    """`shards-{000..002}.tar` -> three, `{train,val}.tar` -> two, as a shell does; without braces only itself."""
    parts = _BRACES.split(text)
    choices = [_choices(part) if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(chosen) for chosen in product(*choices)]


def base_and_glob(path: str) -> tuple[str, str]:
    """The folder that a path with `*` begins with, and the rest: `train/*/1.jpg` -> `train`, `*/1.jpg`."""
    before, star, _ = path.partition("*")
    base = before.rpartition("/")[0] if star else path
    return base, path.removeprefix(base).strip("/")


def fits(pattern: str, name: str) -> bool:
    """Does a glob fit a name, or a folder that it is in? "" fits all."""
    if not pattern:
        return True
    from fsspec.utils import glob_translate

    parts = name.split("/")
    return any(re.match(glob_translate(pattern), "/".join(parts[:end])) for end in range(1, len(parts) + 1))


def shown(place: Place) -> str:
    """The place in a sentence: a URL without its user, its password and its query."""
    return CHAIN.join(map(_masked, place.split(CHAIN))) if isinstance(place, str) else str(place)


def masked(text: str) -> str:
    """A text in which every URL is as `shown` shows it."""
    return _IN_TEXT.sub(lambda found: shown(found[0]), text)


def is_masked(written: Place) -> bool:
    """Does it come from `shown` with a secret left out?"""
    return MASK in str(written)


def _choices(inside: str) -> list[str]:
    if (bounds := _RANGE.fullmatch(inside)) is None:
        return inside.split(",") if "," in inside else [f"{{{inside}}}"]
    first, last = bounds.groups()
    step = 1 if int(first) <= int(last) else -1
    width = max(len(first), len(last)) if first.startswith("0") or last.startswith("0") else 0
    return [f"{number:0{width}d}" for number in range(int(first), int(last) + step, step)]


def _masked(part: str) -> str:
    """In doubt more is left out: a password may hold any character."""
    scheme, mark, rest = part.rpartition("://")
    head, *query = re.split(r"[?#]", rest, maxsplit=1)
    user, at, host = head.rpartition("@")
    if scheme and at and ":" in user:
        head = f"{MASK}@{host}"
    elif scheme and "@" in head.partition("/")[0]:
        head = f"{MASK}@{head.partition('@')[2]}"
    elif scheme and "@" in rest and _NOT_A_PORT.match(head):
        head = MASK
    return f"{scheme}{mark}{head}{f'?{MASK}' if query else ''}"
