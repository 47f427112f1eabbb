"""Write ImageNet's class names into levit_mobile/data/ from timm's tables: `python tools/write_imagenet_labels.py`.

timm lists the classes of each set by WordNet's numbers, and WordNet's names of each number. NOTICE names both sources.
"""

from __future__ import annotations

import gzip
from pathlib import Path

from timm.data import ImageNetInfo

from levit_mobile.model.imagenet import LISTS

DATA = Path(__file__).parents[1] / "levit_mobile" / "data"
SUBSETS = {1000: "imagenet-1k", 21843: "imagenet-21k-goog"}


def main() -> None:
    """Write one file per set."""
    for classes, file in LISTS.items():
        text = "".join(f"{name}\n" for name in ImageNetInfo(SUBSETS[classes]).label_descriptions())
        content = text.encode()
        (DATA / file).write_bytes(gzip.compress(content, mtime=0) if file.endswith(".gz") else content)


if __name__ == "__main__":
    main()
