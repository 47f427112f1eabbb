"""`levit-mobile recipes`: the tables, one target alone, JSON, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys

from support.command import ask

from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS


def test_lists_every_recipe() -> None:
    shown = ask("recipes")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines if ": writes " in line] == list(TARGETS)
    rows = [line.split()[0].rstrip("*") for line in lines if line.startswith(" ") and line[1:2].isalnum()]
    assert [row for row in rows if row != "precision"] == [str(one.precision) for one in RECIPES.values()]
    assert "trained model" in lines[-1]


def test_one_target_alone() -> None:
    shown = ask("recipes", "--target", "tflite")
    assert "tflite: writes .tflite" in shown.stdout
    assert "coreml" not in shown.stdout


def test_an_unknown_target_is_a_usage_error() -> None:
    shown = ask("recipes", "-t", "tflit")
    assert shown.exit_code == 2
    assert "did you mean tflite?" in " ".join(shown.stderr.replace("│", " ").split())


def test_json_of_one_target() -> None:
    shown = ask("recipes", "-t", "executorch", "--json")
    names = [row["name"] for row in json.loads(shown.stdout)["recipes"]]
    assert names == [name for name in RECIPES if name.startswith("executorch-")]


def test_imports_neither_numpy_nor_torch_nor_a_vendor() -> None:
    code = (
        "import sys; from levit_mobile.cli import app\n"
        "try:\n    app(['recipes'])\nexcept SystemExit as done:\n    assert not done.code\n"
        "print('heavy', *{'torch', 'numpy', 'coremltools', 'executorch', 'litert_torch', 'ai_edge_litert'}"
        " & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy"
