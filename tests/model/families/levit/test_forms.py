"""Both deployable forms compute what the unbaked model computes, and hold nothing that a delegate refuses."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from support.forms import FORMS, arranged, baked
from support.nets import MEAN, STD, levit, logits_of, normalised, pixels, relative_error
from torch import Tensor, fx, nn

from levit_mobile.model.fake_quant import QParams, fake_quants_of
from levit_mobile.model.families.levit.bake import (
    bake,
    embed_normalisation,
    fold_batch_norms,
    freeze_attention_biases,
    merge_heads,
)
from levit_mobile.model.families.levit.channels import ChannelsFirst
from levit_mobile.model.families.levit.trained import LeViT
from levit_mobile.model.parts.rows import regroup
from levit_mobile.quantization.apply import integer_layers
from levit_mobile.quantization.statistics import layers_of

NETS = [
    ("levit_128s", 224),
    ("levit_128s", 256),
    ("levit_128s", 288),
    ("levit_128", 112),
    ("levit_192", 96),
    ("levit_256", 112),
    ("levit_384", 80),
]
REFUSED = ("as_strided", "batch_norm", "gather", "index", "scatter", "unfold")
MAX_RANK = 4


def exported(form: str, model: LeViT) -> fx.Graph:
    example = arranged(torch.zeros(1, 3, *model.size), form)
    return torch.export.export(FORMS[form](model).eval(), (example,), strict=False).graph


def refused(graph: fx.Graph) -> list[str]:
    """Ops that no delegate takes: by name, and slices that skip."""
    calls = [node for node in graph.nodes if node.op == "call_function"]
    skipping = [node for node in calls if "slice" in str(node.target) and len(node.args) > 4 and node.args[4] != 1]
    return [str(node.target) for node in calls if any(name in str(node.target) for name in REFUSED)] + [
        f"{node.target} with step {node.args[4]}" for node in skipping
    ]


def shapes(graph: fx.Graph) -> Iterator[torch.Size]:
    for node in graph.nodes:
        value = node.meta.get("val")
        for tensor in value if isinstance(value, list | tuple) else [value]:
            if isinstance(tensor, Tensor):
                yield tensor.shape


# Same logits


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "side"), NETS)
def test_every_form_of_every_variant(variant: str, side: int) -> None:
    x = pixels(3, side)
    expected = logits_of(levit(variant, side=side), normalised(x))
    for name, form in FORMS.items():
        found = logits_of(form(baked(variant, side)), arranged(x, name))
        assert relative_error(expected, found) <= 1e-5, name


@pytest.mark.parametrize("form", FORMS)
def test_a_model_with_one_head(form: str) -> None:
    x = pixels(3, 96)
    expected = logits_of(levit(heads=1), normalised(x))
    assert relative_error(expected, logits_of(FORMS[form](baked(heads=1)), arranged(x, form))) <= 1e-5


@pytest.mark.parametrize("form", FORMS)
def test_an_embedded_range_of_255(form: str) -> None:
    x = pixels(3, 96)
    model = bake(levit(), mean=MEAN, std=STD, pixel_range=255)
    found = logits_of(FORMS[form](model), arranged(x * 255, form))
    assert relative_error(logits_of(levit(), normalised(x)), found) <= 1e-5


def test_regrouped_rows_lie_by_role_then_by_head() -> None:
    joint = nn.Linear(1, 8)
    joint.weight.data, joint.bias.data = torch.arange(8.0)[:, None], torch.arange(8.0)
    parts = regroup(joint, heads=2, sizes=(1, 1, 2))  # head 0: q 0, k 1, v 2 3; head 1: q 4, k 5, v 6 7
    assert [weight.flatten().tolist() for weight, _ in parts] == [[0, 4], [1, 5], [2, 3, 6, 7]]
    assert [bias.tolist() for _, bias in parts] == [[0, 4], [1, 5], [2, 3, 6, 7]]


# What a delegate sees


@pytest.mark.slow
@pytest.mark.parametrize("side", [96, 144])
@pytest.mark.parametrize("form", FORMS)
def test_the_graph_holds_nothing_that_a_delegate_refuses(form: str, side: int) -> None:
    graph = exported(form, baked(side=side))
    assert refused(graph) == []
    ranks = [len(shape) for shape in shapes(graph)]
    assert len(ranks) > 200
    assert max(ranks) <= MAX_RANK


@pytest.mark.parametrize("form", FORMS)
def test_every_matmul_of_tokens_is_of_rank_3(form: str) -> None:
    calls = [node for node in exported(form, baked()).nodes if node.op == "call_function"]
    targets = {str(node.target) for node in calls}
    assert ("aten.bmm.default" in targets) == form.startswith("tokens")
    assert ("aten.matmul.default" in targets) == (form == "channels")
    assert ("aten.linear.default" in targets) == form.startswith("tokens")


def test_the_trained_form_is_refused_for_what_the_rewrites_remove() -> None:
    graph = torch.export.export(levit(), (torch.zeros(1, 3, 96, 96),), strict=False).graph
    found = " ".join(refused(graph))
    for construct in ("batch_norm", "index", "slice.Tensor with step 2"):
        assert construct in found


@pytest.mark.parametrize("form", FORMS)
def test_every_projection_lies_between_edges(form: str) -> None:
    made = FORMS[form](baked()).eval()
    for edge in fake_quants_of(made).values():
        edge.grid = QParams(1 / 16, 0)
    picture = arranged(torch.zeros(1, 3, 96, 96), form)
    assert integer_layers(made, picture).keys() == layers_of(made).keys()


# Refusals


def all_but_the_scale(model: LeViT) -> LeViT:
    return merge_heads(freeze_attention_biases(fold_batch_norms(model)))


NOT_BAKED: dict[str, Callable[[LeViT], LeViT]] = {
    "trained": copy.deepcopy,
    "norms folded": fold_batch_norms,
    "biases frozen": freeze_attention_biases,
    "scale not folded": all_but_the_scale,
    "normalisation embedded, heads apart": lambda model: embed_normalisation(
        freeze_attention_biases(fold_batch_norms(model)), mean=MEAN, std=STD
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("state", NOT_BAKED)
def test_a_model_that_is_not_baked_is_refused(form: str, state: str) -> None:
    with pytest.raises(ValueError, match="bake the model first"):
        FORMS[form](NOT_BAKED[state](levit()))


def test_two_heads_are_refused_even_when_all_else_is_done() -> None:
    model = copy.deepcopy(baked())
    model.head_dist = copy.deepcopy(model.head)
    with pytest.raises(ValueError, match="two heads: bake the model first"):
        ChannelsFirst(model)


@pytest.mark.parametrize("path", ["stage0.attn0", "shrink1.attn", "stage2.attn3"])
def test_scores_that_a_single_block_still_scales_are_refused(path: str) -> None:
    model = copy.deepcopy(baked())
    block = model.body.get_submodule(path)
    assert block.scale == 1
    block.scale = 0.25  # type: ignore[assignment]
    with pytest.raises(ValueError, match="still scaled: bake the model first"):
        ChannelsFirst(model)


# Independence


@pytest.mark.parametrize("form", FORMS)
def test_a_form_in_float16_leaves_the_model_and_other_forms_alone(form: str) -> None:
    model, x = baked(), pixels(2, 96)
    other = FORMS[form](model)
    before, stem = logits_of(model, x), {tensor.data_ptr() for tensor in model.stem.state_dict().values()}
    half = FORMS[form](model).half()
    assert {tensor.dtype for tensor in half.state_dict().values()} == {torch.float16}
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float32}
    assert torch.equal(logits_of(model, x), before)
    assert logits_of(other, arranged(x, form)).dtype == torch.float32
    assert not stem & {tensor.data_ptr() for tensor in other.stem.state_dict().values()}


@pytest.mark.parametrize("form", FORMS)
def test_blocks_keep_their_names(form: str) -> None:
    names = [name for name, _ in baked().body.named_modules() if name.count(".") == 1]
    laid_out = dict(FORMS[form](baked()).body.named_modules())
    assert [name for name in names if name not in laid_out] == []
