"""Finished parts of a validation in a file, so that an interrupted one goes on from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from levit_mobile.images.image_set import digest_of, picture_digest
from levit_mobile.images.preprocessing import Pixels
from levit_mobile.runtimes import registry
from levit_mobile.system.atomic_write import writing
from levit_mobile.system.files import Sha256, as_text, composed, digest, digest_bytes
from levit_mobile.system.progress import Progress
from levit_mobile.validation.run_pair import Asked, PairStats, batch
from levit_mobile.validation.setup import ValidationSetup

SUFFIX = ".partial"
READER = TypeAdapter(PairStats)


class Journal:
    """The file of one validation in a folder, a JSON line per part; its name has a digest of what the parts rest on.

    Args:
        folder: Where it is kept. It is made when the first part is.
        case: The validation. A different artifact, reference, runtime, version or set of names has a different file.
    """

    def __init__(self, folder: Path, case: ValidationSetup) -> None:
        name = composed(as_text(case.stored.path.resolve().name))
        self.path = folder / f"{name}-{identity(case)[:16]}{SUFFIX}"

    def known(self, asked: Sequence[Asked], read: Callable[[str], Pixels], progress: Progress) -> dict[int, PairStats]:
        """The parts that are finished, by their numbers; those whose pictures have changed since are left out."""
        found = dict(_entries(self.path))
        progress("checking finished images", 0, max(1, len(found)))
        kept = {}
        for done, (number, part) in enumerate(found.items()):
            if number < len(asked) and _is_same(part, asked[number], read):
                kept[number] = part
            progress("checking finished images", done + 1, len(found))
        return kept

    def keep(self, number: int, part: PairStats) -> None:
        """Write down a part. Raises BundleError where the file cannot be written."""
        line = json.dumps({"number": number, "part": asdict(part)})
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"\n{line}" if stream.tell() else line)  # the last line may have been cut short

    def remove(self) -> None:
        """The validation is finished."""
        self.path.unlink(missing_ok=True)


def identity(case: ValidationSetup) -> Sha256:
    """SHA-256 of everything that logits and their order depend on, except for pixels."""
    reference, checkpoint = case.reference, case.reference.checkpoint
    runtimes = [registry.described(one) for one in (case.runtime, case.host) if one]
    words: list[Any] = [
        case.stored.contract.model_dump_json(),
        [reference.name, repr(reference.spec), [digest(path) for path in reference.files]],
        [checkpoint.sha256, checkpoint.variant, checkpoint.averaged, checkpoint.input_size] if checkpoint else None,
        [[one.name, one.version] for one in runtimes],
        [[name, version(name)] for name in ("levit-mobile", "torch", "numpy", "pillow")],
        batch(case),
        digest_of(dict.fromkeys(case.pictures.names, "")),
    ]
    return digest_bytes(json.dumps(words).encode())


def _entries(path: Path) -> list[tuple[int, PairStats]]:
    """Whole lines; one that was cut short by a kill counts for nothing."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
            found.append((int(entry["number"]), READER.validate_python(entry["part"])))
        except (ValueError, KeyError, TypeError, ValidationError):
            continue
    return found


def _is_same(part: PairStats, asked: Asked, read: Callable[[str], Pixels]) -> bool:
    return part.digests == {name: picture_digest(read(name)) for name in asked.names}
