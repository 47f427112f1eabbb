"""Which artifacts an app's runtimes load, as `Runtime.kt` in `android_demo/core` decides on the phone.

ExecuTorch loads programs of its own and of the previous minor version; source: runtime/COMPATIBILITY.md of ExecuTorch
1.4.1. LiteRT loads those of its own major version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.deployment.gradle import stated_version
from levit_mobile.deployment.places import Place
from levit_mobile.errors import BundleError


@dataclass(frozen=True, slots=True)
class AppRuntime:
    """A runtime of an app: its library on Android, and the package whose version the contract records."""

    name: str
    title: str
    coordinates: str
    maker: str


@dataclass(frozen=True, slots=True)
class StatedRuntime:
    """The version of a runtime in the app, and the file or option that states it."""

    runtime: AppRuntime
    version: str
    source: str


RUNTIMES = {  # by target
    "executorch": AppRuntime("executorch", "ExecuTorch", "org.pytorch:executorch-android", "executorch"),
    "tflite": AppRuntime("litert", "LiteRT", "com.google.ai.edge.litert:litert", "ai-edge-litert"),
}
NAMES = tuple(one.name for one in RUNTIMES.values())


def named_versions(words: list[str]) -> dict[str, str]:
    """Versions by runtime from words such as `executorch=1.4.1`. Raises ValueError for any other form."""
    found: dict[str, str] = {}
    for word in words:
        name, _, version = word.partition("=")
        if numbers(version) is None or name not in NAMES:
            raise ValueError(f"{word!r} is not a runtime with its version, expected one such as executorch=1.4.1")
        if found.setdefault(name, version) != version:
            raise ValueError(f"{name} has two versions, {found[name]} and {version}")
    return found


def stated_runtimes(place: Place, given: Mapping[str, str]) -> dict[str, StatedRuntime]:
    """The runtimes of an app by target: as its Gradle files state them, else as they were given.

    Raises BundleError (`bundle.runtime`) where the two differ.
    """
    found: dict[str, StatedRuntime] = {}
    for target, runtime in RUNTIMES.items():
        stated = stated_version(runtime.coordinates, place.module, place.project)
        option = given.get(runtime.name)
        if stated and option and numbers(stated[0]) != numbers(option):
            raise BundleError(
                f"{stated[1]} states {runtime.title} {stated[0]}, and the version that was given is {option}: "
                "correct one of them",
                fault="runtime",
            )
        if stated:
            found[target] = StatedRuntime(runtime, stated[0], str(stated[1]))
        elif option:
            found[target] = StatedRuntime(runtime, option, f"--runtime {runtime.name}={option}")
    return found


def require_loadable(bundle: OpenBundle, runtimes: Mapping[str, StatedRuntime]) -> None:
    """Refuse a bundle that the app cannot load: raises BundleError (`bundle.runtime`)."""
    if bundle.target.name not in RUNTIMES:
        raise BundleError(
            f"{bundle.path} is a Core ML bundle, which Android cannot load: convert to tflite or executorch",
            fault="runtime",
        )
    stated = runtimes.get(bundle.target.name)
    made = bundle.contract.artifact.toolchain.get(RUNTIMES[bundle.target.name].maker)
    if stated and made and (expected := _refused(bundle.target.name, made, stated.version)):
        raise BundleError(
            f"{bundle.path} was made by {stated.runtime.title} {made}, and the app has {stated.version} "
            f"({stated.source}), expected {expected}",
            fault="runtime",
        )


def unchecked(bundle: OpenBundle, runtimes: Mapping[str, StatedRuntime]) -> str | None:
    """Why nobody could compare the versions of runtime and bundle, as a sentence; None if that was done."""
    runtime = RUNTIMES[bundle.target.name]
    made = bundle.contract.artifact.toolchain.get(runtime.maker)
    if made is None or numbers(made) is None:
        return f"{bundle.path.name}: not checked against {runtime.title}, because its contract states no version of it"
    stated = runtimes.get(bundle.target.name)
    if stated is None or numbers(stated.version) is None:
        what = f"{stated.source} states {stated.version}" if stated else "no Gradle file of the app states its version"
        return (
            f"{bundle.path.name}: not checked against the app's {runtime.title}, because {what}; "
            f"state it with --runtime {runtime.name}=VERSION"
        )
    return None


def _refused(target: str, made: str, found: str) -> str | None:
    """The versions that load it, where the app's version does not."""
    maker, app = numbers(made), numbers(found)
    if maker is None or app is None:
        return None
    if target == "tflite":
        return None if app[0] == maker[0] else f"{maker[0]}.x"
    loads = app[0] == maker[0] and app[1] - maker[1] in (0, 1)
    return None if loads else f"{maker[0]}.{maker[1]} or {maker[0]}.{maker[1] + 1}"


def numbers(version: str) -> tuple[int, int] | None:
    """Major and minor version; None for text that does not begin with both."""
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])
