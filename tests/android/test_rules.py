"""R8's rules: those that the Android Gradle plugin would collect from libraries, and no others."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from rules import of_jar, of_library, write

R8 = "8.13.19"
TOOLS, ANY = "META-INF/com.android.tools", "META-INF/proguard"


def jar(path: Path, *names: str) -> Path:
    """A jar whose rules hold their own names."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, f"# {name}")
    return path


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([f"{ANY}/a.pro"], [f"{ANY}/a.pro"]),
        ([f"{TOOLS}/r8/a.pro", f"{ANY}/a.pro"], [f"{TOOLS}/r8/a.pro"]),
        ([f"{TOOLS}/r8-from-1.6.0/a.pro", f"{TOOLS}/r8-upto-1.6.0/a.pro"], [f"{TOOLS}/r8-from-1.6.0/a.pro"]),
        ([f"{TOOLS}/r8-from-8.13.20/a.pro", f"{ANY}/a.pro"], []),
        ([f"{TOOLS}/r8-upto-8.13.19/a.pro"], []),
        ([f"{TOOLS}/r8-upto-8.13.20/a.pro"], [f"{TOOLS}/r8-upto-8.13.20/a.pro"]),
        ([f"{TOOLS}/r8-from-3.0.0-upto-8.2.0/a.pro"], []),
        ([f"{TOOLS}/r8-from-8.2.0-upto-9.0.0/a.pro"], [f"{TOOLS}/r8-from-8.2.0-upto-9.0.0/a.pro"]),
        ([f"{TOOLS}/proguard/a.pro", "META-INF/MANIFEST.MF"], []),
    ],
)
def test_rules_for_this_version_of_r8_go_before_those_for_all(
    names: list[str], expected: list[str], tmp_path: Path
) -> None:
    assert of_jar(jar(tmp_path / "a.jar", *names), R8) == {name: f"# {name}" for name in expected}


def test_a_library_has_its_own_rules_and_those_of_its_classes(tmp_path: Path) -> None:
    (tmp_path / "proguard.txt").write_text("# own")
    jar(tmp_path / "classes.jar", f"{ANY}/a.pro")
    assert of_library(tmp_path, R8) == {"proguard.txt": "# own", f"{ANY}/a.pro": f"# {ANY}/a.pro"}


def test_a_library_without_code_or_rules_has_none(tmp_path: Path) -> None:
    assert of_library(tmp_path, R8) == {}


def test_the_plugins_rules_come_first_and_the_apps_last(tmp_path: Path) -> None:
    parts = [f"com/android/build/gradle/proguard-{part}.txt" for part in ("header", "optimizations", "common")]
    plugin, library = jar(tmp_path / "plugin.jar", *parts), jar(tmp_path / "some.jar", f"{ANY}/a.pro")
    own = tmp_path / "proguard-rules.pro"
    out = tmp_path / "out"
    out.mkdir()
    first, second, last = write(out, plugin, [library], [own], R8)
    assert first.read_text().splitlines() == [f"# {part}" for part in parts]
    assert (second.read_text(), last) == (f"# {ANY}/a.pro", own)
