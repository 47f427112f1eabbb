"""convert(): import -> bake -> lower -> inspect -> prove -> write."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from torch import nn

from levit_mobile.errors import ArtifactError, ConversionError, RecipeError, RunnerUnavailable, ToolchainMissing
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.interfaces.toolchain import inspector, runner_loader
from levit_mobile.model.bake import bake
from levit_mobile.model.fake_quant import QParams, logits_qparams
from levit_mobile.parity import compare
from levit_mobile.pipeline import lowering, writing
from levit_mobile.pipeline import quantization_summary as integers
from levit_mobile.pipeline.quantization_summary import QuantizationSummary
from levit_mobile.pipeline.source_model import SourceModel, load_source
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.quantization.prepare import Int8Options, Quantization, find
from levit_mobile.recipe import RECIPES, Precision, Recipe
from levit_mobile.runners.executorch import thread_pool_kept
from levit_mobile.system.atomic_write import staged
from levit_mobile.system.folders import temporary_folder
from levit_mobile.system.progress import Progress, Steps, silent
from levit_mobile.targets import TARGETS, Target

MAX_RANK = 4  # GPU delegates and the Neural Engine take no more
STEPS = ("bake", "calibrate", "lower", "inspect", "prove", "time", "write")


def convert(
    checkpoint: str | Path | SourceModel | None = None,
    recipe: Recipe | str = "coreml-fp16",
    *,
    out: str | Path = "build",
    variant: str | None = None,
    labels: str | Path | None = None,
    images: str | Path | None = None,
    skip_broken: bool = False,
    force: bool = False,
    calibration: str | Path | None = None,
    count: int | None = None,
    seed: int = 0,
    observer: str | None = None,
    plan: str | Path | None = None,
    timing: bool = True,
    progress: Progress = silent,
) -> Bundle:
    """Convert a checkpoint into a bundle below `out`, and prove it against the trained model.

    A proof that fails still gives its bundle: look at `bundle.proof.verdict`. Not thread-safe: while it runs, torch and
    ExecuTorch compute on one thread in the whole process, and coremltools knows two more ops; all are put back.

    Args:
        checkpoint: A file, a folder, a hub id, an official name, or what `load_source` made of one, which several
            calls can share; `variant`, `labels`, `images` and `skip_broken` are given to that then. Default: the
            bundled digits.
        recipe: One of RECIPES or its name.
        out: The folder in which the bundle's folder is made.
        variant: Raise unless the checkpoint is this variant.
        labels: A text file, one label a line, in class order. Default: the checkpoint's own, else placeholders.
        images: A folder of at least 32 images for the proof. Default: held-out digits.
        skip_broken: Leave out images that cannot be read.
        force: Replace a bundle that exists.
        calibration: int8 only: a folder of images to measure ranges on, or "synthetic". Default: bundled digits.
        count: int8 only: how many of them, 1 or more. Default: 512.
        seed: int8 only: draws them, 0 or more.
        observer: int8 only: "min-max", "percentile", "mse" or "entropy". Default: the plan's.
        plan: int8 only: a JSON file of what stays float. Default: the committed plan.
        timing: Lower what computes in integers once more, in float32, and time both here.
        progress: Is told of every step as it begins.

    Returns:
        The bundle: where it lies, its contract, its proof and what is inside the artifact.

    Raises:
        LevitMobileError: One sentence that says why there is no bundle; nothing was written.
    """
    chosen = Recipe.from_name(recipe) if isinstance(recipe, str) else recipe
    if isinstance(checkpoint, SourceModel):
        _require_none(variant=variant, labels=labels, images=images, skip_broken=skip_broken or None)
        source = checkpoint
    else:
        source = load_source(
            checkpoint, variant=variant, labels=labels, images=images, skip_broken=skip_broken, progress=progress
        )
    quantization = quantized(source, chosen, Int8Options(calibration, count, seed, observer, plan))
    return build(
        source, chosen, out=Path(out), quantization=quantization, force=force, timing=timing, progress=progress
    )


def _require_none(**options: object) -> None:
    if given := [name for name, value in options.items() if value is not None]:
        raise RecipeError(
            f"{given[0]} has no effect on a checkpoint that is loaded: give it to load_source", fault="options"
        )


def quantized(source: SourceModel, recipe: Recipe, options: Int8Options | None = None) -> Quantization | None:
    """What int8 measures its ranges on, and its plan; None for other recipes. Raises LevitMobileError."""
    return find(recipe, options or Int8Options(), variant=source.checkpoint.variant, spec=source.spec)


def build(
    source: SourceModel,
    recipe: Recipe,
    *,
    out: Path,
    quantization: Quantization | None = None,
    force: bool = False,
    timing: bool = False,
    progress: Progress = silent,
) -> Bundle:
    """One artifact and its bundle; an int8 recipe without a quantization gets the default one.

    `progress` is told of each of STEPS as it begins: "calibrate" for int8 only, "time" for what computes in integers
    and with `timing` only. Raises LevitMobileError.
    """
    quantization, steps = quantization or quantized(source, recipe), Steps(progress, recipe.name, STEPS)
    target, final = TARGETS[recipe.target], out / writing.name_of(source, recipe)
    kept = thread_pool_kept() if recipe.target == "executorch" else nullcontext()
    with kept, staged(final, force=force) as folder:
        artifact = folder / f"model{target.suffix}"
        steps.begin("bake")
        form = to_deploy_form(source, target, quantization, progress=steps.within("calibrate"))
        steps.begin("lower")
        wanted = lowering.lower(form, recipe, writing.card_of(source, recipe), artifact)
        steps.begin("inspect")
        inspection = inspect(artifact, target, integers=wanted)
        steps.begin("prove")
        grid = logits_qparams(form)
        proof = prove(artifact, source, recipe, grid)
        found = summarized(source, recipe, form, quantization) if recipe.has_integers else None
        if found and timing and recipe.computes_in_integers:
            steps.begin("time")
            found = timed(found, artifact, source, recipe)
        steps.begin("write")
        contract = writing.write(
            folder,
            artifact,
            source,
            recipe,
            inspection=inspection,
            proof=proof,
            quantization=quantization,
            grid=grid,
        )
    return Bundle(final, contract, proof, inspection, found)


def to_deploy_form(
    source: SourceModel,
    target: Target,
    quantization: Quantization | None = None,
    *,
    progress: Progress = silent,
) -> nn.Module:
    """The baked model in the form that the target's kernels like best; with a quantization, on int8 grids."""
    made = lowering.with_scales(source.checkpoint.model, source.spec, target, quantization, progress=progress)
    return made.form


def inspect(artifact: Path, target: Target, *, integers: int = 0) -> Inspection:
    """Read the artifact back.

    Raises ConversionError for a fallback op, a second partition, a rank above 4, and when fewer than `integers`
    convolutions and linears run in integers.
    """
    found = inspector(target)(artifact)
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


def prove(artifact: Path, source: SourceModel, recipe: Recipe, grid: QParams | None = None) -> compare.Proof:
    """Run the artifact on this machine and judge it against the unbaked model; NOT RUN where no runtime exists.

    `grid` is what the form's logits lie on, for an artifact that gives them in int8.
    """
    load_runner = runner_loader(TARGETS[recipe.target])
    takes, gives = writing.input_of(source, recipe), writing.output_of(source, recipe, grid)
    try:
        runner = load_runner(artifact, source=takes, result=gives)
    except RunnerUnavailable as error:
        return compare.not_run(
            f"{error}; `levit-mobile validate` compares it with the trained model on a runtime that works here"
        )
    candidate = compare.run(runner, source.reference.pictures)
    report = compare.compare(source.reference, candidate, name=recipe.name, tolerance=recipe.tolerance)
    return compare.judge(report)


def summarized(
    source: SourceModel, recipe: Recipe, form: nn.Module, quantization: Quantization | None
) -> QuantizationSummary:
    """What is float by plan, and what the tables cost."""
    spec = source.spec
    baked = bake(source.checkpoint.model, mean=spec.mean, std=spec.std, pixel_range=TARGETS[recipe.target].pixel_range)
    groups = integers.float_groups(form, quantization.plan.float_edges) if quantization else None
    return QuantizationSummary(groups, integers.tables_of(baked, recipe, source.reference.pictures))


def timed(found: QuantizationSummary, artifact: Path, source: SourceModel, recipe: Recipe) -> QuantizationSummary:
    """Beside the float32 artifact of the same form; a runtime that does not exist here is said to be NOT RUN."""
    in_float = RECIPES[f"{recipe.target}-{Precision.FLOAT32}"]
    try:
        ours = integers.timer(artifact, recipe.target)
        with temporary_folder() as folder:
            path = folder / artifact.name
            form = to_deploy_form(source, TARGETS[recipe.target])
            lowering.lower(form, in_float, writing.card_of(source, in_float), path)
            other = integers.timer(path, recipe.target)
            return replace(found, speed=integers.speed(ours, other))
    except (RunnerUnavailable, ToolchainMissing, ArtifactError, ConversionError) as error:
        return replace(found, not_timed=f"NOT RUN: {error}")
