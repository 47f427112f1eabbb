"""Where an app keeps its bundles: found from the project, the module or the folder that was named."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from levit_mobile.contract import CONTRACT_FILE
from levit_mobile.deployment.gradle import (
    APPLICATION,
    LIBRARY,
    MANIFEST,
    Module,
    module_at,
    modules_below,
    project_of,
    upwards,
)
from levit_mobile.deployment.xcode import SUFFIX, is_package, is_xcode_project, xcode_project_at
from levit_mobile.errors import BundleError

Platform = Literal["android", "ios"]

ASSETS, BUNDLES, MAIN = "assets", "bundles", ("src", "main")


@dataclass(frozen=True, slots=True)
class Place:
    """The folder that bundles are copied to.

    `reason` ends the sentence "bundles are deployed to FOLDER, ...". `module` is the Gradle module that the folder
    belongs to, and `project` the folder of its whole Gradle build; both are None for a folder outside of one. On iOS
    `project` is the folder with the Xcode project or the Swift package.
    """

    folder: Path
    reason: str
    module: Module | None = None
    project: Path | None = None
    platform: Platform = "android"


def place_of(to: Path) -> Place:
    """The folder for bundles that a path stands for.

    Raises BundleError (`bundle.app`) where the path does not exist, is a file, a bundle or a Gradle build without an
    Android app.
    """
    if found := _in_xcode(to):
        return found
    _require_folder(to)
    modules = [one for one in modules_below(to) if one.kind] if project_of(to) == to else []
    applications = [one for one in modules if one.kind == APPLICATION]
    if (here := module_at(to)) and here.kind:
        return _in_module(here, "the assets of the Android module that was named")
    if len(applications) == 1:
        return _in_module(applications[0], f"the assets of the app module {applications[0].folder.name}")
    if here or project_of(to) == to:
        raise _no_single_app(to, applications, modules)
    return _in_folder(to)


def _in_xcode(to: Path) -> Place | None:
    """The place in an iOS app; None where the path belongs to no Xcode project and no Swift package.

    A folder that has a Gradle build too is Android's, and its Xcode project is named itself then.
    """
    if to.suffix == SUFFIX and is_xcode_project(to):
        return _beside(to, to.parent)
    project = next((one for one in upwards(to) if _is_gradle(one) or _is_xcode(one)), None)
    if project is None or _is_gradle(project):
        return None
    xcode = xcode_project_at(project)
    if xcode and project == to:
        return _beside(xcode, to)
    if not (xcode and to == project / BUNDLES and not os.path.lexists(to)):
        _require_folder(to)
    return Place(to, "the folder that was named", project=project, platform="ios")


def _beside(xcode: Path, folder: Path) -> Place:
    return Place(folder / BUNDLES, f"beside the Xcode project {xcode.name}", project=folder, platform="ios")


def _is_xcode(folder: Path) -> bool:
    return xcode_project_at(folder) is not None or is_package(folder)


def _is_gradle(folder: Path) -> bool:
    return project_of(folder) == folder or module_at(folder) is not None


def _require_folder(to: Path) -> None:
    if to.is_dir():
        if (to / CONTRACT_FILE).exists():
            raise BundleError(f"{to} is a bundle, expected the folder of an app", fault="app")
        return
    may_be_made = to.name == ASSETS or to.parts[-2:] == (ASSETS, BUNDLES)
    if os.path.lexists(to) or not may_be_made or _module_above(to) is None:
        what = "is not a folder" if os.path.lexists(to) else "does not exist"
        raise BundleError(
            f"{to} {what}, expected the folder of an Xcode project, or an Android app's Gradle project, its module or "
            "an assets folder",
            fault="app",
        )


def _in_module(module: Module, reason: str) -> Place:
    folder = module.folder.joinpath(*MAIN, ASSETS, BUNDLES)
    return Place(folder, reason, module, project_of(module.folder))


def _in_folder(to: Path) -> Place:
    module = _module_above(to)
    project = project_of(to)
    if (to / MANIFEST).is_file():
        return Place(to / ASSETS / BUNDLES, "the assets of the source set that was named", module, project)
    if to.name == ASSETS:
        return Place(to / BUNDLES, "below the assets folder that was named", module, project)
    return Place(to, "the folder that was named", module, project)


def _module_above(path: Path) -> Module | None:
    return next((found for folder in upwards(path)[1:] if (found := module_at(folder)) and found.kind), None)


def _no_single_app(to: Path, applications: list[Module], modules: list[Module]) -> BundleError:
    if applications:
        named = ", ".join(str(one.folder) for one in applications)
        return BundleError(f"{to} has several app modules, name one of them: {named}", fault="app")
    libraries = ", ".join(str(one.folder) for one in modules if one.kind == LIBRARY)
    hint = f"; its Android libraries are {libraries}" if libraries else ""
    return BundleError(
        f"{to} has no Gradle module with the plugin {APPLICATION}, expected an Android app{hint}: name the app's "
        "module or its assets folder",
        fault="app",
    )
