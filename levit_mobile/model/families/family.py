"""What the rest of the package asks a family of models for, as one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor, nn

from levit_mobile.errors import CheckpointError
from levit_mobile.model.stated import Stated

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


CHANNEL_KEYS = ("in_chans", "in_channels", "num_channels", "chans")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a net beside its tensors: names and shapes do not show an activation, an epsilon or a pooling.

    Attributes:
        config: The object in ``config.json``, as transformers or timm wrote it; empty without one.
        arguments: What a training script was called with; empty without any.
        variant: The variant that the user named; None leaves it open.
        published: The variant of which these are its authors' weights, by their digest; empty for any others.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    variant: str | None = None
    published: str = ""

    @property
    def architectures(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Each place that names one of timm's models, the name, and the options beside it."""
        if isinstance(name := self.config.get("architecture"), str):
            yield "config.json", name, mapping(self.config.get("model_args"))
        if isinstance(name := self.arguments.get("model"), str):
            yield "args in the checkpoint", name, mapping(self.arguments.get("model_kwargs"))

    @property
    def places(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every place that may say what kind of net this is."""
        size = mapping(self.config.get("pretrained_cfg")).get("input_size")
        channels = {"in_chans": size[0]} if isinstance(size, list | tuple) and len(size) == 3 else {}
        yield "config.json", self.config
        yield "model_args in config.json", mapping(self.config.get("model_args"))
        yield "pretrained_cfg in config.json", channels
        yield "args in the checkpoint", self.arguments
        yield "model_kwargs in the checkpoint", mapping(self.arguments.get("model_kwargs"))


def mapping(value: object) -> Mapping[str, Any]:
    """The value itself if it is one."""
    return value if isinstance(value, Mapping) else {}


def require_colour(facts: Facts, nets: str, fault: str) -> None:
    """Raise CheckpointError for nets that are stated to take anything but red, green and blue."""
    for place, said in facts.places:
        for key in CHANNEL_KEYS:
            if isinstance(value := said.get(key), int) and value != 3:
                raise CheckpointError(
                    f"{place} has {key} {value}, expected 3: only {nets} for RGB images can be converted", fault=fault
                )


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


def forms_of(
    token_major: Callable[..., nn.Module], channels_first: Callable[[Net], nn.Module]
) -> Mapping[tuple[str, str], Callable[[Net], nn.Module]]:
    """A family's two forms for all targets: tokens with pixels in either layout, and channels first."""
    return {
        ("token_major", "NCHW"): partial(token_major, channels_last=False),
        ("token_major", "NHWC"): partial(token_major, channels_last=True),
        ("channels_first", "NCHW"): channels_first,
    }


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
        recognises: Keys of a checkpoint -> its layout; None for keys of something else. Raises CheckpointError for
            those of a net that is the family's, or is often taken for one, and cannot be converted.
        described_by: What the names of the family's nets in `config.json` begin with, in lower case.
        require: Refuses nets that are stated to be what cannot be converted. Raises CheckpointError.
        sizes: Shapes of a checkpoint's tensors, its layout, the input size if it is stated, and what else is known ->
            the sizes of its net. Raises CheckpointError, where several variants fit and nothing tells which too.
        named: Sizes, and the variant that the user expects or None -> the variant, or the family's name for sizes that
            have none. Raises CheckpointError.
        empty: Variant and sizes -> a model on the meta device that waits for weights; its constants are in place.
        check: Compares the constants that a checkpoint holds with the model's. Raises CheckpointError.
        bake: The exact rewrites.
        forms: `form` and `layout` of a target -> the baked model laid out for that target's kernels.
        prepared: Variant and layout -> how pictures are prepared where no file beside the weights says so. A field that
            only such a file could tell raises Unusable.
        timm_cfg: Name of a timm model -> what its `pretrained_cfg` says of the preparation, for a training script that
            does not.
        processor: transformers' image processor for files that do not name theirs; empty if several are usual.
        streams: The residual streams of a baked model that equalisation may scale.
        pairs: The queries and keys of a baked model that equalisation may balance.
        official: Variant -> address of the weights that the family's authors published. The file's name ends with the
            first 8 digits of its SHA-256.
        publishers: Patterns of the hub ids under which weights trained on ImageNet are published, such as
            ``facebook/levit-*``.
        integer_forms: What static int8 has in place of some of `forms`, where its kernels prefer a different layout.
    """

    name: str
    net: type[Net]
    variants: Mapping[str, Any]
    layouts: Mapping[str, Layout]
    trunk_places: Callable[[str], Iterator[tuple[str, str]]]
    canonical: Callable[[State, State, str, str], tuple[State, State]]
    recognises: Callable[[Sequence[str]], str | None]
    described_by: tuple[str, ...]
    require: Callable[[Facts], None]
    sizes: Callable[[Shapes, str, tuple[int, int] | None, Facts], SizesOf]
    named: Callable[[SizesOf, str | None], str]
    empty: Callable[[str, SizesOf], Net]
    check: Callable[[Mapping[str, Tensor], Net, Names], None]
    bake: Bake[Net]
    forms: Mapping[tuple[str, str], Callable[[Net], nn.Module]]
    prepared: Callable[[str, str], Stated]
    timm_cfg: Callable[[str], Mapping[str, Any]]
    processor: str
    streams: Callable[[Net], Iterator[Stream]]
    pairs: Callable[[Net], Iterator[Pair]]
    official: Mapping[str, str]
    publishers: tuple[str, ...] = ()
    integer_forms: Mapping[tuple[str, str], Callable[[Net], nn.Module]] = field(default_factory=dict)
