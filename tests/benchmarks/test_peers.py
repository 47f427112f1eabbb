"""The benchmark of other engines: its rows, its pins, and what it makes of figures. No engine runs here."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import peers
import pytest
from engines import environment, floors, guest, making, measuring, mnn, record, timing
from engines.engine import ENGINES, PRECISIONS, Loaded, Row, Unavailable, engine
from engines.measuring import Accuracy, Measured, Truth, measure
from numpy.typing import NDArray

from levit_mobile.arm64.counting import Block, Counts
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.errors import RunnerUnavailable
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.download import BUNDLED

ROOT = Path(__file__).parents[2]
ENGINE_FILES = sorted(Path(environment.__file__).parent.glob("*.py"))
MACS = 160_000_000
TRUTH = Truth(np.zeros((4, 3, 2, 2), np.float32), np.eye(4, dtype=np.float32), emulated=2, macs=MACS)
ROW = Row("int8", "int8", "by hand", "a.bin")
FAULT = Unavailable("it has no such kernel")


# Rows and pins


@pytest.mark.parametrize("name", ENGINES)
def test_rows_are_named_once_and_cover_every_precision(name: str) -> None:
    rows = engine(name).ROWS
    assert len({row.name for row in rows}) == len(rows)
    assert {row.precision for row in rows} == set(PRECISIONS)
    assert all(json.loads(json.dumps(dict(row.options))) == row.options for row in rows)
    assert all(row.recipe for row in rows)


def test_the_base_of_all_ratios_is_a_row() -> None:
    name, title = peers.BASE
    assert title in {row.name for row in engine(name).ROWS}


def test_engines_are_imported_only_where_they_run() -> None:
    assert not {"MNN", "ncnn", "onnxruntime", "openvino", "nncf"} & set(sys.modules)


@pytest.mark.parametrize("path", ENGINE_FILES, ids=lambda path: path.stem)
def test_nothing_imports_the_tools_that_report_usage(path: Path) -> None:
    code = path.read_text(encoding="utf-8")
    assert not re.search(r"^\s*(?:import|from) (?:MNN\.tools|openvino_telemetry)", code, re.M)
    assert len(code.splitlines()) < 300


@pytest.mark.parametrize("target", environment.TARGETS)
def test_every_package_is_pinned_by_version_and_digest(target: str) -> None:
    lines = (environment.HERE / f"{target}.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)
    assert "openvino-telemetry" not in environment.versions(target)


def test_an_engine_has_one_version_here_and_on_arm64() -> None:
    host, arm64 = environment.versions("host"), environment.versions("arm64")
    packages = {engine(name).PACKAGE for name in ENGINES if name != "ours"}
    assert set(arm64) == {*packages, "numpy"}
    assert {package: host[package] for package in arm64} == arm64


def test_mnnquant_is_given_pixels_in_0_to_1() -> None:
    told = mnn.quantization(Path("pictures"), 224, 200)
    assert (told["height"], told["width"], told["path"]) == (224, 200, "pictures/")
    assert [(255 - mean) * normal for mean, normal in zip(told["mean"], told["normal"], strict=True)] == [1, 1, 1]


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    assert peers._chosen("ncnn, mnn", "engine", ENGINES) == ["ncnn", "mnn"]
    with pytest.raises(SystemExit, match="unknown engine 'tvm', expected one or more of ours, onnxruntime"):
        peers._chosen("ncnn,tvm", "engine", ENGINES)


# Measuring


class Fake:
    """An open file that gives the trained model's logits with an error, and counts eight instructions."""

    def __init__(self) -> None:
        self.asked, self.ended = 0, False

    def infer(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        self.asked += len(picture)
        return np.array([[1.0, 0, 0, 0]], np.float32)

    def counts(self) -> Counts:
        return Counts((Block(0, 2, 0, np.zeros(4, np.uint32)),), "")

    def end(self) -> None:
        self.ended = True


def measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, row: Row, refuse: str = "", fault: Exception = FAULT
) -> Measured:
    def opened(*order: object) -> Fake:
        if order[-1] == refuse:
            raise fault
        return Fake()

    monkeypatch.setattr(measuring, "opened", opened)
    path = tmp_path / row.file
    path.write_bytes(bytes(10))
    return measure("ncnn", row, path, ("cortex-a53", "cortex-a76"), TRUTH)


def test_a_row_has_its_error_here_and_on_one_core_and_its_counts_on_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = measured(monkeypatch, tmp_path, ROW)
    assert found.instructions == {"cortex-a53": 8, "cortex-a76": 8}
    assert {where: one.pictures for where, one in found.accuracy.items()} == {"x86": 4, "cortex-a76": 2}
    assert (found.accuracy["x86"].top1, found.accuracy["cortex-a76"].top1) == (0.25, 0.5)
    assert sum(found.classes["cortex-a53"].values()) == 8
    assert found.reasons == {}


@pytest.mark.parametrize(("precision", "pictures"), [("float32", None), ("float16", 1), ("int8", 2)])
def test_a_precision_has_its_share_of_pictures_on_a_core(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, precision: str, pictures: int | None
) -> None:
    found = measured(monkeypatch, tmp_path, Row("a", precision, "by hand", "a")).accuracy.get("cortex-a76")
    assert (found and found.pictures) == pictures


@pytest.mark.parametrize("fault", [FAULT, RunnerUnavailable("ARM64 is not set up", fault="not-set-up")])
def test_what_a_core_refuses_is_a_reason_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: Exception
) -> None:
    found = measured(monkeypatch, tmp_path, ROW, refuse="cortex-a53", fault=fault)
    assert found.reasons == {"cortex-a53": str(fault)}
    assert set(found.instructions) == {"cortex-a76"}


def test_weights_beside_a_file_count_to_its_size(tmp_path: Path) -> None:
    for name, size in (("a.param", 3), ("a.bin", 40), ("b.onnx", 5)):
        (tmp_path / name).write_bytes(bytes(size))
    assert measuring.size_of(tmp_path / "a.param") == 43
    assert measuring.size_of(tmp_path / "b.onnx") == 5


def test_ratios_are_taken_within_rounds() -> None:
    assert timing.quartiles([2, 40, 6], [1, 10, 2]) == (3.0, 2.5, 3.5)


# What is printed


WHOLE = Measured(
    "ncnn",
    "int8",
    "int8",
    "by hand",
    8_100_000,
    {"x86": Accuracy(256, 37.04, 0.99609375), "cortex-a76": Accuracy(8, 36.0, 1.0)},
    {"cortex-a53": 95_040_000, "cortex-a76": 48_260_000},
    {"cortex-a76": {"dot": 5}},
    (0.617, 0.6, 0.64),
)
BARE = Measured("mnn", "int8", "int8", "by hand", reasons={"the export": "mnnquant ended without a file"})


def test_a_line_has_what_was_measured() -> None:
    assert record.table([WHOLE, BARE], ("cortex-a53", "cortex-a76"), MACS) == [
        "| engine | recipe | for | MB | cortex-a53 | cortex-a76 | SQNR here | SQNR on cortex-a76 | top-1 "
        "| CPU time here |",
        "|---|---|---|---|---|---|---|---|---|---|",
        "| ncnn | int8 | int8 | 8.1 | 95.0 (3.96x) | 48.3 (4.40x) | 37.0 dB | 36.0 dB (8) | 99.61% "
        "| 0.62 (0.60 to 0.64) |",
        "| MNN | int8 | int8 | - | - | - | - | - | - | - |",
    ]


def test_rows_are_ranked_within_their_precision_by_instructions() -> None:
    slower = replace(WHOLE, instructions={"cortex-a76": 50_000_000})
    float32 = replace(WHOLE, precision="float32", instructions={"cortex-a76": 104_000_000})
    assert record.ranked([BARE, slower, WHOLE, float32]) == [float32, WHOLE, slower, BARE]


def test_a_missing_cell_has_its_reason() -> None:
    assert record.reasons([WHOLE, BARE]) == ["MNN int8 on the export: mnnquant ended without a file"]


def test_a_record_is_read_back_as_it_was(tmp_path: Path) -> None:
    record.write(tmp_path / "a.json", [WHOLE, BARE], {"date": "2026-11-27"})
    assert record.read(tmp_path / "a.json") == [WHOLE, BARE]
    assert record.read(tmp_path / "b.json") == []


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("", "it ended with status 3"),
        ("loading\nSegmentation fault\n", "Segmentation fault"),
        ("unavailable: it has no such op\nTraceback: more\n", "it has no such op"),
    ],
)
def test_the_reason_is_the_processs_own_sentence(printed: str, sentence: str) -> None:
    assert making.complaint(printed, 3) == sentence


# What a process answers


def test_a_guest_answers_pictures_times_and_errors() -> None:
    seen: dict[str, Any] = {"runs": 0}

    def run() -> None:
        seen["runs"] += 1

    loaded = Loaded(lambda picture: seen.update(picture=picture), run, lambda: np.array([1.0, 2.0]))
    picture, header = np.ones((1, 3, 2, 2), np.float32), {"rounds": 3}
    assert guest.ANSWERS["logits"](loaded, {}, picture).tolist() == [[1.0, 2.0]]
    assert seen["picture"] is picture
    times = guest.ANSWERS["seconds"](loaded, header, picture)
    assert (len(times), seen["runs"]) == (3, 4)
    assert (times >= 0).all()
    assert guest.first_line(RuntimeError("a\nb")) == "RuntimeError: a"
    assert guest.first_line(ValueError()) == "ValueError: no message"


def test_a_made_file_is_kept_and_a_failed_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        ROWS = (ROW,)

        @staticmethod
        def make(*order: Any) -> None:
            order[-1].write_bytes(b"half")
            raise Unavailable("the vendor's tool has no such op")

    monkeypatch.setattr(making, "engine", lambda _: Broken)
    with pytest.raises(SystemExit, match="unavailable: the vendor's tool has no such op"):
        making.main("broken", "int8", str(tmp_path), str(tmp_path / "a.bin"))
    assert not (tmp_path / "a.bin").exists()


# docs/measured.md


def section() -> str:
    _, _, after = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8").partition("\n## Beside other engines\n")
    return after.partition("\n## ")[0]


def cells_of(columns: int) -> list[list[str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section().splitlines()]
    return [line for line in lines if len(line) == columns and not set(line[0]) <= {"-"}]


def test_the_page_has_every_row_of_every_engine_once() -> None:
    head, *rows = cells_of(11)
    assert head == [cell.strip() for cell in record.table([], list(CPUS), MACS)[0].strip("|").split("|")]
    wanted = [(engine(name).NAME, row.name, row.precision) for name in ENGINES for row in engine(name).ROWS]
    assert sorted(tuple(row[:3]) for row in rows) == sorted(wanted)


def test_every_count_of_the_page_stands_beside_its_floor() -> None:
    macs = peers._macs(load_checkpoint(BUNDLED))
    _, *rows = cells_of(11)
    for row in rows:
        for cell, cpu in zip(row[4:7], CPUS.values(), strict=True):
            count = float(cell.split(" ")[0].replace("-", "nan"))
            assert math.isnan(count) or cell == record.millions(round(count * 1e6), floors.floor(macs, row[2], cpu))


def test_the_page_has_the_floors() -> None:
    assert set(record.floors(list(CPUS), peers._macs(load_checkpoint(BUNDLED)))) <= set(section().splitlines())


def test_the_page_has_the_recipes() -> None:
    _, *rows = cells_of(3)
    others = [name for name in ENGINES if name != "ours"]
    assert rows == [[engine(name).NAME, row.name, row.recipe] for name in others for row in engine(name).ROWS]


def test_the_page_names_the_pinned_versions() -> None:
    text, pins = " ".join(section().split()), environment.versions("arm64")
    assert [f"{engine(name).NAME} {pins[engine(name).PACKAGE]}" in text for name in ENGINES[1:]] == [True] * 4
