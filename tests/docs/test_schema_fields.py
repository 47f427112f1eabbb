"""The tables that the site makes of a JSON schema."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest
from sphinx.errors import ExtensionError
from support.markdown import DOCS, ROOT

UNITS = {"_ms": "ms", "_s": "s", "_bytes": "bytes", "_px": "px", "_db": "dB", "_percent": "%"}
UNITS |= {"_khz": "kHz", "_celsius": "°C"}
SCHEMAS = ("contract", "timing")


def extension(name: str) -> ModuleType:
    """A module of docs/_ext/, which is not on the path of the tests."""
    found = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


schema_fields = extension("schema_fields")
repository_links = extension("repository_links")


def fields(schema: str) -> list[tuple[str, dict[str, Any]]]:
    form = json.loads((ROOT / "levit_mobile" / f"{schema}.schema.json").read_text(encoding="utf-8"))
    return [field for part in (form, *form["$defs"].values()) for field in part.get("properties", {}).items()]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"$ref": "#/$defs/Input"}, "[Input](#input)"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number or null"),
        ({"const": 1}, "`1`"),
        ({"enum": ["NCHW", "NHWC"], "type": "string"}, '`"NCHW"`, `"NHWC"`'),
        ({"type": "array", "items": {"type": "number"}}, "list of number"),
        ({"type": "array", "prefixItems": [{"type": "integer"}] * 4}, "4 of integer"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map to string"),
    ],
    ids=str,
)
def test_a_type_in_words(form: dict[str, Any], words: str) -> None:
    assert schema_fields.type_of(form) == words


def test_a_row_has_the_type_the_default_the_unit_and_the_meaning() -> None:
    form = {"type": "number", "default": None, "description": "Time | of one\nrun. Unit: ms."}
    assert (
        schema_fields.row("A.b", "b", form, required=False) == "| `b` | Time \\| of one run. | number | ms | `null` |"
    )
    assert "| required |" in schema_fields.row("A.b", "b", form, required=True)


def test_a_field_without_a_description_ends_the_build() -> None:
    with pytest.raises(ExtensionError, match=r"Thing\.size"):
        list(schema_fields.sections({"title": "Thing", "properties": {"size": {"type": "integer"}}}))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_field_has_a_description(schema: str) -> None:
    assert [name for name, form in fields(schema) if not form.get("description", "").endswith(".")] == []


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_name_with_a_unit_has_that_unit(schema: str) -> None:
    for name, form in fields(schema):
        for suffix, unit in UNITS.items():
            if name.endswith(suffix):
                assert form["description"].endswith(f" Unit: {unit}."), name


@pytest.mark.parametrize(
    ("target", "file", "page", "turned"),
    [
        ("../conversion/README.md", "docs/index.md", "index", "conversion.md"),
        ("../../CHANGELOG.md", "docs/commands/plan.md", "commands/plan", "../changelog.md"),
        ("../docs/measured.md", "conversion/README.md", "conversion", "measured.md"),
        ("../training", "conversion/README.md", "conversion", "training.md"),
        ("bake.py", "conversion/README.md", "conversion", "../conversion/bake.py"),
        ("recipes.md", "docs/index.md", "index", "recipes.md"),
    ],
)
def test_a_link_is_turned_towards_its_page(target: str, file: str, page: str, turned: str) -> None:
    assert repository_links.turned(target, file, page) == turned
