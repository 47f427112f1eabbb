"""Which artifacts an app's runtimes load, as `Runtime.kt` and `Runtime.swift` decide on the phone.

ExecuTorch loads programs of its own and of the previous minor version; source: runtime/COMPATIBILITY.md of ExecuTorch
1.4.1. LiteRT loads those of its own major version. Core ML is a
part of iOS, so its version is that of the system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.deployment.gradle import stated_version
from levit_mobile.deployment.places import Place, Platform
from levit_mobile.deployment.xcode import executorch_version, oldest_ios
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
CORE_ML, TFLITE = "coreml", "tflite"
# Why an app of a platform loads no artifact of a target.
NO_RUNTIME: dict[tuple[Platform, str], str] = {
    ("android", CORE_ML): "Android has no runtime for Core ML",
    ("ios", TFLITE): "LiteRT has no Swift package that Xcode can fetch",
}
_INSTEAD: dict[Platform, str] = {"android": "tflite or executorch", "ios": "coreml or executorch"}


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
    """The runtimes of an app by target: as its Gradle files or Swift packages state them, else as they were given.

    Raises BundleError (`bundle.runtime`) where the two differ, or where a runtime was given that the platform lacks.
    """
    found: dict[str, StatedRuntime] = {}
    for target, runtime in RUNTIMES.items():
        option = given.get(runtime.name)
        if reason := NO_RUNTIME.get((place.platform, target)):
            if option:
                raise BundleError(f"--runtime {runtime.name}={option} is not possible: {reason}", fault="runtime")
            continue
        stated = _stated(runtime, place)
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


def _stated(runtime: AppRuntime, place: Place) -> tuple[str, Path] | None:
    if place.platform == "ios":
        return executorch_version(place.project) if place.project else None
    return stated_version(runtime.coordinates, place.module, place.project)


def require_loadable(bundle: OpenBundle, runtimes: Mapping[str, StatedRuntime], platform: Platform = "android") -> None:
    """Refuse a bundle that the app cannot load: raises BundleError (`bundle.runtime`)."""
    target = bundle.target.name
    if reason := NO_RUNTIME.get((platform, target)):
        title = "Core ML" if target == CORE_ML else RUNTIMES[target].title
        raise BundleError(
            f"{bundle.path} is a {title} bundle, and {reason}: convert to {_INSTEAD[platform]}", fault="runtime"
        )
    if target == CORE_ML:
        return
    stated = runtimes.get(target)
    made = bundle.contract.artifact.toolchain.get(RUNTIMES[bundle.target.name].maker)
    if stated and made and (expected := _refused(bundle.target.name, made, stated.version)):
        raise BundleError(
            f"{bundle.path} was made by {stated.runtime.title} {made}, and the app has {stated.version} "
            f"({stated.source}), expected {expected}",
            fault="runtime",
        )


def older_systems(bundle: OpenBundle, place: Place) -> str | None:
    """Which systems that the app runs on do not load the artifact, as a sentence; None if none is known."""
    needed = bundle.contract.artifact.minimum_ios
    oldest = oldest_ios(place.project) if place.platform == "ios" and place.project else None
    if needed is None or oldest is None or oldest[0] >= needed:
        return None
    return (
        f"{bundle.path.name}: needs iOS {needed}, and the app runs on iOS {oldest[0]} too ({oldest[1]}), where it is "
        "refused"
    )


def unchecked(bundle: OpenBundle, runtimes: Mapping[str, StatedRuntime], platform: Platform = "android") -> str | None:
    """Why nobody could compare the versions of runtime and bundle, as a sentence; None if that was done."""
    if bundle.target.name == CORE_ML:
        return None
    runtime = RUNTIMES[bundle.target.name]
    made = bundle.contract.artifact.toolchain.get(runtime.maker)
    if made is None or numbers(made) is None:
        return f"{bundle.path.name}: not checked against {runtime.title}, because its contract states no version of it"
    stated = runtimes.get(bundle.target.name)
    if stated is None or numbers(stated.version) is None:
        files = "Gradle file of the app" if platform == "android" else "Package.swift or Xcode project"
        what = f"{stated.source} states {stated.version}" if stated else f"no {files} states its version"
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
