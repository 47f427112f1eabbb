"""Checkpoints with damage anywhere: each is refused in a sentence, or imported as another reader of the file has it.

A failure names the mutant, from which `Mutant.of` makes the damage again.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support.mutations import KINDS, Mutant

from levit_mobile.errors import ArtifactError, LevitMobileError
from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.families.family import their_key
from levit_mobile.model.families.levit.architecture import VARIANTS, as_in_paper
from levit_mobile.model.families.levit.keys import our_names
from levit_mobile.model.families.levit.trained import LeViT
from levit_mobile.system import workers

# The smallest net with every kind of block; it stands for levit_128s while these tests run.
TINY = as_in_paper((8, 16, 24), 4, (2, 2, 2), (1, 1, 1))
SIDE, CLASSES = 32, 2
MOST_MIB = 256  # that all mutants together may add to the process
TIMEOUT_S = 240.0
MUTANTS = 10  # of each kind, for each file
LEAST = 500
NOTHING = "nothing"  # a mutant without damage

Outcome = tuple[str, float]  # a sentence, or nothing for an import that is right; and the process's peak, in MiB


def net(name: str) -> dict[str, torch.Tensor]:
    """Our own names, or those of transformers, whose folders have labels; no tensor is like another."""
    torch.manual_seed(1)
    model = LeViT("levit_128s", classes=CLASSES, side=SIDE)
    floats = {key: tensor for key, tensor in model.state_dict().items() if tensor.is_floating_point()}
    return {named(key, name): torch.rand_like(tensor) + 0.5 for key, tensor in floats.items()}


def named(key: str, name: str) -> str:
    layout = "transformers" if name == "config" else "levit-mobile"
    return their_key(key, our_names(layout, TINY.depths))


def write(name: str, folder: Path) -> None:
    """One folder of each kind; the file that is damaged is the named one."""
    state = net(name)
    labels = {"id2label": {str(i): f"class {i}" for i in range(CLASSES)}}
    if name == "pickle":
        torch.save({"model": state, "epoch": 3}, folder / "w.pth", _use_new_zipfile_serialization=False)
    elif name == "zip":
        torch.save({"state_dict": state, "state_dict_ema": state, "epoch": 3}, folder / "w.pth")
    else:
        save_file(state, folder / "model.safetensors", {"labels": '["a", "b"]'} if name != "config" else None)
    if name == "config":
        (folder / "config.json").write_text(json.dumps(labels))
    if name == "index":
        (folder / "model.safetensors").rename(folder / "a.safetensors")
        index = {"metadata": {}, "weight_map": dict.fromkeys(state, "a.safetensors")}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))


FILES = {
    "pickle": "w.pth",
    "zip": "w.pth",
    "safetensors": "model.safetensors",
    "config": "config.json",
    "index": "model.safetensors.index.json",
}


# What another reader has


def tensors(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """By the names of the net: from a safetensors file by its own bytes, from a pickle by torch without our checks."""
    if not (folder / "w.pth").exists():
        return dict(stored(next(folder.glob("*.safetensors")).read_bytes()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held = torch.load(folder / "w.pth", weights_only=True)
    states = [state for state in held.values() if isinstance(state, dict)] if isinstance(held, dict) else []
    found = states[-1] if states and len(states[-1]) > 9 else held
    return {key: tensor.to(torch.float32).numpy() for key, tensor in found.items() if isinstance(tensor, torch.Tensor)}


def stored(content: bytes) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """The format is 8 bytes of length, a JSON header, and little-endian numbers."""
    size = struct.unpack("<Q", content[:8])[0]
    types = {"F32": np.float32, "F64": np.float64, "F16": np.float16}
    for key, entry in json.loads(content[8 : 8 + size]).items():
        if key != "__metadata__" and entry["dtype"] in types:
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            yield key, np.frombuffer(content[start:end], types[entry["dtype"]]).reshape(entry["shape"])


def difference(found: Checkpoint, folder: Path, name: str) -> str:
    """The first tensor or label of the model that is not the file's; nothing if all are."""
    theirs = tensors(folder)
    for key, tensor in found.model.state_dict().items():
        if not key.endswith("tracked"):
            expected = theirs[named(key, name)].reshape(tensor.shape)
            if not np.array_equal(tensor.numpy(), expected):
                return f"{key} is not as in the file"
    labels = json.loads((folder / "config.json").read_text()).get("id2label") if name == "config" else None
    right = labels is None or found.labels == tuple(str(labels[str(i)]) for i in range(CLASSES))
    return "" if right else f"the labels are {found.labels}, expected {labels}"


# Mutants, in a process of their own


@dataclass(frozen=True, slots=True)
class Victim:
    """Loads what imports mutants of one kind of file."""

    name: str
    folder: Path

    def __call__(self) -> Callable[[Mutant], Outcome]:
        VARIANTS["levit_128s"] = TINY
        KINDS[NOTHING] = lambda data, _: data
        write(self.name, self.folder)
        file = self.folder / FILES[self.name]
        return partial(self._tried, file, file.read_bytes())

    def _tried(self, file: Path, whole: bytes, mutant: Mutant) -> Outcome:
        file.unlink(missing_ok=True)  # the last one may still be mapped
        file.write_bytes(mutant.of(whole))
        try:
            found = load_checkpoint(self.folder)
            sentence = difference(found, self.folder, self.name)
            assert not sentence, sentence
        except LevitMobileError as error:
            sentence = f"{error.code}: {error}"
        return sentence, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VARIANTS, "levit_128s", TINY)


def mutants(name: str) -> list[Mutant]:
    seed = sorted(FILES).index(name) * 1000
    return [Mutant(kind, "", seed + i * MUTANTS + n) for i, kind in enumerate(KINDS) for n in range(MUTANTS)]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_any_damage_is_a_refusal_or_what_the_bytes_say(name: str, tmp_path: Path) -> None:
    whole = Mutant(NOTHING, "", 0)
    drawn = [whole, *mutants(name), whole]
    outcomes = list(zip(drawn, outcomes_of(name, tmp_path, drawn), strict=True))
    counts = Counter("refused" if sentence else "imported" for _, (sentence, _) in outcomes)
    sys.stdout.write(f"{name}: {dict(counts)}\n")
    for mutant, (sentence, _) in outcomes:
        assert sentence.isprintable(), mutant
        assert len(sentence) < 1000, mutant
    assert outcomes[0][1][0] == outcomes[-1][1][0] == ""
    assert outcomes[-1][1][1] - outcomes[0][1][1] < MOST_MIB
    assert counts["refused"] > len(KINDS)
    assert counts["imported"] > 2 or name == "index"


def outcomes_of(name: str, scratch: Path, drawn: list[Mutant]) -> Iterator[Outcome]:
    """In one process, which no mutant may end."""
    try:
        yield from workers.spread(Victim(name, scratch), tuple(drawn), processes=1, timeout_s=TIMEOUT_S)
    except ArtifactError as error:
        raise AssertionError(f"a mutant of {name} ended its process: {error}") from error


def test_there_are_enough_mutants() -> None:
    seeds = {(name, mutant) for name in FILES for mutant in mutants(name)}
    assert len(seeds) == len(FILES) * len(KINDS) * MUTANTS >= LEAST


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", FILES)
def test_the_files_themselves_are_imported_as_they_are(name: str, tmp_path: Path) -> None:
    write(name, tmp_path)
    found = load_checkpoint(tmp_path)
    assert difference(found, tmp_path, name) == ""
    assert (found.classes, found.input_size[0], found.distillation) == (CLASSES, SIDE, True)
    first = tensors(tmp_path)[named("stem.conv0.conv.weight", name)]
    assert np.array_equal(found.model.stem.conv0.conv.weight.detach().numpy(), first)
