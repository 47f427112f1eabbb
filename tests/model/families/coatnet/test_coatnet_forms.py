"""The imported net, the bake and both forms compute what timm's model computes, with ops that delegates take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.coatnets import NAMES, SIDE, in_float64, of_timm, relative, saved
from support.nets import logits_of, pixels
from torch import Tensor, fx, nn

from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.fake_quant import QParams, fake_quants_of
from levit_mobile.model.families.coatnet import COATNET
from levit_mobile.model.families.coatnet.bake import bake
from levit_mobile.model.families.coatnet.trained import CoAtNet
from levit_mobile.model.parts.intermediate_outputs import Tapped, as_tokens
from levit_mobile.model.parts.roles import role_of, tables_of
from levit_mobile.quantization.apply import integer_layers
from levit_mobile.quantization.equalize import equalize
from levit_mobile.quantization.statistics import layers_of

FORMS: dict[str, Callable[[CoAtNet], nn.Module]] = {
    f"{form} {layout}": build for (form, layout), build in COATNET.forms.items()
}
REFUSED = ("as_strided", "layer_norm", "batch_norm", "gather", "index", "scatter", "unfold", "expand", "where")


def arranged(x: Tensor, form: str) -> Tensor:
    return x.permute(0, 2, 3, 1).contiguous() if form.endswith("NHWC") else x


def normalised(x: Tensor, checkpoint: Checkpoint) -> Tensor:
    spec = checkpoint.spec
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (spec.unit_mean, spec.unit_std))
    return (x - mean) / std


def baked_of(checkpoint: Checkpoint, pixel_range: float = 1.0) -> CoAtNet:
    spec, model = checkpoint.spec, checkpoint.model
    assert isinstance(model, CoAtNet)
    return bake(model, mean=spec.unit_mean, std=spec.unit_std, pixel_range=pixel_range)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_has_the_logits_of_timm(name: str, tmp_path: Path) -> None:
    checkpoint, x = load_checkpoint(saved(name, tmp_path)), pixels(3, SIDE)
    expected = in_float64(of_timm(name), normalised(x, checkpoint))
    assert relative(expected, logits_of(checkpoint.model, normalised(x, checkpoint))) <= 1e-5
    for pixel_range in (1.0, 255.0):
        baked = baked_of(checkpoint, pixel_range)
        assert relative(expected, logits_of(baked, x * pixel_range)) <= 1e-5
        for form, build in FORMS.items():
            found = logits_of(build(baked).eval(), arranged(x * pixel_range, form))
            assert relative(expected, found) <= 1e-5, form


def test_a_rectangle_has_the_logits_of_timm(tmp_path: Path) -> None:
    model = of_timm("coatnet_0_rw", side=(96, 64))  # type: ignore[arg-type]
    saved("coatnet_0_rw", tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    checkpoint, x = load_checkpoint(tmp_path, side=(96, 64)), pixels(3, 96)[..., :64]
    expected = in_float64(model, normalised(x, checkpoint))
    assert relative(expected, logits_of(checkpoint.model, normalised(x, checkpoint))) <= 1e-5
    for form, build in FORMS.items():
        assert relative(expected, logits_of(build(baked_of(checkpoint)).eval(), arranged(x, form))) <= 1e-5, form


def test_a_norm_with_a_gain_of_zero_is_folded_through_its_gate(tmp_path: Path) -> None:
    """The gate reads the channel all the same."""
    checkpoint, x = load_checkpoint(saved("coatnet_0_rw", tmp_path)), pixels(3, SIDE)
    with torch.no_grad():
        checkpoint.model.get_parameter("body.stage1.block0.depthwise_norm.weight")[:9] = 0
    expected = in_float64(checkpoint.model, normalised(x, checkpoint))
    assert relative(expected, logits_of(baked_of(checkpoint), x)) <= 1e-5


def test_the_bake_leaves_the_trained_model_as_it_is(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(saved("coatnet_nano_rw", tmp_path))
    before = {key: value.clone() for key, value in checkpoint.model.state_dict().items()}
    baked_of(checkpoint)
    assert all(torch.equal(value, before[key]) for key, value in checkpoint.model.state_dict().items())
    checkpoint.model.train()
    with pytest.raises(ValueError, match=r"model\.eval"):
        baked_of(checkpoint)


def test_a_model_that_is_not_baked_has_no_form(tmp_path: Path) -> None:
    model = load_checkpoint(saved("coatnet_0_rw", tmp_path)).model
    for build in FORMS.values():
        with pytest.raises(ValueError, match="bake the model first"):
            build(model)  # type: ignore[arg-type]


def graph_of(form: str, folder: Path) -> fx.Graph:
    module = FORMS[form](baked_of(load_checkpoint(saved("coatnet_0_rw", folder)))).eval()
    return torch.export.export(module, (arranged(torch.zeros(1, 3, SIDE, SIDE), form),), strict=False).graph


@pytest.mark.parametrize("form", FORMS)
def test_no_form_has_an_op_that_a_delegate_refuses_or_a_tensor_above_rank_4(form: str, tmp_path: Path) -> None:
    calls = [node for node in graph_of(form, tmp_path).nodes if node.op == "call_function"]
    assert not [str(node.target) for node in calls if any(name in str(node.target) for name in REFUSED)]
    assert max(node.meta["val"].ndim for node in calls if isinstance(node.meta["val"], Tensor)) <= 4


@pytest.mark.parametrize("form", FORMS)
def test_means_over_cells_have_their_stride_and_do_not_count_padding(form: str, tmp_path: Path) -> None:
    """XNNPACK's reader in ExecuTorch 1.4.1 fails without the first and refuses the second."""
    pools = [node for node in graph_of(form, tmp_path).nodes if "avg_pool2d" in str(node.target)]
    assert len(pools) == 8  # two in each stage
    assert all(node.args[1] == node.args[2] == [2, 2] and node.args[5] is False for node in pools)


@pytest.mark.parametrize("form", FORMS)
def test_blocks_give_what_the_trained_models_do(form: str, tmp_path: Path) -> None:
    checkpoint, x = load_checkpoint(saved("coatnet_2_rw", tmp_path)), pixels(1, SIDE)
    reference, module = Tapped(checkpoint.model), Tapped(FORMS[form](baked_of(checkpoint)).eval())
    assert reference.names == module.names
    with torch.no_grad():
        expected, found = reference(normalised(x, checkpoint)), module(arranged(x, form))
    for name, one, two in zip(reference.names, expected, found, strict=True):
        ours, theirs = as_tokens(two.numpy()), as_tokens(one.numpy())
        assert abs(ours - theirs).max() <= 2e-5 * abs(theirs).max(), name


@pytest.mark.parametrize("form", ["token_major NCHW", "channels_first NCHW"])
def test_norms_are_declared_as_such_and_position_biases_as_tables(form: str, tmp_path: Path) -> None:
    module = FORMS[form](baked_of(load_checkpoint(saved("coatnet_0_rw", tmp_path)))).eval()
    roles = {name: role_of(layer) for name, layer in layers_of(module).items()}
    assert {name for name, role in roles.items() if role == "stem"} == {"stem.conv0", "stem.conv1"}
    assert [name for name, role in roles.items() if role == "head"] == ["head"]
    means = [name for name, role in roles.items() if role == "norm"]
    assert len(means) == 2 * (2 * 4 + 1) + 3  # mean and variance of nine layer norms; three affine maps
    assert len(list(tables_of(module))) == 4


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_every_convolution_and_linear_between_gates_and_norms_can_be_int8(form: str, name: str, tmp_path: Path) -> None:
    module = FORMS[form](baked_of(load_checkpoint(saved(name, tmp_path)))).eval()
    for edge in fake_quants_of(module).values():
        edge.grid = QParams(0.1, 0)
    found = integer_layers(module, arranged(pixels(1, SIDE), form))
    left = {path for path in layers_of(module) if path not in found}
    assert all(".share." in path or role_of(layers_of(module)[path]) == "norm" for path in left)


def test_balanced_queries_keep_the_logits(tmp_path: Path) -> None:
    checkpoint, x = load_checkpoint(saved("coatnet_0_rw", tmp_path)), pixels(3, SIDE)
    baked = baked_of(checkpoint)
    balanced, scales = equalize(baked, [x])
    assert scales == {}
    assert any(not torch.equal(one, two) for one, two in zip(baked.parameters(), balanced.parameters(), strict=True))
    assert relative(logits_of(baked, x), logits_of(balanced, x)) <= 1e-5
