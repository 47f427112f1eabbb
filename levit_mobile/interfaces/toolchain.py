"""What each function that a target names takes and gives, and how it is had: `targets` has the names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from levit_mobile.contract import Input, Output
from levit_mobile.interfaces.card import Card
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.interfaces.runner import InputForm, Loaded, Outputs, Placement, Runner
from levit_mobile.recipe import Recipe
from levit_mobile.targets import Target, resolve

if TYPE_CHECKING:
    from torch import Tensor, nn


class Converter(Protocol):
    """Writes an artifact."""

    def __call__(self, module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> int:
        """Write a module that takes one picture as an artifact.

        Args:
            module: Gives logits, or ``(logits, *taps)`` if ``taps`` are named.
            recipe: The recipe.
            card: Texts that are stored in the artifact.
            path: Where to write the artifact.
            taps: Names of the further outputs.

        Returns:
            Number of convolutions and linears that must run in integers.

        Raises:
            ToolchainMissing: The vendor's packages are not installed.
            ConversionError: The artifact would not be what the recipe promises; the vendor's own errors come through
                too.
        """
        ...


class Inspector(Protocol):
    """Reads an artifact back."""

    def __call__(self, path: Path) -> Inspection:
        """Raises ArtifactError for what is no such artifact, ToolchainMissing."""
        ...


class RunnerLoader(Protocol):
    """Makes an artifact ready to run by its contract."""

    def __call__(self, path: Path, *, source: Input, result: Output, threads: int = 1) -> Runner:
        """Load an artifact to be run.

        Args:
            path: The artifact.
            source: Its input, as the contract states it.
            result: Its output, as the contract states it.
            threads: Number of CPU threads.

        Returns:
            A runner over the artifact.

        Raises:
            RunnerUnavailable: The runtime does not exist here.
            ToolchainMissing: The runtime is not installed.
            ArtifactError: The runtime cannot load the artifact.
        """
        ...


class OutputsLoader(Protocol):
    """Makes an artifact with several outputs ready to run."""

    def __call__(self, path: Path, *, source: Input, names: tuple[str, ...], threads: int = 1) -> Outputs:
        """Load an artifact with several outputs to be run; it raises what a RunnerLoader raises.

        Args:
            path: The artifact.
            source: Its input, as the contract states it.
            names: Names of the outputs to return.
            threads: Number of CPU threads.

        Returns:
            A call that maps one picture to these outputs by name.
        """
        ...


class TimingLoader(Protocol):
    """Makes any artifact of a format ready to be timed, with a contract or without."""

    def __call__(self, path: Path, on: Placement = ..., form: InputForm | None = None) -> Loaded:
        """Load any artifact of a format to be timed, with or without a contract.

        Args:
            path: The artifact.
            on: Where it runs.
            form: The form of its input; None for the one that the artifact states.

        Returns:
            The loaded artifact.

        Raises:
            RunnerUnavailable: The runtime does not exist here.
            ToolchainMissing: The runtime is not installed.
            ArtifactError: The runtime cannot load the artifact.
        """
        ...


class RuntimeProbe(Protocol):
    """Imports a runtime and does nothing else."""

    def __call__(self) -> object:
        """Raises RunnerUnavailable, ToolchainMissing."""
        ...


class TableRounding(Protocol):
    """What a recipe with integers makes of an attention bias."""

    def __call__(self, table: Tensor, recipe: Recipe, /) -> tuple[str, Tensor]:
        """float32 [heads,queries,keys] -> how it is stored, and its values then, of the same shape and type."""
        ...


class BlockSplitter(Protocol):
    """Cuts an artifact into its blocks."""

    def __call__(
        self, path: Path, folder: Path, block_of: Callable[[str], str | None]
    ) -> Iterator[tuple[str, Path, dict[str, int]]]:
        """Every block in order: its name, a model of it alone in `folder`, and its ops by kind.

        `block_of` tells a tensor's block from its name. Raises ValueError where it cannot be cut.
        """
        ...


# The field of Target that names a function -> what that function is.
ROLES: Mapping[str, type] = {
    "converter": Converter,
    "inspector": Inspector,
    "surveyor": Inspector,
    "runner": RunnerLoader,
    "load_for_timing": TimingLoader,
    "runtime": RuntimeProbe,
    "tables": TableRounding,
    "block_splitter": BlockSplitter,
}


def converter(target: Target) -> Converter:
    """Imported now, as all of these are; its vendor is imported when it is called."""
    return cast(Converter, resolve(target.converter))


def inspector(target: Target) -> Inspector:
    """What reads the target's artifacts."""
    return cast(Inspector, resolve(target.inspector))


def surveyor(target: Target) -> Inspector:
    """What reads anybody's artifacts of that format, those that `convert` would refuse too."""
    return cast(Inspector, resolve(target.surveyor))


def runner_loader(target: Target) -> RunnerLoader:
    """What runs them on the target's own runtime."""
    return cast(RunnerLoader, resolve(target.runner))


def timing_loader(target: Target) -> TimingLoader:
    """What loads them to be timed."""
    return cast(TimingLoader, resolve(target.load_for_timing))


def runtime_probe(target: Target) -> RuntimeProbe:
    """What only imports the target's runtime."""
    return cast(RuntimeProbe, resolve(target.runtime))


def table_rounding(target: Target) -> TableRounding:
    """What the target's recipes with integers make of an attention bias."""
    return cast(TableRounding, resolve(target.tables))


def block_splitter(target: Target) -> BlockSplitter | None:
    """What cuts the target's artifacts into blocks; None where nothing does."""
    return cast(BlockSplitter, resolve(target.block_splitter)) if target.block_splitter else None
