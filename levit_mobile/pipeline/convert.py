"""convert(): import -> bake -> lower -> inspect -> prove -> write."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from torch import nn

from levit_mobile.errors import ArtifactError, ConversionError, RecipeError, RunnerUnavailable, ToolchainMissing
from levit_mobile.images.overrides import GivenColour, GivenCrop, GivenResize, Preparation
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.interfaces.toolchain import inspector, runner_loader
from levit_mobile.model.fake_quant import QParams, logits_qparams
from levit_mobile.parity import compare
from levit_mobile.parity.report import Proof, judge, not_run
from levit_mobile.pipeline import half, lowering, writing
from levit_mobile.pipeline import quantization_summary as integers
from levit_mobile.pipeline.precheck import check
from levit_mobile.pipeline.quantization_summary import QuantizationSummary
from levit_mobile.pipeline.source_model import SourceModel, load_source
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.quantization.prepare import Int8Options, Quantization, find
from levit_mobile.recipe import RECIPES, Precision, Recipe
from levit_mobile.runners.executorch import thread_pool_kept
from levit_mobile.runtimes.registry import reference_of
from levit_mobile.system.atomic_write import staged
from levit_mobile.system.folders import temporary_folder
from levit_mobile.system.progress import Progress, Steps, silent
from levit_mobile.targets import TARGETS, Target, resolve

MAX_RANK = 4  # GPU delegates and the Neural Engine take no more
STEPS = ("bake", "calibrate", "lower", "inspect", "prove", "emulate", "time", "write")


def convert(
    checkpoint: str | Path | SourceModel | None = None,
    recipe: Recipe | str = "coreml-fp16",
    *,
    out: str | Path = "build",
    variant: str | None = None,
    weights: str | None = None,
    side: GivenResize = None,
    labels: str | Path | None = None,
    images: str | Path | None = None,
    skip_broken: bool = False,
    mean: GivenColour = None,
    std: GivenColour = None,
    resize: GivenResize = None,
    crop: GivenCrop = None,
    interpolation: str | None = None,
    force: bool = False,
    calibration: str | Path | None = None,
    count: int | None = None,
    seed: int = 0,
    observer: str | None = None,
    plan: str | Path | None = None,
    timing: bool = True,
    emulation: bool = True,
    progress: Progress = silent,
) -> Bundle:
    """Convert a checkpoint into a bundle below ``out`` and compare the artifact with the trained model.

    A proof that fails still leaves its bundle: look at ``bundle.proof.verdict``. Not thread-safe: while it runs, torch
    and ExecuTorch compute on one thread in the whole process, and two ops are registered with coremltools; all of this
    is undone at the end.

    Args:
        checkpoint: A file, a folder, a hub id, an official name, or the result of ``load_source``, which several calls
            can share; the options from ``variant`` to ``interpolation`` are then those of that call. Default: the
            bundled digits model.
        recipe: A recipe, or the name of one in ``RECIPES``.
        out: The folder in which the bundle's folder is made.
        variant: Raise an error unless the checkpoint is of this variant.
        weights: ``"ema"`` for averaged weights, ``"raw"`` for the others. Default: those that the framework which wrote
            the file loads itself.
        side: Height and width of the input in pixels, or one number for a square; for weights that several sizes fit.
            Default: what the checkpoint's files state, else the square.
        labels: A text file with one label per line, in class order. Default: the checkpoint's own, ImageNet's
            for weights of a known publisher, else placeholders.
        images: A folder, archive, tar shards or URL of at least 32 images for the proof, of which up to 64 are used.
            Default: held-out digits.
        skip_broken: Leave out images that cannot be read, of the proof and of the calibration.
        mean: What to subtract from pixels in [0,1]: one number or three. Default: the checkpoint's own.
        std: What to divide by after that: one number or three. Default: the checkpoint's own.
        resize: Length of the short side in pixels, ``(height, width)`` to squash to, or ``"none"``. Default: the
            checkpoint's own.
        crop: Share of the resized image that the net takes, or the net's input size. Default: the checkpoint's
            own.
        interpolation: ``"bicubic"`` or ``"bilinear"``. Default: the checkpoint's own.
        force: Replace an existing bundle.
        calibration: int8 only: images to measure ranges on, given like ``images``, or ``"synthetic"``. Default: the
            bundled training digits.
        count: int8 only: number of calibration images, 1 or more. Default: 512.
        seed: int8 only: seed that draws the calibration images, 0 or more.
        observer: int8 only: ``"min-max"``, ``"percentile"``, ``"mse"``, ``"entropy"`` or ``"output"``. Default: the
            plan's.
        plan: int8 only: a JSON file that lists what stays float. Default: the committed plan of the variant and target.
        timing: For recipes that compute in integers: also convert to float32, and time both artifacts here.
        emulation: For recipes whose float parts a core may compute in float16: also prove the artifact on emulated
            ARM64 cores, if ``setup arm64`` has made them.
        progress: Called at the beginning of every step.

    Returns:
        The bundle, with its folder, its contract, its proof and the contents of its artifact.

    Raises:
        RecipeError: The recipe is unknown (``recipe.unknown-recipe``, ``recipe.not-available``), an option does not go
            with it (``recipe.int8-only``, ``recipe.unknown-observer``, ``recipe.options``), or the plan cannot be used
            (``recipe.unreadable``, ``recipe.schema``, ``recipe.other-plan``).
        CheckpointError: As ``load_source``.
        DownloadError: As ``load_source``.
        LabelsError: As ``load_source``.
        ImageError: The images of the proof or of the calibration cannot be used (``image.not-found``,
            ``image.no-pictures``, ``image.too-few``, ``image.unreadable``, ``image.noise``).
        ToolchainMissing: The target's packages are not installed (``toolchain``).
        ConversionError: The vendor's toolchain failed, or the artifact is not what the recipe promises; any
            ``conversion`` code.
        ArtifactError: The runtime cannot load or run the artifact (``artifact.refused``, ``artifact.failed``).
        BundleError: The bundle exists (``bundle.exists``) or cannot be written (``bundle.unwritable``).
        ValueError: A number of images is below 1.

    Example:
        >>> bundle = levit_mobile.convert(recipe="tflite-fp32", out="build")
        >>> bundle.path.name
        'levit_128s-tflite-fp32'
        >>> print(bundle.proof.verdict)
        proven
    """
    chosen = Recipe.from_name(recipe) if isinstance(recipe, str) else recipe
    preparation = Preparation(mean=mean, std=std, resize=resize, crop=crop, interpolation=interpolation)
    if isinstance(checkpoint, SourceModel):
        _require_none(
            variant=variant,
            weights=weights,
            side=side,
            labels=labels,
            images=images,
            skip_broken=(skip_broken and calibration is None) or None,
            **preparation,
        )
        source = checkpoint
    else:
        check(
            [chosen],
            checkpoint,
            out=out,
            labels=labels,
            images=images,
            force=force,
            calibration=calibration,
            count=count,
            observer=observer,
            plan=plan,
        )
        source = load_source(
            checkpoint,
            variant=variant,
            weights=weights,
            side=side,
            labels=labels,
            images=images,
            skip_broken=skip_broken,
            **preparation,
            progress=progress,
        )
    quantization = quantized(source, chosen, Int8Options(calibration, count, seed, observer, plan, skip_broken))
    return build(
        source,
        chosen,
        out=Path(out),
        quantization=quantization,
        force=force,
        timing=timing,
        emulation=emulation,
        progress=progress,
    )


def _require_none(**options: object) -> None:
    if given := [name for name, value in options.items() if value is not None]:
        raise RecipeError(f"{given[0]} has no effect on a loaded checkpoint: pass it to load_source", fault="options")


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
    emulation: bool = False,
    progress: Progress = silent,
) -> Bundle:
    """Make one artifact and its bundle.

    Args:
        source: The trained model.
        recipe: The recipe.
        out: The folder in which the bundle's folder is made.
        quantization: Calibration pictures and plan. Default: those of the recipe's defaults, for int8.
        force: Replace an existing bundle.
        timing: Also time an artifact that computes in integers beside its float32 form.
        emulation: Also prove an artifact that a core may compute in float16 on emulated cores.
        progress: Called at the beginning of each of STEPS; ``calibrate`` is for int8 only, ``time`` for ``timing``
            and ``emulate`` for ``emulation`` only.

    Returns:
        The bundle.

    Raises:
        LevitMobileError: There is no bundle; the classes and codes are those of ``convert``.
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
        on_cores = None
        if emulation and recipe.allows_half:
            steps.begin("emulate")
            on_cores = half.prove(artifact, source, recipe, **writing.ends_of(source, recipe, grid))
            proof = proof.with_failures(on_cores.reasons if on_cores else ())
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
    return Bundle(final, contract, proof, inspection, found, on_cores)


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
    """Read the artifact back and require that it is what the recipe promises.

    Args:
        artifact: The file or folder.
        target: Its target.
        integers: Smallest number of convolutions and linears that run in integers.

    Returns:
        The artifact's contents.

    Raises:
        ConversionError: An op is outside the delegate (``conversion.fallback``), there are several partitions
            (``conversion.partitions``), too few layers run in integers (``conversion.in-float``), or a tensor has more
            than four axes (``conversion.rank``).
    """
    found = inspector(target)(artifact)
    if found.fallbacks:
        named = "; ".join(f"{f.count} x {f.op} ({f.reason})" for f in found.fallbacks)
        raise ConversionError(f"the {target.name} artifact has ops outside XNNPACK: {named}", fault="fallback")
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


def prove(artifact: Path, source: SourceModel, recipe: Recipe, grid: QParams | None = None) -> Proof:
    """Run the artifact on this machine and judge it against the unbaked model.

    Where the target's runtime does not exist, its reference executes the artifact, and the verdict says so. Without one
    it is NOT RUN. `grid` is what the form's logits lie on, for an artifact that gives them in int8.
    """
    ends = writing.ends_of(source, recipe, grid)
    by_reference = ""
    try:
        runner = runner_loader(TARGETS[recipe.target])(artifact, **ends)
    except RunnerUnavailable as error:
        stand_in = reference_of(recipe.target)
        if stand_in is None:
            return not_run(f"{error}; `levit-mobile validate` proves the bundle where that runtime exists")
        runner = resolve(stand_in.loader)(artifact, **ends)
        title = stand_in.title.partition(",")[0]
        by_reference = f"the {title} executed the artifact as it is written; no device ran it"
    candidate = compare.run(runner, source.reference.pictures)
    report = compare.compare(
        source.reference,
        candidate,
        name=recipe.name,
        tolerance=recipe.tolerance,
        head=source.checkpoint.head,
        rounding_db=recipe.rounding_at(recipe.tolerance.min_sqnr_db),
    )
    return judge(report, by_reference=by_reference)


def summarized(
    source: SourceModel, recipe: Recipe, form: nn.Module, quantization: Quantization | None
) -> QuantizationSummary:
    """The groups that the plan keeps in float, and the error of the stored attention biases."""
    baked = lowering.baked_for(source.checkpoint.model, source.spec, TARGETS[recipe.target])
    groups = integers.float_groups(form, quantization.plan.float_edges) if quantization else None
    return QuantizationSummary(groups, integers.tables_of(baked, recipe, source.reference.pictures))


def timed(found: QuantizationSummary, artifact: Path, source: SourceModel, recipe: Recipe) -> QuantizationSummary:
    """Time against the float32 artifact of the same form; NOT RUN where the runtime is not available."""
    in_float = RECIPES[f"{recipe.target}-{Precision.FLOAT32}"]
    try:
        integers.require_runtime(recipe.target)  # before anything is lowered in vain
        with temporary_folder() as folder:
            path = folder / artifact.name
            form = to_deploy_form(source, TARGETS[recipe.target])
            lowering.lower(form, in_float, writing.card_of(source, in_float), path)
            return replace(found, speed=integers.speed(artifact, path, recipe.target))
    except (RunnerUnavailable, ToolchainMissing, ArtifactError, ConversionError) as error:
        return replace(found, not_timed=f"NOT RUN: {error}")
