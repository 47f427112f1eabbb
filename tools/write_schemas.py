"""Write the JSON schemas in levit_mobile/schemas/ from the types of the code: `python tools/write_schemas.py`.

The contract and the timing record describe their fields themselves. The fields of all other types are described in
schema_words.toml, one table per type. A test compares the committed files with what this makes.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from levit_mobile.arm64.cost import Baseline
from levit_mobile.contract import Contract
from levit_mobile.demo.plan import TimingPlan
from levit_mobile.deployment.index import BundleIndex
from levit_mobile.interfaces.inspection import Port
from levit_mobile.overview.evidence import Evidence
from levit_mobile.parity.report import Proof
from levit_mobile.quantization.plan import Plan
from levit_mobile.reporting import outputs, predict_output, report_output
from levit_mobile.timing.ratios import Ratio
from levit_mobile.timing.record import TimingRun

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "levit_mobile"
FOLDER = PACKAGE / "schemas"
WORDS = Path(__file__).with_name("schema_words.toml")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOT_FINITE = {"enum": ["NaN", "Infinity", "-Infinity"]}
EXACT = "A file of this version has these fields and no others; another field means another schema_version."
OPEN = "A minor version may add fields: ignore those that you do not know."
FORMER_VERSIONS = ("contract-1", "timing-1")  # of files that are still read; nothing writes them any more
FORMER_PLACES = ("contract", "timing")  # beside their folder until 0.2, and still there as copies


@dataclass(frozen=True)
class Published:
    """One schema: its name, the type, a title, and whether it is a file that levit-mobile reads back."""

    name: str
    kind: Any
    title: str
    is_file: bool = False
    version: int = 1


PUBLISHED = (
    Published("contract", Contract, "contract.json of a bundle", is_file=True, version=2),
    Published("parity", Proof, "parity.json of a bundle", is_file=True),
    Published("plan", Plan, "plan.json of a bundle, and the output of levit-mobile plan --json", is_file=True),
    Published(
        "timing", TimingRun, "A timing record: levit-mobile bench --out, and the apps' reports", is_file=True, version=2
    ),
    Published("bench", TimingRun, "levit-mobile bench --json: a timing record", is_file=True, version=2),
    Published("device", TimingRun, "levit-mobile device --json: a timing record", is_file=True, version=2),
    Published("timing-plan", TimingPlan, "A timing plan: levit-mobile device --plan, and the demo app's", is_file=True),
    Published("cost-baseline", Baseline, "levit-mobile cost --write-baseline", is_file=True),
    Published("convert", outputs.ConvertOutput, "levit-mobile convert --json"),
    Published("predict", predict_output.PredictOutput, "levit-mobile predict --json"),
    Published("convert-dry-run", outputs.DryRunOutput, "levit-mobile convert --dry-run --json"),
    Published("validate", outputs.ValidateOutput, "levit-mobile validate --json"),
    Published("inspect", outputs.InspectOutput, "levit-mobile inspect --json"),
    Published("inspect-diff", outputs.DiffOutput, "levit-mobile inspect --diff --json"),
    Published("cost", outputs.CostOutput, "levit-mobile cost --json"),
    Published("report", report_output.ReportOutput, "levit-mobile report --json"),
    Published("deploy", outputs.DeployOutput, "levit-mobile deploy --json"),
    Published("bundle-index", BundleIndex, "bundles/index.json in an app's assets", is_file=True),
    Published("doctor", outputs.DoctorOutput, "levit-mobile doctor --json"),
    Published("recipes", outputs.RecipesOutput, "levit-mobile recipes --json"),
    Published("failure", outputs.FailureOutput, "What --json prints when a command fails before it has results"),
)


class _Generator(GenerateJsonSchema):
    """Pydantic's, which also knows where NaN and infinity are written as strings."""

    strings = False

    def model_schema(self, schema: Any) -> Any:
        """A pydantic model says by its configuration how it writes NaN."""
        return self._within(super().model_schema, schema, schema["cls"].model_config.get("ser_json_inf_nan"))

    def dataclass_schema(self, schema: Any) -> Any:
        """Commands write these through `strict_json`, which makes strings of NaN; a stranger's scale may be NaN."""
        return self._within(
            super().dataclass_schema, schema, "strings" if schema["cls"] in (Evidence, Ratio, Port) else None
        )

    def float_schema(self, schema: Any) -> Any:
        """A number, or its name where it is not finite."""
        number = super().float_schema(schema)
        return {"anyOf": [number, NOT_FINITE]} if self.strings and schema.get("allow_inf_nan", True) else number

    def _within(self, generate: Any, schema: Any, how: str | None) -> Any:
        before, self.strings = self.strings, how == "strings"
        try:
            return generate(schema)
        finally:
            self.strings = before


@cache
def made(one: Published) -> dict[str, Any]:
    """The schema of one type, with its descriptions."""
    mode: Any = "validation" if one.is_file else "serialization"
    schema = TypeAdapter(one.kind).json_schema(mode=mode, schema_generator=_Generator)
    for part in (schema, *schema.get("$defs", {}).values()):
        if "description" in part:
            part["description"] = _summary(part["description"])
    for name, part in _objects(schema, schema["title"]):
        if not one.is_file:
            part.pop("additionalProperties", None)
        _describe(part, words().get(name, {}))
    rule = EXACT if one.is_file else OPEN
    identity = {"$schema": DIALECT, "$id": f"urn:levit-mobile:{one.name}:{one.version}"}
    return schema | identity | {"title": one.title, "description": f"{schema['description']} {rule}"}


def _summary(docstring: str) -> str:
    """Its first paragraph, on one line: the rest is for readers of the code."""
    return " ".join(docstring.split("\n\n")[0].split())


def _objects(schema: dict[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with named fields, by the name of its type."""
    yield name, schema
    yield from ((other, part) for other, part in schema.get("$defs", {}).items() if "properties" in part)


def _describe(part: dict[str, Any], words: dict[str, str]) -> None:
    for field, schema in part["properties"].items():
        if isinstance(schema.get("title"), str):
            del schema["title"]  # the field's name once more
        if field in words:
            schema.setdefault("description", words[field])


@cache
def words() -> dict[str, dict[str, str]]:
    """The descriptions by type and field."""
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def written() -> dict[Path, str]:
    """Every file and its text."""
    texts = {one.name: json.dumps(made(one), indent=2, sort_keys=True) + "\n" for one in PUBLISHED}
    files = {FOLDER / f"{name}.schema.json": text for name, text in texts.items()}
    return files | {PACKAGE / f"{name}.schema.json": texts[name] for name in FORMER_PLACES}


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
