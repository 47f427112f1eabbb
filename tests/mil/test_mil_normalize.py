"""Norms, softmax and the classifier of the MIL reference, where no program of cases shows them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.mil_cases.normalize import ROWS
from torch.nn import functional as F

from levit_mobile.mil.normalize import classify, layer_norm, softmax

pytest.importorskip("coremltools")


def test_softmax_of_a_large_row_does_not_overflow() -> None:
    assert softmax(np.array([1e4, 1e4, -1e4], np.float32)).tolist() == [0.5, 0.5, 0]


def test_layer_norm_without_axes_is_over_all() -> None:
    """coremltools' builder fails on the default that it declares."""
    np.testing.assert_allclose(layer_norm(ROWS), F.layer_norm(torch.from_numpy(ROWS), ROWS.shape), rtol=0, atol=2e-6)


def test_classify_gives_the_first_of_equals_and_refuses_another_count() -> None:
    label, table = classify(np.array([[0.2, 0.4, 0.4]], np.float32), np.array(["a", "b", "c"]))
    assert (label, table.tolist()) == ("b", [np.float32(0.2), np.float32(0.4), np.float32(0.4)])
    with pytest.raises(ValueError, match="3 probabilities, expected one for each of 2 classes"):
        classify(np.ones((1, 3), np.float32), np.array([7, 8]))
