"""The page of a folder: every row, its doubts first, lines that repeat it; sorted, dark, small and on paper."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support import overviews as made
from support import validations
from support.documents import Document

from levit_mobile.overview.collect import FoundRun, FoundValidation, Gathered
from levit_mobile.overview.join import join, rows
from levit_mobile.reporting.pages.overview import is_report, page, summary_line
from levit_mobile.reporting.text import clean, ms
from levit_mobile.timing.record import Conditions, Parity, Profile, Timing, TimingRun
from levit_mobile.timing.samples import Summary

HOSTILE = clean(validations.HOSTILE)


def of(*runs: TimingRun, **found: Any) -> Document:
    """The page of these alone."""
    gathered = Gathered(Path(), runs=tuple(FoundRun(f"{number}.json", run) for number, run in enumerate(runs)), **found)
    return Document(page(gathered, join(gathered)))


def of_timings(*timings: Timing) -> Document:
    return of(made.run(*timings))


# What it shows


def test_the_headline_is_the_worst_verdict_with_its_counts(document: Document) -> None:
    assert document.said("h1") == ["BROKEN"]
    assert document.said("title")[0].startswith("BROKEN: 7 of 9 artifacts proven, 1 broken, 1 not run")
    (line,) = (said for said in document.said("p") if "artifacts proven" in said)
    assert line == (
        "7 of 9 artifacts proven, 1 broken, 1 not run. Timed on 4 devices, 2026-01-30 to 2026-01-31. "
        "1 file could not be read."
    )


@pytest.mark.parametrize(("verdict", "headline"), [("proven", "PROVEN"), ("not run", "NOT RUN"), ("broken", "BROKEN")])
def test_without_bundles_the_devices_decide(verdict: str, headline: str) -> None:
    timing = made.timing(parity=Parity.model_validate({"verdict": verdict, "reasons": ("because",)}))
    assert of_timings(timing).said("h1") == [headline]


def test_every_row_has_its_figures(folder: Path, document: Document) -> None:
    cells = document.said("td")
    found = [row.timed.figures.inference for row in rows(made.joined(folder)) if row.timed]
    known = [one for one in found if one]
    for one in known:
        assert ms(one.median_ms, [other.median_ms for other in known]) in cells
        assert ms(one.p90_ms, [other.p90_ms for other in known]) in cells
    links = [attributes["href"] for attributes in document.all("a") if attributes["href"].startswith("#artifact-")]
    # One of the 18 rows was not timed, and has no row among the figures; 9 artifacts answer whether they can ship.
    assert len(links) == 18 + 17 + 9
    assert set(links) == {f"#{attributes['id']}" for attributes in document.all("details")}


@pytest.mark.parametrize(
    ("word", "where"),
    [
        ("BROKEN", "levit_128s-tflite-fp16 (0053def8): validate on LiteRT 2.3.0: SQNR is 17.6 dB"),
        ("NOT RUN", "levit_128s-tflite-int4-weight: LiteRT 2.3.0 on Sample Pixel: the runtime has no kernel for int4"),
        (
            "HOTTER",
            "Sample iPhone, iOS 18.2; Sample Pixel, Android 15: "
            "for example: the thermal state went from nominal to fair",
        ),
        (
            "SIMULATED",
            "Sample iPhone, iOS 18.2 (simulated): the times are from a simulator or an emulator, not from a phone",
        ),
        ("NOISY", "levit_128s-executorch-fp32 on Sample Pixel; levit_128s-executorch-int8 on Sample Pixel"),
        ("SLOWED", "levit_128s-executorch-fp32 on Sample Pixel: the median of the later samples is 1.1"),
        ("OTHER ARTIFACT", "levit_128s-tflite-fp16 (0d0d0d0d) on Sample Pixel: the run timed 0d0d0d0d, the bundle"),
        ("EARLIER RUN", "levit_128s-tflite-int8 on Sample Pixel: a later run timed the same"),
    ],
)
def test_what_is_doubted_is_said_first(document: Document, word: str, where: str) -> None:
    first = next(said for said in document.said("li") if said.startswith(f"{word} "))
    assert first.startswith(f"{word} {where}")


def test_a_mark_of_a_run_is_said_once_for_its_device_and_in_each_of_its_rows() -> None:
    dark, bright = (Conditions(thermal="none", charging=True, screen_on=screen) for screen in (False, True))
    shown = of(
        made.run(*map(made.timing, ("tflite-fp32", "tflite-int8")), device=made.PIXEL, before=dark, after=bright)
    )
    first = [line for line in shown.said("li") if line.startswith(("CHARGING Sample", "SCREEN OFF Sample"))]
    assert first == [
        "CHARGING Sample Pixel, Android 15: the device was charging, which warms it",
        "SCREEN OFF Sample Pixel, Android 15: the screen was off, where some phones stop their fast cores",
    ]
    assert len([cell for cell in shown.said("td") if cell.endswith("CHARGING SCREEN OFF NO BUNDLE")]) == 2


def test_a_record_of_schema_1_and_a_later_one_are_of_one_device() -> None:
    known = made.PIXEL.model_copy(update={"core_max_khz": (2_914_000,) * 9})
    shown = of(
        made.run(made.timing("tflite-fp32"), device=made.PIXEL), made.run(made.timing("tflite-int8"), device=known)
    )
    assert any("Timed on 1 device," in line for line in shown.said("p"))


def test_a_page_without_any_doubt_has_no_list_of_them(tmp_path: Path) -> None:
    contract = made.bundle(tmp_path / "a", "tflite-fp32")
    made.write(tmp_path / "t.json", made.run(made.timing(sha256=contract.artifact.sha256)))
    said = Document(made.drawn(tmp_path)).said("h2")
    assert "Look at this first" not in said
    assert "Not read" not in said


def test_ratios_have_their_interval_and_what_they_are_of(folder: Path, document: Document) -> None:
    ratios = [said for said in document.said("td") if said.endswith("vs tflite-fp32")]
    timed = [row.timed for row in rows(made.joined(folder)) if row.timed and row.timed.figures.against]
    assert len(ratios) == len(timed) > 5
    found = [one.figures.against[0].ratio for one in timed]
    of_host = next(one for one in found if one.processes == (5,))
    interval = f"{of_host.low:.3f} to {of_host.high:.3f},95% over 5 processes"
    assert f"{of_host.middle:.3f}{interval}vs tflite-fp32" in ratios
    of_app = next(one for one in found if one.processes == (1,))
    assert f"{of_app.middle:.3f}no interval, 1 processvs tflite-fp32" in ratios


def test_every_claim_is_shown_beside_its_verdict(document: Document) -> None:
    cells = document.said("td")
    at = cells.index("BROKEN", cells.index("validate on LiteRT 2.3.0")) - 1
    more = ("88.00%84.86 to 90.56%", "87.20%", "records/validated.json")
    assert cells[at : at + 8] == ["validate on LiteRT 2.3.0", "BROKEN", "500", "3.21", "17.6 dB", *more]
    assert cells.count("convert") == 8


def test_the_same_artifact_twice_in_a_run_keeps_both_names() -> None:
    ours, again = made.timing(name="one"), made.timing(name="one (2)")
    drawn = of(made.run(ours, again, against=("one (2)",)))
    assert [said for said in drawn.said("text") if said.startswith("one")][-2:] == ["one", "one (2)"]
    assert "oneas one (2)" in drawn.said("th")


def test_lines_that_repeat_it_stand_there(document: Document) -> None:
    lines = " ".join(document.said("pre"))
    assert "levit-mobile convert --target tflite --precision int8 --checkpoint 'LeViT sample.pth'" in lines
    assert "levit-mobile validate build/levit_128s-tflite-int8 --runtime litert --count 500" in lines
    assert "levit-mobile bench build/* --out timing.json" in lines


def test_versions_say_who_used_them(document: Document) -> None:
    cells = document.said("td")
    at = cells.index("2.13.0+cpu")
    assert cells[at : at + 3] == ["2.13.0+cpu", "convert; validate", "yes"]


def test_what_could_not_be_read_is_listed(document: Document) -> None:
    assert [said for said in document.said("li") if said.startswith("records/scrap.json: it is not JSON")]


def test_every_drawing_has_words_for_who_cannot_see_it(document: Document) -> None:
    drawings = document.all("svg")
    assert (
        len(drawings) == len(document.said("desc")) == 2 * (1 + 4 * 2 + 1)
    )  # key, both of four devices, one profile: for screens and for phones
    assert all(document.said("desc"))
    assert {attributes["role"] for attributes in drawings} == {"img"}


def test_heads_have_a_scope_and_names_are_unique(document: Document) -> None:
    assert {attributes.get("scope") for attributes in document.all("th")} == {"col", "row"}
    names = [value for key, value in document.attributes() if key == "id"]
    assert len(names) == len(set(names))
    assert {value for key, value in document.attributes() if key == "aria-labelledby"} <= set(names)


def test_the_details_of_many_artifacts_are_closed() -> None:
    timings = [made.timing(name=f"a{number}", sha256=f"{number:064x}") for number in range(13)]
    assert all("open" not in attributes for attributes in of_timings(*timings).all("details"))
    assert all("open" in attributes for attributes in of_timings(*timings[:12]).all("details"))


def test_statistics_are_those_of_samples(document: Document) -> None:
    found = Summary.of(made.samples(made.SAMPLES["tflite-int8"][1], 200, noise=0.03))
    assert found
    assert f"{found.pictures_per_second:.1f}" in document.said("td")


# Whatever comes


def not_finite(document: Document) -> list[str]:
    """Places in drawings that are no numbers."""
    keys = ("d", "points", "transform", "x", "y", "x1", "y1", "x2", "y2", "width", "height", "cx", "cy", "viewbox")
    return [value for key, value in document.attributes() if key in keys and re.search(r"nan|inf", value, re.I)]


@pytest.mark.parametrize(
    "changes",
    [
        {"samples_ms": (3.0,)},
        {"samples_ms": (0.0,)},
        {"samples_ms": (0.0,) * 50},
        {"samples_ms": (1e-9, 1e9)},
        {"samples_ms": (1.0,) * 3000, "end_to_end_samples_ms": ()},
        {"bytes": 0},
        {"parity": Parity(verdict="proven")},
        {"profile": Profile(how="none", blocks=())},
        {"profile": made.profile().model_copy(update={"blocks": (made.Block(name="a", samples_ms=(-1.0, -2.0)),)})},
    ],
    ids=str,
)
def test_odd_times_are_drawn(changes: dict[str, Any]) -> None:
    drawn = of_timings(made.timing(**{"load_ms": (), "memory_before_bytes": (), **changes}))
    assert not_finite(drawn) == []
    assert drawn.said("h1") == ["PROVEN"]


def test_nothing_timed_is_a_page_without_drawings(tmp_path: Path) -> None:
    made.bundle(tmp_path / "a", "tflite-fp32")
    drawn = Document(made.drawn(tmp_path))
    assert drawn.all("svg") == []
    assert "1 of 1 artifact proven. Nothing was timed." in drawn.said("p")
    assert "not timed" in drawn.said("td")


def test_what_did_not_run_has_its_reason() -> None:
    drawn = of_timings(made.not_timed("tflite-int8", "no kernel"))
    assert "NOT RUN" in drawn.said("td")
    assert any(said.startswith("no kernel") for said in drawn.said("td"))
    assert drawn.all("svg") == []


def test_nan_is_said_and_breaks_no_drawing() -> None:
    validation = validations.not_a_number(artifact_sha256="3c" * 32)
    timing = made.timing("coreml-fp16", sha256="3c" * 32)
    drawn = of(made.run(timing), validations=(FoundValidation("v.json", validation),))
    assert not_finite(drawn) == []
    assert "NaN" in drawn.said("td")
    assert drawn.said("h1") == ["BROKEN"]
    infinite = validations.proven(artifact_sha256="3c" * 32, report=validations.parity(sqnr_db=math.inf))
    drawn = of(made.run(timing), validations=(FoundValidation("v.json", infinite),))
    assert not_finite(drawn) == []
    assert "inf dB" in drawn.said("td")


def test_hostile_words_are_words() -> None:
    found = made.hostile()
    written = page(found, join(found))
    drawn = Document(written)
    assert validations.SCRIPT not in written
    written.encode("utf-8")
    assert not re.search("[\x00-\x08\x0e-\x1f\x7f]", written)
    assert len(drawn.all("script")) == 1
    assert drawn.all("img") == []
    assert HOSTILE in drawn.said("td")
    assert f"{HOSTILE}: {HOSTILE}" in drawn.said("li")


# What it is


def test_nothing_is_fetched_and_only_its_own_script_may_run(whole: str, document: Document) -> None:
    assert not {tag for tag, _ in document.elements} & {"iframe", "object", "embed", "base", "form", "img"}
    for key, value in document.attributes():
        assert not key.startswith("on")
        if key in ("src", "href", "srcset", "action", "data", "xlink:href"):
            assert value.startswith(("data:", "#")), value
    script = whole.partition("<script>")[2].partition("</script>")[0]
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    (policy,) = (attributes["content"] for attributes in document.all("meta") if "http-equiv" in attributes)
    assert policy == (f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'")
    (styles,) = (text for tag, text in document.texts if tag == "style")
    assert not re.search(r"url\(|@import|@font-face", styles)


def test_it_is_known_as_a_report(whole: str, tmp_path: Path) -> None:
    (tmp_path / "ours.html").write_text(whole)
    (tmp_path / "other.html").write_text("<title>levit-mobile report</title>")
    assert is_report(tmp_path / "ours.html")
    assert not is_report(tmp_path / "other.html")
    assert not is_report(tmp_path)


def test_one_line_counts_what_was_found(folder: Path) -> None:
    found = made.gather(folder)
    assert summary_line(found, join(found)) == "9 artifacts: 8 bundles, 4 validations, 5 runs on 4 devices"


def test_many_artifacts_on_many_devices_stay_a_page() -> None:
    timings = [made.timing(name=f"a{n}", sha256=f"{n:064x}", samples_ms=(3.0 + n, 3.1 + n)) for n in range(60)]
    devices = [made.PIXEL.model_copy(update={"model": f"Phone {number}"}) for number in range(6)]
    drawn = of(*(made.run(*timings, device=device) for device in devices))
    assert len(drawn.all("svg")) == 2 * (1 + 2 * 6)
    assert drawn.said("p").count("20 slower artifacts are only in the table") == 6
    assert sum("tall" in attributes.get("class", "") for attributes in drawn.all("div")) == 2
