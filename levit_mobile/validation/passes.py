"""validate(): every pass that proves a bundle here, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from levit_mobile.arm64.cpus import chosen
from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.cluster.connect import Cluster, cluster_of
from levit_mobile.errors import LevitMobileError
from levit_mobile.images.image_set import png
from levit_mobile.images.source import require_count
from levit_mobile.parity.report import ParityReport
from levit_mobile.recipe import Verdict
from levit_mobile.system.progress import Progress, called, silent
from levit_mobile.validation import setup
from levit_mobile.validation.journal import Journal
from levit_mobile.validation.results import Accuracy, Picture, Validation
from levit_mobile.validation.setup import ValidationSetup
from levit_mobile.validation.validate import examine, refusal

FLIPS_SHOWN = 50  # whose pictures a page shows, a pass


@dataclass(frozen=True, slots=True)
class ValidationRun:
    """One bundle and all passes over it: one on most machines, three for Core ML on a Mac.

    Attributes:
        validations: One validation per pass.
        setups: What each pass compared, in the same order.
        refused: The error that prevented any pass, for runs made by ``not_judged``; else None.
    """

    validations: tuple[Validation, ...]
    setups: tuple[ValidationSetup, ...] = ()
    refused: LevitMobileError | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all passes."""
        return Verdict.of_one(found.verdict for found in self.validations)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is not proven, one sentence each, over all passes."""
        return tuple(reason for found in self.validations for reason in found.reasons)

    @property
    def report(self) -> ParityReport | None:
        """The figures of the first pass, by the runtime that phones use; None if nothing could be run."""
        return self.validations[0].report

    @property
    def accuracy(self) -> Accuracy | None:
        """Top-1 accuracy of both models in the first pass; None without labels."""
        return self.validations[0].accuracy

    @property
    def flips(self) -> tuple[Picture, ...]:
        """The images of the first pass for which the top class differs."""
        return self.validations[0].flips

    @classmethod
    def not_judged(cls, bundle: str | Path, error: LevitMobileError, verdict: Verdict) -> ValidationRun:
        """Make the run of a bundle that could not be judged, for a list of several bundles.

        Args:
            bundle: The bundle's folder.
            error: The error that prevented the validation.
            verdict: Broken for a damaged bundle, NOT RUN for one without its reference.

        Returns:
            A run with one validation, which has no figures.
        """
        return cls((refusal(bundle, error, verdict),), refused=error)

    def thumbnails(self) -> dict[str, bytes]:
        """Return the pictures that a page shows, as PNG files by name: the worst of each pass, and its flips."""
        shown: dict[str, bytes] = {}
        for case, found in zip(self.setups, self.validations, strict=False):
            for picture in _to_show(found):
                if picture.name not in shown:
                    shown[picture.name] = png(case.pictures.read(picture.name))
        return shown


def _to_show(found: Validation) -> tuple[Picture, ...]:
    return (*found.worst, *found.flips[:FLIPS_SHOWN])


def validate(
    bundle: str | Path | OpenBundle,
    *,
    reference: str | Path | None = None,
    weights: str | None = None,
    images: str | Path | None = None,
    count: int | None = None,
    truth: str | Path | None = None,
    runtime: str | None = None,
    cpus: Sequence[str] = (),
    cpu_count: int | None = None,
    bounds: Mapping[str, float] | None = None,
    skip_broken: bool = False,
    drill: bool = False,
    calibration: str | Path | None = None,
    processes: int | None = None,
    cluster: str | Cluster | None = None,
    resume: str | Path | None = None,
    progress: Progress = silent,
) -> ValidationRun:
    """Compare a bundle with a reference on real images, by every runtime that its verdict needs.

    An artifact that cannot be run, crashes or gives wrong logits is not an error but a verdict, broken or NOT RUN.
    Thread-safe: models run in processes of their own.

    Args:
        bundle: A bundle's folder, or the result of ``open_bundle``.
        reference: A checkpoint, another bundle's folder, or ``"golden"`` for the bundle's own golden vectors. Default:
            the checkpoint from which the bundle was made.
        weights: For a checkpoint that holds both: ``"ema"`` for averaged weights, ``"raw"`` for the others, as the
            bundle was converted. Default: those that ``convert`` takes by default.
        images: A folder, archive, tar shards or URL of images. Default: held-out digits.
        count: Number of images, evenly spread over all, 1 or more. Default: all of ``images``, or 256 digits.
        truth: The source of the true classes: ``"folders"``, ``"shards"`` for labels beside the images in tar shards,
            or a CSV file, also a URL, with the columns ``file`` and ``label``.
        runtime: A name in ``runtimes.registry.RUNTIMES``, for one pass. Default: all that prove the target here.
        cpus: Names of ARM64 cores, as ``cost`` takes them; each adds one pass on that core, emulated if need be.
        cpu_count: Number of images on each of those cores, 1 or more. Default: 8.
        bounds: Fields of ``Tolerance`` that replace the recipe's.
        skip_broken: Leave out images that cannot be read.
        drill: Add the error of every block to the first pass; an int8 bundle is calibrated once more for it.
        calibration: For ``drill`` with int8: where the images are on which the bundle was calibrated, given like
            ``images``. Default: as its contract says, unless that is a URL.
        processes: Number of processes that share the images, 1 or more. Default: one per core.
        cluster: Other machines that share the images: a Dask scheduler's address, ``local:N``, or what ``open_cluster``
            opened. The figures are those of one machine, to the bit. Default: processes of this machine.
        resume: A folder that keeps finished images while the call runs, so that the same call continues after an
            interruption. Default: an interrupted call starts anew.
        progress: Called at every step and every few images.

    Returns:
        One validation per pass, and the verdict over all of them.

    Raises:
        BundleError: The bundle is damaged, with the codes of ``open_bundle``, or the reference is not here or does not
            fit (``bundle.reference``).
        CheckpointError: The reference cannot be imported, with the codes of ``load_checkpoint``, has other classes or
            another side (``checkpoint.variant``), or gives logits that are not finite (``checkpoint.not-finite``).
        ClusterError: The cluster cannot be used or was lost; the codes are those of ``open_cluster``, and
            ``cluster.not-sent``, ``cluster.workers-lost`` and ``cluster.scheduler-lost``.
        DownloadError: The reference cannot be downloaded; the codes are those of ``load_checkpoint``.
        ImageError: The images cannot be used (``image.not-found``, ``image.no-pictures``, ``image.unreadable``,
            ``image.golden``, ``image.access``, ``image.protocol``, ``image.duplicate``).
        LabelsError: The true classes cannot be used (``labels.unreadable``, ``labels.format``,
            ``labels.unknown-class``, ``labels.no-label``, ``labels.no-picture``, ``labels.two-labels``).
        RecipeError: The runtime does not run the target (``recipe.runtime``), a core is unknown
            (``recipe.unknown-cpu``), or the options do not go together (``recipe.options``).
        ValueError: A number of images is below 1.

    Example:
        >>> run = levit_mobile.validate("build/levit_128s-tflite-fp32")
        >>> print(run.verdict, run.report.top1_agreement)
        proven 1.0
    """
    require_count("count", count)
    require_count("cpu_count", cpu_count)
    cores = chosen(cpus) if cpus else ()
    opened = bundle if isinstance(bundle, OpenBundle) else open_bundle(bundle)
    here = setup.passes(opened, runtime, reference)
    wanted = [_Pass(name, source, count) for name, source in here]
    wanted += [_Pass(None, reference, cpu_count, core.name) for core in cores]
    setups, validations, journals = [], [], []
    name = opened.path.resolve().name
    with cluster_of(cluster) as machines:
        for number, one in enumerate(wanted):
            progress(f"{name}: importing the reference", number, len(wanted))
            case = setup.prepare(
                opened,
                reference=one.reference,
                weights=weights,
                images=images,
                count=one.count,
                truth=truth,
                runtime=one.runtime,
                bounds=bounds,
                skip_broken=skip_broken,
                calibration=calibration,
                cpu=one.cpu,
            )
            setups.append(case)
            journals.append(Journal(Path(resume), case) if resume is not None else None)
            told = called(progress, f"{name} by {case.runtime}")
            told("", 0, len(case.pictures))
            validations.append(
                examine(
                    case,
                    drill=drill and not number,
                    processes=processes,
                    cluster=machines,
                    journal=journals[-1],
                    progress=told,
                    drill_progress=called(progress, f"{name}: error of every block"),
                )
            )
    for journal in filter(None, journals):
        journal.remove()
    return ValidationRun(tuple(validations), tuple(setups))


@dataclass(frozen=True, slots=True)
class _Pass:
    runtime: str | None
    reference: str | Path | None
    count: int | None
    cpu: str | None = None
