"""Files of weights -> named tensors, with nothing in the files executed; several files are the shards of one model."""

from __future__ import annotations

import argparse
import json
import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from levit_mobile.errors import CheckpointError
from levit_mobile.model.download import WEIGHT_SUFFIXES

FOLDER_FILES = (  # what a folder's weights are called, the safer format first
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
CONTAINERS = ("model", "state_dict")  # where training scripts put the weights, beside optimizer, epoch and args
WRAPPERS = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every key
HARMLESS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    argparse.Namespace
]  # the official script saves its arguments; a Namespace only holds values
LFS_POINTER = b"version https://git-lfs"


def find(path: Path) -> tuple[Path, ...]:
    """The file, or those of a folder: one, or the shards of an index. Raises CheckpointError for none or several."""
    if not path.is_dir():
        return (path,)
    named = next((path / name for name in FOLDER_FILES if (path / name).is_file()), None)
    if named is not None:
        return _shards(named) if named.suffix == ".json" else (named,)
    found = sorted(file for file in path.iterdir() if file.suffix in WEIGHT_SUFFIXES)
    if len(found) == 1:
        return (found[0],)
    many = f"several weight files ({', '.join(file.name for file in found)}): pass one of them"
    held = many if found else "no weight files, expected one such as model.safetensors or a .pth"
    raise CheckpointError(f"the folder {path} holds {held}", fault="no-weights")


def _shards(index: Path) -> tuple[Path, ...]:
    places = read_json(index).get("weight_map")
    names = {str(name) for name in places.values()} if isinstance(places, dict) else set()
    files = tuple(index.parent / name for name in sorted(names))
    lost = [file.name for file in files if file.parent != index.parent or not file.is_file()]
    if not files:
        raise CheckpointError(f"{index} lists no files: download or save it again", fault="no-weights")
    if lost:
        raise CheckpointError(
            f"{index} lists {len(files)} files, of which {len(lost)} are not beside it: {few(lost)}",
            fault="no-weights",
        )
    return files


def read(files: tuple[Path, ...]) -> tuple[dict[str, Tensor], dict[str, str], dict[str, Any]]:
    """All tensors of all files, without wrappers' prefixes, the metadata of the first file that has some, and what
    pickles hold beside the weights.

    Raises CheckpointError for files that are damaged, unsafe, of another kind, or that repeat a key.
    """
    state: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    beside: dict[str, Any] = {}
    for file in files:
        tensors, about, others = _read_file(file)
        if twice := sorted(tensors.keys() & state.keys()):
            raise CheckpointError(
                f"{file} holds keys that an earlier shard holds too: {few(twice)}", fault="surplus-keys"
            )
        state |= tensors
        metadata = metadata or about
        beside |= others
    return _unwrapped(state), metadata, beside


def _unwrapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for wrapper in WRAPPERS:
        if state and all(key.startswith(wrapper) for key in state):
            return _unwrapped({key.removeprefix(wrapper): tensor for key, tensor in state.items()})
    return state


def _read_file(file: Path) -> tuple[dict[str, Tensor], dict[str, str], dict[str, Any]]:
    if file.suffix not in WEIGHT_SUFFIXES:
        raise CheckpointError(
            f"{file} is not a weight file, expected a folder or one of *{', *'.join(WEIGHT_SUFFIXES)}",
            fault="no-weights",
        )
    start = _start(file)
    if not start:
        raise CheckpointError(f"{file} is empty (0 bytes): download or save it again", fault="damaged")
    if start == LFS_POINTER:
        raise CheckpointError(
            f"{file} is a Git LFS pointer, expected the weights: run `git lfs pull` in its folder", fault="no-weights"
        )
    if file.suffix == ".safetensors":
        return (*_read_safetensors(file), {})
    state, others = _read_pickle(file)
    return state, {}, others


def _start(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(len(LFS_POINTER))
    except OSError as error:
        raise _cannot_be_read(file, error) from error


def _cannot_be_read(file: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"{file} cannot be read ({error.strerror}): check its permissions", fault="unreadable")


def _read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 (it is not a mapping)
            return tensors, dict(opened.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{file} is damaged, cut short or not a .safetensors file ({error}): download or save it again",
            fault="damaged",
        ) from error


def _read_pickle(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with torch.serialization.safe_globals(HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the reader's remarks on old or foreign formats; ours has the reason
            saved = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can fail anywhere in the reader
        raise _pickle_error(file, error) from error
    return _state_dict(saved, file)


def _pickle_error(file: Path, error: Exception) -> CheckpointError:
    refused = re.search(r"GLOBAL `?([\w.]+)", str(error))
    if isinstance(error, pickle.UnpicklingError) and refused:
        return CheckpointError(
            f"{file} asks to run code ({refused[1]}), expected tensors only; nothing in it was run: "
            "save model.state_dict() alone or a .safetensors file",
            fault="unsafe",
        )
    return CheckpointError(
        f"{file} is damaged, cut short or not a PyTorch checkpoint: download it again, or save it with "
        "torch.save(model.state_dict())",
        fault="damaged",
    )


def _state_dict(saved: object, file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """{'model': state, ...} or a bare state -> the state, and what is beside it."""
    inside = saved if isinstance(saved, Mapping) else {}
    container = next((name for name in CONTAINERS if isinstance(inside.get(name), Mapping)), None)
    state = inside[container] if container else inside
    strange = [str(key) for key, value in state.items() if not (isinstance(key, str) and isinstance(value, Tensor))]
    if not state or strange:
        held = f"these entries are not tensors: {few(strange)}" if strange else f"it holds a {type(saved).__name__}"
        raise CheckpointError(
            f"{file} does not hold a state dict ({held}): save model.state_dict(), bare or under the key 'model'",
            fault="no-state-dict",
        )
    return dict(state), {str(key): value for key, value in inside.items() if container and key != container}


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file, empty where it is none. Raises CheckpointError for a file that is not JSON."""
    try:
        parsed = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _cannot_be_read(file, error) from error
    except ValueError as error:
        raise CheckpointError(f"{file} is not JSON ({error}): download or save it again", fault="damaged") from error
    return parsed if isinstance(parsed, dict) else {}


def few(names: list[str]) -> str:
    """Up to three names, and how many there are more."""
    shown = ", ".join(names[:3]) or "none"
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
