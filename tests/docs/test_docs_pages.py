"""The hand-written pages below docs/ state what the code has: names, files, constants, codes and fields."""

from __future__ import annotations

import ast
import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

import levit_mobile
from levit_mobile.cli import app
from levit_mobile.contract import SCHEMA_VERSION, Contract
from levit_mobile.errors import LevitMobileError
from levit_mobile.images.digits import Split, source_indices
from levit_mobile.mil.kernels import KERNELS
from levit_mobile.model.containers import CONTAINERS, WRAPPERS
from levit_mobile.model.download import WEIGHT_SUFFIXES
from levit_mobile.model.families.levit.architecture import VARIANTS
from levit_mobile.model.families.levit.keys import LAYOUTS
from levit_mobile.model.weight_files import FOLDER_FILES
from levit_mobile.pipeline.quantization_summary import PICTURES
from levit_mobile.quantization import calibration, equalize, observers
from levit_mobile.quantization.observers import Observer
from levit_mobile.quantization.plan import PLANS, Plan
from levit_mobile.recipe import RECIPES, Precision
from levit_mobile.timing import samples

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {
    "tutorial",
    "checkpoints",
    "quantization",
    "measured",
    "embedding",
    "architecture",
    "decisions",
    *(f"extending/{name}" for name in ("index", "target", "recipe", "observer", "mil-op", "runtime", "family")),
}
CODE = [path for folder in ("levit_mobile", "conversion", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
TABLE_SOURCES = ROOT / "levit_mobile" / "reporting" / "tables"
FILES = {"conversion.py", "labels.txt"}  # names that look like a code


@cache
def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


@cache
def defined() -> dict[str, set[str]]:
    """Names that the code defines: "class", "function" and "constant"."""
    found: dict[str, set[str]] = {"class": set(), "function": set(), "constant": set()}
    for node in (node for path in CODE for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
        if isinstance(node, ast.ClassDef):
            found["class"].add(node.name)
        elif isinstance(node, ast.FunctionDef):
            found["function"].add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found["constant"].add(node.id)
    return found


def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def rows(text: str, cells: int) -> list[list[str]]:
    """The rows of all Markdown tables with this many cells, without backticks."""
    lines = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [line for line in lines if len(line) == cells and not set(line[0]) <= {"-", " "}]


def section(name: str, heading: str) -> str:
    """The text of one section of a page, up to the next heading of the same level or a higher one."""
    level = heading.partition(" ")[0]
    _, found, after = page(name).partition(f"\n{heading}\n")
    assert found, f"{name} has no section {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.M)[0]


def calls(name: str) -> list[list[str]]:
    """Every `levit-mobile ...` line in a page's code blocks, as words, without a prompt or a comment."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", page(name), re.S | re.M)
    lines = [line.removeprefix("$ ").strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("levit-mobile ")]


# All pages


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_file_that_a_page_names_exists(name: str) -> None:
    named = re.findall(r"(?<![\w./])((?:levit_mobile|conversion|tests|training|benchmarks)/[\w/.<>-]*)", page(name))
    for path in named:
        some = path.rstrip(".").replace("<target>", "coreml").replace("<command>", "convert")
        assert (ROOT / some).exists(), path


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_error_code_that_a_page_names_exists(name: str) -> None:
    kinds = "|".join(kind.__name__.removesuffix("Error").lower() for kind in LevitMobileError.__subclasses__())
    known = set(re.findall(r"^\| `([\w.-]+)` \|", page("errors"), re.M))
    assert len(known) > 50
    assert set(re.findall(rf"`((?:{kinds})\.[a-z-]+)`", page(name))) - fields_of(Contract) - FILES <= known


@pytest.mark.parametrize("name", sorted(name for name in PAGES if name.startswith("extending/")))
def test_every_table_of_the_code_that_a_page_names_exists(name: str) -> None:
    assert set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*)`", page(name))) <= defined()["constant"]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_test_that_a_page_names_exists(name: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", page(name)))
    assert named <= defined()["function"] | {path.stem for path in CODE}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_command_and_option_of_a_page_exists(name: str) -> None:
    for call in calls(name):
        command = commands()[call[0]]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.partition("=")[0] for word in call if word.startswith("--")} <= known, call


# docs/quantization.md


def test_the_observers_are_the_table_and_the_help() -> None:
    table = [row[0] for row in rows(section("quantization", "### Observers"), 3)][1:]
    assert table == [str(observer) for observer in Observer]
    (option,) = [one for one in commands()["convert"].params if "--observer" in one.opts]
    assert all(str(observer) in option.help for observer in Observer)


def test_the_precisions_are_the_table() -> None:
    table = page("quantization").partition("## ")[0]
    named = [name for row in rows(table, 4)[1:] for name in row[0].split(", ")]
    assert sorted(named) == sorted(map(str, Precision))


def test_the_plans_are_the_files_of_the_package() -> None:
    listed = {row[0].rpartition("/")[2]: tuple(row[1:]) for row in rows(section("quantization", "### Plans"), 5)[1:]}
    plans = {path.name: Plan.read(path) for path in PLANS.glob("*.json")}
    assert listed == {
        name: (
            str(plan.observer),
            f"{plan.equalize:g}",
            "yes" if plan.correct_biases else "no",
            ", ".join(plan.float_edges) or "nothing",
        )
        for name, plan in plans.items()
        if plan.equalize is not None
    }
    assert {(plan.origin.calibration, plan.origin.pictures) for plan in plans.values() if plan.origin} == {
        ("bundled training digits", 256)
    }


def test_a_variant_without_a_plan_is_converted_as_the_page_says() -> None:
    plan = Plan(variant="levit_192", target="tflite")
    assert (plan.observer, plan.equalize, plan.correct_biases, plan.float_edges) == (Observer.OUTPUT, 0.5, True, ())
    text = " ".join(page("quantization").split())
    assert "the observer `output`, equalisation of 0.5 and corrected biases" in text


def test_the_numbers_of_calibration_are_those_of_the_code() -> None:
    text = " ".join(section("quantization", "### Calibration").split())
    assert f"(default {calibration.COUNT})" in text
    assert f"At least {calibration.MIN_PICTURES} pictures" in text
    assert f"Below {calibration.FEW_PICTURES} " in text
    assert f"more than {calibration.SATURATED:.0%}" in text
    assert f"at least {calibration.NOISE}" in text


def test_the_numbers_of_observers_and_rewrites_are_those_of_the_code() -> None:
    text = " ".join(page("quantization").split())
    assert f"histogram of {observers.BINS:,} bins" in text
    assert f"all but 1 in {round(1 / observers.OUTSIDE):,} values" in text
    assert f"try {observers.STEPS} ends" in text
    assert f"{observers.LEVELS} levels" in text
    assert f"by more than {equalize.LIMIT:g} or less than 1/{equalize.LIMIT:g}" in text
    assert f"{samples.WARMUP} for warm-up" in text
    assert f"on {PICTURES} pictures of the proof" in text


# docs/checkpoints.md


def test_the_layouts_and_variants_are_those_that_are_read() -> None:
    assert [row[0] for row in rows(section("checkpoints", "## Layouts"), 3)][1:] == list(LAYOUTS)
    assert set(re.findall(r"`(levit_\d+s?)`", section("checkpoints", "## What is accepted"))) == set(VARIANTS)


def test_every_layout_has_a_key_of_its_own_table() -> None:
    for layout, key, _ in rows(section("checkpoints", "## Layouts"), 3)[1:]:
        patterns = [theirs for part in LAYOUTS[layout].values() for theirs in part]
        module = key.rpartition(".")[0]
        assert any(re.fullmatch(re.sub(r"\\{\w\\}", r"\\d+", re.escape(one)), module) for one in patterns), key


def test_the_files_that_are_looked_for_are_those_of_the_code() -> None:
    text = section("checkpoints", "### Files and folders")
    quoted = re.findall(r"`([^`]+)`", text)
    assert [name for name in quoted if name in WEIGHT_SUFFIXES] == list(WEIGHT_SUFFIXES)
    assert [name for name in quoted if name in FOLDER_FILES] == list(FOLDER_FILES)
    assert "argparse.Namespace" in quoted


def test_containers_and_wrappers_are_those_of_the_code() -> None:
    assert set(WRAPPERS) <= set(re.findall(r"`([^`]+)`", section("checkpoints", "### Containers and prefixes")))
    assert set(CONTAINERS) <= set(re.findall(r"`([^`]+)`", section("checkpoints", "### Averaged weights")))


def test_every_code_of_a_checkpoint_that_can_be_met_is_explained() -> None:
    known = set(re.findall(r"`(checkpoint\.[\w-]+)`", page("errors")))
    explained = set(re.findall(r"`(checkpoint\.[\w-]+)`", section("checkpoints", "## What is refused")))
    assert known - explained == {"checkpoint.unreadable"}


# docs/measured.md


def test_every_recipe_with_integers_is_measured() -> None:
    measured = set(re.findall(r"^\| `levit_128s-([\w-]+)` \|", section("measured", "## Integer recipes"), re.M))
    assert measured == {name for name, recipe in RECIPES.items() if recipe.has_integers}


def test_every_variant_is_measured_in_time_and_in_instructions() -> None:
    for heading in ("## Beside the networks of the paper", "## ARM64 instructions"):
        assert set(re.findall(r"^\| (levit_\w+) \|", section("measured", heading), re.M)) == set(VARIANTS)


def test_the_source_digits_are_counted() -> None:
    assert f"{len(source_indices(Split.HELD_OUT))} source digits" in " ".join(
        section("measured", "## The bundled checkpoint").split()
    )


def test_the_arm64_table_agrees_with_the_recorded_baseline() -> None:
    """The baseline is of the bundled model, whose head is smaller: 2% covers that and what changed since."""
    recorded = json.loads((ROOT / "benchmarks" / "arm64_baseline.json").read_text(encoding="utf-8"))["instructions"]
    head, *_ = table = rows(section("measured", "## ARM64 instructions"), 5)
    (row,) = [line for line in table if line[0] == "levit_128s"]
    shown = {f"levit_128s-{name}": cell.split(" / ") for name, cell in zip(head[1:], row[1:], strict=True)}
    assert set(shown) == set(recorded)
    for name, millions in shown.items():
        for cpu, value in zip(("cortex-a53", "cortex-a76"), millions, strict=True):
            assert float(value) * 1e6 == pytest.approx(recorded[name][cpu], rel=0.02)


# docs/embedding.md


def fields_of(model: type[BaseModel], before: str = "") -> set[str]:
    """Every field of a contract with its path, such as `artifact.file`."""
    found = set()
    for name, field in model.model_fields.items():
        found.add(before + name)
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found |= fields_of(part, f"{before}{name}.")
    return found


def test_every_field_that_an_app_is_told_to_read_is_in_the_contract() -> None:
    table = [row[0] for row in rows(section("embedding", "## The contract"), 2)][1:]
    named = {name for cell in table for name in cell.split(", ")}
    assert len(named) > 15
    assert named <= fields_of(Contract)
    assert f"other than {SCHEMA_VERSION}" in page("embedding")


def test_golden_files_are_named_by_their_fields() -> None:
    named = set(re.findall(r"`(\w+_file)`", section("embedding", "## Self-check at start")))
    assert {f"golden.{name}" for name in named} <= fields_of(Contract)


def test_sketches_are_labelled_until_the_demos_exist() -> None:
    blocks = re.findall(r"^```(?:kotlin|swift)\n(.*?)\n", page("embedding"), re.M)
    sketches = [line for line in blocks if not line.startswith("// settings.gradle.kts")]
    assert len(sketches) == 4
    assert set(sketches) == {"// Sketch, not compiled by this repository."}
    missing = [demo for demo in ("android_demo", "ios_demo") if not (ROOT / demo).exists()]
    assert ("does not exist yet" in page("embedding")) == bool(missing)


def test_the_gradle_lines_for_the_library_are_those_of_the_consumer() -> None:
    block = re.search(r"^```kotlin\n(// settings.gradle.kts\n.*?)^```", page("embedding"), re.M | re.S)
    assert block
    consumer = ROOT / "android_demo" / "consumer"
    files = [(consumer / name).read_text(encoding="utf-8") for name in ("settings.gradle.kts", "build.gradle.kts")]
    written = {line.strip() for text in files for line in text.splitlines()}
    shown = {line.strip() for line in block[1].splitlines() if not line.startswith("//")} - {""}
    assert {line for line in shown if "path/to" not in line} <= written


# docs/architecture.md


def test_every_shared_term_is_a_class_or_a_public_name() -> None:
    text = section("architecture", "## Terms that several rooms share")
    terms = {term for line in re.findall(r"^- (.*?):", text, re.M) for term in re.findall(r"`(\w+)`", line)}
    terms |= set(re.findall(r"`(\w+)`: the same", text))
    assert len(terms) >= 14
    assert terms <= defined()["class"] | set(levit_mobile.__all__)


def test_likely_changes_have_one_row_each() -> None:
    assert len(rows(section("architecture", "## Where to make twelve likely changes"), 2)[1:]) == 12


# docs/extending


def test_the_index_links_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", page("extending/index")))
    assert linked == {path.name for path in (DOCS / "extending").glob("*.md")} - {"index.md"}


def test_examples_that_were_only_tried_are_not_in_the_package() -> None:
    """Else the page would present an existing thing as new."""
    assert "cos" not in KERNELS
    assert "deviation" not in list(Observer)


def test_the_target_page_names_every_file_that_lists_the_targets() -> None:
    """Each module with a literal table that is keyed by all targets."""
    for path in (path for path in CODE if path.is_relative_to(ROOT / "levit_mobile")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        keyed = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Dict)
            and {"coreml", "executorch", "tflite"} <= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        ]
        if keyed:
            assert path.relative_to(ROOT).as_posix() in page("extending/target")


# docs/tutorial.md


@pytest.mark.parametrize("table", ["convert", "validate", "bench", "inspect", "cost"])
def test_the_rows_that_the_tutorial_shows_are_those_that_commands_print(table: str) -> None:
    """The first word of each row's heading is in the module that makes the table."""
    source = (TABLE_SOURCES / f"{table}.py").read_text(encoding="utf-8")
    blocks = re.findall(r"^```text\n\$ levit-mobile (\w+).*?\n(.*?)^```$", page("tutorial"), re.S | re.M)
    shown = [block for command, block in blocks if command == table]
    lines = [line.removeprefix("│ ") for block in shown for line in block.splitlines() if line.startswith("│ ")]
    headings = {line.partition("│")[0].rstrip() for line in lines}
    assert shown
    first = {heading.partition(" ")[0] for heading in headings if re.fullmatch(r"[A-Za-z][\w' -]*", heading)}
    assert len(first) >= 5
    for word in first - {"levit_128s-tflite-fp"}:  # a name that the column's width breaks
        assert word in source, word
