"""validate(): every pass that proves a bundle here, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.errors import LevitMobileError
from levit_mobile.images.image_set import png
from levit_mobile.parity.compare import ParityReport
from levit_mobile.recipe import Verdict
from levit_mobile.system.progress import Progress, called, silent
from levit_mobile.validation import setup
from levit_mobile.validation.results import Accuracy, Picture, Validation
from levit_mobile.validation.setup import ValidationSetup
from levit_mobile.validation.validate import examine, refusal

FLIPS_SHOWN = 50  # whose pictures a page shows, a pass


@dataclass(frozen=True, slots=True)
class ValidationRun:
    """One bundle, and a Validation for each pass over it: one on most machines, three for Core ML on a Mac.

    `refused` is the error that kept the bundle from being judged, and `setups` what each pass compared, in order.
    """

    validations: tuple[Validation, ...]
    setups: tuple[ValidationSetup, ...] = ()
    refused: LevitMobileError | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of all passes."""
        return Verdict.worst(found.verdict for found in self.validations)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is not proven: a sentence for each thing, over all passes."""
        return tuple(reason for found in self.validations for reason in found.reasons)

    @property
    def report(self) -> ParityReport | None:
        """The figures of the first pass, the one by the runtime that phones run; None where nothing could be run."""
        return self.validations[0].report

    @property
    def accuracy(self) -> Accuracy | None:
        """Top-1 accuracy of both models in the first pass; None without labels."""
        return self.validations[0].accuracy

    @property
    def flips(self) -> tuple[Picture, ...]:
        """The images of the first pass whose top class differs."""
        return self.validations[0].flips

    @classmethod
    def not_judged(cls, bundle: str | Path, error: LevitMobileError, verdict: Verdict) -> ValidationRun:
        """For lists of several bundles: one that is damaged is broken, one without its reference is NOT RUN."""
        return cls((refusal(bundle, error, verdict),), refused=error)

    def thumbnails(self) -> dict[str, bytes]:
        """The pictures that a page shows, as PNG files by name: the worst of each pass, and its flips."""
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
    progress: Progress = silent,
) -> ValidationRun:
    """Compare a bundle with a reference on real images, by every runtime that its verdict wants, and say what differs.

    An artifact that cannot be run, crashes or gives nonsense is a verdict, "broken" or "not run", and no error.
    Thread-safe: models run in processes of their own.

    Args:
        bundle: A folder that `convert` has made, or what `open_bundle` made of one.
        reference: A checkpoint, a bundle's folder, or "golden". Default: the checkpoint that the bundle was made from.
        images: A folder of images. Default: held-out digits.
        count: How many of them, evenly spread, 1 or more.
        truth: What the images show: "folders", or a CSV file with the columns file and label.
        runtime: A name of `runtimes.registry.RUNTIMES`, for one pass. Default: all that prove the target here.
        cpus: Names of `arm64.cpus.CPUS`: one pass more on each emulated core.
        cpu_count: How many images on each of those. Default: 8.
        bounds: Replace fields of the recipe's Tolerance.
        skip_broken: Leave out images that cannot be read.
        drill: Add the error of every block to the first pass; static int8 is calibrated once more for it.
        calibration: With `drill` of int8: the folder that it was calibrated on. Default: as its contract says.
        processes: How many share the work. Default: one a core.
        progress: Is told of every few images.

    Raises:
        LevitMobileError: The bundle is damaged, the reference is not here or does not fit, an image cannot be read.
    """
    opened = bundle if isinstance(bundle, OpenBundle) else open_bundle(bundle)
    here = setup.passes(opened, runtime, reference)
    wanted = [_Pass(name, source, count) for name, source in here]
    wanted += [_Pass(None, reference, cpu_count, cpu) for cpu in cpus]
    setups, validations = [], []
    for number, one in enumerate(wanted):
        case = setup.prepare(
            opened,
            reference=one.reference,
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
        told = called(progress, f"{opened.path.name} by {case.runtime}")
        told("", 0, len(case.pictures))
        validations.append(examine(case, drill=drill and not number, processes=processes, progress=told))
    return ValidationRun(tuple(validations), tuple(setups))


@dataclass(frozen=True, slots=True)
class _Pass:
    runtime: str | None
    reference: str | Path | None
    count: int | None
    cpu: str | None = None
