"""Native libraries for devices with pages of 16 KB: each segment's alignment, and its place in file and memory."""

from __future__ import annotations

import pytest
from elf import PAGE, Segment, loaded_segments, page_faults
from support.elf_files import GOOD, elf


@pytest.mark.parametrize("wide", [True, False])
def test_segments_are_read_as_they_were_written(wide: bool) -> None:
    assert loaded_segments(elf(*GOOD, wide=wide)) == list(GOOD)
    assert page_faults(elf(*GOOD, wide=wide)) == []


@pytest.mark.parametrize("wide", [True, False])
def test_other_headers_are_no_loaded_segments(wide: bool) -> None:
    content = elf(*GOOD, wide=wide, kind=2)
    assert loaded_segments(content) == []
    assert page_faults(content) == ["no loaded segment"]


@pytest.mark.parametrize("alignment", [0, 1, 4096, PAGE + 4096])
def test_an_alignment_that_is_no_multiple_of_a_page_is_a_fault(alignment: int) -> None:
    (fault,) = page_faults(elf(Segment(0, 0, alignment)))
    assert f"aligned to {alignment} bytes" in fault


def test_more_than_a_page_is_no_fault() -> None:
    assert page_faults(elf(Segment(0, 0, 4 * PAGE))) == []


def test_place_in_file_and_in_memory_are_congruent_or_it_is_a_fault() -> None:
    """Some libraries of a released runtime had the alignment and failed here."""
    (fault,) = page_faults(elf(Segment(0x5000, 0x6000, PAGE)))
    assert "0x5000" in fault
    assert "0x6000" in fault
    assert page_faults(elf(Segment(0x5000, 0x5000 + 3 * PAGE, PAGE))) == []


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"MZ" + bytes(100), b"\x7fELF\x02\x02" + bytes(100)])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a little-endian ELF file"):
        loaded_segments(content)


@pytest.mark.parametrize("size", [40, 70, 100])
def test_a_file_that_is_cut_short_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="cut short"):
        loaded_segments(elf(*GOOD)[:size])
