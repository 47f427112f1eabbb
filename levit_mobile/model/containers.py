"""Where training scripts put the weights: containers, prefixes of wrappers, averaged weights beside the trained ones.

A file is read as groups: each mapping in it, however deep, with the tensors that it holds itself. A net is found by the
names of a family's trunk, below any prefix. So no list of containers or wrappers has to be complete: lists only decide
between several nets, and which tensors beside a net cannot change its logits.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families import FAMILIES, recognised
from levit_mobile.model.families.family import Family, State
from levit_mobile.model.stored_tensors import few, has_storage, require_plain, shown, unmasked

Groups = dict[str, State]  # path of a mapping inside the file, joined by dots -> the tensors that it holds itself
Weights = Literal["ema", "raw"]

# Of several nets the first of these is taken, as timm's loader does; Lightning and the official script have one each.
CONTAINERS = ("state_dict_ema", "model_ema", "state_dict", "model")
# What torch.compile, FSDP and activation checkpointing insert anywhere in a key.
WRAPPERS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
AVERAGED = {"ema", "swa", "avg", "average", "averaged"}  # words of a container's or a prefix's name
AVERAGED_COUNTER = "n_averaged"  # torch's AveragedModel keeps it beside `module.`
LIGHTNING_RAW = "current_model_state"  # beside it, Lightning's WeightAveraging puts averaged weights in `state_dict`
# Words of a name that is plainly not part of the net: such tensors are left out, and such nets are not taken.
ASIDE = {
    "acc", "accuracy", "auroc", "confmat", "criterion", "f1", "loss", "losses", "metric", "metrics", "optimizer",
    "scaler", "scheduler", "teacher", AVERAGED_COUNTER, "class_weight", "class_weights", "pos_weight",
}  # fmt: skip
MOST_DEPTH = 8  # of mappings inside mappings
MOST_NAME = 300  # characters of a key; torch's own names of a LeViT have below 100
SHARE = 4  # a net with fewer than 1/4 of the largest one's keys is a part of something else


@dataclass(frozen=True, slots=True)
class Net:
    """One net inside a file: its group, and the prefix of its keys, with the final dot."""

    family: Family[Any, Any]
    layout: str
    group: str
    base: str
    averaged: bool

    @property
    def name(self) -> str:
        """Place in the file, such as `state_dict_ema` or `state_dict.model`; "" for a bare state dict."""
        return ".".join(part for part in (self.group, self.base.removesuffix(".")) if part)

    @property
    def place(self) -> str:
        """The name, for a sentence."""
        return shown(self.name) or "a bare state dict"


@dataclass(frozen=True, slots=True)
class Taken:
    """The tensors of one net under its layout's own names, and the place of what was not taken, if there is any."""

    state: State
    net: Net
    other: str = ""

    @property
    def choice(self) -> str:
        """A sentence about the choice; empty where there was none."""
        if not self.other:
            return ""
        kind, other = ("averaged", "raw") if self.net.averaged else ("raw", "ema")
        return f"took the {kind} weights ({self.net.place}); --weights {other} takes the others ({self.other})"


def groups(saved: object) -> Groups:
    """Every mapping or list in `saved` that holds tensors itself; each object once, however often it is referred to."""
    found: Groups = {}
    waiting: deque[tuple[tuple[str, ...], object]] = deque([((), saved)])
    seen: set[int] = set()
    while waiting:
        path, value = waiting.popleft()
        if id(value) in seen or len(path) > MOST_DEPTH:
            continue
        seen.add(id(value))
        for name, inner in _entries(value):
            if isinstance(inner, Tensor):
                found.setdefault(".".join(path), {})[name] = inner
            elif isinstance(inner, Mapping | list | tuple):
                waiting.append(((*path, name), inner))
    return found


def _entries(value: object) -> Iterator[tuple[str, object]]:
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    return ((str(key), inner) for key, inner in pairs if isinstance(key, str | int))


def take(found: Groups, file: Path, weights: str | None = None) -> Taken:
    """The net that the framework's own loader would take, or the averaged (`ema`) or trained (`raw`) one if asked.

    Raises CheckpointError if there is none, if several nets of one kind cannot be told apart, or for tensors beside the
    net that may change its logits.
    """
    cleaned = {path: _without_wrappers(state, file) for path, state in found.items()}
    nets = _nets(cleaned)
    if not nets:
        _raise_no_net(cleaned, file)
    net, other = _chosen(nets, cleaned, file, weights)
    return Taken(_state(cleaned[net.group], net, nets), net, other)


def _without_wrappers(state: State, file: Path) -> State:
    names = {key: key for key in state}
    for wrapper in WRAPPERS:
        names = {key: name.replace(wrapper, "") for key, name in names.items()}
    if twice := [name for name, count in Counter(names.values()).items() if count > 1]:
        raise CheckpointError(f"{file} has several tensors for the same key: {few(twice)}", fault="surplus-keys")
    return {names[key]: tensor for key, tensor in state.items()}


# Finding nets


def _nets(found: Groups) -> list[Net]:
    """The nets in the order of the file; for each prefix, the family and layout that most of its keys have."""
    claimed: dict[tuple[str, str, int, str], set[str]] = {}
    for path, state in found.items():
        for key in state:
            for number, layout, base in _places(key) if len(key) <= MOST_NAME else ():
                claimed.setdefault((path, base, number, layout), set()).add(key)
    best: dict[tuple[str, str], tuple[int, int, str]] = {}
    for (path, base, number, layout), keys in claimed.items():
        best[path, base] = max(best.get((path, base), (0, 0, "")), (len(keys), number, layout))
    owned = {(*place, *what[1:]): claimed[*place, *what[1:]] for place, what in best.items()}
    most = max((count for count, _, _ in best.values()), default=0)
    return [
        Net(FAMILIES[number], layout, path, base, _is_averaged(path, base, found))
        for (path, base), (count, number, layout) in best.items()
        if count * SHARE >= most and not _is_part((path, base, number, layout), owned)
    ]


def _is_part(net: tuple[str, str, int, str], owned: Mapping[tuple[str, str, int, str], set[str]]) -> bool:
    """Does a larger net around it hold all of its keys, as a graft holds what looks like a ViT?"""
    path, base, *_ = net
    return any(
        other[0] == path and other[1] != base and base.startswith(other[1]) and owned[net] < keys
        for other, keys in owned.items()
    )


def _places(key: str) -> Iterator[tuple[int, str, str]]:
    for number, family in enumerate(FAMILIES):
        yield from ((number, layout, base) for layout, base in family.trunk_places(key))


def _is_averaged(path: str, base: str, found: Groups) -> bool:
    *above, last = path.split(".")
    if last == LIGHTNING_RAW:
        return False
    if last == "state_dict" and ".".join([*above, LIGHTNING_RAW]) in found:
        return True
    counter = f"{base.removesuffix('module.')}{AVERAGED_COUNTER}"
    return bool(_words(f"{path}.{base}") & AVERAGED) or counter in found[path]


def _words(name: str) -> set[str]:
    return set(re.split(r"[._]", name.lower()))


def _is_aside(name: str) -> bool:
    return bool((_words(name) | set(name.lower().split("."))) & ASIDE)


def _raise_no_net(found: Groups, file: Path) -> None:
    """The largest group decides what the file is, unless it is plainly something beside a net."""
    likely = {path: state for path, state in found.items() if not _is_aside(path)}
    names = max(map(list, likely.values()), key=len, default=[])
    if not names or all(name.isdigit() for name in names):
        held = f"tensors only in {few(sorted(found))}" if found and not likely else "no tensors under names"
        raise CheckpointError(
            f"{file} does not hold a state dict ({held}): save model.state_dict(), bare or under the key 'model'",
            fault="no-state-dict",
        )
    recognised([name.removeprefix("module.") for name in names])
    raise CheckpointError(
        f"{file} has a net's heads but nothing else of it ({few(sorted(names))}): save model.state_dict() whole",
        fault="missing-keys",
    )


# Choosing one


def _chosen(nets: list[Net], found: Groups, file: Path, weights: str | None) -> tuple[Net, str]:
    """The net to take, and the place of the one that `--weights` would take instead."""
    kinds = {
        "ema": _preferred([net for net in nets if net.averaged]),
        "raw": _preferred([net for net in nets if not net.averaged]),
    }
    if weights is not None and not kinds.get(weights):
        there = ", ".join(net.place for net in nets)
        wanted = {"ema": "averaged weights", "raw": "weights that are not averaged"}.get(weights)
        what = f"{file} holds no {wanted}" if wanted else f"weights={weights!r} is unknown, expected ema or raw"
        raise CheckpointError(f"{what}; the file holds {there}", fault="weights")
    asked = weights or _default(kinds["ema"], kinds["raw"])
    chosen, others = kinds[asked], kinds["raw" if asked == "ema" else "ema"]
    _require_one(chosen, found, file)
    return chosen[0], others[0].place if others else ""


def _default(averaged: list[Net], raw: list[Net]) -> str:
    """The official script evaluates `model`, whatever is beside it; timm and Lightning take the averaged weights."""
    official = [(net.layout, net.group) for net in (*raw[:1], *averaged[:1])]
    if official == [("official", "model"), ("official", "model_ema")]:
        return "raw"
    return "ema" if averaged else "raw"


def _preferred(nets: list[Net]) -> list[Net]:
    """Those in the first of CONTAINERS."""
    nets = [net for net in nets if not _is_aside(net.name)] or nets
    first = min(map(_rank, nets), default=0)
    return [net for net in nets if _rank(net) == first]


def _require_one(nets: list[Net], found: Groups, file: Path) -> None:
    """Several are one if they are the same tensors: a module may be saved under two names."""
    if any(_tensors(net, found) != _tensors(nets[0], found) for net in nets[1:]):
        raise CheckpointError(
            f"{file} holds several nets ({', '.join(net.place for net in nets)}): save the state_dict() of one of them",
            fault="weights",
        )


def _rank(net: Net) -> int:
    container = net.group.split(".")[0]
    return CONTAINERS.index(container) if container in CONTAINERS else len(CONTAINERS)


def _tensors(net: Net, found: Groups) -> dict[str, int]:
    """Key below the prefix -> identity of its memory."""
    state = found[net.group].items()
    inside = ((key.removeprefix(net.base), tensor) for key, tensor in state if key.startswith(net.base))
    return {key: tensor.data_ptr() if has_storage(tensor) else id(tensor) for key, tensor in inside}


# One net -> its layout's own names


def _state(group: State, net: Net, nets: list[Net]) -> State:
    others = tuple(other.base for other in nets if other.group == net.group and len(other.base) > len(net.base))
    inside, beside = {}, {}
    for key, tensor in group.items():
        if not key.startswith(net.base):
            beside[key] = tensor
        elif not (others and key.startswith(others)):
            inside[key.removeprefix(net.base)] = tensor
    inside = {key: tensor for key, tensor in inside.items() if not _is_aside(key.split(".")[0])}
    beside = {k: t for k, t in beside.items() if not (_is_aside(k) or _in_another(k, net, nets))}
    for part in (inside, beside):
        for key, tensor in part.items():
            require_plain(key, tensor)
    state, left = net.family.canonical(unmasked(inside), unmasked(beside), net.layout, net.base)
    if left:
        raise CheckpointError(
            f"{len(left)} {'tensor' if len(left) == 1 else 'tensors'} beside the net, which has the prefix "
            f"{net.base!r}, may belong to the model ({few(sorted(left))}): save the net's own state_dict()",
            fault="surplus-keys",
        )
    return state


def _in_another(key: str, net: Net, nets: list[Net]) -> bool:
    """Is it a key of another net, or in the same module as one?"""
    return any(
        key.startswith(other.base)
        for other in nets
        if other is not net and other.group == net.group and other.base and not net.base.startswith(other.base)
    )
