"""`index.json` beside deployed bundles: every bundle that the app brings along, with every file and its digest.

The Kotlin class `BundleIndex` in `android_demo/core` reads it, and accepts these fields and no others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from levit_mobile.errors import BundleError
from levit_mobile.system.files import Sha256, model_json, read_json

INDEX_FILE = "index.json"
SCHEMA_VERSION: Literal[1] = 1
SEPARATORS = ("/", "\\", "\0")


def is_plain(name: str) -> bool:
    """Whether it is the name of one file or folder, as `BundleIndex` accepts it."""
    return name not in ("", ".", "..") and not any(one in name for one in SEPARATORS)


def is_inside(path: str) -> bool:
    """Whether a relative path stays below its folder."""
    return all(is_plain(name) for name in path.split("/"))


def _plain(name: str) -> str:
    if not is_plain(name):
        raise ValueError(f"the name is {name!r}, expected the name of one folder")
    return name


def _inside(path: str) -> str:
    if not is_inside(path):
        raise ValueError(f"the path is {path!r}, expected one below the bundle's folder")
    return path


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class IndexedFile(_Part):
    """One file of a bundle."""

    path: Annotated[str, AfterValidator(_inside)]
    """Path below the bundle's folder, with `/` between folders."""
    bytes: Annotated[int, Field(ge=0)]
    """Size of the file. Unit: bytes."""
    sha256: Annotated[Sha256, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the file."""


class IndexedBundle(_Part):
    """One bundle that the app brings along."""

    name: Annotated[str, AfterValidator(_plain)]
    """Name of the bundle's folder, which is beside the index."""
    files: tuple[IndexedFile, ...]
    """All files of the bundle."""

    @model_validator(mode="after")
    def _paths_differ(self) -> Self:
        if len({file.path for file in self.files}) < len(self.files):
            raise ValueError(f"two files of {self.name} have the same path")
        return self


class BundleIndex(_Part):
    """`bundles/index.json` in an app's assets. Readers refuse an unknown `schema_version`."""

    schema_version: Literal[1]
    """Version of this format; readers refuse an unknown one."""
    bundles: tuple[IndexedBundle, ...]
    """The bundles that the app brings along."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({bundle.name for bundle in self.bundles}) < len(self.bundles):
            raise ValueError("two bundles have the same name")
        return self

    def written(self) -> str:
        """The text of the file."""
        return model_json(self) + "\n"

    def named(self) -> dict[str, IndexedBundle]:
        """The bundles by their names."""
        return {bundle.name: bundle for bundle in self.bundles}


def read_index(folder: Path) -> BundleIndex:
    """The index that an earlier deployment wrote; an empty one where there is none.

    Raises BundleError where it cannot be read (`bundle.unreadable`) or is of another schema (`bundle.schema`).
    """
    path = folder / INDEX_FILE
    if not path.exists():
        return BundleIndex(schema_version=SCHEMA_VERSION, bundles=())
    return read_json(BundleIndex, path, BundleError, "an index of bundles")
