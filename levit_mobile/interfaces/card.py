"""What an artifact says of itself, in the words of its own format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Card:
    """Written into the artifact where its format has room: name, labels, picture size, authorship and provenance.

    `labels` has one entry a class, in the order of the logits. `metadata` keys are prefixed by `levit_mobile.`.
    """

    name: str
    description: str
    labels: tuple[str, ...]
    height: int
    width: int
    author: str
    licence: str
    version: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.labels:
            raise ValueError("labels is empty, expected one per class")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(
                "two classes have the same label, expected unique ones: Core ML keys its probabilities by label"
            )
