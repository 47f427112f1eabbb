"""The table of families, and how one is found in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support.nets import MEAN, STD, levit
from support.refusals import refused
from torch import nn

from levit_mobile.errors import CheckpointError
from levit_mobile.model import families
from levit_mobile.model.families import FAMILIES, family_of, official_weights, published_variant, recognised
from levit_mobile.model.families.family import Family
from levit_mobile.model.families.levit import LEVIT
from levit_mobile.targets import TARGETS

OFFICIAL_KEYS = ["patch_embed.0.c.weight", "blocks.0.m.qkv.c.weight", "head.l.weight"]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
class TestEveryFamily:
    def test_it_is_the_folder_of_its_name(self, family: Family) -> None:
        folder = Path(families.__file__).parent / family.name
        assert {"__init__.py", "trained.py", "keys.py", "bake.py"} <= {file.name for file in folder.iterdir()}

    def test_it_has_a_form_for_every_target(self, family: Family) -> None:
        assert {(target.form, target.layout) for target in TARGETS.values()} <= set(family.forms)

    def test_official_weights_are_of_its_variants_and_carry_their_hashes(self, family: Family) -> None:
        assert set(family.official) <= set(family.variants)
        for url in family.official.values():
            assert len(url.rpartition("-")[2].removesuffix(".pth")) == 8

    def test_every_variant_has_names_in_every_layout(self, family: Family) -> None:
        for architecture in family.variants.values():
            for names_of in family.layouts.values():
                names = names_of(architecture)
                assert len(set(names.values())) == len(names) > 20


def test_no_two_families_share_the_name_of_a_variant() -> None:
    found = Counter(variant for family in FAMILIES for variant in family.variants)
    assert set(found.values()) == {1}
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_a_checkpoint_is_recognised_by_its_keys() -> None:
    assert recognised(OFFICIAL_KEYS) == (LEVIT, "official")
    with refused(CheckpointError, "checkpoint.not-levit", "none of the 2 keys", "conv1.weight", "levit: official"):
        recognised(["layer1.0.conv1.weight", "conv1.weight"])


def test_a_net_that_is_nearly_a_familys_is_refused_in_the_words_of_that_family() -> None:
    with refused(CheckpointError, "checkpoint.not-levit", "LeViT whose batch norms were already fused"):
        recognised(["patch_embed.0.bias", "x", "y"])


def test_the_second_family_is_asked_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    second = replace(LEVIT, name="second", recognises=lambda keys: f"{len(keys)} keys")
    monkeypatch.setattr(families, "FAMILIES", (LEVIT, second))
    assert recognised(["cls_token"]) == (second, "1 keys")
    assert recognised(OFFICIAL_KEYS)[0] is LEVIT


def test_a_model_leads_to_its_family_before_and_after_the_bake() -> None:
    model = levit()
    assert family_of(model) is family_of(LEVIT.bake(model, mean=MEAN, std=STD)) is LEVIT
    with pytest.raises(ValueError, match=r"Linear.*levit"):
        family_of(nn.Linear(2, 2))


def test_published_weights_are_known_by_their_digest() -> None:
    assert published_variant("96703c44" + 56 * "0") == "levit_128s"
    assert published_variant("96703c45" + 56 * "0") == ""


def test_official_weights_are_those_of_all_families() -> None:
    assert official_weights().items() >= LEVIT.official.items()
