"""Which versions a class path of the Android demo gets, for made-up libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from maven import Coordinate
from metadata import of_pom, of_variants
from pom import Entry, Pom
from resolver import Component, ConflictError, Name, Request, files, resolve

Library = tuple[Name, str]


def request(name: str, version: str = "", *, strict: bool = False, without: str = "") -> Request:
    """A dependency on a library of the group `g`."""
    return Request(("g", name), version, strict, frozenset({("g", without)}) if without else frozenset())


def chosen(
    libraries: dict[str, Component], *roots: Request, platforms: Iterable[Request] = ()
) -> tuple[dict[str, str], list[str]]:
    """The versions that are chosen, and what was read on the way, as `name:version`."""
    read: list[str] = []

    def load(wanted: Iterable[Library]) -> Mapping[Library, Component]:
        wanted = list(wanted)
        read.extend(f"{name[1]}:{version}" for name, version in wanted)
        return {(name, version): libraries[f"{name[1]}:{version}"] for name, version in wanted}

    versions = resolve(roots, platforms, load)
    return {name[1]: version for name, version in versions.items()}, read


def test_the_highest_version_wins_even_where_a_lower_one_is_nearer() -> None:
    libraries = {
        "a:1": Component((request("b", "1"), request("c", "1"))),
        "b:1": Component(),
        "b:2": Component(),
        "c:1": Component((request("b", "2"),)),
    }
    assert chosen(libraries, request("a", "1"))[0] == {"a": "1", "b": "2", "c": "1"}


def test_what_only_a_lower_version_needed_is_left_out() -> None:
    libraries = {
        "a:1": Component((request("b", "1"), request("c", "1"))),
        "b:1": Component((request("old", "1"),)),
        "b:2": Component(),
        "c:1": Component((request("b", "2"),)),
        "old:1": Component(),
    }
    assert "old" not in chosen(libraries, request("a", "1"))[0]


def test_a_constraint_raises_a_version_but_brings_no_library() -> None:
    libraries = {
        "a:1": Component((request("b", "1"),), (request("b", "3"), request("c", "9"))),
        "b:1": Component(),
        "b:3": Component(),
    }
    assert chosen(libraries, request("a", "1"))[0] == {"a": "1", "b": "3"}


def test_the_versions_of_a_platform_count_from_the_beginning() -> None:
    """The lower version that a library asks for may be on no registry."""
    libraries = {
        "bom:1": Component((), (request("a", "2"), request("b", "2")), None),
        "a:2": Component((request("b", "1"),)),
        "b:2": Component(),
    }
    versions, read = chosen(libraries, request("a"), platforms=[request("bom", "1")])
    assert versions == {"a": "2", "b": "2"}
    assert "b:1" not in read


def test_a_strict_version_holds_against_lower_requests() -> None:
    libraries = {
        "a:1": Component((request("b", "2", strict=True), request("c", "1"))),
        "b:2": Component(),
        "c:1": Component((request("b", "1"),)),
        "b:1": Component(),
    }
    assert chosen(libraries, request("a", "1"))[0]["b"] == "2"


@pytest.mark.parametrize("other", [request("b", "3"), request("b", "1", strict=True)])
def test_a_strict_version_and_another_one_are_a_conflict(other: Request) -> None:
    libraries = {
        "a:1": Component((request("b", "2", strict=True), request("c", "1"))),
        "b:1": Component(),
        "b:2": Component(),
        "b:3": Component(),
        "c:1": Component((other,)),
    }
    with pytest.raises(ConflictError, match="g:b: strictly"):
        chosen(libraries, request("a", "1"))


def test_an_excluded_library_comes_only_by_another_way() -> None:
    libraries = {
        "a:1": Component((request("b", "1", without="c"),)),
        "b:1": Component((request("c", "1"),)),
        "c:1": Component(),
        "d:1": Component((request("b", "1"),)),
    }
    assert "c" not in chosen(libraries, request("a", "1"))[0]
    assert "c" in chosen(libraries, request("a", "1"), request("d", "1"))[0]


def test_a_circle_of_dependencies_comes_to_an_end() -> None:
    libraries = {"a:1": Component((request("b", "1"),)), "b:1": Component((request("a", "1"),))}
    assert chosen(libraries, request("a", "1"))[0] == {"a": "1", "b": "1"}


def test_a_library_without_a_file_is_not_in_the_class_path() -> None:
    components = {(("g", "root"), "1"): Component(file_type=None), (("g", "a"), "1"): Component(file_type="aar")}
    assert files({("g", "root"): "1", ("g", "a"): "1"}, components) == [Coordinate("g", "a", "1", "aar")]


# Gradle's module metadata


def variant(platform: str, *, usage: str = "java-runtime", category: str = "library", **more: Any) -> dict[str, Any]:
    """A variant of a multiplatform library."""
    attributes = {
        "org.gradle.usage": usage,
        "org.gradle.category": category,
        "org.jetbrains.kotlin.platform.type": platform,
    }
    return {"attributes": attributes, **more}


def elsewhere(module: str) -> dict[str, Any]:
    """Where a root of a multiplatform library points to."""
    return {"available-at": {"group": "g", "module": module, "version": "1"}}


ROOT_VARIANTS = [
    variant("common", **elsewhere("lib-common")),
    variant("jvm", **elsewhere("lib-jvm")),
    variant("androidJvm", **elsewhere("lib-android")),
    variant("native", **elsewhere("lib-linux")),
]


@pytest.mark.parametrize(("android", "part"), [(True, "lib-android"), (False, "lib-jvm")])
def test_a_multiplatform_library_points_to_the_part_for_the_platform(android: bool, part: str) -> None:
    found = of_variants(ROOT_VARIANTS, android=android)
    assert found == Component((Request(("g", part), "1"),), (), None)


def test_a_library_for_any_jvm_serves_android() -> None:
    found = of_variants([variant("jvm", files=[{"name": "lib-1.jar"}])], android=True)
    assert found is not None
    assert found.file_type == "jar"


def test_sources_and_the_compile_time_variant_are_not_taken() -> None:
    listed = [
        variant("jvm", category="documentation", files=[{"name": "sources.jar"}]),
        variant("jvm", usage="java-api", files=[{"name": "api.jar"}]),
    ]
    assert of_variants(listed, android=True) is None


def test_the_versions_of_a_variant_are_read() -> None:
    stated = [
        {"group": "g", "module": "a", "version": {"requires": "1.2"}},
        {"group": "g", "module": "b", "version": {"strictly": "[1.5]", "requires": "1.5"}},
        {"group": "g", "module": "c", "excludes": [{"group": "g", "module": "*"}]},
    ]
    more = [{"group": "g", "module": "d", "version": {"prefers": "[2.0,3.0)"}}]
    found = of_variants(
        [variant("jvm", dependencies=stated, dependencyConstraints=more, files=[{"name": "x.aar"}])], android=True
    )
    assert found is not None
    a, b, c = found.dependencies
    assert a == request("a", "1.2")
    assert b == request("b", "1.5", strict=True)
    assert c == Request(("g", "c"), "", False, frozenset({("g", "*")}))
    assert found.constraints == (request("d", "2.0"),)
    assert found.file_type == "aar"


# POMs


def test_a_pom_gives_what_a_program_needs_at_run_time() -> None:
    entries = (
        Entry(("g", "a"), "1"),
        Entry(("g", "b"), "", "runtime"),
        Entry(("g", "c"), "1", "test"),
        Entry(("g", "d"), "1", "provided"),
        Entry(("g", "e"), "1", "", optional=True),
    )
    found = of_pom(Pom("bundle", {}, {("g", "b"): "7"}, entries))
    assert found == Component((request("a", "1"), request("b", "7")), (), "jar")


def test_a_bom_gives_constraints_alone() -> None:
    found = of_pom(Pom("pom", {}, {("g", "a"): "1", ("g", "b"): "[2]"}))
    assert found == Component((), (request("a", "1"), request("b", "2")), None)
