"""What a form declares is there for every layer and table of every family, and survives a copy."""

from __future__ import annotations

import copy

import pytest
import torch
from support.forms import FORMS, baked
from torch import nn

from levit_mobile.model.fake_quant import fake_quants_of
from levit_mobile.model.parts.intermediate_outputs import blocks_of
from levit_mobile.model.parts.roles import ROLE, add_table, role_of, tables_of, with_role
from levit_mobile.quantization.statistics import layers_of

SIDE = 64


@pytest.mark.parametrize("form", FORMS)
def test_every_layer_of_a_form_has_a_role(form: str) -> None:
    net = copy.deepcopy(FORMS[form](baked(side=SIDE)))
    assert all(ROLE in vars(layer) for layer in layers_of(net).values())
    roles = {name: role_of(layer) for name, layer in layers_of(net).items()}
    assert [name for name, role in roles.items() if role == "head"] == ["head"]
    assert {name for name, role in roles.items() if role == "stem"} == {n for n in roles if n.startswith("stem.")}
    assert set(roles.values()) == {"stem", "projection", "head"}


@pytest.mark.parametrize("form", FORMS)
def test_every_attention_block_has_a_table_and_nothing_else_has(form: str) -> None:
    net = FORMS[form](baked(side=SIDE))
    attention = [name for name in blocks_of(net) if ".attn" in name]
    tables = list(tables_of(net))
    assert len(tables) == len(attention) == 2 + 3 + 4 + 2
    assert {name for _, name in tables} == {"bias"}
    assert all(module.get_buffer(name).ndim in (3, 4) for module, name in tables)


@pytest.mark.parametrize("form", FORMS)
def test_blocks_are_the_trained_models_and_lie_where_they_say(form: str) -> None:
    net = FORMS[form](baked(side=SIDE))
    assert blocks_of(net) == blocks_of(baked(side=SIDE))
    assert all(net.get_submodule(path) is not net for path in blocks_of(net).values())


@pytest.mark.parametrize(("form", "pixels"), [("tokens NCHW", ["stem.pixels"]), ("channels", [])])
def test_pixels_are_the_first_edge_of_the_forms_that_quantize_them(form: str, pixels: list[str]) -> None:
    edges = fake_quants_of(FORMS[form](baked(side=SIDE)))
    assert [name for name, edge in edges.items() if edge.pixels] == pixels


def test_a_layer_without_a_role_is_a_projection_and_a_role_stays_in_a_copy() -> None:
    layer = nn.Linear(2, 2)
    assert role_of(layer) == "projection"
    assert role_of(copy.deepcopy(with_role(layer, "norm"))) == "norm"


def test_a_table_is_a_buffer_and_others_are_none() -> None:
    module = nn.Module()
    module.register_buffer("position", torch.zeros(1, 4, 8))
    add_table(module, "bias", torch.ones(2, 4, 4))
    assert list(tables_of(nn.Sequential(module))) == [(module, "bias")]
    assert module.get_buffer("bias").sum() == 32
