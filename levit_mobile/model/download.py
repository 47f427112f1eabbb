"""From what a user names to weights on disk: a path, a hub id `owner/name`, or one of the five official names."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levit_mobile.errors import CheckpointError, DownloadError
from levit_mobile.system.atomic_write import staged_file
from levit_mobile.system.files import Sha256, digest
from levit_mobile.system.progress import Progress, silent

BUNDLED = Path(__file__).resolve().parents[1] / "data" / "levit_128s_digits.safetensors"

OFFICIAL_URL_VARIABLE = "LEVIT_MOBILE_OFFICIAL_URL"  # another base address: a mirror

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".tar", ".ckpt")
HUB_PATTERNS = (  # the first that the repository has
    ["config.json", "*.safetensors", "*.safetensors.index.json", "preprocessor_config.json"],
    ["config.json", "*.bin", "*.bin.index.json", "preprocessor_config.json"],
)
NOTED = ".sha256"  # beside an official file, as sha256sum writes and checks it
BLOB = re.compile(r"[0-9a-f]{64}")  # name of a weight file in the hub's cache: the sha256 that the hub states
STALL_SECONDS = 60.0  # a connection that stays silent for this long is given up
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the hub gave nothing: for a person, and the fault of the DownloadError."""

    sentence: str
    fault: str


# The hub client's exceptions, the narrower first -> the reason for a person and the fault.
HUB_REASONS: dict[str, Reason] = {
    "GatedRepoError": Reason("its owner requires you to log in and to accept terms (hf auth login)", fault="gated"),
    "RepositoryNotFoundError": Reason(
        "there is no such repository, or it is private (hf auth login)", fault="no-repository"
    ),
    "LocalEntryNotFoundError": Reason("there is no connection and no copy in the cache", fault="not-fetched"),
}


def resolve(source: str | Path, *, progress: Progress = silent) -> Path:
    """Return the file or folder that a name stands for, downloaded if need be.

    An existing path is used as it is. ``LeViT-128S``, ``levit_128s`` or ``LeViT-128S-96703c44.pth`` is the official
    file, kept in torch.hub's folder. Its name holds the first 8 digits of its SHA-256, which is all that its authors
    publish: a downloaded file must match them, and at every later use the whole digest that was stored beside it then.
    ``owner/name`` is a hub id (HF_ENDPOINT, HF_HUB_OFFLINE and HF_HOME apply), kept in the hub's cache; its weights
    must match the whole SHA-256 that the hub states.

    Args:
        source: A path, an official name or a hub id.
        progress: Called during a download, in bytes if the file comes in one piece.

    Returns:
        The path of the weights.

    Raises:
        CheckpointError: The name is none of these (``checkpoint.not-found``).
        DownloadError: The weights could not be fetched; any ``download`` code.
    """
    require_known(source)
    path, name = Path(source).expanduser(), str(source)
    if name and path.exists():
        return path
    if (official := official_file(name)) is not None:
        return _fetch_official(official, progress=progress)
    return _fetch_hub(name, progress=progress)


def require_known(source: str | Path) -> None:
    """Raise CheckpointError unless the name is a path, an official name or a hub id; nothing is downloaded."""
    name = str(source)
    known = name and Path(source).expanduser().exists()
    if known or official_file(name) is not None or (HUB_ID.fullmatch(name) and not name.endswith(WEIGHT_SUFFIXES)):
        return
    raise CheckpointError(
        f"{name!r} does not exist: pass a file, a folder, a hub id (owner/name, such as facebook/levit-128S) or an "
        f"official name ({', '.join(file.rpartition('-')[0] for file in _official_files())})",
        fault="not-found",
    )


def public_name(source: str) -> str:
    """A hub id or official name as it is; of a path only the last name, since a bundle leaves this machine."""
    path = Path(source).expanduser()
    return Path(os.path.abspath(path)).name if path.exists() else source  # noqa: PTH100 - links stay, "." goes


def official_file(name: str) -> str | None:
    """`LeViT-128S`, `levit_128s`, `LeViT-128S-96703c44.pth` -> `LeViT-128S-96703c44.pth`; anything else -> None."""
    files = _official_files()
    by_file = {file.casefold(): file for file in files}
    by_variant = {variant: file for file, (variant, _) in files.items()}
    return by_file.get(name.casefold()) or by_variant.get(name.casefold().replace("-", "_"))


def _official_files() -> dict[str, tuple[str, str]]:
    """Name of each file that a family's authors published -> its variant and its address."""
    from levit_mobile.model.families import official_weights  # here: it loads torch, which a report does not need

    return {url.rpartition("/")[2]: (variant, url) for variant, url in official_weights().items()}


def _fetch_official(file: str, *, progress: Progress) -> Path:
    import torch

    target = Path(torch.hub.get_dir()) / "checkpoints" / file
    if _is_official(target):
        return target
    _, url = _official_files()[file]
    if mirror := os.environ.get(OFFICIAL_URL_VARIABLE):
        url = f"{mirror.rstrip('/')}/{file}"
    try:
        with staged_file(target) as beside:
            _download(url, beside, progress=progress)
            found = _require_prefix(url, beside, target)
            _note(target, found)
    except (OSError, ValueError) as error:
        reason = f"{url} could not be fetched ({_root_reason(error)})"
        raise DownloadError(f"{reason}: {_by_hand(target)}", fault="not-fetched") from error
    return target


def _is_official(target: Path) -> bool:
    """Is the file there, and the one that was fetched? Of one that somebody put there the whole is noted now."""
    if not target.is_file():
        return False
    found, noted = digest(target), _noted(target)
    if noted is None and (right := found.startswith(_prefix(target))):
        with suppress(OSError):  # in a folder that is only read the prefix has to do
            _note(target, found)
        return right
    return found == noted


def _prefix(target: Path) -> str:
    return target.stem.rpartition("-")[2]


def _noted(target: Path) -> Sha256 | None:
    """The whole sha256 that was noted; None where there is none that a file of this name can have."""
    try:
        words = Path(f"{target}{NOTED}").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return words[0] if words and BLOB.fullmatch(words[0]) and words[0].startswith(_prefix(target)) else None


def _note(target: Path, found: Sha256) -> None:
    with staged_file(Path(f"{target}{NOTED}")) as beside:
        beside.write_text(f"{found}  {target.name}\n", encoding="ascii")


def _download(url: str, path: Path, *, progress: Progress) -> None:
    """Raises OSError, of whatever kind; a connection that is silent for too long is one."""
    from pooch import HTTPDownloader

    told = _Told(progress, f"downloading {url}")
    HTTPDownloader(progressbar=told, chunk_size=CHUNK_BYTES, timeout=STALL_SECONDS)(url, str(path), None)


class _Told:
    """What pooch takes for a progress bar: it sets `total`, in bytes, and calls the rest."""

    def __init__(self, progress: Progress, title: str) -> None:
        self.progress, self.title = progress, title
        self.done, self.total = 0, 0

    def update(self, count: int) -> None:
        """So many bytes more, by whole chunks."""
        self.done += count
        if self.total:
            self.progress(self.title, min(self.done, self.total), self.total)

    def reset(self) -> None:
        """Before the whole is counted once more, at the end."""
        self.done = 0

    def close(self) -> None:
        """There is nothing to close."""


def _require_prefix(url: str, downloaded: Path, target: Path) -> Sha256:
    found = digest(downloaded)
    if not found.startswith(_prefix(target)):
        raise DownloadError(
            f"{url} is not the official file: its sha256 begins with {found[:8]}, expected {_prefix(target)}; the "
            f"download was deleted: {_by_hand(target)}",
            fault="wrong-hash",
        )
    return found


def _by_hand(target: Path) -> str:
    return f"download {target.name} by hand and put it at {target}, or pass --checkpoint FILE"


def _root_reason(error: BaseException) -> str:
    """The innermost cause: the HTTP library wraps "Connection refused" in three exceptions of its own."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return getattr(error, "strerror", None) or _first_line(error)


def _fetch_hub(repo: str, *, progress: Progress) -> Path:
    from huggingface_hub import constants, snapshot_download

    page = f"{constants.ENDPOINT}/{repo}"
    advice = f"download config.json and model.safetensors from {page} into a folder and pass --checkpoint FOLDER"
    for patterns in HUB_PATTERNS:
        try:
            progress(f"downloading {repo}", 0, 1)  # the client's own bars are updated in threads of its own
            folder = Path(snapshot_download(repo, allow_patterns=patterns, tqdm_class=_no_bars()))
            progress(f"downloading {repo}", 1, 1)
        except Exception as error:  # the client lets its HTTP library's own exceptions through
            reason = _hub_reason(error)
            sentence = f"{repo} is not a local path and could not be fetched from the hub ({reason.sentence}): {advice}"
            raise DownloadError(sentence, fault=reason.fault) from error
        if files := sorted(folder.glob(patterns[1])):
            _require_blobs(files, page)
            return folder
    raise DownloadError(
        f"{page} holds neither *.safetensors nor *.bin: pass a different hub id or --checkpoint FOLDER",
        fault="no-weights",
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


def _require_blobs(files: list[Path], page: str) -> None:
    """The hub's client checks sizes alone, and its cache calls a file of weights by its whole sha256."""
    for file in files:
        blob = file.resolve()
        if BLOB.fullmatch(blob.name) and digest(blob) != blob.name:
            sentence = f"{blob} is damaged, its sha256 is not the one that {page} lists: delete it and try again"
            raise DownloadError(sentence, fault="wrong-hash")


def _no_bars() -> Any:
    """The hub client's bars, drawn nowhere: for one call, whatever the process has set."""
    from huggingface_hub.utils.tqdm import tqdm

    class NoBars(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})  # type: ignore[no-untyped-call]

    return NoBars
