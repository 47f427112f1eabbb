"""The Xcode project of the iOS demo: every part exists, and is built from what the folders hold. No Xcode is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from support.openstep import parse
from support.xcode_files import (
    CONFIGURATIONS,
    DEMO,
    PROJECT,
    configurations,
    ids_in,
    many,
    objects,
    of_kind,
    phases,
    project,
    root,
    settings,
    target,
)

APP, TESTS = "LevitDemo", "LevitDemoTests"
SCHEMES = sorted((PROJECT / "xcshareddata" / "xcschemes").glob("*.xcscheme"))

# The reader of the file


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ('// a\n{ a = b; /* c = d; */ "e f" = (g, 1.2, ); }', {"a": "b", "e f": ["g", "1.2"]}),
        ('("a\\n\\"b\\\\", "\\101\\U00e9", /b/$c-d)', ['a\n"b\\', "Aé", "/b/$c-d"]),
        ("{ a = { b = (); }; }", {"a": {"b": []}}),
        ('"// no comment"', "// no comment"),
    ],
)
def test_a_property_list_is_read(text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("{ a = b }", "line 1: expected ;"),
        ("{\n a b; }", "line 2: expected ="),
        ("{ a = b; a = c; }", "new key, found 'a'"),
        ("(a b)", "expected )"),
        ("{} {}", "expected the end"),
        ("{ a = ; }", "expected a value"),
        ("( a,", "ends too early"),
        ("{ a = <0f>; }", "'<' belongs to no value"),
        ('"open', "belongs to no value"),
    ],
)
def test_a_damaged_property_list_is_refused(text: str, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        parse(text)


# Ids


def test_every_id_that_is_named_is_an_object() -> None:
    named = {one for found in objects().values() for one in ids_in(found)} | {project()["rootObject"]}
    assert named - objects().keys() == set()


def test_every_object_belongs_to_the_project() -> None:
    reached: set[str] = set()
    waiting = [project()["rootObject"]]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += ids_in(objects()[one])
    assert objects().keys() - reached == set()


def test_ids_are_unique_in_the_text() -> None:
    """A parser keeps one of two objects with the same id, and Xcode another."""
    text = (PROJECT / "project.pbxproj").read_text(encoding="utf-8")
    defined = re.findall(r"^\t\t([0-9A-F]{24})(?: /\*.*?\*/)? = \{", text, re.M)
    assert sorted(defined) == sorted(objects())


def test_each_comment_beside_an_id_names_its_object() -> None:
    text = (PROJECT / "project.pbxproj").read_text(encoding="utf-8")
    names: dict[str, set[str]] = {}
    for one, comment in re.findall(r"([0-9A-F]{24}) /\* (.*?) \*/", text):
        names.setdefault(one, set()).add(comment)
    assert {one: found for one, found in names.items() if len(found) > 1} == {}


def test_the_format_is_that_of_xcode_16() -> None:
    assert project()["objectVersion"] == root()["preferredProjectObjectVersion"] == "77"


# Targets


def test_the_targets() -> None:
    assert {one["name"]: one["productType"] for one in many(root()["targets"])} == {
        APP: "com.apple.product-type.application",
        TESTS: "com.apple.product-type.bundle.unit-test",
    }
    (depends,) = many(target(TESTS)["dependencies"])
    assert objects()[depends["target"]]["name"] == APP
    assert objects()[depends["targetProxy"]]["remoteGlobalIDString"] == depends["target"]


@pytest.mark.parametrize("name", [APP, TESTS])
def test_a_target_is_built_from_its_folder(name: str) -> None:
    """A synchronized folder needs no list of its files, so none can be forgotten."""
    (folder,) = many(target(name)["fileSystemSynchronizedGroups"])
    assert folder["isa"] == "PBXFileSystemSynchronizedRootGroup"
    assert (DEMO / folder["path"]).is_dir()
    for kind in ("PBXSourcesBuildPhase", "PBXResourcesBuildPhase"):
        (phase,) = [one for one in phases(name) if one["isa"] == kind]
        assert phase["files"] == []


def test_the_property_list_is_no_resource() -> None:
    """It would be copied beside the one that Xcode makes of it, which is an error."""
    (folder,) = many(target(APP)["fileSystemSynchronizedGroups"])
    (exception,) = many(folder["exceptions"])
    assert exception["membershipExceptions"] == ["Info.plist"]
    assert objects()[exception["target"]]["name"] == APP
    assert settings(APP, "Debug")["INFOPLIST_FILE"] == f"{folder['path']}/Info.plist"


def test_every_file_that_is_named_exists() -> None:
    named = [one for one in of_kind("PBXFileReference").values() if one["sourceTree"] == "<group>"]
    assert len(named) >= 3
    assert [one["path"] for one in named if not (DEMO / one["path"]).is_file()] == []


def test_the_navigator_shows_every_folder_and_product() -> None:
    children = set(ids_in(objects()[root()["mainGroup"]]))
    assert of_kind("PBXFileSystemSynchronizedRootGroup").keys() <= children
    shown = set(ids_in(objects()[root()["productRefGroup"]]))
    assert {one["productReference"] for one in of_kind("PBXNativeTarget").values()} == shown


# Packages


def products() -> dict[str, str]:
    """The packages that the project names, by the libraries that they offer."""
    found = {}
    for one in many(root()["packageReferences"]):
        assert one["isa"] == "XCLocalSwiftPackageReference"
        text = (DEMO / one["relativePath"] / "Package.swift").read_text(encoding="utf-8")
        found |= dict.fromkeys(re.findall(r'\.library\(\s*name: "(\w+)"', text), one["relativePath"])
    return found


def test_every_package_has_the_products_that_the_app_links() -> None:
    needed = [one["productName"] for one in many(target(APP)["packageProductDependencies"])]
    assert needed == ["LevitMobileKit", "LevitExecuTorch"]
    assert needed == [name for name in needed if name in products()]
    assert {products()[name] for name in needed} == {one["relativePath"] for one in many(root()["packageReferences"])}


def test_the_app_links_each_product_once() -> None:
    (phase,) = [one for one in phases(APP) if one["isa"] == "PBXFrameworksBuildPhase"]
    assert [one["productRef"] for one in many(phase["files"])] == target(APP)["packageProductDependencies"]


def test_the_tests_link_nothing() -> None:
    """They run inside of the app. A second ExecuTorch in one process registers its kernels twice and ends it."""
    (phase,) = [one for one in phases(TESTS) if one["isa"] == "PBXFrameworksBuildPhase"]
    assert (phase["files"], target(TESTS)["packageProductDependencies"]) == ([], [])


def test_the_tests_find_the_c_modules_of_what_they_import() -> None:
    """Xcode gives a module map to those that link the target, and the tests link nothing."""
    paths = [one.replace("$(SRCROOT)", str(DEMO)) for one in settings(TESTS, "Debug")["SWIFT_INCLUDE_PATHS"]]
    text = Path(paths[1], "module.modulemap").read_text(encoding="utf-8")
    found = {
        name: Path(paths[1], header).resolve()
        for name, header in re.findall(r'^module (\w+) \{\s+header "(.*?)"', text, re.M)
    }
    headers = {path.parents[1].name: path.resolve() for path in DEMO.glob("LevitRuntimes/Sources/*/include/*.h")}
    assert found == headers
    assert len(found) == 1


def test_the_app_is_as_new_as_its_packages() -> None:
    oldest = float(settings(APP, "Debug")["IPHONEOS_DEPLOYMENT_TARGET"])
    for folder in set(products().values()):
        (needed,) = re.findall(r"\.iOS\(\.v(\d+)\)", (DEMO / folder / "Package.swift").read_text(encoding="utf-8"))
        assert int(needed) <= oldest


# Settings

EXPECTED = {
    "ASSETCATALOG_COMPILER_APPICON_NAME": "AppIcon",
    "ENABLE_USER_SCRIPT_SANDBOXING": "NO",  # the script reads a folder, whose files cannot be listed in advance
    "GENERATE_INFOPLIST_FILE": "NO",
    "IPHONEOS_DEPLOYMENT_TARGET": "17.0",
    "OTHER_LDFLAGS": ["$(inherited)", "-all_load"],  # ExecuTorch's backends and kernels register themselves
    "PRODUCT_BUNDLE_IDENTIFIER": "$(DEMO_BUNDLE_IDENTIFIER)",
    "SDKROOT": "iphoneos",
    "SWIFT_VERSION": "6.0",
    "TARGETED_DEVICE_FAMILY": "1,2",
}


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_settings_of_the_app(configuration: str) -> None:
    found = settings(APP, configuration)
    assert {name: found.get(name) for name in EXPECTED} == EXPECTED


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_tests_run_in_the_app(configuration: str) -> None:
    found = settings(TESTS, configuration)
    (product,) = [one for one in of_kind("PBXFileReference").values() if one["path"].endswith(".app")]
    assert found["TEST_HOST"] == f"$(BUILT_PRODUCTS_DIR)/{product['path']}/$(BUNDLE_EXECUTABLE_FOLDER_PATH)/{APP}"
    assert found["BUNDLE_LOADER"] == "$(TEST_HOST)"
    assert "OTHER_LDFLAGS" not in found


def test_debug_can_be_tested_and_release_is_fast() -> None:
    debug, release = (settings(APP, one) for one in CONFIGURATIONS)
    assert (debug["ENABLE_TESTABILITY"], debug["SWIFT_OPTIMIZATION_LEVEL"]) == ("YES", "-Onone")
    assert release["SWIFT_COMPILATION_MODE"] == "wholemodule"
    assert "SWIFT_OPTIMIZATION_LEVEL" not in release  # Swift's default is -O


@pytest.mark.parametrize("owner", [root(), target(APP), target(TESTS)], ids=["project", APP, TESTS])
def test_every_owner_has_both_configurations(owner: dict[str, Any]) -> None:
    assert sorted(configurations(owner)) == sorted(CONFIGURATIONS)


# Who signs


def test_the_identifier_is_androids_and_can_be_changed_outside_of_git() -> None:
    base = {one["baseConfigurationReference"] for one in configurations(root()).values()}
    (path,) = [objects()[one]["path"] for one in base]
    text = (DEMO / path).read_text(encoding="utf-8")
    gradle = (DEMO.parent / "android_demo" / "app" / "build.gradle.kts").read_text(encoding="utf-8")
    assert re.findall(r"^DEMO_BUNDLE_IDENTIFIER = (\S+)$", text, re.M) == re.findall(r'applicationId = "(.*?)"', gradle)
    (local,) = re.findall(r'^#include\? "(.*?)"$', text, re.M)
    assert f"/{local}" in (DEMO / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert text.index("#include?") > text.index("\nDEMO_BUNDLE_IDENTIFIER")  # the later value counts


def test_no_team_is_in_the_project() -> None:
    assert "DEVELOPMENT_TEAM" not in (PROJECT / "project.pbxproj").read_text(encoding="utf-8")


# Schemes


def test_the_shared_schemes() -> None:
    runs = {path.stem: _action(path, "LaunchAction").attrib["buildConfiguration"] for path in SCHEMES}
    assert runs == {"LevitDemo": "Debug", "LevitDemo Release": "Release"}


def _action(path: Path, name: str) -> ElementTree.Element:
    found = ElementTree.parse(path).getroot().find(name)
    assert found is not None
    return found


@pytest.mark.parametrize("path", SCHEMES, ids=lambda path: path.stem)
def test_a_scheme_names_targets_of_the_project(path: Path) -> None:
    named = list(ElementTree.parse(path).getroot().iter("BuildableReference"))
    assert {one.attrib["BlueprintName"] for one in named} == {APP, TESTS}
    for one in named:
        found = objects()[one.attrib["BlueprintIdentifier"]]
        product = objects()[found["productReference"]]["path"]
        assert (found["name"], product) == (one.attrib["BlueprintName"], one.attrib["BuildableName"])
        assert one.attrib["ReferencedContainer"] == f"container:{PROJECT.name}"


@pytest.mark.parametrize("path", SCHEMES, ids=lambda path: path.stem)
def test_a_scheme_runs_the_tests_in_debug(path: Path) -> None:
    tests = _action(path, "TestAction")
    assert tests.attrib["buildConfiguration"] == "Debug"
    assert [one.attrib["BlueprintName"] for one in tests.iter("BuildableReference")] == [TESTS]
