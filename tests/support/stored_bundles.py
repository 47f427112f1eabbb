"""Bundles as `convert` writes them, around an artifact that is none: for tests that spoil them and run nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import BundleError
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.parity.compare import compare
from levit_mobile.parity.report import judge, not_run
from levit_mobile.pipeline import convert, writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.prepare import Int8Options
from levit_mobile.recipe import RECIPES
from support.refusals import refused

KINDS = {
    "coreml-fp16": "model.mlpackage",
    "executorch-fp32": "model.pte",
    "tflite-fp32": "model.tflite",
    "tflite-int8": "model.tflite",
}
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
PACKAGE = ("Manifest.json", "Data/com.apple.CoreML/model.mlmodel", WEIGHTS)
Made = Callable[[str], Path]
Edit = Callable[[Path], object]

BROKEN_JSON: dict[str, Edit] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:500]),
    "not UTF-8": lambda file: file.write_bytes(file.read_bytes().replace(b"random", b"r\xe4ndom")),
    "a list": lambda file: file.write_text("[]"),
    "nested without end": lambda file: file.write_text("[" * 100_000),
}


def maker(small: SourceModel, factory: pytest.TempPathFactory) -> Made:
    """Recipe name -> a bundle of it, written when it is first asked for."""
    return cache(lambda name: written(small, name, factory.mktemp(name)))


def written(small: SourceModel, name: str, folder: Path, **calibration: Any) -> Path:
    """With what int8 was calibrated on, as `convert` takes it: 16 digits unless told."""
    recipe = RECIPES[name]
    options = {"count": 16} | calibration if name.endswith("-int8") else {}
    report = compare(small.reference, small.reference.logits, name=name, tolerance=recipe.tolerance)
    writing.write(
        folder,
        artifact(folder / KINDS[name]),
        small,
        recipe,
        inspection=Inspection({}, 1, (), 4, {}, products=71, integer_products=0),
        proof=not_run("no Mac") if recipe.target == "coreml" else judge(report),
        quantization=convert.quantized(small, recipe, Int8Options(**options)),
    )
    return folder


def artifact(path: Path) -> Path:
    """Something in an artifact's place."""
    if path.suffix != ".mlpackage":
        path.write_bytes(f"{path.suffix} ".encode() * 100)
        return path
    for name in PACKAGE:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode() * 10)
    return path


def require_refusal(path: Path, code: str, *facts: object) -> None:
    """The bundle is refused with this code, in a sentence that holds every fact."""
    with refused(BundleError, code, *facts):
        open_bundle(path)


def edited(file: Path, *keys: str | int, to: Any = ...) -> None:
    """A JSON file with one value replaced, or removed."""
    content = json.loads(file.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    if to is ...:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = to
    file.write_text(json.dumps(content))
