"""Can it ship? What is known of one artifact, in one line."""

from __future__ import annotations

from collections.abc import Iterator

from levit_mobile.overview.join import Artifact, Timed
from levit_mobile.recipe import Verdict
from levit_mobile.timing.figures import called

MEGA = 1e6


def shipping_line(artifact: Artifact) -> str:
    """Where it was proven, its accuracy, size and time, and the oldest system that runs it."""
    return "; ".join(_facts(artifact))


def _facts(artifact: Artifact) -> Iterator[str]:
    yield _proven(artifact)
    yield _accuracy(artifact)
    if artifact.size_bytes is not None:
        yield f"{artifact.size_bytes / MEGA:.2f} MB"
    yield _time(artifact)
    if artifact.contract and artifact.contract.artifact.minimum_ios:
        yield f"iOS {artifact.contract.artifact.minimum_ios} or later"


def _proven(artifact: Artifact) -> str:
    if not artifact.verdict.is_proof:
        return "BROKEN: do not ship it" if artifact.verdict == Verdict.BROKEN else "not proven anywhere"
    held = [claim for claim in artifact.all_claims if claim.verdict == Verdict.PROVEN]
    devices = [claim.source for claim in held if not claim.desk]
    if devices:
        return f"proven on {', '.join(dict.fromkeys(devices))}"
    return "proven on this desk; no phone ran it" if held else "proven by the MIL reference; no device ran it"


def _accuracy(artifact: Artifact) -> str:
    """The change of top-1 accuracy in the validation of most pictures."""
    found = [one.validation.accuracy for one in artifact.validations if one.validation.accuracy is not None]
    if not found:
        return "accuracy not measured"
    best = max(found, key=lambda one: one.pictures)
    points = 100 * (best.candidate - best.reference)
    return f"top-1 {best.candidate:.2%}, {points:+.2f} points to the trained model's ({best.pictures} images)"


def _time(artifact: Artifact) -> str:
    """The median on a phone, or on this machine where no phone timed it."""
    latest = [one for one in artifact.timed if one.latest and one.figures.inference]
    phones = [one for one in latest if one.device.platform != "host"]
    return ", ".join(map(_median, phones or latest)) or "not timed"


def _median(timed: Timed) -> str:
    inference = timed.figures.inference
    return f"{inference.median_ms:.2f} ms on {called(timed.device)}" if inference else ""
