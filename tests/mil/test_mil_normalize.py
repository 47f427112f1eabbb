"""Norms, softmax and the classifier of the MIL reference, where no program of cases shows them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.installed import needs
from support.mil_cases.normalize import ROWS
from torch.nn import functional as F

from levit_mobile.mil.normalize import batch_norm, classify, instance_norm, l2_norm, layer_norm, reduce_argmax, softmax

needs("coremltools")


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


# Values so small that epsilon is most of what they are divided by.
SMALL = np.random.default_rng(3).normal(scale=3e-3, size=(2, 3, 4, 5)).astype(np.float32)
CHANNEL = np.array([1e-6, 2e-5, 1e-4], np.float32)


def test_batch_norms_default_epsilon_is_1e_5() -> None:
    mean = np.array([1e-3, 0.0, -2e-3], np.float32)
    wanted = F.batch_norm(*map(torch.from_numpy, (SMALL, mean, CHANNEL)), eps=1e-5)
    np.testing.assert_allclose(batch_norm(SMALL, mean, CHANNEL), wanted, rtol=1e-5, atol=1e-6)
    other = F.batch_norm(*map(torch.from_numpy, (SMALL, mean, CHANNEL)), eps=1e-3)
    np.testing.assert_allclose(batch_norm(SMALL, mean, CHANNEL, epsilon=1e-3), other, rtol=1e-5, atol=1e-6)


def test_instance_norms_default_epsilon_is_1e_5() -> None:
    wanted = F.instance_norm(torch.from_numpy(SMALL), eps=1e-5)
    np.testing.assert_allclose(instance_norm(SMALL), wanted, rtol=1e-5, atol=1e-5)


def test_layer_norms_default_epsilon_is_1e_5() -> None:
    wanted = F.layer_norm(torch.from_numpy(SMALL), (5,), eps=1e-5)
    np.testing.assert_allclose(layer_norm(SMALL, np.array([-1])), wanted, rtol=1e-5, atol=1e-5)


def test_l2_norms_default_epsilon_is_1e_6() -> None:
    """Over the last three axes of each picture: 60 values of 1e-4 are 6e-7 together."""
    x = np.full((2, 3, 4, 5), 1e-4, np.float32)
    x[1] *= 100
    found = l2_norm(x)
    np.testing.assert_allclose(found[0], 1e-4 / np.sqrt(60e-8 + 1e-6), rtol=1e-5)
    np.testing.assert_allclose(found[1], 1e-2 / np.sqrt(60e-4 + 1e-6), rtol=1e-5)


def test_argmax_gives_the_first_of_equals_in_the_type_that_was_asked() -> None:
    x = np.array([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]], np.float32)
    for dtype in ("int32", "uint16"):
        found = reduce_argmax(x, output_dtype=dtype)
        assert (found.tolist(), found.dtype.name) == ([1, 0], dtype)
    with pytest.raises(ValueError, match="output_dtype is int8"):
        reduce_argmax(x, output_dtype="int8")
