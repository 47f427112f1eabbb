"""Places that cannot be used: one sentence each, which names the place and none of its secrets."""

from __future__ import annotations

import socket
import sys
import traceback
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from support import image_places as places
from support.refusals import refused

from levit_mobile.errors import ImageError, LabelsError
from levit_mobile.images import ground_truth, image_set, stores
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.spec import ImageSpec
from levit_mobile.pipeline.precheck import require_pictures
from levit_mobile.quantization import calibration

SMALL = ImageSpec(height=32, width=32, crop_height=28, crop_width=28)


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    """A server of b/2.jpg, a/1.png and a/3.webp."""
    (folder / "empty").mkdir()
    with places.served(folder) as (address, _):
        yield address


# Protocols


@pytest.mark.parametrize("place", ["foo://bucket/x", "zip://*::foo://bucket/x", "tar://*::foo://bucket/x"])
def test_an_unknown_protocol_is_named(place: str) -> None:
    with refused(ImageError, "image.protocol", "foo://bucket/x", "unknown protocol foo://", "s3://"):
        image_set.find(place)


@pytest.mark.parametrize(
    ("place", "module", "package"),
    [
        ("gs://bucket/x", "gcsfs", "gcsfs"),
        ("tar://*::abfs://c/x.tar", "adlfs", "adlfs"),
        ("sftp://h/x", "", "paramiko"),
    ],
)
def test_a_missing_package_is_named(place: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, imported = import_module("fsspec.registry"), dict[str, type]()
    monkeypatch.setattr(registry, "_registry", imported)
    monkeypatch.setattr(registry, "registry", imported)
    for absent in (module or "fsspec.implementations.sftp", "paramiko"):
        monkeypatch.setitem(sys.modules, absent, None)
    with refused(ImageError, "image.protocol", place, f"pip install {package}"):
        image_set.find(place)


# Places


@pytest.mark.parametrize(
    ("below", "code", "facts"),
    [
        ("secret/", "image.access", ("403", "permissions")),
        ("secret/1.zip", "image.access", ("403",)),
        ("secret/1.tar", "image.access", ("403",)),
        ("none/", "image.not-found", ("does not exist",)),
        ("none.zip", "image.not-found", ("does not exist",)),
        ("none-{0..1}.tar", "image.not-found", ("none-0.tar", "does not exist")),
        ("none-*.tar", "image.no-pictures", ("fits no file",)),
        ("empty/", "image.no-pictures", (".jpg", ".tar")),
        ("a/?page=1", "image.not-found", ("cannot be listed", "query")),
    ],
)
def test_what_a_server_does_not_give(url: str, below: str, code: str, facts: tuple[str, ...]) -> None:
    with refused(ImageError, code, url, *facts):
        image_set.find(f"{url}/{below}")


@pytest.mark.parametrize(("below", "code"), [("secret/1.jpg", "image.access"), ("none.jpg", "image.not-found")])
def test_an_image_that_a_server_does_not_give(url: str, below: str, code: str) -> None:
    with refused(ImageError, code, f"{url}/{below}"):
        list(ImageSet.from_place(f"{url}/{below}", SMALL))


def test_a_folder_that_a_server_refuses_is_named(url: str, folder: Path) -> None:
    (folder / "secret").mkdir()
    with refused(ImageError, "image.access", f"{url}/secret was refused"):
        image_set.find(url)


def test_a_server_that_does_not_answer_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for place in (f"{closed}/x/", f"{closed}/x.zip", f"{closed}/x.tar"):
            with refused(ImageError, "image.access", place, "Connect"):
                image_set.find(place)


def test_a_server_that_goes_is_no_broken_image(folder: Path) -> None:
    """Images that cannot be read are skipped; a server that cannot be reached is not skipped image by image."""
    with places.served(folder) as (url, _):
        found = image_set.find(url)
    for skipping in (
        lambda: ImageSet.of(found, SMALL, skip_broken=True),
        lambda: calibration._readable(found.names, ImageSet.of(found, SMALL).read, 3),
    ):
        with refused(ImageError, "image.access", f"{url}/a/1.png"):
            skipping()


def test_what_is_in_memory_and_what_is_not(folder: Path) -> None:
    url = places.remembered("set", {**places.contents(folder), "notes/1.txt": b""})
    try:
        with refused(ImageError, "image.no-pictures", "memory://set/notes"):
            image_set.find(f"{url}/notes")
        with refused(ImageError, "image.no-pictures", "memory://set/notes/1.txt"):
            image_set.find(f"{url}/notes/1.txt")
        with refused(ImageError, "image.not-found", "memory://other"):
            image_set.find("memory://other")
        assert image_set.find(f"{url}/a/1.png").names == ("1.png",)
        assert image_set.find(f"{url}/*/*.png").names == ("a/1.png",)
    finally:
        MemoryFileSystem.store.clear()


def test_a_path_that_was_a_url_is_explained() -> None:
    with refused(ImageError, "image.not-found", "s3:/bucket/x", "as text"):
        image_set.find(Path("s3://bucket/x"))


def test_too_few_images_at_a_url_are_counted(url: str) -> None:
    with refused(ImageError, "image.too-few", url, "3 images", "at least 32"):
        require_pictures(url, 32, "a proof")
    with refused(ImageError, "image.too-few", url, "3 images"):
        calibration.find(url, SMALL)


# Archives


def test_a_zip_archive_that_is_cut_short_or_none(folder: Path) -> None:
    path = places.zipped(folder / "x.zip", places.contents(folder))
    whole = path.read_bytes()
    for content in (whole[:-30], whole[: len(whole) // 2], b"no archive", b""):
        path.write_bytes(content)
        with refused(ImageError, "image.unreadable", path, "cut short"):
            image_set.find(path)


def test_a_damaged_member_of_a_zip_archive_is_named(folder: Path) -> None:
    path = places.zipped(folder / "x.zip", places.contents(folder))
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("b/2.jpg").header_offset
    content = bytearray(path.read_bytes())
    content[offset + 200] ^= 0xFF
    path.write_bytes(content)
    with refused(ImageError, "image.unreadable", f"{path}: b/2.jpg", "CRC"):
        list(ImageSet.from_place(path, SMALL))
    found = ImageSet.from_place(path, SMALL, skip_broken=True)
    assert (found.names, [skipped.name for skipped in found.skipped]) == (("a/1.png", "a/3.webp"), ["b/2.jpg"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_archive_holds_each_image_once(folder: Path) -> None:
    path = places.zipped(folder / "x.zip", places.contents(folder))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/1.png", b"another")
    with refused(ImageError, "image.duplicate", path, "a/1.png"):
        image_set.find(path)


def test_a_member_that_would_unpack_to_gigabytes_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = places.zipped(
        folder / "x.zip", {"small.png": (folder / "a/1.png").read_bytes(), "zeros.png": bytes(900_000)}
    )
    monkeypatch.setattr(stores, "MOST_BYTES", 800_000)
    found = ImageSet.from_place(path, SMALL, skip_broken=True)
    assert (found.names, [skipped.name for skipped in found.skipped]) == (("small.png",), ["zeros.png"])
    with refused(ImageError, "image.too-large", f"{path}: zeros.png", 900_000, 800_000):
        list(ImageSet.from_place(path, SMALL))


def test_part_of_a_zip_archive(folder: Path) -> None:
    path = places.zipped(folder / "x.zip", places.contents(folder))
    assert image_set.find(f"zip://a::{path}").names == ("1.png", "3.webp")
    assert image_set.find(f"zip://a/*.png::{path}").names == ("1.png",)
    assert image_set.find(f"zip://::{path}").names == ("a/1.png", "a/3.webp", "b/2.jpg")
    with refused(ImageError, "image.no-pictures", "c::", path.name):
        image_set.find(f"zip://c::{path}")


# Labels behind a URL


def test_a_table_of_labels_is_read_from_a_url(url: str, folder: Path) -> None:
    (folder / "labels.csv").write_text("file,label\na/1.png,1\na/3.webp,0\nb/2.jpg,1\n", encoding="utf-8-sig")
    names = image_set.find(url).names
    ground_truth.require_pictures(f"{url}/labels.csv", names)
    assert ground_truth.read(f"{url}/labels.csv?sig=55", names, ("x", "y")) == dict(zip(names, (1, 0, 1), strict=True))
    with refused(LabelsError, "labels.no-picture", f"{url}/labels.csv?***", "b/2.jpg") as caught:
        ground_truth.require_pictures(f"{url}/labels.csv?sig=55", names[:2])
    assert "55" not in str(caught.value).replace(url, "")
    with refused(LabelsError, "labels.unreadable", f"{url}/none.csv"):
        ground_truth.read(f"{url}/none.csv", names, ("x", "y"))


# Secrets

PASSWORD, TOKEN = "pa55word", "t0ken"


@pytest.mark.parametrize(
    "below", ["secret/", f"none.zip?sig={TOKEN}", f"none.jpg?sig={TOKEN}", f"none.tar?sig={TOKEN}"]
)
def test_no_failure_shows_a_secret(url: str, below: str) -> None:
    address = url.replace("http://", f"http://anna:{PASSWORD}@")
    for place in (f"{address}/{below}", f"http://anna:{PASSWORD}@127.0.0.1:1/{below}"):
        with pytest.raises(ImageError) as caught:
            list(ImageSet.from_place(place, SMALL))
        shown = "".join(traceback.format_exception(caught.value))
        assert "127.0.0.1" in str(caught.value)
        assert PASSWORD not in shown
        assert TOKEN not in shown


def test_a_client_that_quotes_a_password_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As fsspec's client of GitHub does, which takes the user of a URL for a part of the address it asks."""
    url = "memory://anna:pa55word@set/x"

    def refusing(*_: object, **__: object) -> None:
        raise ConnectionError("no route to /repos/anna/pa55word")

    monkeypatch.setattr(MemoryFileSystem, "ls", refusing)
    with refused(ImageError, "image.access", "memory://***@set/x", "ConnectionError") as caught:
        image_set.find(url)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_no_image_is_called_by_a_secret(folder: Path) -> None:
    (folder / "b/2.jpg").write_bytes(b"no image")
    with places.served(folder) as (url, _):
        address = url.replace("http://", f"http://anna:{PASSWORD}@")
        single = image_set.find(f"{address}/a/1.png?sig={TOKEN}")
        assert (single.names, single.place) == (("1.png",), f"{url.replace('//', '//***@')}/a/1.png?***")
        assert len(list(ImageSet.of(single, SMALL))) == 1
        (skipped,) = ImageSet.from_place(address, SMALL, skip_broken=True).skipped
        assert PASSWORD not in f"{skipped.name}{skipped.reason}"
