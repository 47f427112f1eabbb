"""The labels that a checkpoint names: in the weight file, in `config.json`, or, for published weights, ImageNet's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Literal

from levit_mobile.errors import CheckpointError
from levit_mobile.model import imagenet
from levit_mobile.model.checkpoint_config import CONFIG_FILE
from levit_mobile.model.families.family import Family
from levit_mobile.model.weight_files import one_line, parse_json

Names = tuple[str, ...]

PRETRAINED = f"pretrained_cfg in {CONFIG_FILE}"


@dataclass(frozen=True, slots=True)
class CheckpointLabels:
    """Labels in class order, and whether the checkpoint names them or is published weights of ImageNet."""

    names: Names | None = None
    source: Literal["checkpoint", "published"] | None = None


def find(
    metadata: Mapping[str, str],
    beside: Mapping[str, Any],
    config: Mapping[str, Any],
    classes: int,
    *,
    published: bool = False,
) -> CheckpointLabels:
    """Look for labels, in the weight file first.

    Args:
        metadata: The metadata of a safetensors file.
        beside: What a training checkpoint holds beside the weights.
        config: The object in ``config.json``.
        classes: Number of classes of the head.
        published: Whether these are weights of a known publisher, as ``is_published`` decides.

    Raises CheckpointError (``checkpoint.metadata``) for labels that cannot be read or do not fit the head.
    """
    for place, names in _named(metadata, beside, config):
        if len(names) != classes and place.endswith(PRETRAINED):  # of the head that a fine-tuning replaced
            continue
        if len(names) != classes:
            raise CheckpointError(
                f"{place} has {len(names)} labels, expected {classes}, the classes of the checkpoint's head: "
                "correct the labels",
                fault="metadata",
            )
        return CheckpointLabels(names, "checkpoint")
    names_of_all = imagenet.names(classes) if published else None
    return CheckpointLabels(names_of_all, "published" if names_of_all else None)


def is_published(family: Family[Any, Any], source: str, sha256: str, *, downloaded: bool) -> bool:
    """Whether these are the weights of the family's authors, or a known publisher's on the hub.

    Args:
        family: The model's family.
        source: The name that was given.
        sha256: SHA-256 of the weight file.
        downloaded: Whether the name is one of the hub's and not of a local path.
    """
    starts = tuple(PurePosixPath(url).stem.rpartition("-")[2] for url in family.official.values())
    return sha256.startswith(starts) or (downloaded and any(fnmatchcase(source, known) for known in family.publishers))


def _named(
    metadata: Mapping[str, str], beside: Mapping[str, Any], config: Mapping[str, Any]
) -> Iterator[tuple[str, Names]]:
    """Every place with labels, the nearest to the weights first."""
    if "labels" in metadata:
        yield "labels in the file's metadata", from_text(metadata["labels"])
    if class_to_idx := beside.get("class_to_idx"):
        yield "class_to_idx in the checkpoint", from_class_to_idx(class_to_idx, "class_to_idx in the checkpoint")
    if (names := from_id2label(config.get("id2label"))) is not None:
        yield f"id2label in {CONFIG_FILE}", names
    yield from _timms(config, CONFIG_FILE)
    yield from _timms(config.get("pretrained_cfg"), PRETRAINED)


def _timms(found: object, place: str) -> Iterator[tuple[str, Names]]:
    """timm's `label_names`, which it called `labels` once; its `label_descriptions` explain names and are none."""
    inside = found if isinstance(found, Mapping) else {}
    for key in ("label_names", "labels"):
        if value := inside.get(key):
            yield f"{key} in {place}", from_label_names(value, f"{key} in {place}")


def from_text(text: str) -> Names:
    """`0,1,2` or, where a label holds a comma, a JSON list."""
    try:
        listed = parse_json(text) if text.startswith("[") else text.split(",")
    except ValueError as error:
        raise CheckpointError(
            f"the labels in the file's metadata are neither a JSON list nor separated by commas ({one_line(error)})",
            fault="metadata",
        ) from error
    return _texts(listed, "labels in the file's metadata")


def from_class_to_idx(found: object, place: str) -> Names:
    """{name: index}, as torchvision's folders have it, -> names in order."""
    if not isinstance(found, Mapping):
        raise _unreadable(place, "expected the index of each class by its name")
    if len(set(found.values()) if all(map(_is_index, found.values())) else ()) != len(found):
        raise _misnumbered(place)
    return _by_number({index: name for name, index in found.items()}, place)


def from_label_names(found: object, place: str) -> Names:
    """A list of names, or {'0': name, ...}."""
    if isinstance(found, list | tuple):
        return _texts(found, place)
    if not isinstance(found, Mapping):
        raise _unreadable(place, "expected a list of names, or the name of each index")
    return _by_number(found, place)


def from_id2label(found: object) -> Names | None:
    """{'0': name, ...} -> names in order; None for transformers' placeholders LABEL_0, LABEL_1, ..."""
    if not found or not isinstance(found, Mapping) or found == {key: f"LABEL_{key}" for key in found}:
        return None
    return _by_number(found, f"id2label in {CONFIG_FILE}")


def _by_number(found: Mapping[Any, Any], place: str) -> Names:
    names = {str(key): label for key, label in found.items()}
    if set(names) != {str(i) for i in range(len(found))}:
        raise _misnumbered(place)
    return _texts([names[str(i)] for i in range(len(names))], place)


def _texts(found: list[Any] | tuple[Any, ...], place: str) -> Names:
    """Labels are texts or numbers."""
    if strange := [type(one).__name__ for one in found if not isinstance(one, str | int | float)]:
        raise _unreadable(place, f"a label is a {strange[0]}, expected text")
    return tuple(_text(str(one), place) for one in found)


def _text(label: str, place: str) -> str:
    try:
        label.encode()
    except UnicodeEncodeError as error:
        raise CheckpointError(
            f"{place} has a label that is not valid Unicode ({ascii(label)[:80]}): correct it", fault="metadata"
        ) from error
    return label


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _misnumbered(place: str) -> CheckpointError:
    return CheckpointError(
        f"{place} does not number its labels 0, 1, 2 and so on: correct the numbers", fault="metadata"
    )


def _unreadable(place: str, why: str) -> CheckpointError:
    return CheckpointError(f"{place} cannot be read: {why}; correct it", fault="metadata")
