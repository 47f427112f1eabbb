"""The lines that make an artifact and its validations again, to be typed where `report` was, as far as possible."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path, PurePosixPath

from levit_mobile.contract import LABELS_FILE, Calibration, Contract, Preprocessing
from levit_mobile.images.source import ImageOrigin, calibration_source, validation_source
from levit_mobile.model.download import BUNDLED
from levit_mobile.overview.join import Artifact
from levit_mobile.parity.report import ParityReport
from levit_mobile.recipe import RECIPES
from levit_mobile.system.files import Sha256, digest
from levit_mobile.validation.results import Validation

HERE = PurePosixPath()
OF_ACCURACY = ("min_top1_accuracy", "max_accuracy_drop")  # bounds that are refused where no labels are known


def searched(root: Path) -> PurePosixPath:
    """The searched folder as the lines name it, from the folder where `report` was called.

    It is "." for a folder elsewhere: the lines are then for that folder, because a page should not name the folders of
    its machine.
    """
    if not root.is_absolute():
        return PurePosixPath(root.as_posix())
    below = root.is_relative_to(here := Path.cwd())
    return PurePosixPath(root.relative_to(here).as_posix() if below else ".")


def conversion(artifact: Artifact, root: PurePosixPath = HERE) -> str | None:
    """`levit-mobile convert ...`, which replaces the bundle; None without a sound bundle."""
    bundle = next((one for one in artifact.bundles if one.stored), None)
    if bundle is None or bundle.stored is None:
        return None
    return _line("convert", *_convert(root / bundle.place, bundle.stored.contract))


def validations(artifact: Artifact, root: PurePosixPath = HERE) -> Iterator[str]:
    """`levit-mobile validate ...`, as often as that was done; once by its default, where it never was."""
    folder = root / (artifact.bundles[0].place if artifact.bundles else artifact.name)
    place = _argument(str(folder))
    contract = next((one.stored.contract for one in artifact.bundles if one.stored), None)
    said = [found.validation for found in artifact.validations if found.validation.runtime]
    lines = [_line("validate", place, *_reference(one, folder, contract), *_validate(one)) for one in said]
    yield from dict.fromkeys(lines or ([_line("validate", place)] if artifact.bundles else []))


def _line(command: str, *words: str) -> str:
    return shlex.join(["levit-mobile", command, *words])


def _argument(place: str) -> str:
    """A path that stands alone: it must not begin as an option does."""
    return f"./{place}" if place.startswith("-") else place


def _convert(folder: PurePosixPath, contract: Contract) -> Iterator[str]:
    recipe = RECIPES[contract.recipe]
    yield from ("--target", recipe.target, "--precision", str(recipe.precision))
    if contract.model.checkpoint_sha256 != _bundled():
        yield from ("--checkpoint", contract.model.source)
        if contract.output.labels_source in ("file", None):
            yield from ("--labels", str(folder / LABELS_FILE))
        yield from _imported(contract)
    if contract.artifact.minimum_ios not in (None, recipe.minimum_ios):
        yield from ("--minimum-ios", str(contract.artifact.minimum_ios))
    if contract.input.dtype == "int8":
        yield from ("--io", "int8")
    if contract.made_by.allows_half != recipe.allows_half:
        yield from ("--arithmetic", "fp16" if contract.made_by.allows_half else "fp32")
    yield from _prepared(contract.preprocessing)
    if contract.calibration:
        yield from _calibrated(folder, contract.calibration)
    yield from ("--out", str(folder.parent) if folder.name not in ("", "..") else str(folder / ".."), "--force")


def _imported(contract: Contract) -> Iterator[str]:
    """Which weights were taken, and for which input."""
    if contract.model.weights:
        yield from ("--weights", contract.model.weights)
    if contract.preprocessing.crop_height != contract.preprocessing.crop_width:
        yield from ("--side", f"{contract.preprocessing.crop_height}x{contract.preprocessing.crop_width}")


def _prepared(found: Preprocessing) -> Iterator[str]:
    """The options that stood in place of what the checkpoint's files state, as the source of the preparation lists."""
    given = set(found.source.partition("; ")[2].split())
    sizes = {"short side": f"{found.height}", "squash": f"{found.height}x{found.width}", "none": "none"}
    values = {
        "--mean": ",".join(map(repr, found.mean)),
        "--std": ",".join(map(repr, found.std)),
        "--interpolation": found.interpolation,
    }
    if found.mode == "short side" and found.height != found.width:
        values["--crop"] = f"{found.crop_height / found.height:.6g}"
    else:
        values["--resize"] = sizes[found.mode]
    given |= {"--resize"} if "--crop" in given else set()
    for name, value in values.items():
        if name in given:
            yield from (name, value)


def _calibrated(folder: PurePosixPath, found: Calibration) -> Iterator[str]:
    if calibration_source(found.source).origin is not ImageOrigin.BUNDLED:
        yield from ("--calibration", found.source)
    yield from ("--calibration-count", str(found.pictures), "--seed", str(found.seed))
    yield from ("--plan", str(folder / found.plan_file))


@cache
def _bundled() -> Sha256:
    return digest(BUNDLED)


def _reference(found: Validation, folder: PurePosixPath, contract: Contract | None) -> Iterator[str]:
    """What the bundle was compared with, where that is neither its own checkpoint nor its golden vectors."""
    name, by, _ = found.reference.removesuffix(", float32").partition(" by ")  # as earlier versions wrote it
    source = contract.model.source if contract else name
    if name in (source, PurePosixPath(source).name, BUNDLED.name) or found.pictures_from == ImageOrigin.GOLDEN:
        return
    yield from ("--reference", str(folder.parent / name) if by else name)  # a bundle is taken to be beside this one


def _validate(found: Validation) -> Iterator[str]:
    runtime, cpu = (found.runtime.id.name, found.runtime.id.cpu) if found.runtime else ("", None)
    count = str(found.report.images) if found.report else ""
    yield from ("--cpu", cpu) if cpu else ("--runtime", runtime)
    origin = validation_source(found.pictures_from).origin
    if origin is not ImageOrigin.GOLDEN and count:
        yield from ("--cpu-count" if cpu else "--count", count)
    if origin is ImageOrigin.GOLDEN:
        yield from ("--reference", "golden")
    if origin is ImageOrigin.FOLDER:
        yield from ("--images", found.pictures_from)
        yield from ("--truth", found.accuracy.labels_from) if found.accuracy else ()
    if found.skipped:
        yield "--skip-broken"
    if found.drill:
        yield "--drill"
    if found.report and not cpu:
        yield from _bounds(found.report, found.recipe, labelled=found.accuracy is not None)


def _bounds(report: ParityReport, recipe: str, *, labelled: bool) -> Iterator[str]:
    """Those that were asked otherwise than the recipe asks, in all their digits."""
    usual = RECIPES[recipe].tolerance if recipe in RECIPES else None
    for bound in fields(report.tolerance):
        asked = getattr(report.tolerance, bound.name)
        if asked in (None, getattr(usual, bound.name, None)) or (bound.name in OF_ACCURACY and not labelled):
            continue
        yield from (f"--{bound.name.replace('_', '-')}", str(asked).removesuffix(".0"))
