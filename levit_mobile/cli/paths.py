"""What paths on a command line stand for; what is passed over is said on stderr."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from levit_mobile.cli.common import say
from levit_mobile.errors import BundleError
from levit_mobile.targets import TARGETS

if TYPE_CHECKING:
    from levit_mobile.bundle.listing import PassedOver
    from levit_mobile.deployment.places import Platform

SHOWN = 5  # names of what is passed over in one line
CORE_ML = "Core ML exists on Apple's systems only, so its instructions cannot be counted"


def require_existing(paths: Sequence[Path]) -> None:
    """A path that does not exist is a usage error."""
    for path in paths:
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            what = "is a link to nothing" if os.path.lexists(path) else "does not exist"
            raise typer.BadParameter(f"{path} {what}") from error
        except OSError as error:
            raise typer.BadParameter(f"{path} cannot be read: {error.strerror}") from error


def bundles_of(paths: Sequence[Path]) -> list[Path]:
    """The bundles that the paths stand for, a folder for those below it. Raises BundleError where there are none."""
    from levit_mobile.bundle.listing import listed

    found = listed(paths, artifacts=False)
    if not found.paths:
        raise _nothing(paths)
    _say(found.passed_over)
    return found.paths


def artifacts_of(paths: Sequence[Path]) -> list[Path]:
    """The same with artifacts that are not in a bundle; files alone come back as they are, to be refused by name."""
    from levit_mobile.bundle.listing import listed

    found = listed(paths, artifacts=True)
    if not found.paths and any(path.is_dir() for path in paths):
        raise _nothing(paths, "; name artifacts outside of bundles one by one")
    if not found.paths:
        return list(paths)
    _say(found.passed_over)
    return found.paths


def countable_of(paths: Sequence[Path]) -> list[Path]:
    """The same without Core ML, which no ARM64 core here can run; Core ML alone comes back, to be refused by name."""
    from levit_mobile.bundle.listing import PassedOver

    found = artifacts_of(paths)
    core_ml = [path for path in found if _is_core_ml(path)]
    if len(core_ml) in (0, len(found)):
        return found
    _say([PassedOver(path, CORE_ML) for path in core_ml], what="passed over")
    return [path for path in found if path not in core_ml]


def deployable_of(paths: Sequence[Path], platform: Platform = "android") -> list[Path]:
    """The bundles for a platform: those below a folder that it has no runtime for are passed over, named ones stay."""
    from levit_mobile.bundle.listing import PassedOver
    from levit_mobile.deployment.runtimes import NO_RUNTIME

    found = bundles_of(paths)
    refused = {target: reason for (which, target), reason in NO_RUNTIME.items() if which == platform}
    without = {
        path: reason
        for path in found
        for target, reason in refused.items()
        if path not in paths and _is_of(target, path)
    }
    if len(without) == len(found):
        return found
    _say([PassedOver(path, reason) for path, reason in without.items()], what="passed over")
    return [path for path in found if path not in without]


def _is_core_ml(path: Path) -> bool:
    return _is_of("coreml", path)


def _is_of(target: str, path: Path) -> bool:
    suffix = TARGETS[target].suffix
    return path.suffix == suffix or any(path.glob(f"*{suffix}"))


def _nothing(paths: Sequence[Path], advice: str = "") -> BundleError:
    named = ", ".join(map(str, paths))
    return BundleError(f"no bundle was found at {named}: `levit-mobile convert` makes bundles{advice}", fault="missing")


def _say(passed_over: Sequence[PassedOver], what: str = "passed over, not a bundle") -> None:
    for line in _lines(passed_over, what):
        say(line)


def _lines(passed_over: Sequence[PassedOver], what: str) -> Iterator[str]:
    """One line for all that are not bundles, and one for each of which there is more to say."""
    plain = [str(one.path) for one in passed_over if not one.reason]
    if plain:
        more = f" and {len(plain) - SHOWN} more" if len(plain) > SHOWN else ""
        yield f"{what}: {', '.join(plain[:SHOWN])}{more}"
    yield from (f"{what}: {one.path}: {one.reason}" for one in passed_over if one.reason)
