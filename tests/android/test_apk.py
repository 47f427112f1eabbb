"""APK files: aligned when written, checked when read, measured by what they are made of."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from apk import Entry, content_start, entries_of, faults, plain_archive, sizes, write
from elf import PAGE, Segment
from support.elf_files import GOOD, elf

LIBRARY = "lib/arm64-v8a/libone.so"


def written(folder: Path, *entries: Entry) -> Path:
    path = folder / "app.apk"
    write(path, entries)
    return path


def test_stored_entries_begin_at_a_multiple_of_their_unit(tmp_path: Path) -> None:
    names = ["resources.arsc", "classes.dex", LIBRARY, "a", "lib/x86_64/libtwo.so", "assets/bundles/one/model.tflite"]
    path = written(tmp_path, *(Entry(name, b"x" * number, stored=True) for number, name in enumerate(names, 3)))
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        for one in archive.infolist():
            start = content_start(raw, one)
            assert start % (PAGE if one.filename.endswith(".so") else 4) == 0
            raw.seek(start)
            assert raw.read(one.file_size) == archive.read(one)


def test_an_aligned_apk_with_sound_libraries_has_no_faults(tmp_path: Path) -> None:
    entries = Entry("resources.arsc", b"abc", stored=True), Entry(LIBRARY, elf(*GOOD), stored=True), Entry("b", b"b")
    assert faults(written(tmp_path, *entries)) == []


def test_equal_entries_give_equal_bytes(tmp_path: Path) -> None:
    entries = Entry("a", b"a" * 100), Entry(LIBRARY, elf(*GOOD), stored=True)
    first = written(tmp_path, *entries).read_bytes()
    assert written(tmp_path, *entries).read_bytes() == first
    assert plain_archive(entries) == plain_archive(entries)


@pytest.mark.parametrize("name", [LIBRARY, "resources.arsc"])
def test_a_deflated_file_that_a_device_maps_is_a_fault(name: str, tmp_path: Path) -> None:
    (fault,) = faults(written(tmp_path, Entry(name, elf(*GOOD))))
    assert fault == f"{name}: deflated, expected stored: the device maps it from the APK"


def test_a_library_with_small_pages_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(written(tmp_path, Entry(LIBRARY, elf(Segment(0, 0, 4096)), stored=True)))
    assert fault.startswith(f"{LIBRARY}: a segment is aligned to 4096 bytes")


def test_a_library_at_another_place_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "app.apk"
    with zipfile.ZipFile(path, "w") as archive:  # without the field that aligns it
        archive.writestr(zipfile.ZipInfo("ab"), b"ab")
        archive.writestr(zipfile.ZipInfo(LIBRARY), elf(*GOOD))
    (fault,) = faults(path)
    assert fault.startswith(f"{LIBRARY}: begins at byte ")
    assert str(PAGE) in fault


def test_entries_are_read_as_stored_or_deflated(tmp_path: Path) -> None:
    entries = [Entry("a", b"a" * 100), Entry("b", b"b" * 100, stored=True)]
    assert entries_of(written(tmp_path, *entries)) == entries


def test_sizes_are_counted_apart(tmp_path: Path) -> None:
    bundle = "assets/bundles/levit/levit.tflite"
    path = written(
        tmp_path,
        Entry("classes.dex", b"d" * 1000),
        Entry("classes2.dex", b"d" * 10),
        Entry("resources.arsc", b"r" * 500, stored=True),
        Entry(LIBRARY, b"l" * 5000, stored=True),
        Entry(bundle, b"b" * 7000, stored=True),
    )
    found = sizes(path)
    assert (found.dex, found.resources, found.libraries, found.bundles) == (1010, 500, 5000, 7000)
    assert found.apk == path.stat().st_size
    assert found.code_and_resources == found.apk - 12000
    assert str(found).startswith(f"{found.apk} bytes, {found.code_and_resources} without native libraries (5000)")
