"""Label files that number their lines: what is an index, what belongs to the label, and what cannot be decided."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.refusals import refused

from levit_mobile.errors import LabelsError
from levit_mobile.images.labels import read


def saved(folder: Path, *lines: str) -> Path:
    path = folder / "labels.txt"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


@pytest.mark.parametrize(
    "lines",
    [
        ("2: emu", "0: cat", "1: dog"),
        ("0: cat", "1: dog", "2: emu"),
        ("1:dog", "0:cat", "2:emu"),
        ("2,emu", "1,dog", "0,cat"),
        ("2;emu", "1;dog", "0;cat"),
        ("1=dog", "2=emu", "0=cat"),
        ("1\tdog", "2\temu", "0\tcat"),
        ("02: emu", "00: cat", "01: dog"),
        ("3: emu", "1: cat", "2: dog"),
        ("dog,1", "emu,2", "cat,0"),
        ("dog\t1", "emu\t2", "cat\t0"),
        ("0 cat", "1 dog", "2 emu"),
        ("0  cat", "1  dog", "2  emu"),
    ],
    ids=lambda lines: "|".join(lines),
)
def test_an_index_puts_the_labels_in_order(lines: tuple[str, ...], tmp_path: Path) -> None:
    assert read(saved(tmp_path, *lines), 3) == ("cat", "dog", "emu")


@pytest.mark.parametrize(
    "lines",
    [
        tuple("0123456789"),
        ("7", "3", "5"),
        ("2", "0", "1"),
        ("n01440764 tench", "n01443537 goldfish", "n01484850 great white shark"),
        ("001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross"),
        ("0 stars", "1 star", "2 stars", "3 stars"),
        ("1 euro", "2 euros", "5 euros"),
        ("1 cent", "2 cents"),
        ("0,5 V", "1,5 V"),
        ("0:30", "1:15"),
        ("type 1", "type 0"),
        ("item, 0", "item, 1", "item, 10", "item, 2"),
        ("0-cat", "1-dog"),
        ("7up", "2CV"),
        ("tench, Tinca tinca", "goldfish, Carassius auratus"),
    ],
    ids=lambda lines: "|".join(lines),
)
def test_a_number_that_belongs_to_its_label_stays_and_so_does_the_order(lines: tuple[str, ...], tmp_path: Path) -> None:
    assert read(saved(tmp_path, *lines), len(lines)) == lines


@pytest.mark.parametrize(
    "lines",
    [
        ("1 dog", "0 cat", "2 emu"),
        ("0 a", "1 b", "10 c", *(f"{number} x{number}" for number in range(2, 10))),
        ("2 stars", "0 stars", "1 star"),
        ("1:15", "0:30"),
        ("0: cat", "0: dog"),
        ("7: cat", "3: dog"),
    ],
    ids=lambda lines: "|".join(lines),
)
def test_an_order_that_may_or_may_not_be_meant_is_refused(lines: tuple[str, ...], tmp_path: Path) -> None:
    path = saved(tmp_path, *lines)
    turn = next(at for at in range(len(lines)) if not _number(lines[at]) < _number(lines[at + 1]))
    facts = (path, f"lines {turn + 1} and {turn + 2}", repr(lines[turn]), repr(lines[turn + 1]), "(0: cat)")
    with refused(LabelsError, "labels.order", *facts):
        read(path, len(lines))


def _number(line: str) -> int:
    return int(line.partition(" ")[0].partition(":")[0])


def test_names_behind_an_index_may_repeat_and_hold_signs(tmp_path: Path) -> None:
    path = saved(tmp_path, "2: crane", "0: crane", "1: heron: grey, 2")
    assert read(path, 3) == ("crane (class 0)", "heron: grey, 2", "crane (class 2)")
