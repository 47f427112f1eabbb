"""What rounding and clipping an edge changes in the logits, against the same computed directly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.quantization.observers import SHARES, Histogram, Observer, choose
from levit_mobile.quantization.statistics import collect

VALUES, CLASSES, PICTURES = 24, 5, 6


class Net(nn.Module):
    """Two edges before a linear: the second shows the values of the first once more, as moved data does."""

    def __init__(self) -> None:
        super().__init__()
        self.idle, self.edge, self.head = FakeQuant(), FakeQuant(), nn.Linear(VALUES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        constant: Tensor = self.idle(torch.ones(VALUES))
        logits: Tensor = self.head(self.edge(self.edge(x) * 1.0)) + constant.mean()
        return logits


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(2)
    return Net()


@pytest.fixture(scope="module")
def pictures() -> list[Tensor]:
    drawn = torch.Generator().manual_seed(1)
    return [torch.randn(1, VALUES, generator=drawn) for _ in range(PICTURES)]


@pytest.fixture(scope="module")
def measured(net: Net, pictures: list[Tensor]) -> Histogram:
    return collect(net, lambda: pictures, responses=True).histograms["edge"]


def slopes(net: Net) -> Tensor:
    """[PICTURES,VALUES]: of the sum of logits with signs of the same seed."""
    drawn = torch.Generator().manual_seed(0)
    signs = [torch.randint(0, 2, (1, CLASSES), generator=drawn) * 2.0 - 1.0 for _ in range(PICTURES)]
    return torch.cat(signs) @ net.head.weight.detach()


def test_rounding_sums_the_squares_of_the_slopes(net: Net, measured: Histogram) -> None:
    assert measured.response.pictures == PICTURES
    assert measured.response.rounding == pytest.approx(float((slopes(net) ** 2).sum()), rel=1e-6)


@pytest.mark.parametrize(("below", "above"), [(0, 40), (40, 0), (60, 30), (79, 79)])
def test_clipping_is_the_square_of_what_the_logits_change(
    net: Net, pictures: list[Tensor], measured: Histogram, below: int, above: int
) -> None:
    values = torch.cat(pictures)
    ends = measured.low * SHARES[below], measured.high * SHARES[above]
    change = (slopes(net) * (values.clip(*ends) - values)).sum(1)
    found = measured.response.clipping[below, above]
    assert found == pytest.approx(float((change**2).sum()), rel=0.02)  # a value counts as the middle of its bin


def test_counts_are_those_of_a_run_without_responses(net: Net, pictures: list[Tensor], measured: Histogram) -> None:
    plain = collect(net, lambda: pictures).histograms["edge"]
    assert plain.response.pictures == 0
    np.testing.assert_array_equal(plain.counts, measured.counts)


def test_an_edge_that_only_constants_reach_keeps_its_whole_range(net: Net, pictures: list[Tensor]) -> None:
    idle = collect(net, lambda: pictures, responses=True).histograms["idle"]
    assert choose(idle, Observer.OUTPUT) == (0.0, 1.0)


class Moved(nn.Module):
    """An edge, and one that shows its values in another order to one of two readers."""

    def __init__(self) -> None:
        super().__init__()
        self.out, self.grid = FakeQuant(), FakeQuant()
        self.near, self.far = (nn.Linear(VALUES, CLASSES) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        values = self.out(x)
        logits: Tensor = self.near(values) + self.far(self.grid(values.flip(-1)))
        return logits


def test_values_that_are_moved_keep_their_grid(pictures: list[Tensor]) -> None:
    torch.manual_seed(3)
    found = collect(Moved(), lambda: pictures, responses=True).histograms
    np.testing.assert_array_equal(found["grid"].counts, found["out"].counts)
    assert found["grid"].response is found["out"].response
    assert choose(found["grid"], Observer.OUTPUT) == choose(found["out"], Observer.OUTPUT)


def test_the_response_of_moved_values_is_that_of_all_readers(pictures: list[Tensor]) -> None:
    torch.manual_seed(3)
    net = Moved()
    weights = net.near.weight.detach() + net.far.weight.detach().flip(-1)
    drawn = torch.Generator().manual_seed(0)
    signs = [torch.randint(0, 2, (1, CLASSES), generator=drawn) * 2.0 - 1.0 for _ in range(PICTURES)]
    expected = float(((torch.cat(signs) @ weights) ** 2).sum())
    found = collect(net, lambda: pictures, responses=True).histograms["grid"]
    assert found.response.rounding == pytest.approx(expected, rel=1e-6)


def test_the_same_pictures_give_the_same_responses(net: Net, pictures: list[Tensor], measured: Histogram) -> None:
    again = collect(net, lambda: pictures, responses=True).histograms["edge"]
    np.testing.assert_array_equal(again.response.clipping, measured.response.clipping)
