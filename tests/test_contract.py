"""The contract: JSON there and back, strict about its schema; digests that sha256sum would give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.edits import changed
from support.refusals import refused

from levit_mobile import contract
from levit_mobile.contract import Contract
from levit_mobile.errors import BundleError
from levit_mobile.system.files import digest, digest_bytes, size_bytes

SCHEMA = Path(contract.__file__).with_name("schemas") / "contract.schema.json"
ZEROS = "0" * 64
FIELDS: dict[str, Any] = {
    "schema_version": 1,
    "tool": "0.1.0",
    "recipe": "executorch-fp16",
    "model": {
        "variant": "levit_128s",
        "classes": 3,
        "parameters": 7_000_000,
        "macs": 304_000_000,
        "checkpoint_sha256": ZEROS,
        "checkpoint_format": "timm",
        "source": "timm/levit_128s.fb_dist_in1k",
    },
    "artifact": {
        "file": "model.pte",
        "sha256": ZEROS,
        "bytes": 15_000_000,
        "partitions": 1,
        "toolchain": {"torch": "2.13.0", "executorch": "1.4.1"},
        "minimum_ios": None,
    },
    "input": {
        "name": "image",
        "shape": [1, 3, 224, 224],
        "layout": "NCHW",
        "dtype": "float16",
        "range": [0.0, 1.0],
        "color_order": "RGB",
        "quantization": {"scale": 1 / 255, "zero_point": -128},
    },
    "output": {
        "name": "logits",
        "shape": [1, 3],
        "dtype": "float16",
        "meaning": "logits",
        "quantization": None,
        "labels_file": "labels.txt",
        "labels_sha256": ZEROS,
    },
    "preprocessing": {"resize_px": 256, "crop_px": 224, "interpolation": "bicubic", "antialias": True},
    "calibration": {
        "source": "train",
        "pictures": 512,
        "pictures_sha256": ZEROS,
        "seed": 0,
        "observer": "percentile",
        "plan_file": "plan.json",
        "plan_sha256": ZEROS,
        "for_release": True,
        "concerns": ["all calibration images show one class: the ranges of the other classes were not measured"],
    },
    "tolerance": {
        "min_sqnr_db": 50.0,
        "min_top1_agreement": 1.0,
        "min_top5_agreement": None,
        "min_cosine": 0.999,
        "max_abs_error": None,
        "max_mean_abs_error": None,
        "max_kl": 0.01,
        "min_top1_accuracy": None,
        "max_accuracy_drop": None,
    },
    "golden": [
        {
            "name": "zwölf/12.png",
            "rgb8_file": "golden/picture0.rgb8",
            "rgb8_sha256": ZEROS,
            "rgb8_shape": [224, 224, 3],
            "logits_file": "golden/picture0.logits.f32",
            "logits_sha256": ZEROS,
            "logits_shape": [3],
        }
    ],
    "verdict": "proven",
}


def require_refusal(folder: Path, fault: str, *facts: str) -> None:
    """The folder's contract is refused with this fault, in a sentence that names it and holds every fact."""
    with refused(BundleError, f"bundle.{fault}", folder, "contract.json", *facts):
        Contract.read(folder)


# There and back


def test_a_contract_comes_back_from_its_file(tmp_path: Path) -> None:
    written = Contract.model_validate_json(json.dumps(FIELDS))
    written.write(tmp_path)
    text = (tmp_path / "contract.json").read_text(encoding="utf-8")
    assert json.loads(text) == FIELDS
    assert text.endswith("}\n")
    assert Contract.read(tmp_path) == written


def test_a_contract_is_frozen_at_every_depth() -> None:
    made = Contract.model_validate_json(json.dumps(FIELDS))
    for part, name in ((made, "verdict"), (made.input, "layout"), (made.artifact, "sha256"), (made.golden[0], "name")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, name, getattr(part, name))
    with pytest.raises(AttributeError):
        made.tolerance.min_sqnr_db = 0.0  # type: ignore[misc]


# Refusals


@pytest.mark.parametrize("version", [2, 0, "1", 1.5])
def test_another_schema_version_is_refused_by_name(version: object, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(changed(FIELDS, "schema_version", to=version))
    require_refusal(tmp_path, "schema", "schema 1: schema_version: ")


def test_the_version_is_named_even_when_the_rest_is_of_the_future(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(json.dumps({"schema_version": 2, "engine": {"file": "model.bin"}}))
    require_refusal(tmp_path, "schema", "schema_version: ", "should be 1")


def test_a_contract_without_a_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(changed(FIELDS, "schema_version", to=None))
    require_refusal(tmp_path, "schema", "schema_version: ", "required")


@pytest.mark.parametrize("path", [("extra",), ("input", "extra"), ("tolerance", "extra"), ("golden", 0, "extra")])
def test_an_extra_key_is_refused_where_it_stands(path: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(changed(FIELDS, *path, to=1))
    require_refusal(tmp_path, "schema", f"{'.'.join(map(str, path))}: ")


@pytest.mark.parametrize("path", [("verdict",), ("artifact", "sha256"), ("tolerance", "min_sqnr_db")])
def test_a_missing_key_is_refused(path: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(changed(FIELDS, *path, to=None))
    require_refusal(tmp_path, "schema", f"{'.'.join(path)}: ")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("input", "layout"), "CHWN"),
        (("input", "shape"), [1, 3, 224]),
        (("input", "color_order"), "BGR"),
        (("output", "meaning"), "probabilities"),
        (("preprocessing", "interpolation"), "bilinear"),
        (("verdict",), "probably"),
        (("tolerance", "min_top1_agreement"), 1.5),
        (("tolerance", "min_sqnr_db"), float("nan")),
        (("tolerance", "min_sqnr_db"), float("inf")),
    ],
)
def test_a_value_that_apps_cannot_handle_is_refused(path: tuple[str, ...], value: object, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(changed(FIELDS, *path, to=value))
    require_refusal(tmp_path, "schema", f"schema 1: {path[0]}")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schema_version": 1}'], ids=repr)
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_bytes(content)
    require_refusal(tmp_path, "schema", str(tmp_path / "contract.json"), "schema 1: ")


def test_a_folder_without_a_contract_is_no_bundle(tmp_path: Path) -> None:
    require_refusal(tmp_path, "unreadable", "No such file or directory")
    (tmp_path / "contract.json").mkdir()
    require_refusal(tmp_path, "unreadable", "Is a directory")


# The schema that other languages read


def test_the_schema_is_as_strict_as_the_reader() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    objects = [schema, *(part for part in schema["$defs"].values() if "enum" not in part)]
    assert all(part["additionalProperties"] is False for part in objects)
    assert {"schema_version", "input", "output", "tolerance", "golden"} <= set(schema["required"])
    assert schema["properties"]["schema_version"]["const"] == contract.SCHEMA_VERSION


# Digests


def test_digest_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert digest(tmp_path / "labels.txt") == digest_bytes(b"abc") == known
    assert size_bytes(tmp_path / "labels.txt") == 3


@pytest.fixture
def package(tmp_path: Path) -> dict[str, bytes]:
    """A folder whose order by POSIX path is not the order of its names, nor the order in which it was made."""
    files = {"b/weights.bin": b"\x00" * 1000, "b.json": b"{}", "a": b"", "b/a/deep": b"deep", "Z": b"z", "é": b"e"}
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "empty").mkdir()
    return files


def test_digest_of_a_folder_is_of_sha256sums_lines(package: dict[str, bytes], tmp_path: Path) -> None:
    order = ["Z", "a", "b.json", "b/a/deep", "b/weights.bin", "é"]
    lines = "".join(f"{hashlib.sha256(package[name]).hexdigest()}  {name}\n" for name in order)
    assert digest(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
    assert size_bytes(tmp_path) == sum(map(len, package.values()))


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("change", ["content", "name", "more", "less"])
def test_digest_of_a_folder_moves_with_all_that_is_in_it(tmp_path: Path, change: str) -> None:
    before = digest(tmp_path)
    changes: dict[str, Callable[[], object]] = {
        "content": lambda: (tmp_path / "Z").write_bytes(b"y"),
        "name": lambda: (tmp_path / "Z").rename(tmp_path / "Y"),
        "more": lambda: (tmp_path / "b" / "new").write_bytes(b""),
        "less": (tmp_path / "a").unlink,
    }
    changes[change]()
    assert digest(tmp_path) != before


def test_there_is_no_digest_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model\.pte"):
        digest(tmp_path / "model.pte")
    with pytest.raises(FileNotFoundError, match=r"model\.pte"):
        size_bytes(tmp_path / "model.pte")
