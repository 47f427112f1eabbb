"""Tar shards: what webdataset writes and reads is read the same; damaged shards and odd members are named."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import webdataset
from PIL import Image
from support.image_places import sharded, tarred
from support.refusals import refused

from levit_mobile.errors import ImageError, LabelsError
from levit_mobile.images import ground_truth, image_set
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.shards import Shards
from levit_mobile.images.spec import ImageSpec

SMALL = ImageSpec(height=32, width=32, crop_height=28, crop_width=28)
LABELS = ("cat", "dog", "owl")


def encoded(photograph: Image.Image, index: int, kind: str = "png") -> bytes:
    stream = io.BytesIO()
    photograph.crop((20 * index, 0, 20 * index + 90, 80)).save(stream, kind)
    return stream.getvalue()


@pytest.fixture(scope="module")
def photographs(photograph: Image.Image) -> dict[str, bytes]:
    """Eight images of three classes by their names."""
    return {f"{LABELS[index % 3]}/{index:03d}.png": encoded(photograph, index) for index in range(8)}


def found_in(place: Path | str) -> Shards:
    store = image_set.find(place).store
    assert isinstance(store, Shards)
    return store


# As webdataset writes and reads them


@pytest.fixture
def written(tmp_path: Path, photographs: dict[str, bytes]) -> str:
    """Three shards by webdataset's own writer, with a class index, a text and JSON for each image."""
    with webdataset.ShardWriter(str(tmp_path / "s-%03d.tar"), maxcount=3, verbose=0) as sink:
        for index, (name, content) in enumerate(photographs.items()):
            metadata = {"class": LABELS[index % 3], "caption": "a photograph"}
            sink.write({"__key__": name[:-4], "png": content, "cls": index % 3, "json": metadata, "txt": "a caption"})
    return str(tmp_path / "s-{000..002}.tar")


def test_keys_images_and_classes_are_those_that_webdataset_reads(written: str) -> None:
    store = found_in(written)
    samples = list(webdataset.WebDataset(written, shardshuffle=False))
    theirs = {f"{sample['__key__']}.png": sample for sample in samples}
    assert list(store.names()) == sorted(theirs)
    assert {name: store.open(name).read() for name in theirs} == {name: one["png"] for name, one in theirs.items()}
    classes = {name: int(sample["cls"]) for name, sample in theirs.items()}
    assert store.labels(list(theirs)) == classes
    assert ground_truth.read("shards", list(theirs), LABELS, store) == classes


def test_folders_and_tables_label_shards_as_they_label_folders(
    written: str, photographs: dict[str, bytes], tmp_path: Path
) -> None:
    names = image_set.find(written).names
    expected = {name: LABELS.index(name.partition("/")[0]) for name in photographs}
    table = tmp_path / "labels.csv"
    table.write_text("file,label\n" + "".join(f"{name},{name.partition('/')[0]}\n" for name in names))
    ground_truth.require_pictures(table, names)
    assert ground_truth.read("folders", names, LABELS) == ground_truth.read(table, names, LABELS) == expected


# Labels beside images


@pytest.mark.parametrize(
    ("members", "label"),
    [
        ({"cls": b"2"}, 2),
        ({"CLS": b" 1\n"}, 1),
        ({"txt": b"owl\n"}, "owl"),
        ({"json": b"1"}, 1),
        ({"json": b'"dog"'}, "dog"),
        ({"json": b'{"label": "dog", "cls": 0}'}, "dog"),
        ({"json": b'{"class": 2, "caption": "cat"}'}, 2),
        ({"txt": b"a caption", "json": b'{"label": 0}', "cls": b"1"}, 1),
        ({"txt": b"cat", "json": b'{"label": "dog"}'}, "dog"),
    ],
)
def test_the_class_index_counts_before_json_and_json_before_text(
    members: dict[str, bytes], label: str | int, tmp_path: Path, photographs: dict[str, bytes]
) -> None:
    image = photographs["cat/000.png"]
    for order in (1, -1):
        files = [("0001.png", image), *((f"0001.{ending}", content) for ending, content in members.items())][::order]
        store = found_in(tarred(tmp_path / f"{order}.tar", files))
        assert store.labels(["0001.png"]) == {"0001.png": label}


def test_a_class_index_is_an_index_where_labels_are_numbers(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    image = photographs["cat/000.png"]
    store = found_in(tarred(tmp_path / "x.tar", {"a.png": image, "a.cls": b"2", "b.png": image, "b.txt": b"2"}))
    assert ground_truth.read("shards", ("a.png", "b.png"), ("1", "2", "3"), store) == {"a.png": 2, "b.png": 1}


@pytest.mark.parametrize(
    ("members", "code", "facts"),
    [
        ({}, "labels.no-label", (".cls, .json or .txt",)),
        ({"seg.txt": b"1"}, "labels.no-label", ("x.tar", "a.png")),
        ({"cls": b"cat"}, "labels.format", ("a.png", ".cls", "'cat'")),
        ({"cls": b"\xff"}, "labels.format", ("a.png", "utf-8")),
        ({"json": b"{"}, "labels.format", ("a.png", ".json")),
        ({"json": b'{"caption": 1}'}, "labels.format", ("label, cls, class",)),
        ({"json": b"true"}, "labels.format", ("expected a number",)),
        ({"cls": b"3"}, "labels.unknown-class", ("a.png", "3", "0 to 2")),
        ({"cls": b"-1"}, "labels.unknown-class", ("a.png", "-1")),
        ({"txt": b"wolf"}, "labels.unknown-class", ("'wolf'", "cat, dog, owl")),
    ],
)
def test_labels_that_are_none(
    members: dict[str, bytes], code: str, facts: tuple[str, ...], tmp_path: Path, photographs: dict[str, bytes]
) -> None:
    files = {"a.png": photographs["cat/000.png"], **{f"a.{ending}": content for ending, content in members.items()}}
    store = found_in(tarred(tmp_path / "x.tar", files))
    with refused(LabelsError, code, *facts):
        ground_truth.read("shards", ("a.png",), LABELS, store)


def test_labels_from_shards_need_shards(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    (tmp_path / "a.png").write_bytes(photographs["cat/000.png"])
    with refused(LabelsError, "labels.no-label", "not in tar shards"):
        ground_truth.read("shards", ("a.png",), LABELS, image_set.find(tmp_path).store)


# Members


def test_only_visible_files_that_are_images_count(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    image = photographs["cat/000.png"]
    long = f"{'é' * 150}/{'x' * 90}.jpeg"
    files = {
        "./cat/1.png": image,
        "/abs/2.PNG": image,
        long: image,
        "a.b/c.d.webp": image,
        "._1.png": image,
        "x/.hidden/1.png": image,
        "__meta__/1.png": image,
        "notes.txt": b"",
        "README": b"",
    }
    path = tarred(tmp_path / "x.tar", files)
    with tarfile.open(path, "a") as archive:
        for name, kind in {"folder.png": tarfile.DIRTYPE, "link.png": tarfile.SYMTYPE}.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "cat/1.png"
            archive.addfile(member)
    assert image_set.find(path).names == ("a.b/c.d.webp", "abs/2.PNG", "cat/1.png", long)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar_is_read(form: int, tmp_path: Path, photographs: dict[str, bytes]) -> None:
    for name, content in photographs.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(content)
    with tarfile.open(tmp_path / "x.tar", "w", format=form) as archive:
        archive.add(tmp_path / "set", ".")
    digests = [ImageSet.from_place(place, SMALL).digest() for place in (tmp_path / "set", tmp_path / "x.tar")]
    assert digests[0] == digests[1]


def test_a_member_that_is_no_image_is_named_or_skipped(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    path = tarred(tmp_path / "x.tar", {**photographs, "cat/zero.png": b"", "dog/text.jpg": b"no image"})
    reasons = {"cat/zero.png": "0 bytes", "dog/text.jpg": "not an image"}
    for name, reason in reasons.items():
        with refused(ImageError, "image.unreadable", f"{path}: {name}", reason):
            ImageSet.from_place(path, SMALL).read(name)
    found = ImageSet.from_place(path, SMALL, skip_broken=True)
    assert (len(found), [skipped.name for skipped in found.skipped]) == (8, list(reasons))


# Shards that are not whole


def test_a_shard_that_is_cut_short_anywhere_is_refused(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    whole = tarred(tmp_path / "whole.tar", dict(list(photographs.items())[:3])).read_bytes()
    content = whole.rstrip(b"\0")
    blocks = -(-len(content) // 512) * 512
    path = tmp_path / "cut.tar"
    for size in [*range(0, blocks, 512), *range(1, blocks, 4567), 100, blocks - 512, blocks]:
        path.write_bytes(whole[:size])
        with refused(ImageError, "image.unreadable", path, "cut short"):
            image_set.find(path)
    path.write_bytes(whole)
    assert len(image_set.find(path).names) == 3


def test_a_damaged_header_is_not_the_end(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    path = tarred(tmp_path / "x.tar", photographs)
    content = bytearray(path.read_bytes())
    with tarfile.open(path) as archive:
        content[archive.getmembers()[4].offset] ^= 0xFF
    path.write_bytes(content)
    with refused(ImageError, "image.unreadable", path, "damaged"):
        image_set.find(path)


def test_a_shard_that_shrinks_while_it_is_read_is_named(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    path = tarred(tmp_path / "x.tar", photographs)
    pictures = ImageSet.from_place(path, SMALL)
    path.write_bytes(path.read_bytes()[:700])
    with refused(ImageError, "image.unreadable", path, "cut short"):
        list(pictures)


@pytest.mark.parametrize(
    "content", [b"no tar file" * 100, gzip.compress(bytes(20480), mtime=0), b""], ids=["text", "gzip", "nothing"]
)
def test_what_is_no_tar_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with refused(ImageError, "image.unreadable", tmp_path / "x.tar", "uncompressed tar file"):
        image_set.find(tmp_path / "x.tar")


def test_a_key_is_in_one_shard_only(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    image = photographs["cat/000.png"]
    tarred(tmp_path / "s-0.tar", {"a.png": image})
    tarred(tmp_path / "s-1.tar", {"a.jpg": image})
    with refused(ImageError, "image.duplicate", "a ", tmp_path / "s-0.tar", tmp_path / "s-1.tar"):
        image_set.find(tmp_path / "s-{0..1}.tar")
    tarred(tmp_path / "s-0.tar", [("a.png", image), ("b.png", image), ("a.png", image)])
    with refused(ImageError, "image.duplicate", "a.png", "twice", tmp_path / "s-0.tar"):
        image_set.find(tmp_path / "s-0.tar")


def test_a_missing_shard_is_named(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    sharded(tmp_path, photographs, 2)
    with refused(ImageError, "image.not-found", tmp_path / "shards-002.tar"):
        image_set.find(tmp_path / "shards-{000..002}.tar")
    with refused(ImageError, "image.no-pictures", tmp_path / "other-*.tar"):
        image_set.find(tmp_path / "other-*.tar")


def test_a_folder_of_images_and_a_tar_file_is_a_folder(tmp_path: Path, photographs: dict[str, bytes]) -> None:
    sharded(tmp_path, photographs)
    assert len(image_set.find(tmp_path).names) == 8
    (tmp_path / "one.png").write_bytes(photographs["cat/000.png"])
    assert image_set.find(tmp_path).names == ("one.png",)
