"""Damage to a file, drawn from a seed, and what becomes of an artifact that has it, in a process of its own."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import Generator

from levit_mobile.contract import Contract
from levit_mobile.errors import ArtifactError, LevitMobileError
from levit_mobile.interfaces.runner import Images, Logits
from levit_mobile.runtimes import registry
from levit_mobile.system import workers

HEAD = 4096  # where flatbuffers and protobufs have their headers
TIMEOUT_S = 240.0  # for the slowest start on a busy machine; a mutant takes below a second


def flip(data: bytes, drawn: Generator, *, count: int = 1, head: int | None = None) -> bytes:
    """`count` bytes become other ones, anywhere, or within the first `head`."""
    changed = np.frombuffer(data, np.uint8).copy()
    changed[drawn.integers(0, min(head or len(data), len(data)), count)] ^= drawn.integers(1, 256, count, np.uint8)
    return changed.tobytes()


def bit(data: bytes, drawn: Generator, *, head: int | None = None) -> bytes:
    """One bit: names stay names and lengths stay near, so that more of the file is believed."""
    changed = bytearray(data)
    changed[drawn.integers(0, min(head or len(data), len(data)))] ^= 1 << int(drawn.integers(8))
    return bytes(changed)


def cut(data: bytes, drawn: Generator) -> bytes:
    """The end is missing."""
    return data[: drawn.integers(len(data))]


def zeroed(data: bytes, drawn: Generator) -> bytes:
    """A range of up to 64 KB is zero."""
    start, size = int(drawn.integers(len(data))), int(2 ** drawn.uniform(0, 16))
    return data[:start] + bytes(len(data[start : start + size])) + data[start + size :]


def inserted(data: bytes, drawn: Generator, *, head: int | None = None) -> bytes:
    """Up to 64 bytes too many."""
    start = int(drawn.integers(min(head or len(data), len(data))))
    return data[:start] + drawn.bytes(int(drawn.integers(1, 65))) + data[start:]


def swapped(data: bytes, drawn: Generator) -> bytes:
    """Two ranges of up to 64 KB in each other's place."""
    half, size = len(data) // 2, int(2 ** drawn.uniform(2, min(16.0, np.log2(len(data)) - 2)))
    a, b = int(drawn.integers(half - size)), int(drawn.integers(half, len(data) - size))
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


KINDS: dict[str, Callable[[bytes, Generator], bytes]] = {
    "1 byte": flip,
    "4 bytes": partial(flip, count=4),
    "64 bytes": partial(flip, count=64),
    "1 byte of the head": partial(flip, head=HEAD),
    "4 bytes of the head": partial(flip, count=4, head=HEAD),
    "1 bit": bit,
    "1 bit of the first 64 KB": partial(bit, head=16 * HEAD),
    "cut": cut,
    "zeroed": zeroed,
    "inserted": inserted,
    "inserted in the head": partial(inserted, head=HEAD),
    "swapped": swapped,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One damage to one file of an artifact; `file` is "" where the artifact is a file itself."""

    kind: str
    file: str
    seed: int

    def of(self, data: bytes) -> bytes:
        """The damaged content."""
        return KINDS[self.kind](data, np.random.default_rng(self.seed))


@dataclass(frozen=True, slots=True)
class Died:
    """The sentence about the process that did not come back."""

    sentence: str


Outcome = str | Logits | Died  # refused in a sentence, or logits, or no process any more


@dataclass(frozen=True, slots=True)
class Victim:
    """Loads what tries mutants of one artifact, as `validate` would, in another process."""

    runtime: str
    artifact: Path
    contract: Contract
    images: Images
    scratch: Path

    def __call__(self) -> Callable[[Mutant], str | Logits]:
        if self.artifact.is_file():
            return partial(self._tried, {"": self.artifact.read_bytes()})
        files = [file for file in self.artifact.rglob("*") if file.is_file()]
        return partial(self._tried, {str(file.relative_to(self.artifact)): file.read_bytes() for file in files})

    def _tried(self, whole: dict[str, bytes], mutant: Mutant) -> str | Logits:
        artifact = self._written(whole | {mutant.file: mutant.of(whole[mutant.file])})
        try:
            return registry.load(registry.RuntimeId(self.runtime), artifact, self.contract)(self.images)
        except LevitMobileError as error:
            return str(error)

    def _written(self, content: dict[str, bytes]) -> Path:
        """Files of their own each time: a runtime may still have the last ones mapped."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        for name, data in content.items():
            path = self.scratch / self.artifact.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return self.scratch / self.artifact.name


def outcomes(victim: Victim, mutants: Sequence[Mutant]) -> Iterator[tuple[Mutant, Outcome]]:
    """What becomes of each, in order; a process lives until a mutant ends it. Raises AssertionError, which names it."""
    left = deque(mutants)
    while left:
        try:
            for found in workers.spread(victim, tuple(left), processes=1, timeout_s=TIMEOUT_S):
                yield left.popleft(), found
        except ArtifactError as error:
            yield left.popleft(), Died(str(error))
        except Exception as error:
            raise AssertionError(f"{left[0]}: {type(error).__name__}: {error}") from error
