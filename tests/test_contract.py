"""The contract: JSON there and back, strict about its schema; digests that sha256sum would give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.contracts import FIELDS, of_schema_1
from support.edits import changed
from support.refusals import refused

from levit_mobile import contract
from levit_mobile.contract import Contract
from levit_mobile.errors import BundleError
from levit_mobile.images.spec import ImageSpec
from levit_mobile.system.files import digest, digest_bytes, size_bytes

SCHEMA = Path(contract.__file__).with_name("schemas") / "contract.schema.json"


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


@pytest.mark.parametrize("version", [3, 0, "1", "2", 1.5])
def test_another_schema_version_is_refused_by_name(version: object, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(changed(FIELDS, "schema_version", to=version))
    require_refusal(tmp_path, "schema", "schema 1 or 2: schema_version: ")


def test_the_version_is_named_even_when_the_rest_is_of_the_future(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(json.dumps({"schema_version": 3, "engine": {"file": "model.bin"}}))
    require_refusal(tmp_path, "schema", "schema_version: ", "should be 2")


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
        (("preprocessing", "interpolation"), "lanczos"),
        (("preprocessing", "mode"), "long side"),
        (("preprocessing", "mean"), [0.5, 0.5]),
        (("output", "head"), "argmax"),
        (("output", "labels_source"), "guess"),
        (("input", "memory_order"), "strided"),
        (("verdict",), "probably"),
        (("tolerance", "min_top1_agreement"), 1.5),
        (("tolerance", "min_sqnr_db"), float("nan")),
        (("tolerance", "min_sqnr_db"), float("inf")),
    ],
)
def test_a_value_that_apps_cannot_handle_is_refused(path: tuple[str, ...], value: object, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(changed(FIELDS, *path, to=value))
    require_refusal(tmp_path, "schema", f"schema 1 or 2: {path[0]}")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schema_version": 1}'], ids=repr)
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_bytes(content)
    require_refusal(tmp_path, "schema", str(tmp_path / "contract.json"), "schema 1 or 2: ")


def test_a_folder_without_a_contract_is_no_bundle(tmp_path: Path) -> None:
    require_refusal(tmp_path, "unreadable", "No such file or directory")
    (tmp_path / "contract.json").mkdir()
    require_refusal(tmp_path, "unreadable", "Is a directory")


# Schema 1


def test_a_contract_of_schema_1_reads_as_levits_defaults(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(json.dumps(of_schema_1()))
    found = Contract.read(tmp_path)
    assert found.schema_version == 2
    assert (found.model.family, found.model.sizes, found.model.variant) == ("levit", None, "levit_128s")
    assert (found.output.head, found.output.labels_source, found.input.memory_order) == ("softmax", None, "contiguous")
    assert ImageSpec(**dict(found.preprocessing)) == ImageSpec.for_side(256)
    assert found.preprocessing.source == "schema 1"
    found.write(tmp_path)
    assert Contract.read(tmp_path) == found


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part, names in contract.SINCE_SCHEMA_2.items() for name in sorted(names)]
)
def test_schema_1_has_no_fields_of_schema_2(part: str, name: str, tmp_path: Path) -> None:
    old = of_schema_1()
    old[part][name] = FIELDS[part][name]
    (tmp_path / "contract.json").write_text(json.dumps(old))
    require_refusal(tmp_path, "schema", "schema_version: ", "should be 2")


@pytest.mark.parametrize("missing", ["resize_px", "crop_px", "interpolation", "antialias"])
def test_schema_1_without_its_own_fields_is_refused(missing: str, tmp_path: Path) -> None:
    old = of_schema_1()
    del old["preprocessing"][missing]
    (tmp_path / "contract.json").write_text(json.dumps(old))
    require_refusal(tmp_path, "schema", "preprocessing.")


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
