"""A bundle on disk, checked against its own digests before anything in it is run or trusted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levit_mobile import contract as c
from levit_mobile.errors import BundleError, RecipeError
from levit_mobile.images import labels as class_labels
from levit_mobile.images.preprocessing import Pixels
from levit_mobile.images.spec import ImageSpec
from levit_mobile.parity.compare import Array
from levit_mobile.parity.report import Proof, judge
from levit_mobile.recipe import RECIPES, Verdict
from levit_mobile.system.files import Sha256, as_on_disk, clutter, digest, read_json, read_regular
from levit_mobile.targets import TARGETS, Target

FOLDER = ".mlpackage"  # the one artifact that is a folder
KINDS = {True: "folder", False: "file"}


@dataclass(frozen=True, slots=True)
class OpenBundle:
    """A bundle read back from disk, all its files checked against the digests in its contract.

    Attributes:
        path: The bundle's folder.
        contract: What an app must know of the artifact.
        labels: One label per class, in the order of the logits.
        proof: The comparison that ``convert`` made.
    """

    path: Path
    contract: c.Contract
    labels: tuple[str, ...]
    proof: Proof

    @property
    def target(self) -> Target:
        """The target of its recipe."""
        return TARGETS[RECIPES[self.contract.recipe].target]

    @property
    def artifact(self) -> Path:
        """The path of the file or folder that a phone runs."""
        return as_on_disk(self.path / self.contract.artifact.file)

    @property
    def spec(self) -> ImageSpec:
        """How its pictures are prepared."""
        return _spec(self.contract.preprocessing)

    @property
    def clutter(self) -> tuple[str, ...]:
        """Paths below the bundle of files such as `.DS_Store`, which its digests leave out."""
        return clutter(self.path)

    def golden(self) -> dict[str, tuple[Pixels, Array]]:
        """Return the golden pictures, uint8 [H,W,3], and the trained model's logits, float32 [classes], by name."""
        return {vector.name: self._vector(vector) for vector in self.contract.golden}

    def _vector(self, vector: c.Golden) -> tuple[Pixels, Array]:
        pixels = np.frombuffer(as_on_disk(self.path / vector.rgb8_file).read_bytes(), np.uint8).reshape(
            vector.rgb8_shape
        )
        logits = np.frombuffer(as_on_disk(self.path / vector.logits_file).read_bytes(), "<f4").reshape(
            vector.logits_shape
        )
        return pixels, logits.astype(np.float32)


def open_bundle(path: str | Path) -> OpenBundle:
    """Open a bundle and check every file against its contract; nothing in it is run.

    Args:
        path: The bundle's folder.

    Returns:
        The bundle. Its files matched their digests when it was opened.

    Raises:
        BundleError: It is not there or not readable (``bundle.missing``, ``bundle.unreadable``), of an unknown schema
            or recipe (``bundle.schema``, ``bundle.recipe``), contradicts itself (``bundle.inconsistent``), has a file
            that was changed (``bundle.digest``), or names or links to a file outside its folder (``bundle.path``,
            ``bundle.link``).

    Example:
        >>> levit_mobile.open_bundle("build/levit_128s-tflite-fp32").contract.recipe
        'tflite-fp32'
    """
    try:
        return _opened(as_on_disk(Path(path)))
    except BundleError as error:  # it may quote the contract, where names hold anything
        raise error.reworded(" ".join(str(error).splitlines())) from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}", fault="unreadable") from error


def _opened(folder: Path) -> OpenBundle:
    if not folder.is_dir():
        fault = "is not a folder" if folder.exists() else "does not exist"
        raise BundleError(f"{folder} {fault}, expected a bundle made by `levit-mobile convert`", fault="missing")
    _require_inside(folder, folder / c.CONTRACT_FILE)
    contract = c.Contract.read(folder)
    _require_known_recipe(folder, contract)
    _require_consistent(folder, contract)
    for item in folder.rglob("*"):
        _require_inside(folder, item)
    for file, expected in sealed(contract):
        _require_digest(folder, file, expected)
    _require_golden_sizes(folder, contract)
    return OpenBundle(folder, contract, _labels(folder, contract), _proof(folder, contract))


def _require_inside(folder: Path, item: Path) -> None:
    """Refuse a link that leaves the bundle: its target can change, and is not copied with the bundle."""
    target = Path(os.path.realpath(item))
    if not target.is_relative_to(os.path.realpath(folder)):
        raise BundleError(
            f"{item} is a link to {target}, outside the bundle: replace the link with a copy of its target",
            fault="link",
        )


def _require_known_recipe(folder: Path, contract: c.Contract) -> None:
    where = folder / c.CONTRACT_FILE
    if contract.recipe not in RECIPES:
        raise BundleError(
            f"{where} names the unknown recipe {contract.recipe!r}, expected one of {', '.join(RECIPES)}: levit-mobile "
            f"{contract.tool} made the bundle, which may be newer than this installation",
            fault="recipe",
        )
    try:
        suffix = TARGETS[contract.made_by.target].suffix
    except RecipeError as error:
        raise BundleError(
            f"{where} states an arithmetic that its recipe does not have: {error}", fault="inconsistent"
        ) from error
    if not contract.artifact.file.endswith(suffix):
        raise BundleError(
            f"{where} names the artifact {contract.artifact.file}, expected a {suffix}, which {contract.recipe} makes",
            fault="inconsistent",
        )


def _require_consistent(folder: Path, contract: c.Contract) -> None:
    """Refuse a contract that contradicts itself."""
    where, classes = folder / c.CONTRACT_FILE, contract.model.classes
    _require_preparation(where, contract.preprocessing)
    height, width = _picture_size(contract)
    wanted = (1, 3, height, width) if contract.input.layout == "NCHW" else (1, height, width, 3)
    if contract.input.shape != wanted:
        raise BundleError(
            f"{where}: the input's shape is {list(contract.input.shape)}, expected {list(wanted)}",
            fault="inconsistent",
        )
    if classes < 1:
        raise BundleError(f"{where}: the model has {classes} classes, expected 1 or more", fault="inconsistent")
    if contract.output.shape != (1, classes):
        raise BundleError(
            f"{where}: the output's shape is {list(contract.output.shape)}, expected [1, {classes}] "
            f"for a model of {classes} classes",
            fault="inconsistent",
        )


def _require_preparation(where: Path, found: c.Preprocessing) -> None:
    try:
        _spec(found)
    except ValueError as error:
        raise BundleError(f"{where}: the preprocessing is not valid: {error}", fault="inconsistent") from error


def _spec(found: c.Preprocessing) -> ImageSpec:
    return ImageSpec(**dict(found))


def _picture_size(contract: c.Contract) -> tuple[int, int]:
    return contract.preprocessing.crop_height, contract.preprocessing.crop_width


def sealed(contract: c.Contract) -> list[tuple[str, Sha256]]:
    """Every file that the contract has a digest of."""
    golden = [(v.rgb8_file, v.rgb8_sha256) for v in contract.golden]
    golden += [(v.logits_file, v.logits_sha256) for v in contract.golden]
    labels = (contract.output.labels_file, contract.output.labels_sha256)
    measured = contract.calibration
    plan = [(measured.plan_file, measured.plan_sha256)] if measured else []
    return [(contract.artifact.file, contract.artifact.sha256), labels, *plan, *golden]


def _require_digest(folder: Path, file: str, expected: Sha256) -> None:
    path = as_on_disk(folder / file)
    if Path(file).is_absolute() or ".." in Path(file).parts or "\0" in file:
        raise BundleError(f"{folder / c.CONTRACT_FILE} names {file!r}, expected a path inside the bundle", fault="path")
    try:
        found = digest(path)
    except OSError as error:
        raise BundleError(
            f"{path}, which the contract names, cannot be read: {error.strerror}", fault="unreadable"
        ) from error
    if found != expected:
        raise BundleError(
            f"{path} has changed since the contract was written: its sha256 begins with {found[:12]}, expected "
            f"{expected[:12]}; convert again or copy the bundle again",
            fault="digest",
        )
    if (is_folder := path.is_dir()) != file.endswith(FOLDER):
        raise BundleError(f"{path} is a {KINDS[is_folder]}, expected a {KINDS[not is_folder]}", fault="inconsistent")


def _require_golden_sizes(folder: Path, contract: c.Contract) -> None:
    (height, width), classes = _picture_size(contract), contract.model.classes
    for vector in contract.golden:
        bytes_found = as_on_disk(folder / vector.rgb8_file).stat().st_size
        if vector.rgb8_shape != (height, width, 3) or bytes_found != height * width * 3:
            raise BundleError(
                f"{folder / vector.rgb8_file} does not hold an image of {height} x {width} x 3 bytes",
                fault="inconsistent",
            )
        if vector.logits_shape != (classes,) or as_on_disk(folder / vector.logits_file).stat().st_size != classes * 4:
            raise BundleError(
                f"{folder / vector.logits_file} does not hold {classes} float32 logits", fault="inconsistent"
            )


def _labels(folder: Path, contract: c.Contract) -> tuple[str, ...]:
    path = as_on_disk(folder / contract.output.labels_file)
    try:
        labels = tuple(class_labels.lines(read_regular(path).decode()))
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is not UTF-8 text, expected one label per line", fault="inconsistent") from error
    if len(labels) != contract.model.classes:
        raise BundleError(
            f"{path} has {len(labels)} labels, expected one for each of the model's {contract.model.classes} classes",
            fault="inconsistent",
        )
    return labels


def _proof(folder: Path, contract: c.Contract) -> Proof:
    """The bundle's proof; refuse one whose verdict or bounds differ from the contract's or from its own figures."""
    path = folder / c.PARITY_FILE
    proof = read_json(Proof, path, BundleError, "a proof")
    if proof.verdict != contract.verdict:
        raise BundleError(
            f"{path} has the verdict {proof.verdict}, expected {contract.verdict} as in the contract",
            fault="inconsistent",
        )
    by_reference = "the contract" if proof.verdict == Verdict.BY_REFERENCE else ""
    found = judge(proof.report, by_reference=by_reference).verdict if proof.report else Verdict.NOT_RUN
    # What emulated cores refute is in the reasons, and not in the figures of this machine.
    on_cores = contract.made_by.allows_half and proof.verdict is Verdict.BROKEN and bool(proof.reasons)
    if proof.verdict != found and not on_cores:
        raise BundleError(
            f"{path} has the verdict {proof.verdict}, expected {found} by its own numbers", fault="inconsistent"
        )
    if proof.report and proof.report.tolerance != contract.tolerance:
        raise BundleError(f"{path} and the contract have different bounds", fault="inconsistent")
    return proof
