"""A card cannot be made with labels that an artifact could not hold."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from levit_mobile.interfaces.card import Card


def card(**changes: Any) -> Card:
    fields: dict[str, Any] = {
        "name": "levit_128s",
        "description": "levit_128s, 2 classes",
        "labels": ("zero", "one"),
        "height": 224,
        "width": 160,
        "author": "the authors",
        "licence": "Apache-2.0",
        "version": "0.1.0",
    }
    return Card(**fields | changes)


def test_a_card_holds_what_it_is_given() -> None:
    made = card(metadata={"recipe": "coreml-fp16"})
    assert (made.labels, made.height, made.width, made.metadata) == (
        ("zero", "one"),
        224,
        160,
        {"recipe": "coreml-fp16"},
    )


def test_a_card_without_metadata_shares_none() -> None:
    assert card().metadata == {}
    assert card().metadata is not card().metadata


def test_a_card_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        card().name = "other"  # type: ignore[misc]


def test_a_card_needs_labels() -> None:
    with pytest.raises(ValueError, match="labels is empty, expected one per class"):
        card(labels=())


def test_every_label_is_its_own() -> None:
    with pytest.raises(ValueError, match="two classes have the same label"):
        card(labels=("crane", "heron", "crane"))
