"""convert(): import -> bake -> lower -> inspect -> prove -> write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from levit_mobile.errors import ArtifactError, ConversionError, RunnerUnavailable, ToolchainMissing
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.model.bake import bake
from levit_mobile.model.download import BUNDLED
from levit_mobile.model.fake_quant import QParams, logits_qparams
from levit_mobile.parity import compare
from levit_mobile.pipeline import lowering, writing
from levit_mobile.pipeline import quantization_summary as integers
from levit_mobile.pipeline.quantization_summary import QuantizationSummary
from levit_mobile.pipeline.source_model import SourceModel, load
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.quantization.prepare import OnPicture, Quantization, find
from levit_mobile.recipe import RECIPES, Precision, Recipe
from levit_mobile.system.atomic_write import staged
from levit_mobile.targets import TARGETS, Target, resolve

MAX_RANK = 4  # GPU delegates and the Neural Engine take no more
STEPS = ("bake", "calibrate", "lower", "inspect", "prove", "time", "write")

OnStep = Callable[..., None]  # (step that begins), or (step, how much of it is done)


def convert(
    checkpoint: str | Path = BUNDLED,
    recipe: Recipe | str = "coreml-fp16",
    *,
    out: str | Path = "build",
    variant: str | None = None,
    labels: str | Path | None = None,
    images: str | Path | None = None,
    skip_broken: bool = False,
    force: bool = False,
    calibration: str | Path | None = None,
    plan: str | Path | None = None,
    timing: bool = True,
) -> Bundle:
    """Convert a checkpoint into a bundle below `out`, and prove it against the trained model.

    `checkpoint` is a file, a folder, a hub id or an official name; `recipe` is one of RECIPES or its name; `labels` is
    a text file, one a line; `images` a folder of at least 32 pictures for the proof (default: held-out digits). For
    int8, `calibration` is a folder of pictures to measure ranges on, or "synthetic" (default: the bundled training
    digits), and `plan` a JSON file of what stays float (default: the committed one). `timing` lowers what computes in
    integers once more, in float32, and times both here.

    A proof that fails still gives its bundle: look at `bundle.proof.verdict`. Raises LevitMobileError, and then
    nothing is written.
    """
    chosen = Recipe.from_name(recipe) if isinstance(recipe, str) else recipe
    trained = load(checkpoint, variant=variant, labels_file=labels, images=images, skip_broken=skip_broken)
    quantization = quantized(trained, chosen, calibration=calibration, plan=plan)
    return build(trained, chosen, quantization=quantization, out=Path(out), force=force, timing=timing)


def quantized(trained: SourceModel, recipe: Recipe, **options: Any) -> Quantization | None:
    """What int8 measures its ranges on, and its plan; the options are those of `quantization.prepare.find`."""
    return find(recipe, variant=trained.checkpoint.variant, spec=trained.spec, **options)


def build(
    trained: SourceModel,
    recipe: Recipe,
    *,
    out: Path,
    quantization: Quantization | None = None,
    force: bool = False,
    timing: bool = False,
    on_step: OnStep = lambda *_: None,
) -> Bundle:
    """One artifact and its bundle; an int8 recipe without a quantization gets the default one.

    `on_step` hears each of STEPS as it begins, "calibrate" for int8 only and then how much of it is done, "time" for
    what computes in integers and with `timing` only. Raises LevitMobileError.
    """
    quantization = quantization or quantized(trained, recipe)
    target = TARGETS[recipe.target]
    final = out / writing.name_of(trained, recipe)
    with staged(final, force=force) as folder:
        artifact = folder / f"model{target.suffix}"
        on_step("bake")
        form = to_deploy_form(trained, target, quantization, lambda done, of: on_step("calibrate", done / of))
        on_step("lower")
        wanted = lowering.lower(form, recipe, writing.card_of(trained, recipe), artifact)
        on_step("inspect")
        inspection = inspect(artifact, target, integers=wanted)
        on_step("prove")
        grid = logits_qparams(form)
        proof = prove(artifact, trained, recipe, grid)
        found = integers_of(trained, recipe, form, quantization) if recipe.has_integers else None
        if found and timing and recipe.computes_in_integers:
            on_step("time")
            found = timed(found, artifact, trained, recipe)
        on_step("write")
        contract = writing.write(
            folder,
            artifact,
            trained,
            recipe,
            inspection=inspection,
            proof=proof,
            quantization=quantization,
            grid=grid,
        )
    return Bundle(final, contract, proof, inspection, found)


def to_deploy_form(
    trained: SourceModel,
    target: Target,
    quantization: Quantization | None = None,
    on_picture: OnPicture = lambda _done, _of: None,
) -> nn.Module:
    """The baked model in the form that the target's kernels like best; with a quantization, on int8 grids."""
    made = lowering.with_scales(trained.checkpoint.model, trained.spec, target, quantization, on_picture=on_picture)
    return made.form


def inspect(artifact: Path, target: Target, *, integers: int = 0) -> Inspection:
    """Read the artifact back.

    Raises ConversionError for a fallback op, a second partition, a rank above 4, and when fewer than `integers`
    convolutions and linears run in integers.
    """
    found: Inspection = resolve(target.inspector)(artifact)
    if found.fallbacks:
        named = "; ".join(f"{f.count} x {f.op} ({f.reason})" for f in found.fallbacks)
        raise ConversionError(f"the {target.name} artifact leaves ops outside XNNPACK: {named}", fault="fallback")
    if found.partitions not in (1, None):
        raise ConversionError(
            f"the {target.name} artifact has {found.partitions} XNNPACK partitions, expected one", fault="partitions"
        )
    if found.integer_products < integers:
        raise ConversionError(
            f"{found.integer_products} of {found.products} convolutions and linears of the {target.name} artifact "
            f"run in integers, expected {integers}",
            fault="in-float",
        )
    if found.max_rank > MAX_RANK:
        raise ConversionError(
            f"the {target.name} artifact has a tensor of rank {found.max_rank}, expected at most 4", fault="rank"
        )
    return found


def prove(artifact: Path, trained: SourceModel, recipe: Recipe, grid: QParams | None = None) -> compare.Proof:
    """Run the artifact on this machine and judge it against the unbaked model; NOT RUN where no runtime exists.

    `grid` is what the form's logits lie on, for an artifact that gives them in int8.
    """
    load_runner = resolve(TARGETS[recipe.target].runner)
    source, result = writing.input_of(trained, recipe), writing.output_of(trained, recipe, grid)
    try:
        runner = load_runner(artifact, source=source, result=result)
    except RunnerUnavailable as error:
        return compare.not_run(f"{error}; `levit-mobile validate` holds it against the trained model by what runs here")
    candidate = compare.run(runner, trained.reference.pictures)
    report = compare.compare(trained.reference, candidate, name=recipe.name, tolerance=recipe.tolerance)
    return compare.judge(report)


def integers_of(
    trained: SourceModel, recipe: Recipe, form: nn.Module, quantization: Quantization | None
) -> QuantizationSummary:
    """What is float by plan, and what the tables cost."""
    spec = trained.spec
    baked = bake(trained.checkpoint.model, mean=spec.mean, std=spec.std, pixel_range=TARGETS[recipe.target].pixel_range)
    groups = integers.float_groups(form, quantization.plan.float_edges) if quantization else None
    return QuantizationSummary(groups, integers.tables_of(baked, recipe, trained.reference.pictures))


def timed(found: QuantizationSummary, artifact: Path, trained: SourceModel, recipe: Recipe) -> QuantizationSummary:
    """Beside the float32 artifact of the same form; a runtime that does not exist here is said to be NOT RUN."""
    in_float = RECIPES[f"{recipe.target}-{Precision.FLOAT32}"]
    try:
        ours = integers.timer(artifact, recipe.target)
        with TemporaryDirectory(prefix="levit-mobile-") as folder:
            path = Path(folder) / artifact.name
            form = to_deploy_form(trained, TARGETS[recipe.target])
            lowering.lower(form, in_float, writing.card_of(trained, in_float), path)
            other = integers.timer(path, recipe.target)
            return replace(found, speed=integers.speed(ours, other))
    except (RunnerUnavailable, ToolchainMissing, ArtifactError, ConversionError) as error:
        return replace(found, not_timed=f"NOT RUN: {error}")
