"""What an engine is: its rows, what it makes them from, and what a loaded file can do. Standard library and numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

ENGINES = ("ours", "onnxruntime", "ncnn", "mnn", "openvino")
PRECISIONS = ("float32", "float16", "int8")


class Unavailable(Exception):
    """A row that cannot be had; the text is the reason that the table prints."""


@dataclass(frozen=True, slots=True)
class Row:
    """One file of an engine, and how it is run.

    Attributes:
        name: Name of the row, unique within its engine.
        precision: One of PRECISIONS: what a user who ships this asks for.
        recipe: How the file is made and run, in one sentence.
        file: Name of the file that `make` writes. Rows may share one and differ in `options` only.
        options: What `load` is given beside the path; it must be JSON.
    """

    name: str
    precision: str
    recipe: str
    file: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What every engine starts from: a folder that `source.write` filled.

    Attributes:
        folder: Where the files are.
    """

    folder: Path

    def onnx(self, form: str) -> Path:
        """The deploy graph as ONNX; `form` is "tokens" or "channels"."""
        return self.folder / f"{form}.onnx"

    def torchscript(self, form: str) -> Path:
        """The same graph as TorchScript."""
        return self.folder / f"{form}.pt"

    def calibration(self) -> NDArray[np.float32]:
        """Training pictures [N,3,H,W] in [0,1], which no figure is measured on."""
        return cast("NDArray[np.float32]", np.load(self.folder / "calibration.npy"))


class Loaded(NamedTuple):
    """An open file. Only `run` is counted and timed: it is the runtime's own call.

    Attributes:
        put: Takes one picture [1,3,H,W] in [0,1].
        run: Runs the inference.
        get: Gives the logits [1,classes].
    """

    put: Callable[[NDArray[np.float32]], None]
    run: Callable[[], None]
    get: Callable[[], NDArray[np.float32]]


class Engine(Protocol):
    """A module of an engine."""

    NAME: str
    PACKAGE: str
    ROWS: tuple[Row, ...]

    def make(self, row: Row, given: Given, path: Path) -> None:
        """Write the row's file to `path`. Raises Unavailable, or whatever the vendor's tool raises."""

    def load(self, path: str, options: Mapping[str, Any]) -> Loaded:
        """Open a file for one thread. Raises whatever the runtime raises."""


def engine(name: str) -> Engine:
    """The module of an engine, one of ENGINES."""
    return cast("Engine", import_module(f"engines.{name}"))
