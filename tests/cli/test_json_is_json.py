"""What commands read and print as JSON is JSON, and what cannot be read or written is one sentence."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import small_bundles
from support import validations as made
from support.command import ask
from support.stored_bundles import edited, require_refusal
from support.warm import COMMAND

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.cli.validate import _annotate
from levit_mobile.contract import MOST_GOLDEN
from levit_mobile.interfaces.inspection import Inspection, Port
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.reporting.tables.inspect import inspections_json

LARGE = 10**400
IMPORTS_NOTHING = f"""
from levit_mobile.runtimes import doctor
doctor._imports = lambda _: (True, "")  # six toolchains, each in a process of its own
{COMMAND[-1]}
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: only Linux has /dev/full")


def refuse(word: str) -> Any:
    raise AssertionError(f"{word} is not JSON")


def strictly(text: str) -> Any:
    """As a reader of JSON alone has it; half of a surrogate pair is not text."""
    text.encode()
    whole = json.loads(text, parse_constant=refuse)
    json.dumps(whole, ensure_ascii=False).encode()
    return whole


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    small_bundles.bundle(tmp_path / "bundle", "tflite-fp32")
    return tmp_path / "bundle"


# What is printed


def test_no_command_prints_a_number_that_is_none() -> None:
    whole = {"a": [math.nan, math.inf, -math.inf, 1.5, "half \ud83d", os.fsdecode(b"caf\xe9")], "\udce9": None}
    assert strictly(to_json(whole)) == {
        "a": ["NaN", "Infinity", "-Infinity", 1.5, "half \ufffd", "caf\ufffd"],
        "\ufffd": None,
    }


def test_an_artifact_with_such_a_scale_is_printed(bundle: Path) -> None:
    from levit_mobile.bundle.inspect import Inspected

    port = Port("x", "int8", (1, 3), scale=math.nan, zero_point=0)
    inside = Inspection({}, 1, (), 4, {}, products=0, integer_products=0, inputs=(port,))
    printed = inspections_json([Inspected(bundle, "tflite", 1, "0" * 64, inside)], [], {})
    assert strictly(printed)["artifacts"][0]["inputs"][0]["scale"] == "NaN"


@pytest.mark.parametrize("command", ["inspect", "validate", "report", "bench"])
def test_a_folder_of_any_bytes_is_printed(bundle: Path, command: str) -> None:
    strange = bundle.with_name(os.fsdecode(b"caf\xe9"))
    bundle.rename(strange)
    done = ask(command, str(strange.parent if command == "report" else strange), "--json")
    assert "caf\ufffd" in json.dumps(strictly(done.stdout), ensure_ascii=False)


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize("words", [["recipes"], ["recipes", "--json"], ["doctor", "--json", "--quiet"], ["--help"]])
def test_a_full_disk_behind_stdout_is_one_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS_NOTHING, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=300
        )
    assert done.returncode == 1
    assert done.stderr == "error: the output could not be written: No space left on device\n"


@LINUX
@pytest.mark.slow
def test_a_full_disk_behind_stdout_and_stderr_is_an_exit_code() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "recipes", "--json"], stdout=full, stderr=full, timeout=300)
    assert done.returncode == 1


@LINUX
@pytest.mark.parametrize("page", ["/dev/full", ".", "absent/page.md"])
def test_a_job_summary_that_cannot_be_written_is_a_note(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", page)
    _annotate([made.proven()])
    *annotations, note = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[0] for line in annotations] == ["::notice"]
    assert note.startswith("NOTE: the job summary")
    assert page in note


# What is read


@pytest.mark.parametrize(
    "keys",
    [
        ("artifact", "bytes"),
        ("model", "macs"),
        ("model", "parameters"),
        ("model", "classes"),
        ("golden", 0, "rgb8_shape", 0),
    ],
)
@pytest.mark.parametrize("value", [LARGE, -LARGE])
def test_a_number_that_no_double_holds_is_refused(bundle: Path, keys: tuple[str | int, ...], value: int) -> None:
    edited(bundle / "contract.json", *keys, to=value)
    require_refusal(bundle, "bundle.schema", bundle / "contract.json", "float64")
    done = ask("report", str(bundle.parent))
    assert done.exit_code == 0
    assert "1 artifact" in done.stdout


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", '"NaN"', '"Infinity"', '"inf"'])
@pytest.mark.parametrize("keys", [("input", "range", 1), ("preprocessing", "rescale"), ("preprocessing", "std", 2)])
def test_a_contract_with_a_number_that_is_none_is_refused(bundle: Path, word: str, keys: tuple[str | int, ...]) -> None:
    edited(bundle / "contract.json", *keys, to="HERE")
    text = (bundle / "contract.json").read_text()
    (bundle / "contract.json").write_text(text.replace('"HERE"', word))
    require_refusal(bundle, "bundle.schema", bundle / "contract.json", keys[0])


@pytest.mark.parametrize("word", ["NaN", "Infinity", "1e999"])
def test_a_proof_with_a_number_that_is_none_is_refused(bundle: Path, word: str) -> None:
    edited(bundle / "parity.json", "report", "max_abs_error", to="HERE")
    text = (bundle / "parity.json").read_text()
    (bundle / "parity.json").write_text(text.replace('"HERE"', word))
    require_refusal(bundle, "bundle.schema", bundle / "parity.json")


@pytest.mark.parametrize("count", [MOST_GOLDEN + 1, 20_000])
def test_too_many_golden_vectors_are_refused(bundle: Path, count: int) -> None:
    vector = json.loads((bundle / "contract.json").read_text())["golden"][0]
    edited(bundle / "contract.json", "golden", to=[vector] * count)
    require_refusal(bundle, "bundle.schema", bundle / "contract.json", "golden", MOST_GOLDEN)


def test_as_many_golden_vectors_as_are_allowed_open(bundle: Path) -> None:
    vector = json.loads((bundle / "contract.json").read_text())["golden"][0]
    edited(bundle / "contract.json", "golden", to=[vector] * MOST_GOLDEN)
    assert len(open_bundle(bundle).contract.golden) == MOST_GOLDEN


OTHERS: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("file", ["contract.json", "parity.json", "labels.txt", "golden/a.rgb8", "model.tflite"])
def test_what_is_no_regular_file_is_refused_at_once(bundle: Path, file: str, kind: str) -> None:
    (bundle / file).unlink()
    OTHERS[kind](bundle / file)
    for command in ("validate", "inspect", "bench"):
        done = ask(command, str(bundle))
        assert done.exit_code == 1
        assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("file", ["contract.json", "parity.json"])
def test_a_file_that_is_too_large_is_refused_before_it_is_read(bundle: Path, file: str) -> None:
    with (bundle / file).open("r+b") as stream:
        stream.truncate(1 << 40)
    require_refusal(bundle, "bundle.unreadable", "it is larger than")
