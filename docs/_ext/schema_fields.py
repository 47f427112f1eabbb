"""A directive that documents a JSON schema: one table per object, with each field's meaning, type, unit and default.

    ```{schema-fields} ../levit_mobile/contract.schema.json
    ```

The build fails when a field of the schema has no description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

Schema = dict[str, Any]
OPTION = re.compile(r"--[\w-]+")  # as code, or its hyphens would become a dash
UNIT = " Unit: "  # a description may end with this, the unit and a full stop


class SchemaFields(SphinxDirective):
    """Replaced by the tables of the schema in the file that the argument names, relative to the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        _, file = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(file)
        schema = json.loads(Path(file).read_text(encoding="utf-8"))
        return self.parse_text_to_nodes("\n\n".join(sections(schema)), allow_section_headings=True)


def sections(schema: Schema) -> Iterator[str]:
    """Markdown of the whole schema: the outermost object first, then the others by name."""
    for name, part in {schema["title"]: schema, **schema.get("$defs", {})}.items():
        title = OPTION.sub(lambda option: f"`{option[0]}`", name)
        yield f"## {title}\n\n{on_one_line(part.get('description', ''))}"
        yield table(name, part) if "properties" in part else f"One of {choices(part)}."


def table(name: str, part: Schema) -> str:
    """The fields of one object, in the schema's order with the required ones first."""
    required = part.get("required", [])
    fields = sorted(part["properties"].items(), key=lambda field: field[0] not in required)
    rows = [row(f"{name}.{field}", field, form, required=field in required) for field, form in fields]
    head = "| field | meaning | type | unit | default |\n| --- | --- | --- | --- | --- |\n"
    return head + "\n".join(rows)


def row(where: str, field: str, form: Schema, *, required: bool) -> str:
    """One field as a row of a Markdown table."""
    meaning, _, unit = described(where, form).partition(UNIT)
    default = "required" if required else f"`{json.dumps(form.get('default'))}`"
    cells = [f"`{field}`", meaning, type_of(form), unit.removesuffix("."), default]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def described(where: str, form: Schema) -> str:
    """The description on one line; its absence ends the build."""
    if not form.get("description"):
        raise ExtensionError(f"{where} has no description in its schema")
    return on_one_line(form["description"])


def on_one_line(text: str) -> str:
    """The words with one space between them, so that they fit into a table."""
    return " ".join(text.split())


def type_of(form: Schema) -> str:
    """The type in a reader's words; another object is a link to its table."""
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in form:
        return " or ".join(type_of(one) for one in form["anyOf"])
    if "const" in form or "enum" in form:
        return choices(form)
    return collection(form) or str(form.get("format", form["type"]))


def collection(form: Schema) -> str:
    """An array or a map in words; empty for every other type."""
    if "prefixItems" in form:
        return f"{len(form['prefixItems'])} of {type_of(form['prefixItems'][0])}"
    if form["type"] == "array":
        return f"list of {type_of(form['items'])}"
    return f"map to {type_of(form['additionalProperties'])}" if form["type"] == "object" else ""


def choices(form: Schema) -> str:
    """The values that are allowed, as JSON writes them."""
    return ", ".join(f"`{json.dumps(value)}`" for value in form.get("enum", [form.get("const")]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("schema-fields", SchemaFields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
