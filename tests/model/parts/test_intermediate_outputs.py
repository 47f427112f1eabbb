"""Block outputs: named as the model is built, equal in every form, and had without touching what is computed."""

from __future__ import annotations

import copy
from collections import Counter
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from support.forms import FORMS, arranged, baked
from support.nets import MEAN, OF_128S, STD, levit, normalised, pixels
from torch import Tensor, nn

from levit_mobile.model.families.levit.architecture import VARIANTS
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.trained import LeViT
from levit_mobile.model.parts.intermediate_outputs import Tapped, as_tokens, block_paths

NETS = [("levit_128s", 96), ("levit_128", 64), ("levit_192", 96), ("levit_256", 64), ("levit_384", 64)]
EVERY = pytest.mark.parametrize("form", FORMS)


@lru_cache(maxsize=2)
def double(variant: str, side: int) -> tuple[LeViT, LeViT]:
    """A net in float64, trained and baked."""
    model = copy.deepcopy(levit(variant, side=side)).double()
    return model, bake(model, mean=MEAN, std=STD)


@torch.no_grad()
def tapped(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    taps = Tapped(model)
    return dict(zip(taps.names, taps(x), strict=True))


def counted(model: nn.Module, x: Tensor) -> Counter[str]:
    """The ops of an exported module."""
    graph = torch.export.export(model.eval(), (x,), strict=False).graph
    return Counter(str(node.target) for node in graph.nodes if node.op == "call_function")


# Names


def test_the_names_of_128s_in_full() -> None:
    assert " ".join(Tapped(levit()).names) == OF_128S


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_block_of_every_variant_has_its_name(variant: str) -> None:
    with torch.device("meta"):
        names = Tapped(LeViT(variant)).names
    stages = [
        [f"stage{i}.{kind}{j}" for j in range(VARIANTS[variant].depths[i]) for kind in ("attn", "mlp")]
        for i in range(3)
    ]
    shrinks = [[f"shrink{i}.{kind}" for kind in ("attn", "mlp")] for i in range(2)]
    body = [*stages[0], *shrinks[0], *stages[1], *shrinks[1], *stages[2][:-1]]
    assert names == ("logits", "stem", *body, "pooled")


@EVERY
def test_a_form_has_the_names_of_the_trained_model(form: str) -> None:
    assert Tapped(FORMS[form](baked())).names == Tapped(levit()).names


# Outputs


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "side"), NETS)
def test_every_block_of_every_form_gives_what_the_trained_one_gives(variant: str, side: int) -> None:
    trained, deployable = double(variant, side)
    x = pixels(1, side).double()
    expected = {name: as_tokens(value.numpy()) for name, value in tapped(trained, normalised(x)).items()}
    for form, laid_out in FORMS.items():
        for name, value in tapped(laid_out(deployable), arranged(x, form)).items():
            found = as_tokens(value.numpy())
            assert found.shape == expected[name].shape
            assert np.abs(found - expected[name]).max() <= 1e-11 * np.abs(expected[name]).max(), (form, name)


def test_blocks_differ_from_each_other() -> None:
    """The comparison above would pass for taps that all show one place."""
    values = [as_tokens(value.numpy()) for value in tapped(levit(), normalised(pixels(1, 96))).values()]
    for one, other in pairwise(values):
        assert one.shape != other.shape or np.abs(one - other).max() > 0.1


@EVERY
def test_shapes_as_tokens(form: str) -> None:
    found = tapped(FORMS[form](baked()), arranged(pixels(1, 96), form))
    shapes = {name: as_tokens(value.numpy()).shape for name, value in found.items()}
    assert [shapes[name] for name in ("stem", "stage0.mlp1", "shrink0.attn", "stage1.mlp2", "shrink1.attn")] == [
        (36, 128),
        (36, 128),
        (9, 256),
        (9, 256),
        (4, 384),
    ]
    assert (shapes["pooled"], shapes["logits"]) == ((1, 384), (1, 10))


@pytest.mark.slow
@EVERY
def test_tapping_changes_neither_logits_nor_ops(form: str) -> None:
    model, x = FORMS[form](baked()), arranged(pixels(1, 96), form)
    with torch.no_grad():
        assert torch.equal(Tapped(model)(x)[0], model(x))
    assert counted(Tapped(model), x) == counted(model, x)


@EVERY
def test_the_model_is_left_without_hooks(form: str) -> None:
    model = FORMS[form](baked())
    taps = Tapped(model)
    taps(arranged(pixels(1, 96), form))
    with pytest.raises(RuntimeError):
        taps(torch.zeros(1, 5, 96, 96))
    hooks = [(m._forward_hooks, m._forward_pre_hooks) for m in model.modules()]
    assert [found for found in hooks if any(found)] == []


def test_paths_lead_to_the_blocks() -> None:
    paths = block_paths(levit())
    assert (paths["stem"], paths["shrink1.attn"]) == ("stem", "body.shrink1.attn")
    assert levit().get_submodule(paths["stage2.attn3"]) is levit().body.stage2.attn3


# Layouts


def test_tokens_of_a_grid_lie_row_by_row() -> None:
    tokens = np.arange(12.0).reshape(6, 2)  # T C
    grid = tokens.reshape(2, 3, 2).transpose(2, 0, 1)[None]  # 1 C H W
    line = tokens.T[None, :, None]  # 1 C 1 T
    for layout in (tokens[None], grid, line):
        assert as_tokens(layout.astype(np.float16)).tolist() == tokens.tolist()
        assert as_tokens(layout).dtype == np.float64
    assert as_tokens(tokens[:1]).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("shape", [(), (4,), (2, 4), (2, 3, 4), (2, 3, 4, 5), (1, 1, 2, 3, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a block's output has the shape "):
        as_tokens(np.zeros(shape))
