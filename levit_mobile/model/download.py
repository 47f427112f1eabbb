"""From what a user names to weights on disk: a path, a hub id `owner/name`, or one of the five official names."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from levit_mobile.errors import CheckpointError, DownloadError

BUNDLED = Path(__file__).resolve().parents[1] / "data" / "levit_128s_digits.safetensors"

OFFICIAL_URL = "https://dl.fbaipublicfiles.com/LeViT/"
OFFICIAL_URL_VARIABLE = "LEVIT_MOBILE_OFFICIAL_URL"  # another base address: a mirror

# The weights that the paper's authors published; the suffix is the start of the file's sha256.
OFFICIAL_FILES: dict[str, str] = {
    "levit_128s": "LeViT-128S-96703c44.pth",
    "levit_128": "LeViT-128-b88c2750.pth",
    "levit_192": "LeViT-192-92712e41.pth",
    "levit_256": "LeViT-256-13b5763e.pth",
    "levit_384": "LeViT-384-9bdaf2e2.pth",
}

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".tar")
HUB_PATTERNS = (  # the first that the repository has
    ["config.json", "*.safetensors", "*.safetensors.index.json"],
    ["config.json", "*.bin", "*.bin.index.json"],
)
STALL_SECONDS = 60.0  # a connection that stays silent for this long is given up


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the hub gave nothing: for a person, and the fault of the DownloadError."""

    sentence: str
    fault: str


# The hub client's exceptions, the narrower first -> what to tell a person.
HUB_REASONS: dict[str, Reason] = {
    "GatedRepoError": Reason("its owner asks you to log in and to accept terms (hf auth login)", fault="gated"),
    "RepositoryNotFoundError": Reason(
        "there is no such repository, or it is private (hf auth login)", fault="no-repository"
    ),
    "LocalEntryNotFoundError": Reason("there is no connection, and it is not in the cache", fault="not-fetched"),
}


def resolve(source: str | Path, *, progress: bool = False) -> Path:
    """The file or folder that `source` names, downloaded if need be.

    An existing path is used as it is. `LeViT-128S`, `levit_128s` or `LeViT-128S-96703c44.pth` is the official file,
    checked against its hash and kept in torch.hub's folder. `owner/name` is a hub id (HF_ENDPOINT, HF_HUB_OFFLINE and
    HF_HOME apply), kept in the hub's cache. `progress` draws a bar on stderr.

    Raises CheckpointError for a name that is none of these, DownloadError for weights that could not be fetched.
    """
    path = Path(source).expanduser()
    name = str(source)
    if name and path.exists():
        return path
    if (official := official_file(name)) is not None:
        return _fetch_official(official, progress=progress)
    if HUB_ID.fullmatch(name) and not name.endswith(WEIGHT_SUFFIXES):
        return _fetch_hub(name, progress=progress)
    raise CheckpointError(
        f"{name!r} does not exist; pass a file, a folder, a hub id (owner/name, such as facebook/levit-128S) or an "
        f"official name ({', '.join(file.rpartition('-')[0] for file in OFFICIAL_FILES.values())})",
        fault="not-found",
    )


def official_file(name: str) -> str | None:
    """`LeViT-128S`, `levit_128s`, `LeViT-128S-96703c44.pth` -> `LeViT-128S-96703c44.pth`; anything else -> None."""
    by_file = {file.casefold(): file for file in OFFICIAL_FILES.values()}
    return by_file.get(name.casefold()) or OFFICIAL_FILES.get(name.casefold().replace("-", "_"))


def _fetch_official(file: str, *, progress: bool) -> Path:
    import torch

    target = Path(torch.hub.get_dir()) / "checkpoints" / file
    prefix = Path(file).stem.rpartition("-")[2]
    if target.is_file() and _sha256(target).startswith(prefix):
        return target
    base = os.environ.get(OFFICIAL_URL_VARIABLE) or OFFICIAL_URL
    url = f"{base.rstrip('/')}/{file}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _stall_limit(STALL_SECONDS):
            torch.hub.download_url_to_file(url, str(target), hash_prefix=prefix, progress=progress)
    except (OSError, ValueError, RuntimeError) as error:
        raise _official_error(url, target, error) from error
    return target


def _official_error(url: str, target: Path, error: Exception) -> DownloadError:
    advice = f"download {target.name} by hand and put it at {target}, or pass --checkpoint FILE"
    if "invalid hash value" in str(error):
        what = f"{url} is not the official file ({error}), and what was downloaded was deleted"
        return DownloadError(f"{what}: {advice}", fault="wrong-hash")
    return DownloadError(f"{url} could not be fetched ({_first_line(error)}): {advice}", fault="not-fetched")


def _fetch_hub(repo: str, *, progress: bool) -> Path:
    from huggingface_hub import constants, snapshot_download

    page = f"{constants.ENDPOINT}/{repo}"
    advice = f"download config.json and model.safetensors from {page} into a folder and pass --checkpoint FOLDER"
    for patterns in HUB_PATTERNS:
        try:
            with _hub_bars(shown=progress):
                folder = Path(snapshot_download(repo, allow_patterns=patterns))
        except Exception as error:  # the client lets its HTTP library's own exceptions through
            reason = _hub_reason(error)
            sentence = f"{repo} is no path here, and not to be had from the hub ({reason.sentence}): {advice}"
            raise DownloadError(sentence, fault=reason.fault) from error
        if any(folder.glob(patterns[1])):
            return folder
    raise DownloadError(
        f"{page} holds neither *.safetensors nor *.bin: pass another hub id, or --checkpoint FOLDER", fault="no-weights"
    )


def _hub_reason(error: BaseException) -> Reason:
    """Where the cache could not help either, an answer of the hub's own (500, 429) is the reason."""
    if "HfHubHTTPError" in _kinds(error.__cause__):
        return _hub_reason(error.__cause__ or error)
    other = Reason(_first_line(error), fault="not-fetched")
    return next((reason for kind, reason in HUB_REASONS.items() if kind in _kinds(error)), other)


def _kinds(error: BaseException | None) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _stall_limit(seconds: float) -> Iterator[None]:
    """torch.hub opens its connection without a time limit; this lends it one."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextmanager
def _hub_bars(*, shown: bool) -> Iterator[None]:
    """The hub client's progress bars are a setting of the whole process: it is put back afterwards."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if shown or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
