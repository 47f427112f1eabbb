"""The part of the platform that D8 and R8 are given: what a program names, and what these classes are made of."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import reached
from support.class_files import compiled

OBJECT = "java/lang/Object"
PLATFORM = {
    OBJECT: [],
    "android/app/Activity": [("attach", "(Lcom/android/Token;[[Landroid/os/Window;)V", 2)],
    "com/android/Token": [("further", "()Lcom/android/Further;", 1)],
    "android/os/Window": [],
    "com/android/Further": [],
    "java/lang/invoke/StringConcatFactory": [],
}
KNOWN = set(PLATFORM)


def _content(name: str) -> bytes:
    return compiled(name, PLATFORM[name])


def test_supertypes_and_the_types_of_members_are_reached_and_what_these_name_is_not() -> None:
    found = reached.reached(["android/app/Activity"], KNOWN, _content)
    assert found == {"android/app/Activity", OBJECT, "com/android/Token", "android/os/Window"}


def test_a_class_of_no_platform_is_left_out() -> None:
    assert reached.reached(["org/other/Class"], KNOWN, _content) == set()


@pytest.mark.parametrize(
    "methods",
    [
        [("window", "(I[Landroid/os/Window;LLocal;)V", 1)],
        [("android/os/Window", "()V", 1)],  # a class's name as a constant of its own
        [("L", "(LLocal;Landroid/os/Window;)LLocal;", 2)],
    ],
)
def test_a_class_is_found_in_descriptors_and_by_itself(methods: list[tuple[str, str, int]], tmp_path: Path) -> None:
    jar = tmp_path / "program.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("app/Own.class", compiled("app/Own", methods))
        archive.writestr("notes.txt", "com/android/Further")
    assert reached._named([jar], KNOWN) == {OBJECT, "android/os/Window"}


def test_a_name_is_found_though_its_length_is_written_as_a_letter(tmp_path: Path) -> None:
    """The name has 36 bytes, and 36 is `$`."""
    jar = tmp_path / "program.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("app/Own.class", compiled("app/Own", [("java/lang/invoke/StringConcatFactory", "()V", 1)]))
    assert "java/lang/invoke/StringConcatFactory" in reached._named([jar], KNOWN)
