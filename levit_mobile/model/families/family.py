"""What the rest of the package asks a family of models for, as one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor, nn

from levit_mobile.images.spec import ImageSpec

Shapes = Mapping[str, tuple[int, ...]]  # of a checkpoint's tensors
State = dict[str, Tensor]
Names = Mapping[str, str]  # our name of each module and constant -> its name in a checkpoint
Layout = Callable[[Any], Names]  # an architecture -> the names of its tensors in one layout of checkpoints
Rows = tuple[str, Tensor]  # path of a layer, and some of its output rows, int64


def their_key(key: str, names: Names) -> str:
    """The name in the checkpoint of one entry of our state dict."""
    if key in names:
        return names[key]
    module, _, leaf = key.rpartition(".")
    return f"{names[module]}.{leaf}"


class Sizes(Protocol):
    """What names and shapes reveal about a net; a family's own sizes have more."""

    @property
    def architecture(self) -> Any:
        """Widths, heads, depths and so on, as the family's own layouts take them."""
        ...

    @property
    def classes(self) -> int: ...

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def assumed(self) -> bool:
        """Whether several input sizes fit the shapes, and nothing chose one."""
        ...

    @property
    def distillation(self) -> bool: ...

    @property
    def stated(self) -> Mapping[str, int | float | tuple[int, ...] | tuple[float, ...]]:
        """Widths, heads, depths and so on, for the contract."""
        ...

    @property
    def doubt(self) -> str:
        """What nothing in the shapes tells, one sentence for the user; empty where nothing is in doubt."""
        ...

    def described(self, variant: str) -> str:
        """The net in a sentence: the variant's name, or the sizes of one that has none."""
        ...


@dataclass(frozen=True, slots=True)
class Stream:
    """A residual stream whose channels may be scaled, because only linears and convolutions read it.

    Attributes:
        writers: Path of each block that adds to the stream -> path of the layer in it that makes what is added.
        readers: Paths of the layers that read the stream.
    """

    writers: Mapping[str, str]
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Query rows and the key rows that they are multiplied with, in the same order."""

    query: Rows
    key: Rows


SizesOf = TypeVar("SizesOf", bound=Sizes)
Net = TypeVar("Net", bound=nn.Module)


class Bake(Protocol[Net]):
    """Exact rewrites of a trained model into one that takes pixels and has only constants left."""

    def __call__(self, model: Net, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = ...) -> Net: ...


@dataclass(frozen=True, slots=True)
class Family(Generic[SizesOf, Net]):
    """One family of models.

    Attributes:
        name: Its name, which is also that of its folder.
        net: Class of its models, trained and baked. Each has `blocks` and `read`, as `parts.intermediate_outputs` asks.
        variants: The architectures that have a name. No other family has a variant of the same name. What has none
            is called as the family is.
        layouts: Layout of checkpoints -> the names that tensors have in it, for one architecture.
        trunk_places: A key -> each layout in which it is one of the trunk's, and the prefix of its net there.
        canonical: Tensors below a prefix and beside it, layout, prefix -> the net's tensors under the layout's own
            names, and those that do not belong to it. Raises CheckpointError for a head that cannot be read.
        recognises: Keys of a checkpoint -> its layout. Raises CheckpointError for keys of something else.
        sizes: Shapes of a checkpoint's tensors, its layout and the input size if it is stated -> the sizes of its net.
        named: Sizes, and the variant that the user expects or None -> the variant, or the family's name for sizes that
            have none. Raises CheckpointError.
        empty: Variant and sizes -> a model on the meta device that waits for weights; its constants are in place.
        check: Compares the constants that a checkpoint holds with the model's. Raises CheckpointError.
        bake: The exact rewrites.
        forms: `form` and `layout` of a target -> the baked model laid out for that target's kernels.
        spec: Height and width in pixels -> how the family's authors prepare pictures.
        streams: The residual streams of a baked model that equalisation may scale.
        pairs: The queries and keys of a baked model that equalisation may balance.
        official: Variant -> address of the weights that the family's authors published. The file's name ends with the
            first 8 digits of its SHA-256.
        publishers: Patterns of the hub ids under which weights trained on ImageNet are published, such as
            ``facebook/levit-*``.
    """

    name: str
    net: type[Net]
    variants: Mapping[str, Any]
    layouts: Mapping[str, Layout]
    trunk_places: Callable[[str], Iterator[tuple[str, str]]]
    canonical: Callable[[State, State, str, str], tuple[State, State]]
    recognises: Callable[[Sequence[str]], str]
    sizes: Callable[[Shapes, str, tuple[int, int] | None], SizesOf]
    named: Callable[[SizesOf, str | None], str]
    empty: Callable[[str, SizesOf], Net]
    check: Callable[[Mapping[str, Tensor], Net, Names], None]
    bake: Bake[Net]
    forms: Mapping[tuple[str, str], Callable[[Net], nn.Module]]
    spec: Callable[[int, int], ImageSpec]
    streams: Callable[[Net], Iterator[Stream]]
    pairs: Callable[[Net], Iterator[Pair]]
    official: Mapping[str, str]
    publishers: tuple[str, ...] = ()
