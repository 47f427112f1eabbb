"""The targets table: it agrees with itself and with pyproject.toml, and it imports nothing heavy."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from levit_mobile.targets import TARGETS, Target, resolve

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def test_the_three_targets() -> None:
    assert {name: target.suffix for name, target in TARGETS.items()} == {
        "coreml": ".mlpackage",
        "executorch": ".pte",
        "tflite": ".tflite",
    }
    assert {name: target.form for name, target in TARGETS.items()} == {
        "coreml": "channels_first",
        "executorch": "token_major",
        "tflite": "token_major",
    }


@pytest.mark.parametrize("name", TARGETS)
def test_every_path_derives_from_the_name(name: str) -> None:
    target = TARGETS[name]
    assert target.name == name
    assert target.converter == f"levit_mobile.conversion.{name}:convert"
    assert target.runner == f"levit_mobile.runners.{name}:load"
    assert target.inspector == f"levit_mobile.inspection.{name}:inspect"
    assert target.surveyor == f"levit_mobile.inspection.{name}:survey"


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_recorded_packages_are_the_ones_that_the_extra_pins(target: Target) -> None:
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    pinned = {re.split(r"[=<>~! ]", requirement)[0] for requirement in extras[target.extra]}
    assert set(target.packages) == {"torch", *pinned}


def test_resolve_imports_on_use() -> None:
    assert resolve("os.path:join")("a", "b") == str(Path("a") / "b")


@pytest.mark.parametrize("path", ["json", "json:", ":dumps", ""])
def test_resolve_wants_module_and_function(path: str) -> None:
    with pytest.raises(ValueError, match="expected 'module:function'"):
        resolve(path)


@pytest.mark.parametrize("path", ["json:dump_all", "json:__name__"])
def test_resolve_names_a_missing_function(path: str) -> None:
    with pytest.raises(ValueError, match="the module json has no function"):
        resolve(path)


def test_resolve_leaves_a_missing_module_to_python() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        resolve("no_such_module:function")


def test_targets_and_recipes_import_neither_torch_nor_a_vendor() -> None:
    code = "import sys, levit_mobile.recipe, levit_mobile.targets; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.partition(".")[0] for module in done.stdout.split()}
    heavy = {"ai_edge_litert", "ai_edge_quantizer", "coremltools", "executorch", "litert_torch", "numpy", "torch"}
    assert "levit_mobile" in loaded
    assert not loaded & heavy
