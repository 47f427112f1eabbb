"""Where a checkpoint's labels are read, which place comes first, and what cannot be read; no weights are needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.refusals import refused
from timm.data import ImageNetInfo
from torchvision.models._meta import _IMAGENET_CATEGORIES

from levit_mobile.errors import CheckpointError
from levit_mobile.model import imagenet
from levit_mobile.model.checkpoint_labels import CheckpointLabels, find, is_published
from levit_mobile.model.families import FAMILIES

NAMES = ("cat", "dog", "emu")
LISTED = CheckpointLabels(NAMES, "checkpoint")
NOTHING: dict[str, Any] = {}


def found(
    metadata: dict[str, str] = NOTHING, beside: dict[str, Any] = NOTHING, config: dict[str, Any] = NOTHING
) -> CheckpointLabels:
    return find(metadata, beside, config, 3)


@pytest.mark.parametrize(
    "config",
    [
        {"id2label": {"2": "emu", "0": "cat", "1": "dog"}},
        {"label_names": ["cat", "dog", "emu"]},
        {"label_names": {"1": "dog", "2": "emu", "0": "cat"}},
        {"labels": ["cat", "dog", "emu"]},
        {"pretrained_cfg": {"label_names": ["cat", "dog", "emu"]}},
        {"label_names": ["cat", "dog", "emu"], "label_descriptions": {"cat": "a small carnivore"}},
        {"label_names": ["cat", "dog", "emu"], "pretrained_cfg": {"label_names": ["x", "y", "z"]}},
        {"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}, "label_names": ["cat", "dog", "emu"]},
    ],
    ids=json.dumps,
)
def test_config_json_names_labels_in_several_ways(config: dict[str, Any]) -> None:
    assert found(config=config) == LISTED


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"label_descriptions": {"a": "b", "c": "d", "e": "f"}},
        {"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}},
        {"id2label": None, "label_names": None, "pretrained_cfg": None},
        {"num_classes": 3, "pretrained_cfg": {"label_names": ["of", "another", "head", "than", "this"]}},
    ],
    ids=json.dumps,
)
def test_nothing_else_names_labels(config: dict[str, Any]) -> None:
    assert found(config=config) == CheckpointLabels(None, None)


def test_class_to_idx_is_read_by_its_indices() -> None:
    assert found(beside={"class_to_idx": {"emu": 2, "cat": 0, "dog": 1}, "epoch": 3}) == LISTED
    assert found(beside={"class_to_idx": None}).names is None


def test_the_weight_file_comes_before_config_json() -> None:
    config = {"id2label": {"0": "x", "1": "y", "2": "z"}}
    assert found(beside={"class_to_idx": {"cat": 0, "dog": 1, "emu": 2}}, config=config) == LISTED
    assert found(metadata={"labels": "cat,dog,emu"}, config=config) == LISTED


@pytest.mark.parametrize(
    ("beside", "config", "facts"),
    [
        ({"class_to_idx": {"cat": 0, "dog": 2, "emu": 3}}, {}, ["class_to_idx", "0, 1, 2"]),
        ({"class_to_idx": {"cat": 0, "dog": 1, "emu": 1}}, {}, ["class_to_idx", "0, 1, 2"]),
        ({"class_to_idx": {"cat": "0", "dog": [1], "emu": 2}}, {}, ["class_to_idx", "0, 1, 2"]),
        ({"class_to_idx": ["cat", "dog", "emu"]}, {}, ["class_to_idx", "index of each class"]),
        ({"class_to_idx": {"cat": 0, "dog": 1}}, {}, ["class_to_idx", "2 labels", "expected 3"]),
        ({}, {"id2label": {"1": "a", "2": "b", "3": "c"}}, ["id2label in config.json", "0, 1, 2"]),
        ({}, {"label_names": {"0": "a", "2": "b", "3": "c"}}, ["label_names in config.json", "0, 1, 2"]),
        ({}, {"label_names": ["a", ["b"], "c"]}, ["label_names in config.json", "list"]),
        ({}, {"label_names": "cat"}, ["label_names in config.json", "list of names"]),
        ({}, {"label_names": ["a", "b"]}, ["label_names in config.json", "2 labels", "expected 3"]),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(
    beside: dict[str, Any], config: dict[str, Any], facts: list[str]
) -> None:
    with refused(CheckpointError, "checkpoint.metadata", *facts):
        found(beside=beside, config=config)


@pytest.mark.parametrize("text", ["[" * 100_000, '["a", "b"', "a,b", '["a", ["b"], "c"]', '["a", null, "c"]'])
def test_metadata_that_holds_no_list_is_refused(text: str) -> None:
    with refused(CheckpointError, "checkpoint.metadata", "labels", "metadata"):
        found(metadata={"labels": text})


# ImageNet


@pytest.mark.parametrize(("classes", "subset"), [(1000, "imagenet-1k"), (21843, "imagenet-21k-goog")])
def test_imagenets_names_are_timms(classes: int, subset: str) -> None:
    assert imagenet.names(classes) == tuple(ImageNetInfo(subset).label_descriptions())


def test_imagenets_1000_names_are_in_torchvisions_order() -> None:
    """torchvision chose one of each class's names, and invented two, for the crane and the maillot that occur twice."""
    names = imagenet.names(1000) or ()
    pairs = zip(_IMAGENET_CATEGORIES, names, strict=True)
    unlike = [theirs for theirs, ours in pairs if theirs.casefold() not in ours.casefold().split(", ")]
    assert unlike == ["crane bird", "maillot tank suit"]


@pytest.mark.parametrize("classes", [1000, 21843])
def test_published_weights_have_imagenets_names_by_their_size(classes: int) -> None:
    assert find({}, {}, {}, classes, published=True) == CheckpointLabels(imagenet.names(classes), "published")
    assert find({}, {}, {}, classes) == CheckpointLabels(None, None)


def test_published_weights_of_another_size_or_with_names_of_their_own_have_not() -> None:
    assert find({}, {}, {}, 999, published=True) == CheckpointLabels(None, None)
    assert find({}, {}, {"label_names": list(NAMES)}, 3, published=True) == LISTED


@pytest.mark.parametrize(
    ("source", "sha256", "downloaded", "expected"),
    [
        ("facebook/levit-128S", "0" * 64, True, True),
        ("timm/levit_conv_256.fb_dist_in1k", "0" * 64, True, True),
        ("timm/levit_256.fb_dist_in1k", "0" * 64, False, False),  # a local folder of that name
        ("somebody/levit-128S", "0" * 64, True, False),
        ("facebook/deit-tiny-patch16-224", "0" * 64, True, False),
        ("renamed.pth", "96703c44" + "0" * 56, False, True),
        ("LeViT-128S-96703c44.pth", "0" * 64, False, False),
        ("finetuned.pth", "0" * 64, False, False),
    ],
)
def test_what_is_published_is_decided_by_owner_or_digest(
    source: str, sha256: str, downloaded: bool, expected: bool
) -> None:
    assert is_published(FAMILIES[0], source, sha256, downloaded=downloaded) is expected
