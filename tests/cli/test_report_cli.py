"""`levit-mobile report`: where the page goes, what is printed, and what is never written over."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import overviews as made
from typer.testing import CliRunner

from levit_mobile.cli import app
from levit_mobile.overview.join import rows
from levit_mobile.timing.samples import Summary


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.release(tmp_path_factory.mktemp("candidate"))


def ask(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["report", *map(str, arguments)], env={"COLUMNS": "80", "TERM": "dumb"})
    return done.exit_code, done.stdout, done.stderr


def undated(page: str) -> str:
    """Without the second in which it was written."""
    without, found = re.subn(r"page written <time[^>]*>[^<]*</time>", "", page)
    assert found == 1
    return without


def test_the_page_is_written_into_the_folder_and_over_itself(folder: Path) -> None:
    for _ in range(2):
        code, out, err = ask(folder)
        assert code == 0
        assert out == f"{folder / 'report.html'}: 9 artifacts: 8 bundles, 4 validations, 5 runs on 4 devices\n"
        assert err.startswith("not read: records/scrap.json: it is not JSON: ")
        assert len(err.splitlines()) == 1
    assert undated((folder / "report.html").read_text(encoding="utf-8")) == undated(made.drawn(folder))


def test_out_goes_elsewhere_and_its_folder_is_made(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "page.html"
    assert ask(folder, "--out", target)[0] == 0
    assert undated(target.read_text(encoding="utf-8")) == undated(made.drawn(folder))


def test_a_file_that_is_no_report_is_never_replaced(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>mine</title>")
    code, out, err = ask(folder, "--out", tmp_path / "index.html")
    assert (code, out) == (1, "")
    page = tmp_path / "index.html"
    assert err == f"error: {page} already exists and is not a report: use --out to choose a different path\n"
    assert (tmp_path / "index.html").read_text() == "<title>mine</title>"
    assert ask(folder, "--out", tmp_path)[0] == 1


def test_a_dash_is_wrong_usage(folder: Path) -> None:
    code, _, err = ask(folder, "--out", "-")
    assert code == 2
    assert "--json prints on stdout" in re.sub(r"[\s│]+", " ", err)


def test_nothing_found_is_one_sentence_and_no_page(tmp_path: Path) -> None:
    code, out, err = ask(tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {tmp_path} ")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "report.html").exists()


def test_json_has_every_row_with_its_statistics(folder: Path) -> None:
    code, out, _ = ask(folder, "--json")
    whole = json.loads(out)
    assert code == 0
    assert (whole["schema_version"], whole["verdict"], len(whole["rows"])) == (1, "broken", 18)
    assert [one["place"] for one in whole["not_read"]] == ["records/scrap.json"]
    found = rows(made.joined(folder))
    assert [row["artifact"] for row in whole["rows"]] == [row.artifact.title for row in found]
    assert [row["verdict"] for row in whole["rows"]] == [row.verdict for row in found]
    by_name = {(row["artifact"], row["timing"]["device"]["soc"]): row["timing"] for row in whole["rows"]}
    timing = by_name["levit_128s-tflite-int4-weight", "Sample EPYC"]
    summary = Summary.of(made.samples(made.SAMPLES["tflite-int4-weight"][1], 200, noise=0.03))
    assert summary
    assert timing["inference_ms"]["median"] == summary.median_ms
    assert timing["inference_ms"]["p99"] == summary.p99_ms
    ratio = timing["ratios"]["levit_128s-tflite-fp32"]
    assert 0 < ratio["low"] < ratio["middle"] < ratio["high"] < 1
    assert ratio["processes"] == [5]
    of_app = by_name["levit_128s-tflite-int8", "Sample Tensor"]["ratios"]["levit_128s-tflite-fp32"]
    assert (of_app["low"], of_app["high"], of_app["processes"]) == (None, None, [1])
    assert by_name["levit_128s-tflite-int4-weight", "Sample Tensor"]["not_run"] == "the runtime has no kernel for int4"
    assert by_name["levit_128s-tflite-int4-weight", "Sample Tensor"]["inference_ms"] is None


def test_a_report_of_a_report_finds_no_more(folder: Path) -> None:
    (folder / "report.json").write_text(ask(folder, "--json")[1])
    assert "5 runs on 4 devices" in ask(folder)[1]
    (folder / "report.json").unlink()


def test_a_broken_bundle_is_exit_0_because_a_report_is_no_gate(tmp_path: Path) -> None:
    made.bundle(tmp_path / "a", "tflite-fp32")
    (tmp_path / "a" / "contract.json").write_text("{}")
    code, out, _ = ask(tmp_path)
    assert code == 0
    assert "1 artifact: 1 bundle, 0 validations, 0 runs on 0 devices" in out
    assert "<h1>BROKEN</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_it_needs_neither_torch_nor_a_vendor(folder: Path) -> None:
    code = (
        "import sys; from levit_mobile.cli import app; from typer.testing import CliRunner;"
        f"assert CliRunner().invoke(app, ['report', {str(folder)!r}]).exit_code == 0;"
        "heavy = {'torch', 'coremltools', 'executorch', 'litert_torch', 'ai_edge_litert'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
