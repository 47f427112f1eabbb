"""Classification heads as people replace them, under the names that a checkpoint's layout has for its own.

LeViT's head is a batch norm and a linear layer. Fine-tuned nets often have a plain linear layer in its place, alone or
behind layers without weights, such as dropout, which evaluation skips. Both compute exactly what the file says; other
heads are refused, since a state dict does not say what lies between two layers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import torch
from torch import Tensor

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.levit import keys
from levit_mobile.model.parts.heads import below, no_head
from levit_mobile.model.stored_tensors import few, shown

State = dict[str, Tensor]
OTHER_NAMES = (  # of a head that stands beside a trunk without one
    "head", "classifier", "fc", "cls_head", "head.fc", "classification_head", "linear", "last_linear", "heads.head",
)  # fmt: skip


class Layers(NamedTuple):
    """The layers of a head with weights: name -> leaf -> tensor."""

    linear: list[str]
    norm: list[str]
    unknown: list[str]
    tensors: dict[str, State]


def canonical(inside: State, beside: State, layout: str, base: str) -> tuple[State, State]:
    """Rename the heads' tensors to the layout's names, or `head.weight` and the like where there is no norm.

    Args:
        inside: The tensors below the net's prefix, by their names there.
        beside: Tensors of the same state dict outside of the prefix, by their whole names.
        layout: The layout of the trunk.
        base: The prefix.

    Returns:
        The net's tensors, and those of `beside` that are not a head.
    """
    main, second = keys.head_names(layout)
    trunk = keys.TRUNKS.get(layout, "")
    alone = bool(trunk) and not below(inside, trunk.removesuffix("."))
    if alone:  # as transformers' LevitModel is saved, without the model around it
        parts = {key: tensor for key, tensor in inside.items() if key.startswith(keys.trunk_parts(layout))}
        inside = {**{k: t for k, t in inside.items() if k not in parts}, **{f"{trunk}{k}": t for k, t in parts.items()}}
    if not below(inside, main):
        inside, beside = _adopted(inside, beside, main, base)
    state = {key: tensor for key, tensor in inside.items() if not key.startswith((f"{main}.", f"{second}."))}
    found = {name: _renamed(below(inside, name), name, layout) for name in (main, second)}
    _require_alike(found[main], found[second], main, second)
    if not found[main]:
        raise _no_head(layout, base, beside, alone=alone)
    return state | found[main] | found[second], beside


def _no_head(layout: str, base: str, beside: State, *, alone: bool) -> CheckpointError:
    main, (_, linear) = keys.head_names(layout)[0], keys.head_parts(layout)
    expected = f"{shown(base)}{main}.{linear}.weight, or {shown(base)}{main}.weight for one without a norm"
    return no_head(expected, beside, fault="not-levit" if alone else "missing-keys")


def _adopted(inside: State, beside: State, main: str, base: str) -> tuple[State, State]:
    """Take the only head beside the trunk that has another name, inside the prefix or in a module around it."""
    parts = base.split(".")[:-1]
    around = [f"{'.'.join(parts[:n])}." if n else "" for n in range(len(parts))]
    places = [(inside, name) for name in OTHER_NAMES] + [(beside, a + name) for a in around for name in OTHER_NAMES]
    found = [(part, name) for part, name in places if below(part, name)]
    found = [(part, name) for part, name in found if not any(o.startswith(f"{name}.") for _, o in found)]
    if len(found) != 1:
        return inside, beside
    part, name = found[0]
    head = {f"{main}.{leaf}": tensor for leaf, tensor in below(part, name).items()}
    inside, beside = ({k: t for k, t in p.items() if p is not part or not k.startswith(f"{name}.")}
                      for p in (inside, beside))  # fmt: skip
    return inside | head, beside


def _renamed(head: State, name: str, layout: str) -> State:
    """One head under the layout's names. Those that the layout has itself stay, complete or not."""
    norm, linear = keys.head_parts(layout)
    layers = _layers(head)
    if not head or (linear in layers.tensors and layers.tensors.keys() <= {norm, linear}):
        return {f"{name}.{leaf}": tensor for leaf, tensor in head.items()}
    _require_known(layers, name)
    weights = layers.tensors[layers.linear[0]]
    bias = weights.get("bias")
    place = f"{name}.{linear}" if layers.norm else name
    state = {f"{place}.{leaf}": tensor for leaf, tensor in weights.items()}
    if bias is None:  # nn.Linear(..., bias=False) adds nothing
        state[f"{place}.bias"] = torch.zeros(len(weights["weight"]))
    for leaf, tensor in layers.tensors[layers.norm[0]].items() if layers.norm else ():
        state[f"{name}.{norm}.{leaf}"] = tensor
    return state


def _layers(head: State) -> Layers:
    tensors: dict[str, State] = {}
    for key, tensor in head.items():
        name, _, leaf = key.rpartition(".")
        tensors.setdefault(name, {})[leaf] = tensor
    linear = [name for name, leaves in tensors.items() if "weight" in leaves and leaves["weight"].ndim in (2, 4)]
    norm = [name for name, leaves in tensors.items() if "running_mean" in leaves or "running_var" in leaves]
    return Layers(linear, norm, [name for name in tensors if name not in {*linear, *norm}], tensors)


def _require_known(layers: Layers, name: str) -> None:
    """One linear layer, behind one batch norm at most."""
    known = len(layers.linear) == 1 and len(layers.norm) <= 1 and not layers.unknown
    if known and (not layers.norm or _comes_first(layers)):
        return
    found = [f"{name}.{layer}" if layer else name for layer in layers.tensors]
    raise CheckpointError(
        f"the head consists of {len(found)} layer{'s' * (len(found) != 1)} with weights ({few(found)}), expected a "
        "linear layer or a batch norm before one: a state dict does not hold the functions between layers",
        fault="other-levit",
    )


def _comes_first(layers: Layers) -> bool:
    """Does the norm stand before the linear layer? By its width, and by its number in a Sequential."""
    norm, linear = layers.norm[0], layers.linear[0]
    sizes = {tensor.numel() for tensor in layers.tensors[norm].values() if tensor.ndim == 1}
    numbered = all(re.fullmatch(r"(.*\.)?\d+", name) for name in (norm, linear))
    in_order = not numbered or int(norm.rpartition(".")[2]) < int(linear.rpartition(".")[2])
    return in_order and sizes == {layers.tensors[linear]["weight"].shape[1]}


def _require_alike(one: State, two: State, main: str, second: str) -> None:
    """Their mean is the prediction, so both need the same classes and, here, the same layers."""
    kinds = [_weight_of(head, name) for head, name in ((one, main), (two, second))]
    if None in kinds:
        return
    (key, weight), (other_key, other) = (kind for kind in kinds if kind is not None)
    if len(weight) != len(other):
        raise CheckpointError(
            f"the heads have {len(weight)} and {len(other)} classes ({shown(key)}, {shown(other_key)}): replace both "
            f"heads before training, or delete {second} before saving",
            fault="shape",
        )
    if (key == f"{main}.weight") != (other_key == f"{second}.weight"):
        raise CheckpointError(
            f"one of the two heads has a batch norm and the other has none ({shown(key)}, {shown(other_key)}): "
            "replace both heads alike",
            fault="other-levit",
        )


def _weight_of(head: State, name: str) -> tuple[str, Tensor] | None:
    found = [(key, t) for key, t in head.items() if key.endswith(".weight") and t.ndim in (2, 4)]
    return next((pair for pair in found if pair[0].startswith(name)), None)
