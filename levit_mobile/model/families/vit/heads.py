"""The tensors of a checkpoint under its layout's own names: without the trunk's prefix, heads found, thirds apart.

ViT's head is one linear layer. Fine-tuned nets often have theirs behind layers without weights, such as dropout, which
evaluation skips. Other heads are refused, since a state dict does not say what lies between two layers.
"""

from __future__ import annotations

import torch
from torch import Tensor

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.family import State
from levit_mobile.model.families.vit.keys import CLASS_HEAD, FROM_TRANSFORMERS, TRUNKS, head_names
from levit_mobile.model.parts.heads import below, no_head
from levit_mobile.model.stored_tensors import few, shown

OTHER_NAMES = ("classifier", "head", "fc", "cls_head", "classification_head", "linear", "heads.head")
THIRDS = ("q", "k", "v")
JOINT = ".attn.qkv."


def canonical(inside: State, beside: State, layout: str, base: str) -> tuple[State, State]:
    """Rename the tensors to the layout's names.

    Args:
        inside: The tensors below the net's prefix, by their names there.
        beside: Tensors of the same state dict outside of the prefix, by their whole names.
        layout: The layout of the trunk.
        base: The prefix.

    Returns:
        The net's tensors, and those of `beside` that are not a head.
    """
    state = _without_trunk(inside) if layout in FROM_TRANSFORMERS else dict(inside)
    main, second = head_names(layout)
    state, beside = _with_head(state, beside, main, base)
    state = _single(_single(state, main), second)
    return (_in_thirds(state) if layout == "timm" else state), beside


def _without_trunk(state: State) -> State:
    """`vit.layernorm.weight` -> `layernorm.weight`."""
    trunk = next((name for name in TRUNKS if any(key.startswith(name) for key in state)), "")
    return {key.removeprefix(trunk): tensor for key, tensor in state.items()}


def _with_head(state: State, beside: State, main: str, base: str) -> tuple[State, State]:
    """Give the class head its layout's name; it may have another one, or stand in a module around the trunk."""
    if below(state, main):
        return state, beside
    for name in (CLASS_HEAD, *OTHER_NAMES):
        if head := below(state, name):
            rest = {key: tensor for key, tensor in state.items() if not key.startswith(f"{name}.")}
            return rest | _named(head, main), beside
    for name in (f"{around}{other}" for around in _around(base) for other in OTHER_NAMES):
        if head := below(beside, name):
            left = {key: tensor for key, tensor in beside.items() if not key.startswith(f"{name}.")}
            return state | _named(head, main), left
    raise no_head(f"{shown(base)}{main}.weight", beside)


def _around(base: str) -> list[str]:
    """`a.b.` -> `a.` and nothing: the prefixes of the modules around."""
    parts = base.split(".")[:-1]
    return [f"{'.'.join(parts[:n])}." if n else "" for n in range(len(parts) - 1, -1, -1)]


def _named(head: State, name: str) -> State:
    return {f"{name}.{leaf}": tensor for leaf, tensor in head.items()}


def _single(state: State, name: str) -> State:
    """One head as the linear layer that it is: `head.1.weight` behind a dropout -> `head.weight`, a bias of zeros."""
    head = below(state, name)
    if not head:
        return state
    places = sorted({key.rpartition(".")[0] for key in head})
    weight = head.get(f"{places[0]}.weight".removeprefix("."))
    if len(places) > 1 or weight is None or weight.ndim != 2:
        raise CheckpointError(
            f"the head {name} holds {few(sorted(head))}, expected one linear layer: a state dict does not hold the "
            "functions between layers",
            fault="other-net",
        )
    found = {key.rpartition(".")[2]: tensor for key, tensor in head.items()}
    found.setdefault("bias", torch.zeros(len(weight)))
    rest = {key: tensor for key, tensor in state.items() if not key.startswith(f"{name}.")}
    return rest | _named(found, name)


def _in_thirds(state: State) -> State:
    """`blocks.0.attn.qkv.weight` -> `blocks.0.attn.qkv[q].weight` and so on."""
    made: State = {}
    for key, tensor in state.items():
        made |= _thirds(key, tensor) if JOINT in f".{key}" and tensor.ndim else {key: tensor}
    return made


def _thirds(key: str, tensor: Tensor) -> State:
    if len(tensor) % len(THIRDS):
        raise CheckpointError(
            f"{key} has shape {list(tensor.shape)}, expected a multiple of 3 rows: queries, keys and values",
            fault="shape",
        )
    name, _, leaf = key.rpartition(".")
    return {f"{name}[{third}].{leaf}": part for third, part in zip(THIRDS, tensor.chunk(3), strict=True)}
