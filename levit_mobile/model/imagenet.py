"""The names of ImageNet's classes, in the order that published weights have: ILSVRC's 1000, and the full 21843."""

from __future__ import annotations

import gzip
from importlib import resources

# Classes -> the file with their names. NOTICE names the sources; tools/write_imagenet_labels.py writes the files.
LISTS: dict[int, str] = {1000: "imagenet_1000.txt", 21843: "imagenet_21843.txt.gz"}


def names(classes: int) -> tuple[str, ...] | None:
    """The names of all classes; None for a number of classes that no list has.

    A number of classes does not make a model one of ImageNet: ask only for weights that are known to be.
    """
    if classes not in LISTS:
        return None
    content = resources.files("levit_mobile").joinpath("data", LISTS[classes]).read_bytes()
    text = gzip.decompress(content) if LISTS[classes].endswith(".gz") else content
    return tuple(text.decode().removesuffix("\n").split("\n"))
