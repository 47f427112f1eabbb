"""Where labels came from: in the tables and the JSON of `convert` and `inspect`, and on both pages."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from support import overviews, validations
from support.documents import Document
from support.stored_bundles import written

from levit_mobile.bundle.inspect import Inspected, differences
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.images.labels import LabelsSource
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.overview.collect import gather
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.reporting.pages import validation
from levit_mobile.reporting.tables.convert import bundle_table, bundles_json
from levit_mobile.reporting.tables.inspect import inspection_table, inspections_json
from levit_mobile.reporting.tables.report import overview_json

INSIDE = Inspection({}, 1, (), 4, {}, products=71, integer_products=0)
ROWS: dict[LabelsSource, str] = {"placeholder": "placeholders", "published": "ImageNet's", "file": "from a file"}


@pytest.fixture(params=ROWS)
def source(request: pytest.FixtureRequest) -> LabelsSource:
    found: LabelsSource = request.param
    return found


@pytest.fixture
def folder(source: LabelsSource, small: SourceModel, tmp_path: Path) -> Path:
    return written(replace(small, labels_source=source), "tflite-fp32", tmp_path)


def drawn(table: Table) -> list[list[str]]:
    out = io.StringIO()
    Console(file=out, width=200).print(table)
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.getvalue().splitlines() if "│" in line]


def fact(page: str) -> str | None:
    """The text behind the first `labels` in a page's lists of facts."""
    texts = Document(page).said("dt", "dd")
    return texts[texts.index("labels") + 1] if "labels" in texts else None


def test_convert_states_it(folder: Path, source: LabelsSource) -> None:
    opened = open_bundle(folder)
    bundle = Bundle(folder, opened.contract, opened.proof, INSIDE)
    assert opened.contract.output.labels_source == source
    assert ["labels", ROWS[source]] in drawn(bundle_table([bundle]))
    (said,) = json.loads(bundles_json([bundle], {}))["bundles"]
    assert said["contract"]["output"]["labels_source"] == source


def test_inspect_states_it(folder: Path, source: LabelsSource) -> None:
    contract = open_bundle(folder).contract
    found = Inspected(folder, "tflite", 1, contract.artifact.sha256, INSIDE, contract)
    assert ["labels", ROWS[source]] in drawn(inspection_table(found))
    (said,) = json.loads(inspections_json([found], [], {}))["artifacts"]
    assert said["bundle"]["output"]["labels_source"] == source
    other = contract.output.model_copy(update={"labels_source": "checkpoint", "labels_sha256": "1" * 64})
    changed = differences(found, replace(found, contract=contract.model_copy(update={"output": other})))
    assert [(row.name, row.a, row.b) for row in changed] == [
        ("labels", ROWS[source], "from the checkpoint"),
        ("labels sha256", contract.output.labels_sha256, "1" * 64),
    ]


def test_a_page_of_validations_states_it(source: LabelsSource) -> None:
    assert fact(validation.page([validations.proven(labels_source=source)], {})) == ROWS[source]
    assert fact(validation.page([validations.proven()], {})) is None


def test_a_report_states_it(folder: Path, source: LabelsSource) -> None:
    page = overviews.drawn(folder)
    assert fact(page) == ROWS[source]
    assert ("NO LABELS" in page) == (source == "placeholder")
    (row,) = json.loads(overview_json(gather(folder), overviews.joined(folder)))["rows"]
    assert row["labels_source"] == source
