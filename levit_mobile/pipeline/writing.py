"""From a trained model and its artifact to a bundle: signature, card, contract, labels, golden vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np

from levit_mobile import contract as c
from levit_mobile.interfaces.card import Card
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.model.download import BUNDLED, public_name
from levit_mobile.model.fake_quant import QParams
from levit_mobile.model.parts.counts import count_macs, count_parameters
from levit_mobile.parity.report import Proof
from levit_mobile.pipeline.half import HalfProof
from levit_mobile.pipeline.quantization_summary import QuantizationSummary
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.calibration import concerns
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.prepare import Quantization
from levit_mobile.recipe import Precision, Recipe
from levit_mobile.system.files import Sha256, as_text, digest, digest_bytes, size_bytes
from levit_mobile.targets import TARGETS

GOLDEN_PICTURES = 4
PIXELS = c.Quantization(scale=1 / 255, zero_point=-128)  # of int8 input: a picture's level - 128


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle on disk as ``convert`` wrote it: one artifact, its contract, its proof and its contents.

    Attributes:
        path: The bundle's folder, ``<out>/<variant>-<recipe>``.
        contract: What an app must know of the artifact; the bundle's ``contract.json``.
        proof: The comparison with the trained model; the bundle's ``parity.json``.
        inspection: Ops, types and sizes that were read from the artifact.
        integers: What is float and how fast the artifact is; None for float32 and float16 recipes.
        half: The proof on emulated cores of an artifact that a core may compute in float16; None for others, and where
            it was not asked.
    """

    path: Path
    contract: c.Contract
    proof: Proof
    inspection: Inspection
    integers: QuantizationSummary | None = None
    half: HalfProof | None = None


def name_of(trained: SourceModel, recipe: Recipe) -> str:
    """The folder's name: `<variant>-<recipe>`."""
    return f"{trained.checkpoint.variant}-{recipe.name}"


def card_of(trained: SourceModel, recipe: Recipe) -> Card:
    """Facts that the artifact states about itself."""
    checkpoint = trained.checkpoint
    metadata = {
        "version": version("levit-mobile"),
        "recipe": recipe.name,
        "variant": checkpoint.variant,
        "checkpoint_sha256": checkpoint.sha256,
        "checkpoint_format": checkpoint.format,
        "preprocessing": str(trained.spec),
    }
    return Card(
        name=checkpoint.variant,
        description=f"{checkpoint.variant}, {checkpoint.classes} classes, {recipe.precision}, by levit-mobile",
        labels=trained.labels,
        height=trained.spec.crop_height,
        width=trained.spec.crop_width,
        author=checkpoint.metadata.get("author", "levit-mobile"),
        licence=checkpoint.metadata.get("licence", "see the checkpoint"),
        version=version("levit-mobile"),
        metadata=metadata,
    )


def input_of(trained: SourceModel, recipe: Recipe) -> c.Input:
    """The artifact's input: a Core ML image, or a tensor in the target's layout (float16 only in a float16 `.pte`)."""
    target, height, width = TARGETS[recipe.target], trained.spec.crop_height, trained.spec.crop_width
    return c.Input(
        name="image",
        shape=(1, 3, height, width) if target.layout == "NCHW" else (1, height, width, 3),
        layout=target.layout,
        dtype=_input_dtype(recipe),
        quantization=PIXELS if recipe.io == "int8" else None,
        range=(0.0, float(target.pixel_range)),
    )


def output_of(trained: SourceModel, recipe: Recipe, grid: QParams | None = None) -> c.Output:
    """The artifact's output: logits on `grid` in its form, stored as int8 where `io` is int8."""
    stored = grid if recipe.io == "int8" else None
    return c.Output(
        name="logits",
        shape=(1, trained.checkpoint.classes),
        dtype=_tensor_dtype(recipe) if stored is None else "int8",
        quantization=None if stored is None else c.Quantization(scale=stored.scale, zero_point=stored.zero_point),
        head=trained.checkpoint.head,
        labels_source=trained.labels_source,
        labels_sha256=digest_bytes(_labels_text(trained)),
    )


class Ends(TypedDict):
    """Both ends of an artifact, as a RunnerLoader takes them."""

    source: c.Input
    result: c.Output


def ends_of(trained: SourceModel, recipe: Recipe, grid: QParams | None = None) -> Ends:
    """The artifact's input and output; `grid` is that of the form's logits."""
    return {"source": input_of(trained, recipe), "result": output_of(trained, recipe, grid)}


def write(
    folder: Path,
    artifact: Path,
    trained: SourceModel,
    recipe: Recipe,
    *,
    inspection: Inspection,
    proof: Proof,
    quantization: Quantization | None = None,
    grid: QParams | None = None,
) -> c.Contract:
    """Write everything beside the artifact, the contract last; `grid` is that of the form's logits."""
    (folder / c.LABELS_FILE).write_bytes(_labels_text(trained))
    if quantization:
        quantization.plan.write(folder / c.PLAN_FILE)
    contract = c.Contract(
        schema_version=c.SCHEMA_VERSION,
        tool=version("levit-mobile"),
        recipe=recipe.name,
        model=_model(trained),
        artifact=_artifact(artifact, recipe, inspection),
        input=input_of(trained, recipe),
        output=output_of(trained, recipe, grid),
        preprocessing=_preprocessing(trained),
        calibration=calibration_of(trained, quantization) if quantization else None,
        tolerance=recipe.tolerance,
        golden=_write_golden(folder, trained),
        verdict=proof.verdict,
    )
    proof.write(folder)
    contract.write(folder)
    return contract


def calibration_of(trained: SourceModel, quantization: Quantization) -> c.Calibration:
    """The contract's entry on the calibration."""
    found, plan = quantization.calibration, quantization.plan
    bundled = trained.checkpoint.source == str(BUNDLED)
    return c.Calibration(
        source=found.source.title,
        pictures=len(found.pictures),
        pictures_sha256=found.digest,
        seed=found.seed,
        observer=plan.observer,
        plan_sha256=plan.sha256,
        for_release=found.for_release,
        concerns=(
            *concerns(found, proof=trained.reference.pictures, bundled_model=bundled),
            *_doubts(plan, trained.checkpoint.sha256),
        ),
    )


def _doubts(plan: Plan, checkpoint_sha256: Sha256) -> Iterator[str]:
    if plan.origin and plan.origin.checkpoint_sha256 != checkpoint_sha256:
        yield (
            "the plan was found for a different checkpoint, whose sha256 begins with "
            f"{plan.origin.checkpoint_sha256[:12]}: `levit-mobile plan` finds one for this checkpoint"
        )


def _input_dtype(recipe: Recipe) -> Literal["float32", "float16", "int8", "image"]:
    if recipe.io == "int8":
        return "int8"
    return "image" if recipe.target == "coreml" else _tensor_dtype(recipe)


def _tensor_dtype(recipe: Recipe) -> c.TensorType:
    half = recipe.target == "executorch" and recipe.precision is Precision.FLOAT16
    return "float16" if half else "float32"


def _labels_text(trained: SourceModel) -> bytes:
    return ("\n".join(trained.labels) + "\n").encode()


def _model(trained: SourceModel) -> c.Model:
    checkpoint = trained.checkpoint
    return c.Model(
        family=checkpoint.family,
        sizes=dict(checkpoint.sizes),
        variant=checkpoint.variant,
        classes=checkpoint.classes,
        parameters=count_parameters(checkpoint.model),
        macs=count_macs(checkpoint.model, checkpoint.input_size),
        checkpoint_sha256=checkpoint.sha256,
        checkpoint_format=checkpoint.format,
        weights=("ema" if checkpoint.averaged else "raw") if checkpoint.choice else None,
        source=as_text(public_name(checkpoint.source)),
    )


def _artifact(artifact: Path, recipe: Recipe, inspection: Inspection) -> c.Artifact:
    return c.Artifact(
        file=artifact.name,
        sha256=digest(artifact),
        bytes=size_bytes(artifact),
        partitions=inspection.partitions,
        toolchain={package: version(package) for package in TARGETS[recipe.target].packages},
        minimum_ios=recipe.minimum_ios,
        arithmetic=inspection.arithmetic,
    )


def _preprocessing(trained: SourceModel) -> c.Preprocessing:
    return c.Preprocessing(**asdict(trained.spec))


def _write_golden(folder: Path, trained: SourceModel) -> tuple[c.Golden, ...]:
    """A few of the proof's pictures, evenly spread, with the trained model's own logits."""
    names = trained.reference.pictures.names
    (folder / c.GOLDEN_FOLDER).mkdir()
    chosen = [index * len(names) // GOLDEN_PICTURES for index in range(GOLDEN_PICTURES)]
    return tuple(_golden(folder, number, index, trained) for number, index in enumerate(chosen))


def _golden(folder: Path, number: int, index: int, trained: SourceModel) -> c.Golden:
    pictures = trained.reference.pictures
    pixels = pictures.read(pictures.names[index])
    logits = np.asarray(trained.reference.logits[index], "<f4")
    stem = f"{c.GOLDEN_FOLDER}/picture{number}"
    rgb8, vector = f"{stem}.rgb8", f"{stem}.logits.f32"
    (folder / rgb8).write_bytes(pixels.tobytes())
    (folder / vector).write_bytes(logits.tobytes())
    return c.Golden(
        name=as_text(pictures.names[index]),
        rgb8_file=rgb8,
        rgb8_sha256=digest(folder / rgb8),
        rgb8_shape=(pixels.shape[0], pixels.shape[1], 3),
        logits_file=vector,
        logits_sha256=digest(folder / vector),
        logits_shape=(len(logits),),
    )
