"""Columns in pairs: a convolution over pairs gives what it gives over pixels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.parts.pairs import conv_of_pairs, in_pairs, pair_of


@torch.no_grad()
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (2, 6), (10, 2)], ids=str)
def test_a_convolution_over_pairs_gives_what_it_gives_over_pixels(size: tuple[int, int], channels_last: bool) -> None:
    torch.manual_seed(0)
    conv, pixels, colour = nn.Conv2d(3, 5, 3, stride=2), torch.randn(1, 3, *size), torch.randn(1, 3, 1, 1)
    framed = colour.expand(1, 3, size[0] + 1, size[1] + 1).clone()
    framed[:, :, 1:, 1:] = pixels
    given = pixels.permute(0, 2, 3, 1).contiguous() if channels_last else pixels
    pairs = in_pairs(given, FakeQuant(), channels_last=channels_last)
    frame = pair_of(colour, channels_last=channels_last)
    rows = torch.cat([frame.expand(1, 1, pairs.shape[2], 6), pairs], 1)
    columns = torch.cat([frame.expand(1, rows.shape[1], 1, 6), rows], 2)
    made = conv_of_pairs(conv, channels_last=channels_last)(columns.permute(0, 3, 1, 2))
    assert made.shape == (1, 5, size[0] // 2, size[1] // 2)
    torch.testing.assert_close(made, conv(framed))


@torch.no_grad()
def test_pairs_hold_both_columns_of_a_row_side_by_side() -> None:
    pixels = torch.arange(24.0).reshape(1, 3, 2, 4)  # each channel has 8 values
    by_channel = in_pairs(pixels, FakeQuant(), channels_last=False)
    by_column = in_pairs(pixels.permute(0, 2, 3, 1), FakeQuant(), channels_last=True)
    assert by_channel[0, 1, 1].tolist() == [6, 7, 14, 15, 22, 23]
    assert by_column[0, 1, 1].tolist() == [6, 14, 22, 7, 15, 23]
