"""Who may import whom, read from the source: rows, vendors, and what `--help` costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import levit_mobile
from levit_mobile.targets import TARGETS

ROOT = Path(levit_mobile.__file__).parents[1]

# Ground floor first. A room imports only rooms of floors before its own; inside a room files import each other freely,
# but never in a circle. A new file belongs to its room and needs no entry.
FLOORS = (
    "errors targets recipe",  # the shared words, which are one room
    "system mil",
    "contract images cluster",
    "interfaces model",
    "parity runners inspection",
    "quantization bundle",
    "conversion arm64",
    "runtimes",
    "timing prediction deployment",
    "device",
    "pipeline demo",
    "validation",
    "overview",
    "reporting",
    "levit_mobile",  # the public names, imported when they are asked for
    "cli",
    "__main__",
)
WORDS = FLOORS[0].split()
VENDORS = {
    "coreml": {"coremltools"},
    "executorch": {"executorch", "torchao"},
    "tflite": {"litert_torch", "ai_edge_quantizer", "ai_edge_litert"},
}
ELSEWHERE = "runners.tflite_runtime_child"  # of another interpreter's environment, which names its runtime in an order
SEEN_BY_CONVERTERS = {
    "recipe", "errors", "interfaces.card", "model.fake_quant", "model.int8_steps", "model.parts.roles",
}  # fmt: skip
# Tables of names, and what a word or a path on the command line means.
OPTIONS_WORDS = {
    "arm64.cpus",
    "bundle.listing",
    "deployment.places",
    "deployment.runtimes",
    "images.address",
    "images.overrides",
    "runtimes.registry",
}
FAMILIES = "model.families"
BUILT_OF: dict[str | None, set[str | None]] = {"graft": {"vit"}}
TEXT_GOES_TO = {"system.atomic_write", "system.capture_output", "system.logs", "system.printable"}
SIGNALS = {"system.interruption"}  # which the command line heeds
ALL_VENDORS = set().union({"transformers", "tflite_runtime"}, *VENDORS.values())
LIGHT = {"torch", "numpy", "PIL", "pydantic", "safetensors", "huggingface_hub", "capstone", "elftools", *ALL_VENDORS}


def name_of(path: Path) -> str:
    """`levit_mobile/model/fake_quant.py` -> `model.fake_quant`, `levit_mobile/__init__.py` -> `levit_mobile`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    dotted = ".".join(parts).removesuffix(".__init__")
    return dotted.removeprefix("levit_mobile.")


@cache
def sources() -> dict[str, ast.Module]:
    """Every file of both packages, by its short name."""
    paths = [path for package in ("levit_mobile", "conversion") for path in sorted((ROOT / package).rglob("*.py"))]
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@cache
def imported(tree: ast.AST) -> frozenset[str]:
    """Dotted names of all imports, wherever they stand; `from a import b` is `a.b` where that is one of our files.

    Only `conversion/`, which is installed where it does not lie, imports its own files by relative names.
    """
    return frozenset(_imported(tree))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = str(node.module) if node.level == 0 else f"levit_mobile.conversion.{node.module or ''}".rstrip(".")
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                yield whole if whole.removeprefix("levit_mobile.") in sources() else module


def own(tree: ast.AST) -> set[str]:
    """Short names of our files that a file imports."""
    ours = (name for name in imported(tree) if name.partition(".")[0] == "levit_mobile")
    return {name.removeprefix("levit_mobile.") for name in ours}


def foreign(tree: ast.AST) -> set[str]:
    """Top-level names of other packages that a file imports, the standard library left out."""
    tops = {name.partition(".")[0] for name in imported(tree)}
    return tops - set(sys.stdlib_module_names) - {"levit_mobile"}


def at_import(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when a file is imported: those outside of functions."""
    pending: list[ast.AST] = [tree]
    while pending:
        for child in ast.iter_child_nodes(pending.pop()):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                pending.append(child)
                if isinstance(child, ast.Import | ast.ImportFrom):
                    yield child


def target_of(name: str) -> str:
    """The target that a file of a vendor's is for: `conversion.tflite_int8` and `runners.tflite` are tflite's."""
    room, _, rest = name.partition(".")
    return rest.partition("_")[0] if room == "conversion" else rest if room in ("runners", "inspection") else ""


def room_of(name: str) -> str:
    """`model.parts.tokens` -> `model`; the shared words are one room."""
    first = name.partition(".")[0]
    return "words" if first in WORDS else first


@cache
def floor_of(room: str) -> int:
    """Counted from the ground; raises StopIteration for a room that no floor has."""
    return next(number for number, rooms in enumerate(FLOORS) if room in ("words" if number == 0 else rooms).split())


def door_of(room: str) -> set[str]:
    """The modules that a room's docstring lets the rest of the house import."""
    text = ast.get_docstring(sources()[room]) or ""
    listed = text.partition("\nDoor: ")[2].partition(".")[0].partition(";")[0]
    return set() if listed == "none" else set(listed.replace(",\n", ", ").split(", "))


ROOMS = sorted({room_of(name) for name in sources()})
CLOSED = [room for room in ROOMS if "Door: " in (ast.get_docstring(sources().get(room, ast.Module([], []))) or "")]


# Rooms


def test_every_room_has_a_floor() -> None:
    assert {room for rooms in FLOORS[1:] for room in rooms.split()} | {"words"} == set(ROOMS)
    assert {room_of(name) for name in WORDS} == {"words"}


@pytest.mark.parametrize("name", sources())
def test_a_room_imports_only_rooms_on_floors_below_it(name: str) -> None:
    room = room_of(name)
    wrong = {
        other for other in own(sources()[name]) if room_of(other) != room and floor_of(room_of(other)) >= floor_of(room)
    }
    assert not wrong


@pytest.mark.parametrize("name", sources())
def test_only_the_converters_import_by_relative_names(name: str) -> None:
    relative = [node for node in ast.walk(sources()[name]) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative or room_of(name) == "conversion"


@pytest.mark.parametrize("name", sources())
def test_a_family_is_named_by_its_own_files_and_the_table_of_families_only(name: str) -> None:
    """And by the public names, which lead to `LeViT` as a type; a family itself imports parts and no other family,
    except a graft, which is made of a ViT's blocks."""
    own_family = name.split(".")[2] if name.startswith(f"{FAMILIES}.") else None
    named = {
        other.split(".")[2]
        for other in own(sources()[name])
        if other.startswith(f"{FAMILIES}.") and other != f"{FAMILIES}.family"
    }
    assert named - BUILT_OF.get(own_family, set()) <= {own_family} or name in (FAMILIES, "levit_mobile")


@pytest.mark.parametrize("name", [name for name in sources() if name.startswith("model.families.")])
def test_a_family_is_built_from_parts(name: str) -> None:
    inside = {other for other in own(sources()[name]) if room_of(other) == "model"}
    shared = {other for other in inside if not other.startswith(("model.families", "model.parts"))}
    assert shared <= {"model.fake_quant", "model.stated", "model.stored_tensors"}


@pytest.mark.parametrize("name", [name for name in sources() if name.startswith("model.parts.")])
def test_a_part_knows_no_family(name: str) -> None:
    assert not any(other.startswith(FAMILIES) for other in own(sources()[name]))


def test_no_files_import_each_other_in_a_circle() -> None:
    list(TopologicalSorter({name: own(sources()[name]) - {name} for name in sources()}).static_order())


@pytest.mark.parametrize("room", CLOSED)
def test_a_room_is_entered_by_its_door(room: str) -> None:
    inside = f"{room}."
    entered = {
        other.removeprefix(inside).partition(".")[0]
        for name in sources()
        if room_of(name) != room
        for other in own(sources()[name])
        if other.startswith(inside)
    }
    assert entered == door_of(room)


def test_every_package_says_what_it_is_for() -> None:
    rooms = [name for name in ROOMS if (ROOT / "levit_mobile" / name).is_dir()]
    assert len(rooms) > 12
    assert set(rooms) - {"cli"} == set(CLOSED)


def test_no_room_bears_the_name_of_a_public_function() -> None:
    assert not set(ROOMS) & set(levit_mobile.__all__)


def test_nobody_but_its_door_imports_the_command_line() -> None:
    assert [name for name, tree in sources().items() if room_of(name) != "cli" and "cli" in own(tree)] == ["__main__"]
    assert {room_of(name) for name, tree in sources().items() if "levit_mobile" in own(tree)} == {"cli"}


@pytest.mark.parametrize("name", [name for name in sources() if room_of(name) == "cli"])
def test_the_command_line_calls_the_public_api_and_prints(name: str) -> None:
    """Beside that: words that options are made of, tables and pages, and where text goes."""
    others = {other for other in own(sources()[name]) if room_of(other) not in ("cli", "levit_mobile", "reporting")}
    assert others <= {*WORDS, *OPTIONS_WORDS, *TEXT_GOES_TO, *SIGNALS}


def test_the_rule_sees_an_import_wherever_it_stands() -> None:
    inside = "    from levit_mobile.pipeline import convert\n    import levit_mobile.model.families.levit.trained\n"
    code = f"def f():\n{inside}import torch.nn, os"
    assert own(ast.parse(code)) == {"pipeline.convert", "model.families.levit.trained"}
    assert foreign(ast.parse(code)) == {"torch"}
    assert [ast.unparse(node) for node in at_import(ast.parse(code))] == ["import torch.nn, os"]
    method = "class C:\n    import numpy\n    def f(self):\n        import torch"
    assert [ast.unparse(node) for node in at_import(ast.parse(method))] == ["import numpy"]
    assert (
        floor_of("pipeline") > floor_of("conversion") > floor_of("runners") > floor_of("contract") > floor_of("words")
    )


# Vendors


def test_the_vendors_are_those_of_the_targets() -> None:
    listed = {target.name: {package.replace("-", "_") for package in target.packages} for target in TARGETS.values()}
    assert listed == {name: vendors | {"torch"} for name, vendors in VENDORS.items()}


@pytest.mark.parametrize("name", sources())
def test_a_vendor_is_imported_by_its_own_target_only(name: str) -> None:
    allowed = VENDORS.get(target_of(name), set())
    assert foreign(sources()[name]) & ALL_VENDORS <= allowed


@pytest.mark.parametrize("name", sources())
def test_a_vendor_is_imported_inside_functions_only(name: str) -> None:
    tops = set().union(*(foreign(node) for node in at_import(sources()[name])), set())
    assert not tops & ALL_VENDORS


def test_another_interpreters_script_needs_nothing_of_ours() -> None:
    assert own(sources()[ELSEWHERE]) == set()
    assert foreign(sources()[ELSEWHERE]) == {"numpy"}


@pytest.mark.parametrize("target", VENDORS)
def test_every_target_has_its_doors(target: str) -> None:
    roles = (
        "converter",
        "runner",
        "load_for_timing",
        "runtime",
    )  # which call the vendor; the others read files and do arithmetic
    paths = [getattr(TARGETS[target], role) for role in roles]
    for path in [*paths, TARGETS[target].inspector, TARGETS[target].surveyor, TARGETS[target].tables]:
        module, _, function = path.partition(":")
        tree = sources()[module.removeprefix("levit_mobile.")]
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    uses = {name for name, tree in sources().items() if foreign(tree) & VENDORS[target]}
    doors = {path.partition(":")[0].removeprefix("levit_mobile.") for path in paths}
    assert doors <= uses
    assert {target_of(name) for name in uses} == {target}


@pytest.mark.parametrize("name", [name for name in sources() if name.startswith("conversion.")])
def test_a_converter_sees_a_module_a_recipe_and_a_card(name: str) -> None:
    tree = sources()[name]
    assert {other for other in own(tree) if room_of(other) != "conversion"} <= SEEN_BY_CONVERTERS
    assert foreign(tree) <= {"torch", "numpy"} | VENDORS.get(target_of(name), set())


def test_metrics_need_numpy_only() -> None:
    assert own(sources()["parity.metrics"]) == set()
    assert foreign(sources()["parity.metrics"]) == {"numpy"}


def test_no_metric_is_without_a_caller() -> None:
    public = {
        node.name
        for node in sources()["parity.metrics"].body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    used = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for name, tree in sources().items()
        if name != "parity.metrics" and "parity.metrics" in own(tree)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
    }
    assert "SignalNoise" in public
    assert public - used == set()


# What an import costs


def loaded(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after `code`."""
    script = f"import sys\n{code}\nprint('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.partition(".")[0] for name in done.stdout.rpartition("loaded ")[2].split()}


def test_help_loads_neither_torch_nor_numpy_nor_a_vendor() -> None:
    call = "try:\n    app(['--help'])\nexcept SystemExit as done:\n    assert not done.code"
    found = loaded(f"from levit_mobile.cli import app\n{call}")
    assert {"levit_mobile", "typer"} <= found
    assert not found & LIGHT


def test_the_package_itself_loads_nothing() -> None:
    found = loaded("import levit_mobile\ndir(levit_mobile)")
    assert "levit_mobile" in found
    assert not found & {*LIGHT, "typer", "rich"}


@pytest.mark.slow
def test_the_pipeline_loads_no_vendor() -> None:
    rooms = "levit_mobile.pipeline.convert, levit_mobile.reporting.pages.validation, levit_mobile.runtimes.doctor"
    found = loaded(f"import {rooms}, levit_mobile.conversion.tflite")
    assert {"torch", "numpy"} <= found
    assert not found & ALL_VENDORS


# The public names


def test_the_public_names_agree() -> None:
    assert set(levit_mobile.__all__) == set(levit_mobile._HOMES) == set(dir(levit_mobile))
    assert len(levit_mobile.__all__) == len(levit_mobile._HOMES) == 51


def test_types_are_declared_where_names_live() -> None:
    declared = {
        alias.name: node.module
        for node in ast.walk(sources()["levit_mobile"])
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("levit_mobile.")
        for alias in node.names
    }
    assert declared == levit_mobile._HOMES


@pytest.mark.parametrize("name", levit_mobile.__all__)
def test_every_public_name_resolves_to_its_home(name: str) -> None:
    value = getattr(levit_mobile, name)
    assert getattr(value, "__module__", levit_mobile._HOMES[name]) == levit_mobile._HOMES[name]
    assert value is getattr(sys.modules[levit_mobile._HOMES[name]], name)


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(AttributeError, match="module 'levit_mobile' has no attribute 'convrt'"):
        _ = levit_mobile.convrt
