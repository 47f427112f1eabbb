"""Images in archives, shards and behind URLs: the same names, order and pixels as in a local folder."""

from __future__ import annotations

import gc
import pickle
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image
from support import image_places as places

from levit_mobile.errors import ImageError
from levit_mobile.images import image_set, shards
from levit_mobile.images.byte_files import CopiedFile, RemoteFile
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.preprocessing import Pixels
from levit_mobile.images.remote import Remote
from levit_mobile.images.spec import ImageSpec
from levit_mobile.quantization import calibration
from levit_mobile.system import workers

SMALL = ImageSpec(height=32, width=32, crop_height=28, crop_width=28)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory, photograph: Image.Image) -> Path:
    """Eighteen parts of a photograph in three classes, with names that URLs have to encode, and files that are none."""
    root = tmp_path_factory.mktemp("photographs")
    for index in range(18):
        path = root / ("cat", "dög", "a b#%")[index % 3] / f"{index} ?.{('jpg', 'png', 'webp')[index % 3]}"
        path.parent.mkdir(exist_ok=True)
        photograph.crop((10 * index, 5, 10 * index + 200, 190)).save(path)
    for name in ("notes.txt", "cat/._1.jpg", ".thumbnails/0.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"no image")
    return root


@pytest.fixture(params=places.KINDS)
def place(request: pytest.FixtureRequest, photographs: Path, tmp_path: Path) -> Iterator[str]:
    with places.place(request.param, photographs, tmp_path) as written:
        yield written
    MemoryFileSystem.store.clear()


def test_names_order_and_pixels_are_those_of_a_local_folder(place: str, photographs: Path) -> None:
    local, found = ImageSet.from_place(photographs, SMALL), ImageSet.from_place(place, SMALL)
    assert len(local) == 18
    assert found.names == local.names
    assert found.digest() == local.digest()


def test_a_share_of_them_is_the_same_share(place: str, photographs: Path) -> None:
    local, found = (ImageSet.from_place(one, SMALL, limit=5) for one in (photographs, place))
    assert (found.names, found.digest()) == (local.names, local.digest())
    assert image_set.count(place, 7) == 7
    assert image_set.count(place, 700) == 18


def test_a_calibration_draws_the_same_images(place: str, photographs: Path) -> None:
    local, found = (calibration.find(one, SMALL, count=16, seed=3) for one in (photographs, place))
    assert (found.digest, found.classes, found.pictures.names) == (local.digest, 3, local.pictures.names)


@pytest.mark.slow
def test_another_process_opens_the_place_anew(place: str, photographs: Path) -> None:
    names = ImageSet.from_place(photographs, SMALL).names[::4]
    reading = partial(_reading, ImageSet.from_place(place, SMALL).read)
    found = list(workers.spread(reading, names, processes=2))
    for pixels, name in zip(found, names, strict=True):
        np.testing.assert_array_equal(pixels, image_set.load(photographs / name, SMALL))


def _reading(read: Callable[[str], Pixels]) -> Callable[[str], Pixels]:
    return read


# What is asked of a server


def test_only_the_images_that_are_used_are_asked_for(photographs: Path, tmp_path: Path) -> None:
    places.sharded(tmp_path, places.contents(photographs))
    with places.served(tmp_path, ranges=True) as (url, asked):
        pictures = ImageSet.from_place(f"{url}/shards-{{000..002}}.tar", SMALL, limit=4)
        indexed = len(asked)
        list(pictures)
        assert [wanted[2].startswith("bytes=") for wanted in asked[indexed:]] == [True] * 4
    assert indexed <= 3 * 2  # a byte that shows that there are ranges, and the shard, which is smaller than a block


def test_an_index_is_made_once_for_shards_that_have_not_changed(photographs: Path, tmp_path: Path) -> None:
    files = places.contents(photographs)
    places.sharded(tmp_path, files)
    with places.served(tmp_path, ranges=True) as (url, asked):
        first = image_set.find(f"{url}/shards-{{000..002}}.tar").store
        indexed = len(asked)
        assert image_set.find(f"{url}/shards-{{000..002}}.tar").store is first
        assert len(asked) == indexed
        places.sharded(tmp_path, dict(list(files.items())[:12]))
        assert len(image_set.find(f"{url}/shards-{{000..002}}.tar").names) < 18


def test_a_shard_of_a_server_without_ranges_is_copied_once_and_removed(photographs: Path, tmp_path: Path) -> None:
    places.sharded(tmp_path, places.contents(photographs))
    with places.served(tmp_path) as (url, asked):
        found = image_set.find(f"{url}/shards-000.tar")
        before = len(asked)
        list(ImageSet.of(found, SMALL))
        assert len(asked) == before
    assert isinstance(found.store, shards.Shards)
    (copy,) = found.store.files
    assert isinstance(copy, CopiedFile)
    assert copy.called == f"{url}/shards-000.tar"
    sent = pickle.dumps(copy)
    assert pickle.loads(sent).path == copy.path
    folder = copy.path.parent
    assert folder.is_dir()
    shards._indexed.cache_clear()
    del found, copy
    gc.collect()
    assert not folder.exists()
    with pytest.raises(ImageError):
        pickle.loads(sent)


def test_a_copy_that_is_not_on_a_machine_is_made_there(photographs: Path, tmp_path: Path) -> None:
    places.sharded(tmp_path, places.contents(photographs), 1)
    with places.served(tmp_path) as (url, _):
        (copy,) = shards.of_files([RemoteFile(Remote(url), f"{url}/shards-000.tar", "a shard")]).files
        sent = pickle.dumps(copy)
        shutil.rmtree(copy.path.parent)  # another machine has no such folder
        again = pickle.loads(sent)
    assert again.path != copy.path
    assert again.path.read_bytes() == (tmp_path / "shards-000.tar").read_bytes()


def test_a_proxy_is_used_where_the_environment_names_one(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy is asked for the whole URL, which Python's server takes for a path."""
    name = "cat/0 ?.jpg"
    (tmp_path / "http:" / "images.invalid").mkdir(parents=True)
    (tmp_path / "http:" / "images.invalid" / "0.jpg").write_bytes((photographs / name).read_bytes())
    with places.served(tmp_path) as (url, asked):
        monkeypatch.setenv("http_proxy", url)
        pictures = ImageSet.from_place("http://images.invalid/0.jpg", SMALL)
        np.testing.assert_array_equal(pictures.read("0.jpg"), image_set.load(photographs / name, SMALL))
    assert [path for _, path, _ in asked] == ["http://images.invalid/0.jpg"]


def test_a_check_of_a_number_lists_no_more_folders_than_it_needs(photographs: Path) -> None:
    with places.served(photographs) as (url, asked):
        assert image_set.count(url, 2) == 2
        listed = [path for _, path, _ in asked]
        assert image_set.count(url, 18) == 18
    assert len(listed) == 2  # the root and one of three classes
    assert all(path.endswith("/") for path in listed)


def test_the_listing_of_many_images_takes_little_more_than_their_names() -> None:
    fs = MemoryFileSystem()
    names = [f"{number % 20:02d}/{number:05d}.jpg" for number in range(20_000)]
    for name in names:
        fs.pipe_file(f"/many/{name}", b"x")
    try:
        tracemalloc.start()
        found = image_set.find("memory://many")
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        MemoryFileSystem.store.clear()
    assert list(found.names) == sorted(names)
    assert kept < 200 * len(names)  # bytes: a name is a str of 12 characters
    assert peak < 600 * len(names)
