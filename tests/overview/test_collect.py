"""What is found below a folder: ours and nothing else, whole or with a sentence, and never outside of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Bundles
from support import overviews as made
from support import validations
from support.refusals import refused

from levit_mobile.errors import BundleError
from levit_mobile.overview import collect
from levit_mobile.overview.collect import MOST_BYTES, Gathered, gather
from levit_mobile.reporting.tables.validate import validations_json

RECIPE = "tflite-fp32"


def places(found: Gathered) -> dict[str, list[str]]:
    return {kind: [one.place for one in getattr(found, kind)] for kind in ("bundles", "validations", "runs", "unread")}


def test_a_converted_bundle_a_validation_and_times_are_found(bundles: Bundles, tmp_path: Path) -> None:
    shutil.copytree(bundles(RECIPE).path, tmp_path / "build" / "real")
    (tmp_path / "v.json").write_text(validations_json([validations.proven(), validations.not_a_number()]))
    made.write(tmp_path / "deep" / "er" / "t.json", made.run())
    found = gather(tmp_path)
    assert places(found) == {
        "bundles": ["build/real"],
        "validations": ["v.json", "v.json"],
        "runs": ["deep/er/t.json"],
        "unread": [],
    }
    (bundle,) = found.bundles
    assert bundle.stored
    assert bundle.stored.contract.recipe == RECIPE
    assert found.validations[0].validation == validations.proven()
    assert found.runs[0].run == made.run()


@pytest.mark.parametrize("form", ["whole", "list", "alone"])
def test_validations_are_read_in_each_form(tmp_path: Path, form: str) -> None:
    whole = json.loads(validations_json([validations.proven()]))
    written = {"whole": whole, "list": whole["validations"], "alone": whole["validations"][0]}[form]
    (tmp_path / "v.json").write_text(json.dumps(written))
    assert [one.validation for one in gather(tmp_path).validations] == [validations.proven()]


def test_a_bundle_at_the_folder_itself_is_found(tmp_path: Path) -> None:
    made.bundle(tmp_path / "one", RECIPE)
    (bundle,) = gather(tmp_path / "one").bundles
    assert (bundle.place, bundle.name) == (".", "one")


def test_a_damaged_bundle_has_a_sentence_and_stops_nothing(tmp_path: Path) -> None:
    made.bundle(tmp_path / "a", RECIPE)
    made.bundle(tmp_path / "b", "tflite-int8")
    (tmp_path / "a" / "model.tflite").write_bytes(b"other")
    (tmp_path / "c" / "golden").mkdir(parents=True)
    (tmp_path / "c" / "parity.json").write_text("{}")
    damaged, sound, headless = gather(tmp_path).bundles
    assert sound.stored
    assert not sound.broken
    assert damaged.stored is None
    assert damaged.broken.startswith("a/model.tflite ")
    assert "sha256" in damaged.broken
    assert headless.broken.startswith("c is not a bundle: contract.json ")
    assert "No such file or directory" in headless.broken


OURS_BUT = {
    "cut short": ('{"schema_version": 1, "timings": [', "it is not JSON: "),
    "of another schema": (made.run().written().replace('"schema_version": 2', '"schema_version": 3'), "schema_version"),
    "with a surplus name": (made.run().written().replace('"app"', '"ape"', 1), "app"),
    "a broken validation": (
        validations_json([validations.proven()]).replace('"proven"', '"fine"'),
        "not a validation of schema 1: 0.verdict",
    ),
    "nested without end": ('{"schema_version": 1, "timings": ' + "[" * 100_000, "nested too deeply to be read"),
}


@pytest.mark.parametrize("case", OURS_BUT)
def test_what_claims_to_be_ours_and_is_not_is_told(tmp_path: Path, case: str) -> None:
    content, reason = OURS_BUT[case]
    (tmp_path / "scrap.json").write_text(content)
    (unread,) = gather(tmp_path).unread
    assert unread.place == "scrap.json"
    assert reason in unread.reason
    assert str(tmp_path) not in unread.reason
    assert len(unread.reason.splitlines()) == 1


NOT_OURS = {
    "package.json": '{"name": "x", "version": "1"}',
    "cost.json": '{"schema_version": 1, "costs": [{"artifact_sha256": "00"}]}',
    "list.json": '[1, {"schema_version": 1, "artifact_sha256": 3}]',
    "empty.json": "",
    "broken.json": "{",
    "text.txt": made.run().written(),
    "binary.json": "\x00\x01",
}


def test_what_does_not_claim_to_be_ours_is_passed_over(tmp_path: Path) -> None:
    made.write(tmp_path / "t.json", made.run())
    for name, content in NOT_OURS.items():
        (tmp_path / name).write_text(content)
    assert places(gather(tmp_path)) == {"bundles": [], "validations": [], "runs": ["t.json"], "unread": []}


@pytest.mark.parametrize("name", [".git", ".venv", "venv", "node_modules", "a.mlpackage", "site-packages"])
def test_folders_that_hold_nothing_of_ours_are_not_searched(tmp_path: Path, name: str) -> None:
    made.write(tmp_path / "t.json", made.run())
    made.write(tmp_path / name / "deep" / "t.json", made.run(started_at=made.STARTED.replace(day=1)))
    assert len(gather(tmp_path).runs) == 1


def test_inside_a_bundle_only_its_own_files_are_looked_at(tmp_path: Path) -> None:
    made.bundle(tmp_path / "a", RECIPE)
    made.write(tmp_path / "a" / "timing.json", made.run())
    made.write(tmp_path / "a" / "golden" / "timing.json", made.run(command="other"))
    assert [run.place for run in gather(tmp_path).runs] == ["a/timing.json"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    made.write(inside / "t.json", made.run())
    made.write(outside / "other.json", made.run(command="other"))
    (inside / "loop").symlink_to(inside)
    (inside / "away").symlink_to(outside)
    (inside / "file.json").symlink_to(outside / "other.json")
    (inside / "nowhere.json").symlink_to(tmp_path / "absent")
    assert places(gather(inside))["runs"] == ["t.json"]


def test_what_is_there_twice_counts_once(tmp_path: Path) -> None:
    made.write(tmp_path / "a" / "t.json", made.run())
    made.write(tmp_path / "b" / "t.json", made.run())
    assert [run.place for run in gather(tmp_path).runs] == ["a/t.json"]


def test_a_pipe_and_a_huge_file_are_not_read(tmp_path: Path) -> None:
    made.write(tmp_path / "t.json", made.run())
    os.mkfifo(tmp_path / "pipe.json")
    with (tmp_path / "huge.json").open("wb") as huge:
        huge.write(made.run(command="huge").written().encode())
        huge.truncate(MOST_BYTES + 1)
    assert places(gather(tmp_path)) == {"bundles": [], "validations": [], "runs": ["t.json"], "unread": []}


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("absent", ("not a folder",)),
        ("file", ("not a folder",)),
        ("empty", ("bundles", "levit-mobile convert", "levit-mobile validate --json", "timing records")),
    ],
)
def test_nothing_to_report_is_one_sentence(tmp_path: Path, name: str, facts: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with refused(BundleError, "bundle.missing", tmp_path / name, *facts):
        gather(tmp_path / name)


def test_paths_in_sentences_are_below_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.bundle(tmp_path / "a", RECIPE)
    (tmp_path / "a" / "labels.txt").unlink()
    sentence = gather(tmp_path).bundles[0].broken
    assert sentence.startswith("a/labels.txt, ")
    assert "No such file or directory" in sentence
    assert str(tmp_path) not in sentence
    monkeypatch.chdir(tmp_path)
    assert gather(Path()).bundles[0].broken == sentence


def test_a_file_of_the_most_bytes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = made.run().written().encode()
    (tmp_path / "t.json").write_bytes(content)
    monkeypatch.setattr(collect, "MOST_BYTES", len(content))
    assert len(gather(tmp_path).runs) == 1
    monkeypatch.setattr(collect, "MOST_BYTES", len(content) - 1)
    with refused(BundleError, "bundle.missing", tmp_path):
        gather(tmp_path)


@pytest.mark.parametrize("parts", [["contract.json"], ["golden"], ["labels.txt"], ["parity.json"]])
def test_one_part_of_a_bundle_alone_is_none(tmp_path: Path, parts: list[str]) -> None:
    made.write(tmp_path / "t.json", made.run())
    for part in parts:
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / part).write_text("{}")
    assert places(gather(tmp_path)) == {"bundles": [], "validations": [], "runs": ["t.json"], "unread": []}


def test_two_parts_are_meant_as_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for part in ("labels.txt", "parity.json"):
        (tmp_path / "x" / part).write_text("{}")
    (bundle,) = gather(tmp_path).bundles
    assert (bundle.place, bundle.name, bundle.stored, bundle.contract_sha256) == ("x", "x", None, "")


def test_what_cannot_be_searched_or_read_is_said_without_its_place_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.write(tmp_path / "a.json", made.run())
    made.write(tmp_path / "b.json", made.run(command="other"))
    (tmp_path / "closed").mkdir()
    walk, read = os.walk, Path.read_bytes

    def walking(top: Path, onerror: Callable[[OSError], None]) -> Iterator[tuple[str, list[str], list[str]]]:
        onerror(PermissionError(13, "Permission denied", str(tmp_path / "closed")))
        yield from walk(top)

    def reading(path: Path) -> bytes:
        if path.name == "b.json":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(os, "walk", walking)
    monkeypatch.setattr(Path, "read_bytes", reading)
    found = gather(tmp_path)
    assert [run.place for run in found.runs] == ["a.json"]
    assert [(one.place, one.reason) for one in found.unread] == [
        ("b.json", "cannot be read (Permission denied)"),
        ("closed", "cannot be searched (Permission denied)"),
    ]


@pytest.mark.parametrize("lacking", ["artifact_sha256", "bundle", "verdict"])
def test_a_list_holds_only_what_has_the_three_names_of_a_validation(tmp_path: Path, lacking: str) -> None:
    whole = json.loads(validations_json([validations.proven(), validations.proven()]))["validations"]
    del whole[1][lacking]
    (tmp_path / "v.json").write_text(json.dumps(whole))
    assert len(gather(tmp_path).validations) == 1


def test_a_record_needs_a_schema_version_and_a_word_of_ours() -> None:
    claims = collect._claims
    assert claims(b'{"schema_version": 1, "timings": []}')
    assert claims(b'{"schema_version": 1, "artifact_sha256": ""}')
    assert not claims(b'{"schema_version": 1}')
    assert not claims(b'{"timings": []}')
