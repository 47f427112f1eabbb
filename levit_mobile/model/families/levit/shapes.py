"""The sizes of a LeViT, read from the names and shapes of a checkpoint's tensors.

A size is what most tensors that have it say: an odd one is then refused by its name, as one of a wrong shape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.levit.architecture import Architecture, Shrink, Stage
from levit_mobile.model.families.levit.keys import numbered, our_names
from levit_mobile.model.stored_tensors import counted_keys

Shapes = Mapping[str, tuple[int, ...]]

COLOURS = 3
KERNEL = (3, 3)
NORM = ("weight", "bias", "running_mean", "running_var")
MOST_CONVOLUTIONS = 6  # of a stem: tokens of 64 px
CONVOLUTION, ATTENTION = "stem.conv{i}.conv", "body.stage{s}.attn{j}.qkv.linear"
MLP, SHRINK = "body.stage{s}.mlp{j}.expand.linear", "body.shrink{s}.attn.kv.linear"


class _Absent(Exception):
    """No block has the tensor that states a size."""


class _Named:
    """Shapes by our names of modules and bias tables."""

    def __init__(self, shapes: Shapes, names: Mapping[str, str]) -> None:
        self.shapes, self.names = shapes, names

    def key(self, ours: str) -> str:
        return self.names[ours] if ours.endswith(".bias.table") else f"{self.names[ours]}.weight"

    def size(self, places: Iterable[tuple[str, int]]) -> int:
        """What most of these tensors have along these axes."""
        return _most(Counter(size for ours, axis in places if (size := self._along(ours, axis)) is not None))

    def _along(self, ours: str, axis: int) -> int | None:
        """One edge of a matrix or of a stem's convolution; None if it is missing. Raises CheckpointError for others."""
        shape = self.shapes.get(self.key(ours))
        if shape is None:
            return None
        if len(shape) == 2 or (len(shape) == 4 and (shape[2:] == (1, 1) or ours.startswith("stem."))):
            return shape[axis]
        raise CheckpointError(f"{self.key(ours)} has shape {list(shape)}, expected a matrix", fault="shape")

    def outputs(self, layers: Sequence[str], readers: Iterable[str] = ()) -> int:
        """Output channels of layers, by their weights, by the norms behind them and by what reads them."""
        ends = [f"{layer}.conv" if f"{layer}.conv" in self.names else f"{layer}.linear" for layer in layers]
        norms = [f"{self.names[f'{layer}.norm']}.{leaf}" for layer in layers for leaf in NORM]
        counts = Counter(shape[0] for key in norms if len(shape := self.shapes.get(key, ())) == 1)
        places = [*((end, 0) for end in ends), *((reader, 1) for reader in readers)]
        counts.update(size for ours, axis in places if (size := self._along(ours, axis)) is not None)
        return _most(counts)

    def missing(self) -> list[str]:
        """Keys of linears, convolutions and tables that are not there, those of the heads left out."""
        parts = (".linear", ".conv", ".bias.table")
        body = [name for name in self.names if name.endswith(parts) and not name.startswith("head")]
        return sorted(key for name in body if (key := self.key(name)) not in self.shapes)


def _most(counts: Counter[int]) -> int:
    if not counts:
        raise _Absent
    return max(counts, key=lambda size: counts[size])


def read_architecture(shapes: Shapes, layout: str) -> tuple[Architecture, list[int]]:
    """Widths, heads, depths and the rest, and the number of entries of a bias table of each stage.

    Raises CheckpointError for what cannot be a LeViT.
    """
    depths = _depths(shapes, layout)
    stem = _stem(shapes, layout)
    named = _Named(shapes, our_names(layout, depths, len(stem)))
    try:
        stages = tuple(_stage(named, s, depth) for s, depth in enumerate(depths))
        shrinks = tuple(_shrink(named, s) for s in range(len(depths) - 1))
        entries = [named.size((f"body.stage{s}.attn{j}.bias.table", 1) for j in range(n)) for s, n in enumerate(depths)]
    except _Absent:
        raise _missing(named.missing(), layout) from None
    _require_met(stem, stages[0], named.key(f"stem.conv{len(stem) - 1}.conv"))
    return Architecture(stem, stages, shrinks), entries


def _stage(named: _Named, s: int, depth: int) -> Stage:
    def blocks(part: str) -> list[str]:
        return [f"body.stage{s}.{part.format(j=j)}" for j in range(depth)]

    into, out = blocks("attn{j}.qkv.linear") + blocks("mlp{j}.expand.linear"), blocks("attn{j}.proj.linear")
    channels = named.size([*((name, 1) for name in into), *((name, 0) for name in out)])
    rows, values = named.outputs(blocks("attn{j}.qkv")), named.size((name, 1) for name in out)
    heads = named.size((name, 0) for name in blocks("attn{j}.bias.table"))
    hidden = named.outputs(blocks("mlp{j}.expand"), blocks("mlp{j}.contract.linear"))
    return Stage(channels, heads, depth, _per_head((rows - values) // 2, heads), _per_head(values, heads), hidden)


def _shrink(named: _Named, s: int) -> Shrink:
    block = f"body.shrink{s}"
    heads = named.size([(f"{block}.attn.bias.table", 0)])
    queries, values = named.outputs([f"{block}.attn.q"]), named.size([(f"{block}.attn.proj.linear", 1)])
    hidden = named.outputs([f"{block}.mlp.expand"], [f"{block}.mlp.contract.linear"])
    return Shrink(heads, _per_head(queries, heads), _per_head(values, heads), hidden)


def _per_head(channels: int, heads: int) -> int:
    """What does not divide is refused later, as a tensor of a wrong shape."""
    return max(1, channels // max(1, heads))


def _stem(shapes: Shapes, layout: str) -> tuple[int, ...]:
    """Output channels of its convolutions."""
    found = {_place(numbers): key for numbers, key in numbered(shapes, layout, CONVOLUTION)}
    count = max(found, default=3) + 1
    if count > MOST_CONVOLUTIONS:
        raise CheckpointError(
            f"the stem has {count} convolutions, expected {MOST_CONVOLUTIONS} at most", fault="other-levit"
        )
    named = _Named(shapes, our_names(layout, (), count))
    convolutions = [f"stem.conv{i}.conv" for i in range(count)]
    if missing := [key for ours in convolutions if (key := named.key(ours)) not in shapes]:
        raise _missing(missing, layout)
    for ours in convolutions:
        _require_convolution(named.key(ours), shapes[named.key(ours)], colours=ours == convolutions[0])
    return tuple(named.outputs([f"stem.conv{i}"], convolutions[i + 1 : i + 2]) for i in range(count))


def _place(numbers: Mapping[str, int]) -> int:
    """The convolution's number from 0."""
    return numbers["i"] if "i" in numbers else numbers["c"] - 1 if "c" in numbers else numbers["p"] // 2


def _require_convolution(key: str, shape: tuple[int, ...], *, colours: bool) -> None:
    if len(shape) != 4 or shape[2:] != KERNEL:
        raise CheckpointError(
            f"{key} has shape {list(shape)}, expected a convolution of 3x3 with stride 2: only such stems can be "
            "imported",
            fault="other-levit",
        )
    if colours and shape[1] != COLOURS:
        channels = "1 channel" if shape[1] == 1 else f"{shape[1]} channels"
        raise CheckpointError(
            f"the net takes images of {channels} ({key} has shape {list(shape)}), expected {COLOURS}: only LeViTs for "
            "red, green and blue can be imported",
            fault="shape",
        )


def _require_met(stem: Sequence[int], stage: Stage, key: str) -> None:
    if stem[-1] != stage.channels:
        raise CheckpointError(
            f"the stem's last convolution ({key}) has {stem[-1]} output channels, expected {stage.channels}, which "
            "the first stage takes",
            fault="shape",
        )


def _depths(shapes: Shapes, layout: str) -> tuple[int, ...]:
    """Number of attention blocks of each stage."""
    attention = [numbers for numbers, _ in numbered(shapes, layout, ATTENTION)]
    shrinks = [numbers for numbers, _ in numbered(shapes, layout, SHRINK)]
    if not attention:
        raise CheckpointError("the weights have no attention block, expected those of a LeViT", fault="missing-keys")
    _require_mlps(attention, numbered(shapes, layout, MLP))
    depths = _counted(attention, shrinks) if "b" in attention[0] else _stated(attention, shrinks)
    if sum(depths) > len(shapes) or not all(depths):
        raise CheckpointError(
            f"the stages have {' '.join(map(str, depths[:9]))} attention blocks by their numbers, and the weights hold "
            f"{len(attention)}: expected all of them, and one or more in each stage",
            fault="missing-keys",
        )
    return depths


def _require_mlps(attention: Sequence[Mapping[str, int]], mlps: Sequence[object]) -> None:
    """Where all layers are numbered in one row, two attention blocks beside each other have no MLP between them."""
    rows = {(numbers.get("s", 0), _layer(numbers)) for numbers in attention if "j" not in numbers}
    if not mlps or any((s, place + 1) in rows for s, place in rows):
        raise CheckpointError(
            "there are attention blocks without an MLP behind them (mlp_ratio 0), expected one behind each",
            fault="other-levit",
        )


def _layer(numbers: Mapping[str, int]) -> int:
    """The number of a layer in the row that it is counted in."""
    return next(numbers[name] for name in "bnm" if name in numbers)


def _stated(attention: Sequence[Mapping[str, int]], shrinks: Sequence[Mapping[str, int]]) -> tuple[int, ...]:
    """By the number of the stage in every name."""
    last: Counter[int] = Counter()
    for numbers in attention:
        block = numbers["j"] if "j" in numbers else (_layer(numbers) - 2 * ("m" in numbers and numbers["s"] > 0)) // 2
        last[numbers["s"]] = max(last[numbers["s"]], block + 1)
    beside = [numbers["t"] if "t" in numbers else numbers["s"] + 1 for numbers in shrinks]
    stages = 1 + max(*last, *beside) if beside else 1 + max(last)
    return tuple(last[s] for s in range(min(stages, len(attention) + len(shrinks) + 1)))


def _counted(attention: Sequence[Mapping[str, int]], shrinks: Sequence[Mapping[str, int]]) -> tuple[int, ...]:
    """By the numbers of all layers in one row: a shrinking pair ends a stage."""
    ends = sorted(numbers["b"] for numbers in shrinks)
    starts = [0, *(end + 2 for end in ends)]
    ends.append(max(numbers["b"] for numbers in attention) + 2)
    return tuple(max(0, (end - start) // 2) for start, end in zip(starts, ends, strict=True))


def _missing(keys: Sequence[str], layout: str) -> CheckpointError:
    return CheckpointError(
        f"{counted_keys(sorted(keys), 'missing')} for a LeViT in the {layout} layout", fault="missing-keys"
    )
