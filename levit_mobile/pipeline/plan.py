"""plan(): import -> calibration images -> search, resumable -> the plan on disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from levit_mobile.cluster.connect import Cluster, cluster_of
from levit_mobile.errors import BundleError
from levit_mobile.images import overrides
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.overrides import GivenColour, GivenCrop, GivenResize
from levit_mobile.images.source import calibration_source, require_count
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.download import BUNDLED
from levit_mobile.pipeline.lowering import baked_for, form_of
from levit_mobile.pipeline.precheck import require_pictures
from levit_mobile.quantization import calibration as calibrations
from levit_mobile.quantization.calibration import CalibrationSet
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.prepare import one_thread
from levit_mobile.quantization.score_cache import ScoreCache, open_journal
from levit_mobile.quantization.search import (
    CandidateEvaluator,
    SearchProblem,
    identity,
    search,
)
from levit_mobile.quantization.spread_search import use_cluster
from levit_mobile.recipe import recipe
from levit_mobile.system.progress import Progress, silent
from levit_mobile.targets import TARGETS

SEARCH_COUNT, MAX_KL = 64, 1e-3


@dataclass(frozen=True, slots=True)
class PlanSearch:
    """The result of a search for a mixed-precision plan.

    Attributes:
        plan: What stays float and how the rest is quantized, with the measurements behind it.
        path: The JSON file that holds the plan.
        notes: Warnings about the calibration images, and whether the search was resumed, one sentence each.
    """

    plan: Plan
    path: Path
    notes: tuple[str, ...]


def plan(
    checkpoint: str | Path | None = None,
    target: str = "tflite",
    *,
    out: str | Path | None = None,
    variant: str | None = None,
    weights: str | None = None,
    side: GivenResize = None,
    mean: GivenColour = None,
    std: GivenColour = None,
    resize: GivenResize = None,
    crop: GivenCrop = None,
    interpolation: str | None = None,
    calibration: str | Path | None = None,
    count: int | None = None,
    seed: int = 0,
    search_count: int = SEARCH_COUNT,
    max_kl: float = MAX_KL,
    skip_broken: bool = False,
    force: bool = False,
    cluster: str | Cluster | None = None,
    progress: Progress = silent,
) -> PlanSearch:
    """Search for the groups of ops that an int8 artifact must keep in float, and write them to a plan file.

    A search takes minutes. Its measurements are stored beside ``out``, so the same call resumes after an interruption;
    the KeyboardInterrupt carries a note about that. Not thread-safe: torch computes on one thread meanwhile.

    Args:
        checkpoint: A file, a folder, a hub id or an official name. Default: the bundled digits model.
        target: ``"coreml"``, ``"executorch"`` or ``"tflite"``.
        out: The JSON file to write. Default: ``<variant>-<target>-int8.json`` in the working directory.
        variant: Raise an error unless the checkpoint is of this variant.
        weights: ``"ema"`` for averaged weights, ``"raw"`` for the others. Default: those that the framework which wrote
            the file loads itself.
        side: Height and width of the input in pixels, or one number for a square; for weights that several sizes fit.
            Default: what the checkpoint's files state, else the square.
        mean: What to subtract from pixels in [0,1]: one number or three. Default: the checkpoint's own.
        std: What to divide by after that: one number or three. Default: the checkpoint's own.
        resize: Length of the short side in pixels, ``(height, width)`` to squash to, or ``"none"``. Default: the
            checkpoint's own.
        crop: Share of the resized image that the net takes, or the net's input size. Default: the checkpoint's
            own.
        interpolation: ``"bicubic"`` or ``"bilinear"``. Default: the checkpoint's own.
        calibration: A folder, archive, tar shards or URL of images to measure ranges on, or ``"synthetic"``. Default:
            the bundled training digits.
        count: Number of calibration images, 1 or more. Default: 512.
        seed: Seed that draws the calibration images, 0 or more.
        search_count: Number of calibration images that score each candidate, evenly spread, 1 or more.
        max_kl: Largest KL divergence of the probabilities from the float model's, in nats, 0 or more.
        skip_broken: Leave out calibration images that cannot be read.
        force: Replace an existing plan.
        cluster: Other machines that measure candidates: a Dask scheduler's address, ``local:N``, or what
            ``open_cluster`` opened. The plan is that of one machine. Default: this machine alone.
        progress: Called for every candidate.

    Returns:
        The plan and its file.

    Raises:
        CheckpointError: The weights cannot be imported; the codes are those of ``load_checkpoint``.
        ClusterError: The cluster cannot be used or was lost; the codes are those of ``validate``.
        DownloadError: The weights cannot be downloaded; the codes are those of ``load_checkpoint``.
        ImageError: The calibration images cannot be used (``image.not-found``, ``image.no-pictures``,
            ``image.too-few``, ``image.unreadable``, ``image.noise``).
        RecipeError: The target is unknown (``recipe.unknown-target``), or the stored measurements are of another search
            (``recipe.other-search``).
        BundleError: The plan exists (``bundle.exists``) or cannot be written (``bundle.unwritable``).
        ValueError: A number of images is below 1.

    Example:
        >>> found = levit_mobile.plan(target="tflite", out="plan.json")
        >>> bundle = levit_mobile.convert(recipe="tflite-int8", plan=found.path)
    """
    given = overrides.read(mean=mean, std=std, resize=resize, crop=crop, interpolation=interpolation)
    require_count("count", count)
    require_count("search_count", search_count)
    size = overrides.read_side(side)
    recipe(target)
    _require_free(Path(out) if out else None, force)
    require_pictures(calibration_source(calibration).place, calibrations.MIN_PICTURES, "a calibration")
    progress(f"importing {checkpoint or 'the bundled checkpoint'}", 0, 1)
    model = load_checkpoint(checkpoint or BUNDLED, variant=variant, weights=weights, side=size, progress=progress)
    path = Path(out) if out else Path(f"{model.variant}-{target}-int8.json")
    _require_free(path, force)
    spec = model.prepared(given)
    images = calibrations.find(calibration, spec, count=count, seed=seed, skip_broken=skip_broken)
    problem = _problem(model, spec, images, target, search_count)
    origin = identity(problem, model.sha256, max_kl)
    cache = open_journal(path.with_name(f"{path.name}.partial"), origin, target)
    notes = (*filter(None, [model.choice]), *_concerns(model, images), *_resumed(cache))
    try:
        with cluster_of(cluster) as machines, one_thread():
            if machines is not None:
                use_cluster(cache, problem, machines, progress)
            bench = CandidateEvaluator(problem, progress)
            found = search(bench, cache, origin, variant=model.variant, target=target)
    except KeyboardInterrupt as error:
        error.add_note(f"the same command continues from {cache.path}" if cache.known else "nothing was measured yet")
        raise
    found.write(path, force=force)
    cache.path.unlink(missing_ok=True)
    return PlanSearch(found, path, notes)


def _require_free(path: Path | None, force: bool) -> None:
    if path is not None and path.is_dir():
        raise BundleError(
            f"{path} is a folder, expected a file or nothing: use --out to choose a different path", fault="exists"
        )
    if path is not None and path.exists() and not force:
        raise BundleError(
            f"{path} already exists: use --force to replace it, or --out to choose a different path", fault="exists"
        )


def _problem(model: Checkpoint, spec: ImageSpec, images: CalibrationSet, target: str, count: int) -> SearchProblem:
    row = TARGETS[target]
    return SearchProblem(
        baked_for(model.model, spec, row),
        partial(form_of, target=row, integers=True),
        images,
        pixel_range=row.pixel_range,
        channels_last=row.layout == "NHWC",
        compared=count,
    )


def _concerns(model: Checkpoint, images: CalibrationSet) -> tuple[str, ...]:
    """Those that `convert` would have about the same images."""
    proof = ImageSet((), images.pictures.read)  # a plan is not proven: its artifact is
    return calibrations.concerns(images, proof=proof, bundled_model=model.source == str(BUNDLED))


def _resumed(cache: ScoreCache) -> tuple[str, ...]:
    return (f"continued from {cache.path}, which held {cache.found} measurements",) if cache.found else ()
