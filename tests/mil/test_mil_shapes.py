"""Ops of the MIL reference that move elements: what differs by opset, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.installed import needs
from support.mil_cases.shapes import X, exact, op
from support.mil_programs import Suite, case, function, numbers, save
from support.refusals import refused

from levit_mobile.errors import ArtifactError
from levit_mobile.mil.program import read

needs("coremltools")

ZEROS = {  # shape -> what x [2,3,4] becomes in iOS 16 and from iOS 17 on
    (0, -1): (None, (3, 8)),  # zeros count from the right: this one stands above the 3
    (-1, 0): (None, (6, 4)),
    (0, 0, -1): ((2, 3, 4), (2, 3, 4)),
    (0, 1, 0, 0, -1): (None, (1, 1, 2, 3, 4)),
    (0, 12, 1): ((2, 12, 1), (2, 12, 1)),
}
BY_OPSET = [(16, shape, old) for shape, (old, _) in ZEROS.items() if old]
BY_OPSET += [(ios, shape, new) for shape, (_, new) in ZEROS.items() for ios in (17, 18)]


@pytest.mark.slow
@pytest.mark.parametrize("ios", [16, 17, 18])
def test_zeros_of_a_shape_by_opset(tmp_path: Path, ios: int) -> None:
    cases = [
        exact(f"zeros_{i}", op("reshape", shape=shape), lambda x, made=made: x.reshape(made), X)
        for i, (since, shape, made) in enumerate(BY_OPSET)
        if since == ios
    ]
    suite = Suite(cases, ios, tmp_path)
    for one in cases:
        suite.require_float32(one)
        suite.require_folded(one)


def test_a_zero_of_another_rank_is_refused_in_ios_16() -> None:
    from levit_mobile.mil.shapes import reshape

    with pytest.raises(ValueError, match="expected 3 sizes as in x"):
        reshape(X, np.array([0, -1]))


def test_squeeze_leaves_an_axis_of_another_size() -> None:
    """As MIL documents; coremltools' own folding fails there, and its builder drops such axes."""
    from levit_mobile.mil.shapes import squeeze

    assert squeeze(numbers(2, 1, 3), np.array([0, 1])).shape == (2, 3)


def test_a_batched_gather_is_refused(tmp_path: Path) -> None:
    index = np.zeros((2, 1), np.int32)
    build = lambda mb, x: mb.gather(x=x, indices=index, axis=1, batch_dims=1)  # noqa: E731
    path = save(function([case("batched", build, torch.neg, X)], 17), tmp_path / "x.mlpackage", ios=17)
    with refused(ArtifactError, "artifact.failed", "gather", "batch_dims is 1"):
        read(path).run({"batched_in0": X})
