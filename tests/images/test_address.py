"""Paths and URLs as users write them: what they name, and what of them is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from levit_mobile.images.address import (
    base_and_glob,
    expanded,
    fits,
    is_masked,
    is_url,
    masked,
    names_one_path,
    place_of,
    shown,
)
from levit_mobile.images.source import ImageSource


@pytest.mark.parametrize("url", ["s3://b/x", "memory://x", "zip://*::photos.zip", "simplecache::s3://b/x", "HTTP://h/"])
def test_urls_go_to_fsspec(url: str) -> None:
    assert is_url(url)
    assert place_of(url) == url
    assert not names_one_path(url)


@pytest.mark.parametrize("path", ["photos", "/a/b.jpg", "a::b", "c:x", "photos.zip", "~/x", "2:/x", "s3:/b"])
def test_anything_else_is_a_path(path: str) -> None:
    assert place_of(path) == Path(path)
    assert names_one_path(path)


def test_a_path_object_is_never_a_url(tmp_path: Path) -> None:
    assert not is_url(Path("s3://b/x"))
    assert place_of(f"file://{tmp_path}/a b") == tmp_path / "a b"


def test_a_pattern_that_exists_is_itself(tmp_path: Path) -> None:
    pattern = tmp_path / "x-{0..1}.tar"
    assert not names_one_path(pattern)
    pattern.touch()
    assert names_one_path(pattern)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a-{000..002}.tar", ["a-000.tar", "a-001.tar", "a-002.tar"]),
        ("a-{8..11}.tar", ["a-8.tar", "a-9.tar", "a-10.tar", "a-11.tar"]),
        ("a-{08..10}.tar", ["a-08.tar", "a-09.tar", "a-10.tar"]),
        ("{2..0}.tar", ["2.tar", "1.tar", "0.tar"]),
        ("{train,val}/{0..1}.tar", ["train/0.tar", "train/1.tar", "val/0.tar", "val/1.tar"]),
        ("{a}{}.tar", ["{a}{}.tar"]),
        ("a.tar", ["a.tar"]),
    ],
)
def test_braces_are_those_of_a_shell(text: str, names: list[str]) -> None:
    """As `bash -c 'echo TEXT'` prints them, and the package webdataset reads them."""
    from braceexpand import braceexpand

    assert expanded(text) == names == list(braceexpand(text))


SECRETS = {
    "https://anna:pa55@h/x": "https://***@h/x",
    "https://anna@h/x": "https://***@h/x",
    "https://anna:pa/55@h/x/": "https://***@h/x/",
    "https://anna:pa?55@h/x": "https://***?***",
    "https://h:8080/a.jpg?sig=55&mail=a@b": "https://h:8080/a.jpg?***",
    "https://h/a.jpg#55": "https://h/a.jpg?***",
    "s3://key:55/55@bucket/x": "s3://***@bucket/x",
    "zip://*::https://anna:55@h/x.zip?sig=55": "zip://*::https://***@h/x.zip?***",
    "https://h:8080/a@b/x": "https://***@b/x",
    "sftp://anna:5@5@h/x": "sftp://***@h/x",
}


@pytest.mark.parametrize("url", SECRETS)
def test_users_passwords_and_queries_are_not_shown(url: str) -> None:
    assert shown(url) == SECRETS[url]
    assert is_masked(shown(url))
    assert masked(f"no route to '{url}' today").startswith(f"no route to '{SECRETS[url]}")
    assert ImageSource.at(url).title == SECRETS[url]


@pytest.mark.parametrize("url", ["s3://b/x", "https://h:8080/x/", "hf://datasets/a/b@main/x", "http://[::1]:80/x"])
def test_a_url_without_secrets_is_shown_whole(url: str) -> None:
    assert shown(url) == url


@pytest.mark.parametrize(
    ("place", "title"),
    [
        ("s3://bucket/photos/", "s3://bucket/photos/"),
        ("zip://*::/home/anna/photos.zip", "zip://*::photos.zip"),
        ("/home/anna/photos.zip", "photos.zip"),
        ("/home/anna/shards-{000..013}.tar", "shards-{000..013}.tar"),
        ("file:///home/anna/photos", "photos"),
    ],
)
def test_a_title_names_no_folder_of_this_machine(place: str, title: str) -> None:
    assert ImageSource.at(place).title == title


def test_a_title_of_a_url_is_opened_again() -> None:
    source = ImageSource.at("s3://bucket/photos/")
    assert ImageSource.at(source.title) == source


@pytest.mark.parametrize(
    ("path", "base", "pattern"),
    [("a/b", "a/b", ""), ("*", "", "*"), ("a/*/b*.jpg", "a", "*/b*.jpg"), ("a/b*", "a", "b*"), ("", "", "")],
)
def test_a_glob_begins_at_its_first_star(path: str, base: str, pattern: str) -> None:
    assert base_and_glob(path) == (base, pattern)


@pytest.mark.parametrize(
    ("pattern", "name", "fit"),
    [
        ("", "a/1.jpg", True),
        ("*", "a/1.jpg", True),
        ("*.jpg", "1.jpg", True),
        ("*.jpg", "a/1.jpg", False),
        ("a*", "ab/c/1.jpg", True),
        ("**/1.jpg", "a/b/1.jpg", True),
        ("*.jpg", "1.png", False),
    ],
)
def test_a_glob_fits_names_and_the_folders_they_are_in(pattern: str, name: str, fit: bool) -> None:
    assert fits(pattern, name) == fit
