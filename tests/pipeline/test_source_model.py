"""The proof's pictures, and the labels: from a file, from the checkpoint, or made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.image_places import served
from support.refusals import refused

from levit_mobile.errors import ImageError, LabelsError
from levit_mobile.images import digits
from levit_mobile.images.labels import Labels
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model import imagenet
from levit_mobile.pipeline import source_model
from levit_mobile.pipeline.source_model import SourceModel, find_labels, load_source, proof_pictures

SPEC = ImageSpec.for_side(64)


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    dice = np.random.default_rng(0)
    for index in range(count):
        Image.fromarray(dice.integers(0, 256, (80, 90, 3), dtype=np.uint8)).save(folder / f"{index:03}.png")
    return folder


def test_held_out_digits_are_the_default() -> None:
    chosen = proof_pictures(SPEC)
    assert len(chosen) == 64
    digest = chosen.digest()
    source_model._drawn.cache_clear()
    assert digest == proof_pictures(SPEC).digest()
    assert chosen.read(chosen.names[0]).shape == (64, 64, 3)


def test_a_proofs_digits_are_drawn_once_and_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    picture = digits.picture

    def counted(split: digits.Split, index: int) -> tuple[digits.Pixels, int]:
        drawn.append(index)
        return picture(split, index)

    monkeypatch.setattr(digits, "picture", counted)
    source_model._drawn.cache_clear()
    chosen = proof_pictures(SPEC)
    first, second = list(chosen), list(proof_pictures(SPEC))
    assert [one is same for one, same in zip(first, second, strict=True)] == [True] * 64
    assert drawn == list(range(64))
    with pytest.raises(ValueError, match="read-only"):
        chosen.read(chosen.names[0])[0] = 0


def test_a_folder_gives_64_evenly_spread(tmp_path: Path) -> None:
    chosen = proof_pictures(SPEC, pictures(tmp_path / "many", 100))
    assert len(chosen) == 64
    assert (chosen.names[0], chosen.names[-1]) == ("000.png", "098.png")


def test_an_image_of_the_proof_is_asked_of_a_server_once(tmp_path: Path) -> None:
    with served(pictures(tmp_path / "many", 70)) as (url, asked):
        chosen = proof_pictures(SPEC, url)
        digests = [chosen.digest() for _ in range(3)]
    images = [path for _, path, _ in asked if path.endswith(".png")]
    assert len(images) == len(set(images)) == 64
    assert digests == [proof_pictures(SPEC, tmp_path / "many").digest()] * 3


def test_32_pictures_are_enough_and_31_are_not(tmp_path: Path) -> None:
    assert len(proof_pictures(SPEC, pictures(tmp_path / "enough", 32))) == 32
    with refused(ImageError, "image.too-few", tmp_path / "few", "31 readable images", "at least 32", "--images"):
        proof_pictures(SPEC, pictures(tmp_path / "few", 31))


def test_a_broken_picture_is_named_or_left_out(random_checkpoint: Path, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", 40)
    (folder / "007.png").write_bytes((folder / "007.png").read_bytes()[:500])
    with refused(ImageError, "image.unreadable", "007.png"):
        load_source(random_checkpoint, images=folder)
    kept = load_source(random_checkpoint, images=folder, skip_broken=True).reference
    assert len(kept.pictures) == len(kept.logits) == 39
    assert [skipped.name for skipped in kept.pictures.skipped] == ["007.png"]


def test_broken_pictures_count_against_the_32(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", 32)
    (folder / "000.png").write_bytes(b"")
    with refused(ImageError, "image.too-few", folder, "31 readable images"):
        proof_pictures(SPEC, folder, skip_broken=True)


def test_labels_come_from_the_file_then_the_checkpoint_then_nowhere(
    trained: SourceModel, small: SourceModel, tmp_path: Path
) -> None:
    assert trained.labels == tuple("0123456789")
    assert small.labels == ("class_0", "class_1", "class_2", "class_3", "class_4")
    names = tmp_path / "labels.txt"
    names.write_text("crane\nhen\ncrane\nowl\nswan\n")
    found = find_labels(small.checkpoint, names)
    assert found == Labels(("crane (class 0)", "hen", "crane (class 2)", "owl", "swan"), "file")
    names.write_text("".join(f"{label}\n" for label in small.labels))
    assert find_labels(small.checkpoint, names).source == "placeholder"  # whoever wrote them into a file
    assert (trained.labels_source, small.labels_source) == ("checkpoint", "placeholder")
    assert trained.notes == ()
    assert "class_0 to class_4" in small.notes[0]


def test_published_weights_have_imagenets_names_and_two_cranes(small: SourceModel) -> None:
    published = replace(small.checkpoint, classes=1000, labels=imagenet.names(1000), labels_source="published")
    found = find_labels(published)
    assert (found.source, found.names[0], found.names[999]) == (
        "published",
        "tench, Tinca tinca",
        "toilet tissue, toilet paper, bathroom tissue",
    )
    assert (found.names[134], found.names[517]) == ("crane (class 134)", "crane (class 517)")


@pytest.mark.parametrize(
    ("content", "code", "facts"),
    [
        (b"a\nb\n", "labels.count", ["2 labels", "5 classes"]),
        (b"a\nb\n\nd\ne\n", "labels.not-one-line", ["line 3"]),
        (b"\xff\xfe\x00", "labels.format", ["UTF-8"]),
        (None, "labels.unreadable", []),
    ],
)
def test_labels_that_do_not_fit(
    small: SourceModel, tmp_path: Path, content: bytes | None, code: str, facts: list[str]
) -> None:
    names = tmp_path / "labels.txt"
    if content is not None:
        names.write_bytes(content)
    with refused(LabelsError, code, names, *facts):
        find_labels(small.checkpoint, names)
