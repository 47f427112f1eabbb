"""A graft computes what transformers' ResNet and DeiT compute one behind the other, and its files say its sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.coatnets import CLASSES, SIDE, Parts, graft_parts, graft_state, in_float64, relative
from support.nets import MEAN, STD, logits_of, normalised, pixels
from support.refusals import refused
from torch import Tensor, nn

from levit_mobile.errors import CheckpointError
from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.fake_quant import QParams, ReluConv, fake_quants_of
from levit_mobile.model.families.graft import GRAFT
from levit_mobile.model.families.graft.architecture import VARIANTS
from levit_mobile.model.families.graft.bake import bake
from levit_mobile.model.families.graft.trained import Graft
from levit_mobile.model.parts.counts import count_parameters
from levit_mobile.model.parts.intermediate_outputs import Tapped, as_tokens
from levit_mobile.model.parts.roles import role_of
from levit_mobile.quantization.apply import integer_layers
from levit_mobile.quantization.statistics import layers_of

FORMS: dict[str, Callable[[Graft], nn.Module]] = {
    f"{form} {layout}": build for (form, layout), build in GRAFT.forms.items()
}


def arranged(x: Tensor, form: str) -> Tensor:
    return x.permute(0, 2, 3, 1).contiguous() if form.endswith("NHWC") else x


def imported(stages: int, folder: Path) -> Checkpoint:
    torch.save(graft_state(graft_parts(stages)), folder / "weights.pth")
    return load_checkpoint(folder / "weights.pth")


def baked_of(checkpoint: Checkpoint, pixel_range: float = 1.0) -> Graft:
    assert isinstance(checkpoint.model, Graft)
    return bake(checkpoint.model, mean=MEAN, std=STD, pixel_range=pixel_range)


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_every_form_has_the_logits_of_transformers_parts(stages: int, tmp_path: Path) -> None:
    checkpoint, x = imported(stages, tmp_path), pixels(3, SIDE)
    expected = in_float64(graft_parts(stages), normalised(x))
    assert relative(expected, logits_of(checkpoint.model, normalised(x))) <= 1e-5
    for pixel_range in (1.0, 255.0):
        baked = baked_of(checkpoint, pixel_range)
        assert relative(expected, logits_of(baked, x * pixel_range)) <= 1e-5
        for form, build in FORMS.items():
            found = logits_of(build(baked).eval(), arranged(x * pixel_range, form))
            assert relative(expected, found) <= 1e-5, form


def test_a_checkpoint_says_all_sizes(tmp_path: Path) -> None:
    found = imported(2, tmp_path)
    assert (found.variant, found.family, found.classes, found.input_size) == ("graft", "graft", CLASSES, (SIDE, SIDE))
    assert found.distillation
    assert found.sizes == {
        "stem": 32, "channels": (128, 256), "depths": (1, 2), "width": 128, "heads": 2, "blocks": 3,
    }  # fmt: skip
    assert (found.spec.mean, found.spec.height, found.doubt) == (MEAN, 73, "")


def test_a_named_graft_is_found_by_its_sizes(tmp_path: Path) -> None:
    net = Graft("resnet50_1_deit_small_3", classes=3, side=32)
    torch.save({"model": net.state_dict()}, tmp_path / "weights.pth")
    assert load_checkpoint(tmp_path / "weights.pth").variant == "resnet50_1_deit_small_3"
    with refused(CheckpointError, "checkpoint.variant", "resnet50_1_deit_small_3", "resnet50_2_deit_small_6"):
        load_checkpoint(tmp_path / "weights.pth", variant="resnet50_2_deit_small_6")


def test_the_tables_rows_are_one_to_three_stages_under_three_to_eleven_blocks() -> None:
    assert len(VARIANTS) == 3 * 9
    grids = {name: architecture.pool for name, architecture in VARIANTS.items()}
    assert {grids[f"resnet50_{stages}_deit_small_6"] for stages in (1, 2, 3)} == {4, 2, 1}
    with torch.device("meta"):
        net, parts = Graft("resnet50_2_deit_small_6", classes=CLASSES), Parts(VARIANTS["resnet50_2_deit_small_6"], 224)
    assert count_parameters(net) == count_parameters(parts)


def test_what_is_not_a_whole_graft_is_refused(tmp_path: Path) -> None:
    state = graft_state(graft_parts(2))
    for lost, code, fact in (
        ("tail.head.", "missing-keys", "tail.head.weight"),
        ("trunk.stage0.block0.conv1", "missing-keys", "trunk.stage0.block0.conv1.weight"),
    ):
        torch.save({k: t for k, t in state.items() if not k.startswith(lost)}, tmp_path / "weights.pth")
        with refused(CheckpointError, f"checkpoint.{code}", fact):
            load_checkpoint(tmp_path / "weights.pth")
    torch.save(state, tmp_path / "weights.pth")
    with refused(CheckpointError, "checkpoint.variant", "16 cells", "--side"):
        load_checkpoint(tmp_path / "weights.pth", side=96)


def test_the_bake_leaves_the_trained_model_as_it_is(tmp_path: Path) -> None:
    checkpoint = imported(1, tmp_path)
    before = {key: value.clone() for key, value in checkpoint.model.state_dict().items()}
    baked_of(checkpoint)
    assert all(torch.equal(value, before[key]) for key, value in checkpoint.model.state_dict().items())
    for build in FORMS.values():
        with pytest.raises(ValueError, match="bake the model first"):
            build(checkpoint.model)  # type: ignore[arg-type]
    checkpoint.model.train()
    with pytest.raises(ValueError, match=r"model\.eval"):
        baked_of(checkpoint)


@pytest.mark.parametrize("form", FORMS)
def test_pools_have_no_padding_and_their_stride(form: str, tmp_path: Path) -> None:
    """TFLite pads a max pool with an op outside of XNNPACK; ExecuTorch's XNNPACK wants a mean's stride in the call."""
    module = FORMS[form](baked_of(imported(2, tmp_path))).eval()
    graph = torch.export.export(module, (arranged(torch.zeros(1, 3, SIDE, SIDE), form),), strict=False).graph
    calls = [node for node in graph.nodes if node.op == "call_function"]
    (most,) = [node for node in calls if "max_pool2d" in str(node.target)]
    assert list(most.args[1:3]) == [[3, 3], [2, 2]]
    assert not any(most.args[3:])
    (mean,) = [node for node in calls if "avg_pool2d" in str(node.target)]
    assert mean.args[1] == mean.args[2] == [2, 2]
    assert mean.args[5] is False


@pytest.mark.parametrize("form", FORMS)
def test_blocks_give_what_the_trained_models_do(form: str, tmp_path: Path) -> None:
    checkpoint, x = imported(2, tmp_path), pixels(1, SIDE)
    reference, module = Tapped(checkpoint.model), Tapped(FORMS[form](baked_of(checkpoint)).eval())
    assert reference.names == module.names
    assert reference.names[1:6] == ("stem", "stage0.block0", "stage1.block0", "stage1.block1", "embed")
    with torch.no_grad():
        expected, found = reference(normalised(x)), module(arranged(x, form))
    for name, one, two in zip(reference.names[:-1], expected, found, strict=False):
        ours, theirs = as_tokens(two.numpy()), as_tokens(one.numpy())
        assert abs(ours - theirs).max() <= 2e-5 * abs(theirs).max(), name


def test_only_the_first_convolution_is_the_stem(tmp_path: Path) -> None:
    """A convolution of 3x3 inside a bottleneck is a projection: most of the weights are there."""
    module = FORMS["channels_first NCHW"](baked_of(imported(2, tmp_path)))
    roles = {name: role_of(layer) for name, layer in layers_of(module).items()}
    assert [name for name, role in roles.items() if role == "stem"] == ["stem.conv"]
    assert [name for name, role in roles.items() if role == "head"] == ["head"]
    assert roles["body.stage1.block1.conv1"] == roles["body.embed.tokens.embed"] == "projection"


@pytest.mark.parametrize("form", FORMS)
def test_every_layer_but_those_of_norms_can_be_int8(form: str, tmp_path: Path) -> None:
    module = FORMS[form](baked_of(imported(2, tmp_path))).eval()
    for edge in fake_quants_of(module).values():
        edge.grid = QParams(0.1, 0)
    found = integer_layers(module, arranged(pixels(1, SIDE), form))
    assert {path for path in layers_of(module) if path not in found} == {
        path for path, layer in layers_of(module).items() if role_of(layer) == "norm"
    }
    assert any(isinstance(layer, ReluConv) for layer in found.values())
