"""A bundle whose files are not those of its contract is refused before anything in it runs, in one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.stored_bundles import KINDS, PACKAGE, WEIGHTS, Edit, Made, require_refusal

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.images.spec import ImageSpec
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import RECIPES
from levit_mobile.system.files import digest, digest_bytes
from levit_mobile.targets import TARGETS

PICTURE, LOGITS = "golden/picture2.rgb8", "golden/picture1.logits.f32"


@pytest.fixture
def package(made: Made, tmp_path: Path) -> Path:
    """A Core ML bundle that may be spoiled."""
    return Path(shutil.copytree(made("coreml-fp16"), tmp_path / "package"))


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 16
    file.write_bytes(data)


# Whole bundles


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_an_untouched_bundle_opens(made: Made, small: SourceModel, name: str) -> None:
    stored = open_bundle(made(name))
    assert (stored.path, stored.artifact) == (made(name), made(name) / KINDS[name])
    assert stored.target is TARGETS[RECIPES[name].target]
    assert (stored.labels, stored.spec) == (small.labels, ImageSpec.for_side(64))
    assert stored.proof.verdict == stored.contract.verdict == ("not run" if name == "coreml-fp16" else "proven")
    for index, (picture, logits) in zip((0, 16, 32, 48), stored.golden().values(), strict=True):
        assert np.array_equal(picture, small.reference.pictures.read(f"digit-{index:04d}"))
        assert np.array_equal(logits, small.reference.logits[index])


def test_a_bundle_opens_by_any_way_to_it(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(bundle)
    assert open_bundle(tmp_path / "link").labels == open_bundle(str(bundle)).labels
    monkeypatch.chdir(bundle)
    assert open_bundle(".").artifact == Path("model.tflite")


# Damaged files


def other_kind(file: Path) -> None:
    file.write_bytes(b".pte " * 100)


DAMAGE: dict[str, Edit] = {
    "flipped": flipped,
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "emptied": lambda file: file.write_bytes(b""),
    "of another kind": other_kind,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("file", ["model.tflite", "labels.txt", PICTURE, LOGITS])
def test_a_damaged_file_is_named(bundle: Path, file: str, damage: str) -> None:
    found = (bundle / file).read_bytes()
    DAMAGE[damage](bundle / file)
    digests = digest(bundle / file)[:12], digest_bytes(found)[:12]
    require_refusal(bundle, "bundle.digest", bundle / file, "sha256", *digests)


@pytest.mark.parametrize("file", ["model.tflite", "labels.txt", PICTURE, LOGITS])
def test_a_missing_file_is_named(bundle: Path, file: str) -> None:
    (bundle / file).unlink()
    require_refusal(bundle, "bundle.unreadable", bundle / file, "No such file or directory", "contract")


def test_labels_with_other_line_ends_are_damaged(bundle: Path) -> None:
    (bundle / "labels.txt").write_bytes((bundle / "labels.txt").read_bytes().replace(b"\n", b"\r\n"))
    require_refusal(bundle, "bundle.digest", bundle / "labels.txt", "sha256")


def test_the_plan_of_static_int8_is_sealed(made: Made, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(made("tflite-int8"), tmp_path / "bundle"))
    assert open_bundle(bundle).contract.calibration is not None
    flipped(bundle / "plan.json")
    require_refusal(bundle, "bundle.digest", bundle / "plan.json", "sha256")
    (bundle / "plan.json").unlink()
    require_refusal(bundle, "bundle.unreadable", bundle / "plan.json", "No such file or directory")


def moved(package: Path, source: str, to: str) -> None:
    (package / to).parent.mkdir(parents=True, exist_ok=True)
    (package / source).rename(package / to)


IN_PACKAGE: dict[str, Edit] = {
    "changed": lambda package: flipped(package / WEIGHTS),
    "emptied": lambda package: (package / WEIGHTS).write_bytes(b""),
    "added": lambda package: (package / "Data" / "more").write_bytes(b"1"),
    "added, empty": lambda package: (package / "more").touch(),
    "added, hidden": lambda package: (package / ".hidden").write_bytes(b"1"),
    "removed": lambda package: (package / WEIGHTS).unlink(),
    "renamed": lambda package: moved(package, WEIGHTS, f"{WEIGHTS}2"),
    "moved": lambda package: moved(package, WEIGHTS, "Data/com.apple.CoreML/weight.bin"),
    "swapped": lambda package: (moved(package, PACKAGE[0], "x"), moved(package, WEIGHTS, PACKAGE[0])),
}


@pytest.mark.parametrize("change", IN_PACKAGE)
def test_a_file_of_a_package_that_is(package: Path, change: str) -> None:
    IN_PACKAGE[change](package / "model.mlpackage")
    require_refusal(package, "bundle.digest", package / "model.mlpackage", "sha256")


def test_a_package_that_is_missing_or_a_file(package: Path, made: Made) -> None:
    shutil.rmtree(package / "model.mlpackage")
    require_refusal(package, "bundle.unreadable", package / "model.mlpackage", "No such file or directory")
    shutil.copy(made("tflite-fp32") / "model.tflite", package / "model.mlpackage")
    require_refusal(package, "bundle.digest", package / "model.mlpackage", "sha256")


# Files that are no longer what the contract says, with digests that fit


def resealed(bundle: Path) -> None:
    """Every digest in the contract made that of the file that now lies there."""
    content = json.loads((bundle / "contract.json").read_text())
    content["artifact"]["sha256"] = digest(bundle / content["artifact"]["file"])
    content["output"]["labels_sha256"] = digest(bundle / content["output"]["labels_file"])
    for golden in content["golden"]:
        golden |= {f"{kind}_sha256": digest(bundle / golden[f"{kind}_file"]) for kind in ("rgb8", "logits")}
    (bundle / "contract.json").write_text(json.dumps(content))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("text")


def a_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("text")


FOLDER_OR_FILE = "is a folder", "expected a file"
NO_LOGITS = ("5 float32 logits",)
NO_PICTURE = ("64 x 64 x 3 bytes",)
UNFIT: dict[str, tuple[str, Edit, tuple[str, ...]]] = {
    "labels in Latin-1": ("labels.txt", lambda f: f.write_bytes(b"gr\xfcn\n" * 5), ("UTF-8", "one label per line")),
    "too few labels": ("labels.txt", lambda f: f.write_text("a\n" * 4), ("4 labels", "5 classes")),
    "too many labels": ("labels.txt", lambda f: f.write_text("a\n" * 6), ("6 labels", "5 classes")),
    "no labels": ("labels.txt", lambda f: f.write_text(""), ("0 labels", "5 classes")),
    "a folder of labels": ("labels.txt", a_folder, FOLDER_OR_FILE),
    "a short picture": (PICTURE, lambda f: f.write_bytes(bytes(12287)), NO_PICTURE),
    "no picture": (PICTURE, lambda f: f.write_bytes(b""), NO_PICTURE),
    "a folder of pictures": (PICTURE, a_folder, FOLDER_OR_FILE),
    "too few logits": (LOGITS, lambda f: f.write_bytes(bytes(16)), NO_LOGITS),
    "logits in float64": (LOGITS, lambda f: f.write_bytes(bytes(40)), NO_LOGITS),
    "a folder for a model": ("model.tflite", a_folder, FOLDER_OR_FILE),
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_file_that_does_not_fit_is_named(bundle: Path, what: str) -> None:
    file, spoil, facts = UNFIT[what]
    spoil(bundle / file)
    resealed(bundle)
    require_refusal(bundle, "bundle.inconsistent", bundle / file, *facts)


def test_a_package_that_became_a_file_is_named(package: Path) -> None:
    a_file(package / "model.mlpackage")
    resealed(package)
    wanted = package / "model.mlpackage", "is a file", "expected a folder"
    require_refusal(package, "bundle.inconsistent", *wanted)


def test_a_swapped_artifact_with_a_digest_that_fits_is_left_to_its_runtime(bundle: Path) -> None:
    other_kind(bundle / "model.tflite")
    resealed(bundle)
    assert open_bundle(bundle).artifact.read_bytes().startswith(b".pte ")


# Links


def test_a_label_may_hold_what_other_readers_take_for_a_line_end(bundle: Path) -> None:
    labels = ("a\u2028b", "c\x85d", "e\x0bf", "g\x0c", "h")
    (bundle / "labels.txt").write_bytes("".join(f"{label}\n" for label in labels).encode())
    resealed(bundle)
    assert open_bundle(bundle).labels == labels


@pytest.mark.parametrize("file", ["contract.json", "parity.json", "model.tflite", "labels.txt", PICTURE])
def test_a_link_out_of_the_bundle_is_refused(bundle: Path, tmp_path: Path, file: str) -> None:
    (bundle / file).rename(tmp_path / "elsewhere")
    (bundle / file).symlink_to("../elsewhere" if "/" not in file else "../../elsewhere")
    require_refusal(bundle, "bundle.link", bundle / file, tmp_path / "elsewhere")


def test_a_link_out_of_a_package_is_refused(package: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = package / "model.mlpackage" / "Data" / "more"
    link.symlink_to(tmp_path / "elsewhere")  # no digest sees it
    require_refusal(package, "bundle.link", link, tmp_path / "elsewhere")


def test_links_within_the_bundle_are_followed(bundle: Path) -> None:
    (bundle / "model.tflite").rename(bundle / "kept.tflite")
    (bundle / "model.tflite").symlink_to("kept.tflite")
    assert open_bundle(bundle).artifact.read_bytes().startswith(b".tflite ")


def test_a_link_to_itself_is_refused(bundle: Path) -> None:
    (bundle / "model.tflite").unlink()
    (bundle / "model.tflite").symlink_to("model.tflite")
    require_refusal(bundle, "bundle.unreadable", bundle / "model.tflite")


# What is no bundle at all


def test_what_is_no_folder_is_said_so(bundle: Path, tmp_path: Path) -> None:
    wanted = "levit-mobile convert"
    require_refusal(bundle / "model.tflite", "bundle.missing", bundle / "model.tflite", "is not a folder", wanted)
    require_refusal(tmp_path / "nowhere", "bundle.missing", tmp_path / "nowhere", "does not exist", wanted)
    require_refusal(Path("a\0b"), "bundle.missing", "a\0b", "does not exist", wanted)
    long = tmp_path / ("x" * 300)
    require_refusal(long, "bundle.unreadable", long, "File name too long")
    (tmp_path / "empty").mkdir()
    require_refusal(tmp_path / "empty", "bundle.unreadable", tmp_path / "empty", "contract.json")
