"""The lines that make an artifact again: they name what contract and validation say, and the commands take them."""

from __future__ import annotations

import html
import re
import shlex
from contextlib import chdir, suppress
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from conftest import Bundles
from support import overviews as made
from support import validations as findings

import levit_mobile
from levit_mobile.cli import app
from levit_mobile.contract import Calibration, Contract, Preprocessing
from levit_mobile.images import ground_truth
from levit_mobile.images.spec import ImageSpec
from levit_mobile.overview.collect import FoundValidation, Gathered, gather
from levit_mobile.overview.join import Artifact, join
from levit_mobile.pipeline import source_model
from levit_mobile.reporting.pages import reproduction
from levit_mobile.runners import eager
from levit_mobile.runtimes.registry import RUNTIMES, Runtime
from levit_mobile.validation import passes, references, setup
from levit_mobile.validation.references import ReferenceModel
from levit_mobile.validation.results import Validation

SOURCE = SimpleNamespace(spec=SimpleNamespace(source="the paper"), notes=())


class Reached(Exception):
    """`convert` has understood its line, and goes on to the checkpoint."""


class Pictures:
    """Names as those that are drawn or found have them, and golden vectors; no pixels."""

    def __init__(self, images: str | None, reference: str) -> None:
        self.store = None
        self.names = ("0/a.png",) if images else ("a",) if reference == "golden" else ("digit-0017",)

    def __len__(self) -> int:
        return len(self.names)


@pytest.fixture(autouse=True)
def nothing_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands take a line apart, refuse what they refuse, and stop before anything is loaded or run."""

    def pictures(_stored: object, model: ReferenceModel, images: str | None, *_: object, **__: object) -> Any:
        found = Pictures(images, model.name)
        return found, "some", found if images else None

    def loading(*_: object, **__: object) -> None:
        raise Reached

    monkeypatch.setattr(source_model, "load_source", loading)
    monkeypatch.setattr(levit_mobile, "check", lambda *_, **__: None, raising=False)  # the files are not there
    monkeypatch.setattr(references, "find", lambda source, *_, **__: ReferenceModel(str(source), eager.load))
    monkeypatch.setattr(setup, "_pictures", pictures)
    monkeypatch.setattr(ground_truth, "require_pictures", lambda *_: None)
    monkeypatch.setattr(ground_truth, "read", lambda *_: {"0/a.png": 0})
    monkeypatch.setattr(passes, "examine", lambda *_, **__: findings.proven())


def taken(line: str) -> dict[str, Any]:
    """What the command line makes of a line; all that it refuses as wrong usage is an error."""
    program, name, *words = shlex.split(line)
    assert program == "levit-mobile"
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    with command.make_context(name, words) as context:
        said = dict(context.params)
        with suppress(Reached):
            command.invoke(context)
    return said


def artifact(folder: Path, recipe: str = "tflite-int8", **changes: Any) -> Artifact:
    """Of a bundle whose contract has these changes."""
    contract = made.bundle(folder / "build" / "one", recipe)
    Contract.model_validate(contract.model_copy(update=changes).model_dump()).write(folder / "build" / "one")
    return made.joined(folder)[0]


def validated(tmp_path: Path, *found: Validation, recipe: str = "tflite-fp32", place: str = "one") -> list[Any]:
    contract = made.bundle(tmp_path / place, recipe)
    said = [one.model_copy(update={"artifact_sha256": contract.artifact.sha256}) for one in found]
    gathered = gather(tmp_path)
    whole = Gathered(tmp_path, gathered.bundles, tuple(FoundValidation("v.json", one) for one in said))
    with chdir(tmp_path):
        return [taken(line) for line in reproduction.validations(join(whole)[0])]


def test_a_real_bundle_of_the_bundled_checkpoint_names_no_checkpoint(bundles: Bundles) -> None:
    (found,) = made.joined(bundles("tflite-fp32").path)
    assert reproduction.conversion(found) == "levit-mobile convert --target tflite --precision fp32 --out .. --force"
    assert list(reproduction.validations(found)) == ["levit-mobile validate ."]


def test_a_checkpoint_and_its_labels_are_named(tmp_path: Path) -> None:
    line = reproduction.conversion(artifact(tmp_path))
    assert line
    said = taken(line)
    assert (said["target"], said["precision"], said["checkpoint"]) == ("tflite", "int8", "LeViT sample.pth")
    assert (said["labels"], said["out"], said["io"]) == (Path("build/one/labels.txt"), Path("build"), "float")


@pytest.mark.parametrize("source", ["checkpoint", "published", "placeholder"])
def test_labels_that_no_file_gave_are_found_again_without_one(source: str, tmp_path: Path) -> None:
    output = made.bundle(tmp_path / "earlier", "tflite-fp32").output.model_copy(update={"labels_source": source})
    line = reproduction.conversion(artifact(tmp_path / "here", "tflite-fp32", output=output))
    assert line
    assert taken(line)["labels"] is None


def test_what_int8_was_calibrated_on_is_named(tmp_path: Path) -> None:
    measured = Calibration(
        source="street pictures",
        pictures=100,
        pictures_sha256="ab" * 32,
        seed=7,
        observer="mse",
        plan_sha256=made.digest_bytes(b"{}"),
        for_release=True,
        concerns=(),
    )
    (tmp_path / "build" / "one").mkdir(parents=True)
    (tmp_path / "build" / "one" / "plan.json").write_bytes(b"{}")
    found = artifact(tmp_path, calibration=measured)
    line = reproduction.conversion(found)
    assert line
    said = taken(line)
    assert (said["calibration"], said["calibration_count"], said["seed"]) == ("street pictures", 100, 7)
    assert said["plan"] == Path("build/one/plan.json")


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("preprocessor_config.json", {}),
        ("the paper; --mean --std", {"mean": "0.5,0.25,0.1", "std": "0.2,0.2,0.2"}),
        ("the paper; --resize --interpolation", {"resize": "20", "interpolation": "bilinear"}),
        ("the paper; --crop", {"resize": "20"}),
    ],
)
def test_options_of_the_preparation_are_named(source: str, named: dict[str, str], tmp_path: Path) -> None:
    spec = ImageSpec("short side", 20, 20, 16, 16, "bilinear", mean=(0.5, 0.25, 0.1), std=(0.2,) * 3, source=source)
    line = reproduction.conversion(artifact(tmp_path, "tflite-fp32", preprocessing=Preprocessing(**asdict(spec))))
    assert line
    said = taken(line)
    options = {name: said[name] for name in ("mean", "std", "resize", "crop", "interpolation") if said[name]}
    assert options == named


def test_the_weights_and_the_size_of_a_rectangle_are_named(tmp_path: Path) -> None:
    model = made.bundle(tmp_path / "earlier", "tflite-fp32").model.model_copy(update={"weights": "raw"})
    line = reproduction.conversion(artifact(tmp_path / "here", "tflite-fp32", model=model))
    assert line
    assert (taken(line)["weights"], taken(line)["side"]) == ("raw", None)
    contract = made.bundle(tmp_path / "wide", "tflite-fp32")
    wide = contract.preprocessing.model_copy(update={"crop_height": 32})
    named = list(reproduction._imported(contract.model_copy(update={"preprocessing": wide})))
    assert named == ["--side", "32x16"]


@pytest.mark.parametrize(
    ("recipe", "stated", "said"),
    [
        ("tflite-int8", "fp16 where the core has it", None),
        ("tflite-int8", "fp32", "fp32"),
        ("tflite-int8", None, "fp32"),  # made before a core could choose
        ("tflite-fp32", "fp32", None),
        ("tflite-fp32", None, None),
        ("executorch-int8", None, None),
    ],
)
def test_an_arithmetic_other_than_the_recipes_is_named(
    tmp_path: Path, recipe: str, stated: str | None, said: str | None
) -> None:
    contract = made.bundle(tmp_path / "scrap", recipe)
    found = artifact(tmp_path, recipe, artifact=contract.artifact.model_copy(update={"arithmetic": stated}))
    line = reproduction.conversion(found)
    assert line
    assert taken(line)["arithmetic"] == said


@pytest.mark.parametrize(("minimum", "said"), [(16, None), (18, 18)])
def test_an_ios_other_than_the_recipes_is_named(tmp_path: Path, minimum: int, said: int | None) -> None:
    contract = made.bundle(tmp_path / "scrap", "coreml-fp16")
    found = artifact(tmp_path, "coreml-fp16", artifact=contract.artifact.model_copy(update={"minimum_ios": minimum}))
    line = reproduction.conversion(found)
    assert line
    assert taken(line)["minimum_ios"] == said


def test_without_a_sound_bundle_there_is_nothing_to_convert(tmp_path: Path) -> None:
    made.bundle(tmp_path / "one", "tflite-fp32")
    (tmp_path / "one" / "labels.txt").write_text("other\n")
    (found,) = made.joined(tmp_path)
    assert reproduction.conversion(found) is None


def test_validations_are_repeated_as_they_were(tmp_path: Path) -> None:
    plain = findings.proven(drill=None, recipe="tflite-fp32")
    known = findings.broken().accuracy
    assert known
    known = known.model_copy(update={"labels_from": "labels.csv"})
    drilled = findings.proven(recipe="tflite-fp32", pictures_from="val", accuracy=known)
    remote = findings.proven(drill=None, recipe="tflite-fp32", pictures_from="s3://bucket/val {a}/")
    on_core = findings.proven(drill=None, runtime=Runtime(name="litert@cortex-a53", title="", version="", real=True))
    first, second, third, fourth = validated(tmp_path, plain, drilled, on_core, remote)
    assert (first["bundles"], first["runtime"], first["count"], first["drill"]) == ([Path("one")], "litert", 500, False)
    assert (second["images"], second["truth"], second["drill"]) == ("val", "labels.csv", True)
    assert (third["cpu"], third["cpu_count"], third["runtime"]) == ("cortex-a53", 500, None)
    assert fourth["images"] == "s3://bucket/val {a}/"


def test_golden_vectors_and_bounds_of_their_own_are_named(tmp_path: Path) -> None:
    report = findings.parity(findings.ALL_BOUNDS)
    golden = findings.proven(drill=None, recipe="tflite-fp32", pictures_from="golden vectors", report=report)
    (said,) = validated(tmp_path, golden)
    assert (said["reference"], said["count"], said["images"]) == ("golden", None, None)
    assert (said["min_sqnr_db"], said["max_kl"], said["max_abs_error"]) == (50.0, 1e-4, 0.05)
    assert (said["min_top1_accuracy"], said["max_accuracy_drop"]) == (None, None)  # refused where labels are unknown


def test_bounds_on_accuracy_are_named_where_labels_are_known(tmp_path: Path) -> None:
    known = findings.broken(drill=None, recipe="tflite-fp32", runtime=findings.LITERT)
    (said,) = validated(tmp_path, known)
    assert (said["min_top1_accuracy"], said["max_accuracy_drop"]) == (0.95, 0.005)


def test_bounds_keep_all_their_digits(tmp_path: Path) -> None:
    tight = findings.parity(replace(findings.ALL_BOUNDS, min_cosine=0.99999999))
    (said,) = validated(tmp_path, findings.proven(drill=None, report=tight))
    assert said["min_cosine"] == 0.99999999


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_is_taken(tmp_path: Path, name: str) -> None:
    recipe = {"coreml": "coreml-fp16", "executorch": "executorch-fp32", "tflite": "tflite-fp32"}[RUNTIMES[name].target]
    found = findings.proven(drill=None, recipe=recipe, runtime=findings.runtime(name, "1"))
    (said,) = validated(tmp_path, found, recipe=recipe)
    assert said["runtime"] == name


@pytest.mark.parametrize("recipe", made.SAMPLES)
def test_every_recipe_is_taken(tmp_path: Path, recipe: str) -> None:
    line = reproduction.conversion(artifact(tmp_path, recipe))
    assert line
    assert f"{(said := taken(line))['target']}-{said['precision']}" == recipe


def test_every_line_of_a_release_is_taken(tmp_path: Path) -> None:
    artifacts = made.joined(made.release(tmp_path))
    lines = [line for one in artifacts for line in (reproduction.conversion(one), *reproduction.validations(one))]
    found = [shlex.split(line)[1] for line in lines if line]
    with chdir(tmp_path):
        for line in filter(None, lines):
            taken(line)
    assert {found.count("convert"), found.count("validate")} == {len(made.SAMPLES)}


@pytest.mark.parametrize("found", [(), (findings.proven(drill=None),)], ids=["by default", "as it was"])
def test_a_folder_that_looks_like_an_option_is_a_folder(tmp_path: Path, found: tuple[Validation, ...]) -> None:
    (said,) = validated(tmp_path, *found, place="--count")
    assert said["bundles"] == [Path("--count")]


@pytest.mark.parametrize(
    ("typed", "where", "named"),
    [
        ("build", ".", "build"),
        ("release/build", ".", "release/build"),
        (".", "release/build", "."),
        ("../build", "release/other", "../build"),
        ("{root}/release/build", ".", "release/build"),
        ("{root}/release/build", "release/other", "."),
    ],
)
def test_the_searched_folder_is_named_from_where_the_report_was_called(
    typed: str, where: str, named: str, tmp_path: Path
) -> None:
    (tmp_path / "release" / "other").mkdir(parents=True)
    (tmp_path / "release" / "build").mkdir()
    with chdir(tmp_path / where):
        assert str(reproduction.searched(Path(typed.format(root=tmp_path)))) == named


def lines_of(page: str) -> list[str]:
    """The commands that a page shows."""
    return [html.unescape(line) for line in re.findall(r"levit-mobile (?:convert|validate) [^<\n]*", page)]


@pytest.mark.parametrize("folder", ["build", "a folder/build", "."])
def test_the_pages_lines_work_where_the_report_was_called(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.bundle(tmp_path / folder / "deep" / made.name("tflite-fp32"), "tflite-fp32")
    converted: list[dict[str, Any]] = []
    monkeypatch.setattr(levit_mobile, "load_source", lambda *_, **__: SOURCE, raising=False)
    monkeypatch.setattr(levit_mobile, "convert", lambda *_, **options: converted.append(options), raising=False)
    with chdir(tmp_path):
        page = levit_mobile.report(folder).path.read_text(encoding="utf-8")
        conversion, validation = lines_of(page)
        with suppress(AttributeError):  # what was converted is not a bundle
            taken(conversion)
        assert (converted[0]["force"], converted[0]["out"].resolve()) == (True, (tmp_path / folder / "deep").resolve())
        (bundle,) = taken(validation)["bundles"]
        assert bundle.resolve() == (tmp_path / folder / "deep" / made.name("tflite-fp32")).resolve()
    assert str(tmp_path) not in page


def test_the_bundles_folder_itself_is_replaced_beside_itself(tmp_path: Path) -> None:
    made.bundle(tmp_path / "one", "tflite-fp32")
    (found,) = made.joined(tmp_path / "one")
    line = reproduction.conversion(found, PurePosixPath("build/one"))
    assert line
    assert taken(line)["out"] == Path("build")


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ("LeViT sample.pth", None),
        ("other.pth", "other.pth"),
        ("weights/other.pth", "weights/other.pth"),
        ("facebook/levit-128S", "facebook/levit-128S"),
        ("two by MIL reference, rounded as declared", "two"),
    ],
)
def test_another_reference_is_named(reference: str, named: str | None, tmp_path: Path) -> None:
    found = findings.proven(drill=None, recipe="tflite-fp32", reference=reference)
    (said,) = validated(tmp_path, found)
    assert said["reference"] == named


def test_pictures_that_were_skipped_are_skipped_again(tmp_path: Path) -> None:
    broken = findings.proven(drill=None, recipe="tflite-fp32", pictures_from="val", skipped=("a.png: is empty",))
    whole = findings.proven(drill=None, recipe="tflite-fp32", pictures_from="val")
    assert [said["skip_broken"] for said in validated(tmp_path, broken, whole)] == [True, False]


def test_a_bundle_that_nobody_validated_is_validated_by_default(tmp_path: Path) -> None:
    assert [said["runtime"] for said in validated(tmp_path)] == [None]
