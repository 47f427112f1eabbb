"""The right sides of attention's matmuls are marked in every family: no zero point chooses a kernel for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from support import coatnets, vits
from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.pipeline.lowering import baked_for, form_of
from levit_mobile.pipeline.source_model import load_source
from levit_mobile.targets import TARGETS


def saved_vit(folder: Path) -> None:
    vits.saved("deit with teacher", folder)
    (folder / "preprocessor_config.json").write_text('{"size": 64, "crop_size": 64}')


SAVED: dict[str, Callable[[Path], object]] = {"vit": saved_vit, "coatnet": partial(coatnets.saved, "coatnet_0_rw")}


@torch.no_grad()
@pytest.mark.parametrize("family", SAVED)
def test_both_matmuls_of_every_block_read_a_marked_edge_on_the_right(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SAVED[family](tmp_path)
    source, target = load_source(tmp_path), TARGETS["executorch"]
    form = form_of(baked_for(source.checkpoint.model, source.spec, target), target, integers=True)
    made, read, bmm = list[tuple[FakeQuant, Tensor]](), list[Tensor](), torch.bmm

    def keep(edge: nn.Module, _inputs: object, output: Tensor) -> None:
        assert isinstance(edge, FakeQuant)
        made.append((edge, output))

    def multiply(left: Tensor, right: Tensor) -> Tensor:
        read.append(right)
        return bmm(left, right)

    for module in form.modules():
        if isinstance(module, FakeQuant):
            module.register_forward_hook(keep)
    monkeypatch.setattr(torch, "bmm", multiply)
    form(torch.zeros(1, 3, *source.checkpoint.input_size))
    marked = {id(output) for edge, output in made if edge.right}
    assert len(read) >= 4
    assert {id(right) for right in read} <= marked
    assert sum(edge.right for edge in form.modules() if isinstance(edge, FakeQuant)) == len(read)
