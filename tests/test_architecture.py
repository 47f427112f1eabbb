"""Who may import whom, read from the source: rows, vendors, and what `--help` costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import levit_mobile
from levit_mobile.targets import TARGETS

ROOT = Path(levit_mobile.__file__).parents[1]

# Each file imports only from rows above its own; `package.*` is its submodules that are not named themselves, which may
# import their own `package`.
ROWS = (
    ("errors",),
    (
        "metrics targets images digits labels card chatter staging workers edges timing timing.samples",
        "conversion conversion.int4 conversion.tflite_blocks",
        "model model.levit quantization quantization.observers",
        "inspect inspect.flatbuffer inspect.graph",
        "mil mil.protobuf mil.tensors",
        "runners.tflite_runtime_child",
        "arm64 arm64.counting arm64.cpus arm64.standins arm64.stripped",
    ),
    (
        "recipe progress tally truth environments artifacts",
        "model.keys model.download model.bake",
        "quantization.calibration quantization.statistics quantization.weights",
        "inspect.coreml_network inspect.coreml_program inspect.kinds inspect.xnnpack",
        "mil.package mil.elementwise mil.normalize mil.quantize mil.shapes mil.weights mil.windows",
        "runners.child",
    ),
    (
        "contract",
        "inspect.*",
        "model.checkpoint model.forms.weights model.taps",
        "quantization.apply quantization.cost quantization.equalize",
        "conversion.coreml_int8 conversion.coreml_weights conversion.executorch_weights conversion.tflite_weights",
        "mil.constexpr mil.linear",
        "arm64.packages arm64.symbols",
    ),
    (
        "mil.kernels quantization.plan timing.record",
        "model.forms.channels model.forms.tokens",
        "conversion.coreml conversion.executorch_int8 conversion.tflite_int8",
        "arm64.folder",
    ),
    (
        "mil.program model.forms quantization.prepare conversion.tflite conversion.executorch",
        "arm64.build arm64.emulator doctor timing.figures",
    ),
    ("runners runners.* quantization.search arm64.setup",),
    ("parity lowering",),
    ("trained findings stored integers timing.gate timing.machine",),
    (
        "bundle drill recalibration runtimes inspections overview overview.gathering overview.fronts",
        "arm64.cost timing.candidates timing.work",
        "report report.text",
    ),
    (
        "references overview.claims timing.golden timing.profile",
        "report.axes report.costs report.inspections report.plans report.templates report.timings report.verdicts",
    ),
    ("cases overview.joining timing.run", "report.plots report.drill_plots"),
    ("pairing tapping", "report.attention report.measures report.reproduction"),
    ("emulation", "report.front_plots report.time_plots report.overview_json"),
    ("judgement",),
    (
        "pipeline validation",
        "report.bundles report.doctor report.github report.html report.junit report.validations",
        "report.overview",
    ),
    ("cli.manners",),
    ("cli.conversions cli.costs cli.diagnoses cli.inspections cli.reports cli.setups cli.timings cli.validations",),
    ("cli.plans",),
    ("cli levit_mobile",),  # levit_mobile itself names the public API, and imports it when it is asked for
    ("__main__",),
)
PACKAGES = ("inspect", "runners")
VENDORS = {
    "coreml": {"coremltools"},
    "executorch": {"executorch", "torchao"},
    "tflite": {"litert_torch", "ai_edge_quantizer", "ai_edge_litert"},
}
ELSEWHERE = "runners.tflite_runtime_child"  # of another interpreter's environment, which names its runtime in an order
ALL_VENDORS = set().union({"transformers", "tflite_runtime"}, *VENDORS.values())
LIGHT = {"torch", "numpy", "PIL", "pydantic", "safetensors", "huggingface_hub", *ALL_VENDORS}


def name_of(path: Path) -> str:
    """`levit_mobile/model/levit.py` -> `model.levit`, `levit_mobile/__init__.py` -> `levit_mobile`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    dotted = ".".join(parts).removesuffix(".__init__")
    return dotted.removeprefix("levit_mobile.")


@cache
def sources() -> dict[str, ast.Module]:
    """Every file of both packages, by its short name."""
    paths = [path for package in ("levit_mobile", "conversion") for path in sorted((ROOT / package).rglob("*.py"))]
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all imports, wherever they stand; `from a import b` is `a.b` where that is one of our files."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            module = str(node.module)
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                yield whole if whole.removeprefix("levit_mobile.") in sources() else module


def own(tree: ast.AST) -> set[str]:
    """Short names of our files that a file imports."""
    return {
        name.removeprefix("levit_mobile.")
        for name in imported(tree)
        if name.partition(".")[0] in ("levit_mobile", "conversion")
    }


def foreign(tree: ast.AST) -> set[str]:
    """Top-level names of other packages that a file imports, the standard library left out."""
    tops = {name.partition(".")[0] for name in imported(tree)}
    return tops - set(sys.stdlib_module_names) - {"levit_mobile", "conversion"}


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
    package, _, rest = name.partition(".")
    return rest.partition("_")[0] if package == "conversion" else rest if package in PACKAGES else ""


def row_of(name: str) -> int:
    rows = {part: row for row, parts in enumerate(ROWS) for part in " ".join(parts).split()}
    package = name.partition(".")[0]
    return rows[f"{package}.*" if package in PACKAGES and "." in name and name not in rows else name]


# Rows


def test_every_file_stands_in_the_table_once() -> None:
    table = " ".join(" ".join(parts) for parts in ROWS).split()
    assert len(table) == len(set(table))
    named = {name for name in table if not name.endswith("*")}
    in_packages = {name for name in sources() if name.partition(".")[0] in PACKAGES and "." in name}
    assert named | in_packages == set(sources())
    assert {f"{package}.*" for package in PACKAGES} == set(table) - named


@pytest.mark.parametrize("name", sources())
def test_imports_point_upwards(name: str) -> None:
    above = {other for other in own(sources()[name]) if row_of(other) < row_of(name)}
    assert own(sources()[name]) - above <= {name.rpartition(".")[0]}


def test_nobody_but_its_door_imports_the_command_line() -> None:
    importers = [name for name, tree in sources().items() if own(tree) & {"cli", "levit_mobile"}]
    assert importers == ["__main__"]


def test_the_rule_sees_an_import_wherever_it_stands() -> None:
    code = "def f():\n    from levit_mobile import pipeline\n    import levit_mobile.model.levit\nimport torch.nn, os"
    assert own(ast.parse(code)) == {"pipeline", "model.levit"}
    assert foreign(ast.parse(code)) == {"torch"}
    assert [ast.unparse(node) for node in at_import(ast.parse(code))] == ["import torch.nn, os"]
    method = "class C:\n    import numpy\n    def f(self):\n        import torch"
    assert [ast.unparse(node) for node in at_import(ast.parse(method))] == ["import numpy"]
    assert row_of("pipeline") > row_of("runners.tflite") > row_of("conversion.coreml") > row_of("contract")


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
        "opener",
        "runtime",
    )  # which call the vendor; the others read files and do arithmetic
    paths = [getattr(TARGETS[target], role) for role in roles]
    for path in [*paths, TARGETS[target].inspector, TARGETS[target].tables]:
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
    assert {other for other in own(tree) if not other.startswith("conversion.")} <= {
        "recipe",
        "errors",
        "card",
        "edges",
    }
    assert foreign(tree) <= {"torch", "numpy"} | VENDORS.get(target_of(name), set())


def test_metrics_need_numpy_only() -> None:
    assert own(sources()["metrics"]) == set()
    assert foreign(sources()["metrics"]) == {"numpy"}


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


def test_the_pipeline_loads_no_vendor() -> None:
    found = loaded("import levit_mobile.pipeline, levit_mobile.report.html, levit_mobile.doctor, conversion.tflite")
    assert {"torch", "numpy"} <= found
    assert not found & ALL_VENDORS


# The public names


def test_the_public_names_agree() -> None:
    assert set(levit_mobile.__all__) == set(levit_mobile._HOMES) == set(dir(levit_mobile))
    assert len(levit_mobile.__all__) == len(levit_mobile._HOMES) == 13


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
