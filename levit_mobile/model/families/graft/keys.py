"""The names of a graft's tensors: only our own, those of `trained.Graft`, since nobody published weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from levit_mobile.model.families.family import State
from levit_mobile.model.families.graft.architecture import Architecture
from levit_mobile.model.families.graft.trained import Graft
from levit_mobile.model.parts.heads import no_head
from levit_mobile.model.stored_tensors import shown

LAYOUT = "levit-mobile"
TRUNK = re.compile(r"(?P<prefix>(?:.*\.)?)(?:stem\.(?:conv|norm)|trunk\.stage\d+\.block\d+|tail)\.[\w.]+", re.DOTALL)
HEADS = re.compile(r"(?:.*\.)?tail\.head(_dist)?\.\w+", re.DOTALL)
OWN = re.compile(r"trunk\.stage\d+\.block\d+\.(conv|norm)\d\.\w+")


@cache
def names_in(architecture: Architecture) -> Mapping[str, str]:
    """Our name of each tensor -> its name in a checkpoint, the same."""
    with torch.device("meta"):
        return {key: key for key in Graft(architecture).state_dict()}


def trunk_places(key: str) -> Iterator[tuple[str, str]]:
    """The layout, and the prefix of the net, of a key that is one of a graft's but not of its heads."""
    if (match := TRUNK.fullmatch(key)) and not HEADS.fullmatch(key):
        prefix = match["prefix"]
        yield LAYOUT, prefix.partition("tail.")[0] if "tail." in prefix else prefix


def detect_layout(keys: Sequence[str]) -> str | None:
    """The layout of a graft's keys; None for those of something else."""
    return LAYOUT if any(OWN.fullmatch(key) for key in keys) else None


def canonical(inside: State, beside: State, _layout: str, base: str) -> tuple[State, State]:
    """The net's tensors as they are, and those beside it. Raises CheckpointError for a net without a head."""
    if "tail.head.weight" not in inside:
        raise no_head(f"{shown(base)}tail.head.weight", beside)
    return inside, beside


def check_constants(_state: Mapping[str, Tensor], _model: Graft, _names: Mapping[str, str]) -> None:
    """A graft's checkpoint holds no constants."""
