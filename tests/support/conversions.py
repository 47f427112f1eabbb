"""Conversions, shared by what goes into them: the same form and recipe are converted once.

What goes in is a conversion's arguments, and the source of those classes that tests define. It is not the code that
converts: support/kept.py has a folder for each state of that, and a test that replaces code of the product or of a
vendor must convert by itself. TFLite shares what litert-torch writes in float32, which every precision of the weights
begins with; Core ML and ExecuTorch share whole artifacts. So do artifacts that tests make in the vendors' own ways.
"""

from __future__ import annotations

import copy
import hashlib
import io
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial, wraps
from inspect import unwrap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from levit_mobile.conversion import tflite
from torch import Tensor, nn

from levit_mobile.images.spec import ImageSpec
from levit_mobile.pipeline import lowering
from levit_mobile.quantization.prepare import LaidOut, Quantization
from levit_mobile.recipe import Recipe
from levit_mobile.targets import Target
from support import shared

Converter = Callable[..., int]
WithScales = Callable[..., LaidOut]
TESTS = Path(__file__).resolve().parents[1]
NETS = ("foreign.py", "unrunnable.py")  # what vendors' artifacts are made of


class _Writer(pickle.Pickler):
    """Writes equal bytes for equal things in every process: tensors by their content, sets in order, nothing by name
    of an earlier place.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.fast = True
        self._seen: dict[int, int] = {}

    def persistent_id(self, thing: Any) -> Any:
        if isinstance(thing, type):  # by its name, which may be one that it is not found by
            return thing.__module__, thing.__qualname__, _source(thing.__module__)
        if isinstance(thing, set | frozenset):
            return "set", sorted(map(repr, thing))
        if isinstance(thing, Tensor):
            place = self._seen.setdefault(id(thing), len(self._seen))
            content = hashlib.sha256(thing.detach().contiguous().numpy().tobytes()).hexdigest()
            return type(thing).__name__, str(thing.dtype), tuple(thing.shape), thing.stride(), content, place
        return None


@cache
def _source(module: str) -> str:
    """A digest of a module of the tests; of any other it is empty."""
    file = Path(getattr(sys.modules.get(module), "__file__", None) or "/").resolve()
    return hashlib.sha256(file.read_bytes()).hexdigest() if TESTS in file.parents else ""


def digest(*things: Any) -> str:
    """Equal for equal things, in every process of every run. Raises what pickle raises."""
    file = io.BytesIO()
    _Writer(file).dump(things)
    return hashlib.sha256(file.getvalue()).hexdigest()


@contextmanager
def shared_float_models(folder: Path) -> Iterator[None]:
    """While this lasts, a conversion to TFLite takes the float model of another one, if there is one."""

    lower = unwrap(tflite.float_model)  # by itself, where one block of these is inside another

    @wraps(lower)
    def float_model(module: nn.Module, size: tuple[int, int]) -> bytes:
        return shared.once(folder, digest(module, size), lambda: lower(module, size))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tflite, "float_model", float_model)
        yield


def once_a_quantization(with_scales: WithScales) -> WithScales:
    """`lowering.with_scales`, but the same model is measured once on the same pictures for a target and a plan."""
    found: dict[str, LaidOut] = {}

    @wraps(with_scales)
    def measured(
        model: nn.Module, spec: ImageSpec, target: Target, quantization: Quantization | None = None, **options: Any
    ) -> LaidOut:
        if quantization is None:
            return with_scales(model, spec, target, quantization, **options)
        calibration = quantization.calibration
        pictures = calibration.source, calibration.seed, calibration.pictures.names
        key = digest(model, spec, target.name, quantization.plan, pictures)
        if key not in found:
            found[key] = with_scales(model, spec, target, quantization, **options)
        return copy.deepcopy(found[key])

    return measured


@contextmanager
def shared_measurements() -> Iterator[None]:
    """While this lasts, conversions of a model whose plan and pictures are the same measure once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lowering, "with_scales", once_a_quantization(lowering.with_scales))
        yield


@contextmanager
def shared_conversions(folder: Path) -> Iterator[None]:
    """The same, and a conversion to Core ML or ExecuTorch takes the whole artifact of another one."""

    converter = unwrap(lowering.converter)

    @wraps(converter)
    def shared_converter(target: Target) -> Converter:
        convert: Converter = converter(target)
        return convert if target.name == "tflite" else _once(convert, folder)

    with shared_float_models(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(lowering, "converter", shared_converter)
        yield


def _once(convert: Converter, folder: Path) -> Converter:
    @wraps(convert)
    def found_or_converted(module: nn.Module, recipe: Recipe, *, path: Path, **options: Any) -> int:
        def made() -> int:
            integers = convert(module, recipe, path=path, **options)
            _copy(path, kept)
            return integers

        key = digest(module, recipe, options)
        kept = folder / f"{key}{path.suffix}"
        integers = shared.once(folder, key, made)
        if not path.exists():
            _copy(kept, path)
        return integers

    return found_or_converted


def made_once(folder: Path, make: Callable[[Path], object], path: Path) -> None:
    """Have `path`, and what lies beside it, as `make` writes it: a function of a module, or a partial one of it.

    A vendor's own converter is called for it once, until the module of the function changes, or one with nets.
    """
    made_by = make if isinstance(make, partial) else partial(make)
    sources = _source(made_by.func.__module__), *((TESTS / "support" / name).read_bytes() for name in NETS)
    key = digest(*sources, made_by.func.__qualname__, made_by.args, made_by.keywords, path.name)
    for name, content in shared.once(folder, key, lambda: _written(make, path.name)).items():
        place = path.parent / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _written(make: Callable[[Path], object], name: str) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        make(Path(folder, name))
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all, in place of what an earlier run may have left."""
    partial = target.with_name(f"{target.name}.partial")
    for path in (partial, target):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if source.is_dir():
        shutil.copytree(source, partial)
    else:
        shutil.copy2(source, partial)
    partial.rename(target)
