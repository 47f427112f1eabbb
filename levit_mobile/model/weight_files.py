"""Files of weights -> named tensors, with nothing in the files executed; several files are the shards of one model."""

from __future__ import annotations

import argparse
import json
import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from levit_mobile.errors import CheckpointError
from levit_mobile.model.containers import Groups, groups
from levit_mobile.model.download import WEIGHT_SUFFIXES
from levit_mobile.model.file_formats import Found, Kind, identify
from levit_mobile.model.stored_tensors import few, require_backed, shown
from levit_mobile.system.files import is_clutter

FOLDER_FILES = (  # what a folder's weights are called, the safer format first
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
NARROW = {"F4", "F6_E2M3", "F6_E3M2"}  # types of safetensors that torch cannot convert
MOST_JSON = 1 << 24  # bytes of a JSON file or text; config.json of 21,843 labels has below 2 MB


class Ignored:
    """Stands for a value that is not needed, so that reading it runs none of its own code."""

    def __init__(self, *_: object) -> None:
        """Whatever the file has for it is dropped."""

    def __setstate__(self, _: object) -> None:
        """The same."""


# Numbers, paths and dates in the arguments and results that people save beside the weights.
IGNORED = (
    *(f"numpy{core}.multiarray.{name}" for core in (".core", "._core") for name in ("scalar", "_reconstruct")),
    *("numpy.dtype", "numpy.ndarray"),
    *(f"numpy.dtypes.{kind}DType" for kind in ("Bool", "Int8", "UInt8", "Int16", "Int32", "Int64", "UInt64")),
    *(f"numpy.dtypes.{kind}DType" for kind in ("Float16", "Float32", "Float64", "Str", "Object")),
    *(f"pathlib{local}.{kind}Path" for local in ("", "._local") for kind in ("Posix", "Windows", "PurePosix")),
    *("datetime.datetime", "datetime.timedelta", "datetime.date"),
)
# The official script saves its arguments in a Namespace, which only holds values.
HARMLESS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    argparse.Namespace,
    *((Ignored, name) for name in IGNORED),
]


def find(path: Path) -> tuple[Path, ...]:
    """The file, or those of a folder: one, or the shards of an index. Raises CheckpointError for none or several."""
    if not path.is_dir():
        return (path,)
    named = next((path / name for name in FOLDER_FILES if (path / name).is_file()), None)
    if named is not None:
        return _shards(named) if named.suffix == ".json" else (named,)
    found = sorted(file for file in path.iterdir() if file.suffix in WEIGHT_SUFFIXES and not is_clutter(file.name))
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


def read(files: tuple[Path, ...]) -> tuple[Groups, dict[str, str], dict[str, Any]]:
    """The tensors of all files, by the mapping that holds them (see `containers`), the metadata of the first file that
    has some, and what pickles hold beside tensors.

    Raises CheckpointError for files that are damaged, unsafe, of another kind, or that repeat a key.
    """
    found: Groups = {}
    metadata: dict[str, str] = {}
    beside: dict[str, Any] = {}
    for file in files:
        tensors, about, others = _read_file(file)
        for path, state in tensors.items():
            if twice := sorted(state.keys() & found.get(path, {}).keys()):
                raise CheckpointError(
                    f"{file} holds keys that an earlier shard holds too: {few(twice)}", fault="surplus-keys"
                )
            found.setdefault(path, {}).update(state)
        metadata = metadata or about
        beside |= others
    return found, metadata, beside


def _read_file(file: Path) -> tuple[Groups, dict[str, str], dict[str, Any]]:
    found = _identified(file)
    if found.kind is Kind.SAFETENSORS:
        tensors, metadata = _read_safetensors(file)
        return {"": tensors}, metadata, {}
    saved = _read_pickle(file)
    held = groups(saved)
    require_backed((tensor for state in held.values() for tensor in state.values()), found.size_bytes, str(file))
    return held, {}, _beside(saved)


def _beside(saved: object) -> dict[str, Any]:
    inside = saved if isinstance(saved, Mapping) else {}
    return {key: value for key, value in inside.items() if isinstance(key, str) and not isinstance(value, Tensor)}


def _identified(file: Path) -> Found:
    """By its content, or else by its suffix. Raises CheckpointError for a file that does not hold weights."""
    try:
        found = identify(file)
    except OSError as error:
        raise _cannot_be_read(file, error) from error
    if found.kind is not None and (found.sure or file.suffix in WEIGHT_SUFFIXES):
        return found
    if found.what == "a Git LFS pointer":
        raise CheckpointError(
            f"{file} is {found.what}, expected the weights: run `git lfs pull` in its folder", fault="no-weights"
        )
    if file.suffix not in WEIGHT_SUFFIXES:
        raise CheckpointError(
            f"{file} is {found.what or 'not a weight file'}, expected a folder or one of "
            f"*{', *'.join(WEIGHT_SUFFIXES)}",
            fault="no-weights",
        )
    if not found.size_bytes:
        raise CheckpointError(f"{file} is empty (0 bytes): download or save it again", fault="damaged")
    if found.what:
        raise CheckpointError(
            f"{file} is {found.what}, expected a PyTorch or .safetensors file of weights: save model.state_dict()",
            fault="damaged",
        )
    return replace(found, kind=Kind.SAFETENSORS if file.suffix == ".safetensors" else Kind.PICKLE)


def _cannot_be_read(file: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"{file} cannot be read ({error.strerror}): check its permissions", fault="unreadable")


def _read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            _require_types(file, {key: opened.get_slice(key).get_dtype() for key in opened.keys()})  # noqa: SIM118
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 (it is not a mapping)
            return tensors, dict(opened.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise CheckpointError(
            f"{file} is damaged, cut short or not a .safetensors file ({one_line(error)}): download or save it again",
            fault="damaged",
        ) from error


def _require_types(file: Path, types: Mapping[str, str]) -> None:
    if strange := sorted({kind for kind in types.values() if kind in NARROW}):
        keys = [key for key, kind in types.items() if kind in strange]
        raise CheckpointError(
            f"{file} holds tensors of the type {', '.join(strange)} ({few(sorted(keys))}), expected floating-point "
            "numbers of 8 bits or more: pass weights that are not quantized",
            fault="dtype",
        )


def _read_pickle(file: Path) -> object:
    try:
        with torch.serialization.safe_globals(HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the reader's remarks on old or foreign formats; ours has the reason
            with file.open("rb") as stream:  # for a path, torch would choose the format by the suffix
                return torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can fail anywhere in the reader
        raise _pickle_error(file, error) from error


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


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file, empty where it is none. Raises CheckpointError for a file that is not JSON."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_JSON + 1)
    except OSError as error:
        raise _cannot_be_read(file, error) from error
    try:
        parsed = parse_json(content)
    except ValueError as error:
        raise CheckpointError(
            f"{file} is not JSON ({one_line(error)}): download or save it again", fault="damaged"
        ) from error
    return parsed if isinstance(parsed, dict) else {}


def parse_json(content: bytes | str) -> Any:
    """Raises ValueError for text that is not JSON, not UTF-8, too long, or nested too deep for Python's reader."""
    if len(content) > MOST_JSON:
        raise ValueError(f"it has more than {MOST_JSON} bytes")
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def one_line(error: Exception) -> str:
    """The first line of an error's own sentence, printable everywhere."""
    return shown(next(iter(str(error).splitlines()), type(error).__name__))
