"""The bake and both forms compute what transformers' model computes, and hold nothing that a delegate refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from support.nets import MEAN, STD, normalised, pixels
from support.vits import SIDE, imported, logits, of_transformers
from torch import Tensor, nn

from levit_mobile.model.families.vit import VIT
from levit_mobile.model.families.vit.bake import bake
from levit_mobile.model.families.vit.trained import STREAM_SCALE, ViT
from levit_mobile.model.parts.intermediate_outputs import Tapped, as_tokens
from levit_mobile.model.parts.norms import ConvRms, LinearRms
from levit_mobile.model.parts.roles import role_of, tables_of
from levit_mobile.quantization.equalize import equalize

KINDS = ["vit", "deit", "deit with teacher"]
FORMS: dict[str, Callable[[ViT], nn.Module]] = {
    f"{form} {layout}": build for (form, layout), build in VIT.forms.items()
}
REFUSED = ("as_strided", "layer_norm", "gather", "index", "scatter", "unfold", "expand", "where", "arange", "select")


def arranged(x: Tensor, form: str) -> Tensor:
    return x.permute(0, 2, 3, 1).contiguous() if form.endswith("NHWC") else x


def each(model: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([model(picture[None]) for picture in x])


def relative(expected: Tensor, found: Tensor) -> float:
    assert expected.std(0).mean() > 0.02 * expected.abs().max()  # the logits depend on the picture
    return ((expected - found).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize("act", ["gelu", "gelu_new"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_form_has_the_logits_of_transformers(kind: str, act: str, tmp_path: Path) -> None:
    model, x = of_transformers(kind, hidden_act=act), pixels(3, SIDE)
    expected = logits(model, normalised(x))
    trained = imported(kind, tmp_path, hidden_act=act)
    assert relative(expected, logits(trained, normalised(x))) <= 1e-5
    for pixel_range in (1.0, 255.0):
        baked = bake(trained, mean=MEAN, std=STD, pixel_range=pixel_range)
        assert relative(expected, logits(baked, x * pixel_range)) <= 1e-5
        for name, form in FORMS.items():
            found = each(form(baked).eval(), arranged(x * pixel_range, name))
            assert relative(expected, found) <= 1e-5, name


def test_the_bake_leaves_the_trained_model_as_it_is(tmp_path: Path) -> None:
    trained = imported("deit with teacher", tmp_path)
    before = {key: value.clone() for key, value in trained.state_dict().items()}
    bake(trained, mean=MEAN, std=STD)
    assert all(torch.equal(value, before[key]) for key, value in trained.state_dict().items())
    with pytest.raises(ValueError, match=r"model\.eval"):
        bake(trained.train(), mean=MEAN, std=STD)


def test_a_model_that_is_not_baked_has_no_form(tmp_path: Path) -> None:
    trained = imported("vit", tmp_path)
    for form in FORMS.values():
        with pytest.raises(ValueError, match="bake the model first"):
            form(trained)


@pytest.mark.parametrize("form", FORMS)
def test_no_form_has_an_op_that_a_delegate_refuses_or_a_tensor_above_rank_4(form: str, tmp_path: Path) -> None:
    module = FORMS[form](bake(imported("deit with teacher", tmp_path), mean=MEAN, std=STD)).eval()
    example = arranged(torch.zeros(1, 3, SIDE, SIDE), form)
    calls = [n for n in torch.export.export(module, (example,), strict=False).graph.nodes if n.op == "call_function"]
    assert not [str(node.target) for node in calls if any(name in str(node.target) for name in REFUSED)]
    assert max(node.meta["val"].ndim for node in calls if isinstance(node.meta["val"], Tensor)) <= 4


@pytest.mark.parametrize("form", FORMS)
def test_blocks_give_what_the_trained_models_do_up_to_what_norms_take_off(form: str, tmp_path: Path) -> None:
    trained = imported("deit with teacher", tmp_path)
    module = Tapped(FORMS[form](bake(trained, mean=MEAN, std=STD)).eval())
    x, reference = pixels(1, SIDE), Tapped(trained)
    with torch.no_grad():
        expected, found = reference(normalised(x)), module(arranged(x, form))
    assert reference.names == module.names == ("logits", "stem", "block0.attn", "block0.mlp", "block1.attn",
                                               "block1.mlp", "pooled")  # fmt: skip
    for name, one, other in zip(module.names, expected, found, strict=True):
        a, b = as_tokens(one.numpy()), as_tokens(other.numpy())
        assert abs(a - b).max() <= 1e-5 * abs(a).max(), name


def test_a_norms_mean_and_the_positions_are_kept_out_of_integers(tmp_path: Path) -> None:
    baked = bake(imported("deit with teacher", tmp_path), mean=MEAN, std=STD)
    for name, form in FORMS.items():
        module = form(baked)
        means = [each.mean for each in module.modules() if isinstance(each, LinearRms | ConvRms)]
        assert len(means) == (0 if name.endswith("NHWC") else 7)
        assert {role_of(each) for each in means} <= {"norm"}
        assert not list(tables_of(module))
        roles = [role_of(layer) for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
        assert (roles.count("stem"), roles.count("head"), roles.count("projection")) == (1, 1, 18)


def test_a_large_channel_of_the_stream_stays_within_float16_when_it_is_squared(tmp_path: Path) -> None:
    trained = imported("vit", tmp_path)
    trained.stem.position.data[:, :, 5] = 3000.0
    baked = bake(trained, mean=MEAN, std=STD)
    stream = baked.stem(pixels(1, SIDE))
    assert stream.square().max() < torch.finfo(torch.float16).max < (stream / STREAM_SCALE).square().max()


def test_queries_are_balanced_against_keys(tmp_path: Path) -> None:
    baked = bake(imported("deit", tmp_path), mean=MEAN, std=STD)
    x = pixels(2, SIDE)
    balanced, scales = equalize(baked, [x])
    assert not scales
    assert not torch.equal(balanced.get_submodule("body.block0.attn.q").weight, baked.body[0].attn.q.weight)
    assert relative(logits(baked, x), logits(balanced, x)) <= 1e-5


def test_wrong_sides_and_heads_are_refused() -> None:
    build = partial(ViT, "deit_tiny_patch16_224")
    with pytest.raises(ValueError, match="100 px, expected a positive multiple of 16"):
        build(side=100)
    with pytest.raises(ValueError, match="distillation token"):
        build(distillation=True)
    with pytest.raises(ValueError, match=r"unknown ViT variant 'vit'.*vit_tiny"):
        ViT("vit")
