"""The library as a Maven repository: contents, dependencies, and bytes that can be reproduced."""

from __future__ import annotations

import zipfile
from pathlib import Path

import aar
import pytest
from aar import Dependency, Library
from apk import Entry, write_plain

MANIFEST = '<manifest package="one.levit"/>'


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "AndroidManifest.xml").write_text(MANIFEST)
    (tmp_path / "consumer-rules.pro").write_text("-keep class one.Kept")
    write_plain(tmp_path / "levit.jar", [Entry("b.class", b"b"), Entry("a.class", b"a")])
    names = {"manifest": "AndroidManifest.xml", "classes": "levit.jar", "rules": "consumer-rules.pro"}
    paths = {field: tmp_path / name for field, name in names.items()}
    return Library(symbols=None, compile_api=36, **paths)


def test_an_aar_has_what_the_android_plugin_expects(library: Library, tmp_path: Path) -> None:
    aar.write(tmp_path / "levit.aar", library)
    with zipfile.ZipFile(tmp_path / "levit.aar") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert tuple(content) == aar.MEMBERS
    assert content["proguard.txt"] == b"-keep class one.Kept"
    assert content["AndroidManifest.xml"].decode() == MANIFEST
    assert b"minCompileSdk=36\n" in content[aar.METADATA]
    assert content["R.txt"] == b""
    (tmp_path / "classes.jar").write_bytes(content["classes.jar"])
    with zipfile.ZipFile(tmp_path / "classes.jar") as classes:
        assert classes.namelist() == ["a.class", "b.class"]


def test_equal_inputs_give_equal_bytes(library: Library, tmp_path: Path) -> None:
    aar.write(tmp_path / "one.aar", library)
    write_plain(library.classes, [Entry("a.class", b"a"), Entry("b.class", b"b")])
    aar.write(tmp_path / "two.aar", library)
    assert (tmp_path / "one.aar").read_bytes() == (tmp_path / "two.aar").read_bytes()


def test_a_pom_tells_callers_types_from_the_rest() -> None:
    dependencies = [Dependency("one:core:1.0", api=True), Dependency("two:runtime:2.0", api=False)]
    written = aar.pom("one:levit:1.0", "aar", dependencies)
    assert aar.read_pom(written) == dependencies
    assert b"<scope>compile</scope>" in written
    assert b"<packaging>aar</packaging>" in written


def test_files_are_where_a_maven_repository_has_them(tmp_path: Path) -> None:
    (written,) = aar.publish(tmp_path, "dev.one:levit:1.2.3", {"pom": b"<project/>"})
    assert written == tmp_path / "dev/one/levit/1.2.3/levit-1.2.3.pom"
    assert written.read_bytes() == b"<project/>"
