"""Damage that a fuzzer came through with: the MIL reference refuses it in a sentence, and raises nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.installed import needs
from support.mil_programs import Edit, case, constant, edited, function, numbers, op, operations, save
from support.refusals import refused

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError
from levit_mobile.mil.program import read
from levit_mobile.runners import mil

needs("coremltools")

X = numbers(1, 3, 8, 8)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gelu with its mode, and a padding with its list."""

    def build(mb: Any, x: Any) -> Any:
        padded = mb.pad(x=x, pad=np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32), mode="constant")
        return mb.gelu(x=padded, mode="TANH_APPROXIMATION")

    one = case("x", build, torch.neg, X)
    return save(function([one], 17), tmp_path_factory.mktemp("damage") / "whole.mlpackage", ios=17)


def value(model: Any, ending: str) -> Any:
    return constant(model, ending).attributes["val"]


def retyped(model: Any) -> None:
    value(model, "mode_0").type.tensorType.dataType = 11  # a word that is said to be a FLOAT32


def too_large(model: Any) -> None:
    value(model, "pad_0").type.tensorType.dataType = 21  # INT8
    value(model, "pad_0").immediateValue.tensor.ints.values[0] = 1 << 20


def in_a_strange_space(model: Any) -> None:
    model.description.input[0].type.imageType.colorSpace = 77


DAMAGE: dict[str, tuple[Edit, tuple[str, ...]]] = {
    "an element type that is none": (
        lambda m: setattr(op(m, "gelu").outputs[0].type.tensorType, "dataType", 87),
        ("ValueError", "DataType", "87"),
    ),
    "a constant's element type that is none": (
        lambda m: setattr(value(m, "mode_0").type.tensorType, "dataType", 74),
        ("ValueError", "DataType", "74"),
    ),
    "a constant without a name": (lambda m: constant(m, "mode_0").ClearField("outputs"), ("IndexError", "tuple index")),
    "a word for a number": (retyped, ("ValueError", "string to float")),
    "a number too large for its type": (too_large, ("OverflowError: ",)),
    "a colour space that is none": (in_a_strange_space, ("ValueError", "ColorSpace")),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_program_is_refused(package: Path, what: str) -> None:
    edit, facts = DAMAGE[what]
    edited(package, edit)
    with refused(ArtifactError, "artifact.damaged", package, *facts):
        read(package)


def test_a_word_in_the_place_of_a_list_fails_the_op(package: Path) -> None:
    def worded(model: Any) -> None:
        op(model, "pad").inputs["pad"].arguments[0].name = op(model, "gelu").inputs["mode"].arguments[0].name
        operations(model).sort(key=lambda operation: operation.type != "const")

    edited(package, worded)
    with refused(ArtifactError, "artifact.failed", "pad ", "cannot reshape array"):
        read(package).run({"x_in0": X})


def test_a_padding_beyond_all_memory_fails_the_op(package: Path) -> None:
    def vast(model: Any) -> None:
        value(model, "pad_0").immediateValue.tensor.ints.values[7] = (1 << 31) - 1
        value(model, "pad_0").immediateValue.tensor.ints.values[5] = 1 << 20
        op(model, "pad").outputs[0].type.tensorType.dimensions[3].constant.size = 1 << 31

    edited(package, vast)
    with refused(ArtifactError, "artifact.out-of-memory", "pad ", "Unable to allocate"):
        read(package).run({"x_in0": X})


@pytest.mark.parametrize(
    ("path", "fault"),
    [("a\0b", "damaged"), ("\ud800", "damaged"), ("[" * 100_000, "unreadable")],
)
def test_a_manifest_that_leads_nowhere_is_refused(package: Path, path: str, fault: str) -> None:
    manifest = json.loads((package / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = path
    (package / "Manifest.json").write_text(json.dumps(manifest))
    with refused(ArtifactError, f"artifact.{fault}", package):
        read(package)


def test_a_manifest_nested_without_end_is_refused(package: Path) -> None:
    (package / "Manifest.json").write_text("[" * 100_000)
    with refused(ArtifactError, "artifact.damaged", package, "RecursionError: "):
        read(package)


def test_names_of_several_lines_are_quoted_in_one(package: Path) -> None:
    edited(package, lambda m: setattr(op(m, "gelu"), "type", "fro\nb\u2028nicate"))
    source = Input(name="x_in0", shape=(1, 3, 8, 8), layout="NCHW", dtype="float32", range=(0, 1))
    result = Output(name="x_out0", shape=(1, 5), dtype="float32", labels_sha256="")
    with refused(ArtifactError, "artifact.unsupported-op", "op fro b nicate of iOS 17"):
        mil.load(package, source=source, result=result)
