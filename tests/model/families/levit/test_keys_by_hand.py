"""What names and shapes alone say of a LeViT, in each layout, without a weight."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.checkpoints import with_depths
from support.refusals import refused

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families import recognised
from levit_mobile.model.families.family import their_key
from levit_mobile.model.families.levit import sizes
from levit_mobile.model.families.levit.architecture import OTHER, VARIANTS, Architecture
from levit_mobile.model.families.levit.keys import LAYOUTS, detect_layout, names_in, our_names
from levit_mobile.model.families.levit.sizes import match_variant, read_sizes
from levit_mobile.model.families.levit.trained import LeViT

SMALL = VARIANTS["levit_128s"]
Shapes = dict[str, tuple[int, ...]]


def shapes_of(
    architecture: Architecture, layout: str, *, classes: int = 7, side: int = 224, second: bool = True
) -> Shapes:
    """All shapes of a LeViT, in the reverse order of the body."""
    with torch.device("meta"):
        model = LeViT(architecture, classes=classes, side=side, distillation=second)
    names = names_in(layout, architecture)
    found = {their_key(key, names): tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    return dict(reversed(found.items()))


def without(shapes: Shapes, *parts: str) -> Shapes:
    return {key: shape for key, shape in shapes.items() if not any(part in key for part in parts)}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", VARIANTS)
def test_sizes_are_read_in_every_layout(name: str, layout: str) -> None:
    found = read_sizes(shapes_of(VARIANTS[name], layout), layout)
    assert found.architecture == VARIANTS[name]
    assert (found.classes, found.size, found.distillation) == (7, (224, 224), True)
    assert match_variant(found, None) == match_variant(found, name) == name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_head_is_no_distillation_and_a_grid_of_4_is_64_px(layout: str) -> None:
    found = read_sizes(shapes_of(SMALL, layout, second=False, side=64), layout)
    assert (found.distillation, found.size) == (False, (64, 64))


@pytest.mark.parametrize(
    ("parts", "facts"),
    [
        (["attention_biases"], ["11 keys", "stages.0.blocks.0.attn.attention_biases"]),
        (["stages.1.downsample.attn_downsample.q"], ["1 key is", "stages.1.downsample.attn_downsample.q.ln.linear"]),
        (["stem.conv2"], ["1 key is", "stem.conv2.linear.weight"]),
        (["stages.1.blocks"], ["2 0 4 attention blocks", "hold 6"]),
        ([".attn."], ["no attention block"]),
    ],
)
def test_sizes_that_nothing_states(parts: list[str], facts: list[str]) -> None:
    with refused(CheckpointError, "checkpoint.missing-keys", *facts):
        read_sizes(without(shapes_of(SMALL, "timm"), *parts), "timm")


def test_attention_without_an_mlp_behind_it() -> None:
    with refused(CheckpointError, "checkpoint.other-levit", "mlp_ratio 0"):
        read_sizes(without(shapes_of(SMALL, "timm"), ".mlp."), "timm")
    shapes = shapes_of(SMALL, "official")
    shapes["blocks.1.m.qkv.c.weight"] = shapes["blocks.0.m.qkv.c.weight"]
    with refused(CheckpointError, "checkpoint.other-levit", "mlp_ratio 0"):
        read_sizes(shapes, "official")


def test_a_number_beyond_all_tensors_is_no_depth() -> None:
    shapes = shapes_of(SMALL, "timm")
    for key in ("stages.2.blocks.999999.attn.qkv.linear.weight", "stages.999999.blocks.0.attn.qkv.linear.weight"):
        with refused(CheckpointError, "checkpoint.missing-keys", "attention blocks by their numbers"):
            read_sizes({**shapes, key: (1536, 384)}, "timm")
    with refused(CheckpointError, "checkpoint.other-levit", "99999 convolutions", "6 at most"):
        read_sizes({**shapes, "stem.conv99999.linear.weight": (8, 8, 3, 3)}, "timm")


def test_one_table_is_enough_to_know_a_stages_heads() -> None:
    found = read_sizes(without(shapes_of(SMALL, "timm"), "stages.0.blocks.0.attn.attention_biases"), "timm")
    assert (found.architecture.heads, found.size) == (SMALL.heads, (224, 224))


def test_an_odd_tensor_is_outvoted_by_those_of_its_stage() -> None:
    shapes = shapes_of(SMALL, "timm")
    for key in ("attn.qkv.linear.weight", "attn.proj.ln.linear.weight", "mlp.ln1.linear.weight"):
        assert read_sizes({**shapes, f"stages.2.blocks.1.{key}": (5, 7)}, "timm").architecture == SMALL


def test_a_table_of_no_square_and_a_head_of_no_matrix_are_refused() -> None:
    shapes = shapes_of(SMALL, "timm")
    for blocks in range(2):
        shapes[f"stages.0.blocks.{blocks}.attn.attention_biases"] = (4, 195)
    with refused(CheckpointError, "checkpoint.other-levit", "195 49 16 entries", "multiples of 16 px"):
        read_sizes(shapes, "timm")
    with refused(CheckpointError, "checkpoint.missing-keys", "head.linear.weight", "[classes, width]"):
        read_sizes({**shapes_of(SMALL, "timm"), "head.linear.weight": (7,)}, "timm")


def test_a_stem_of_other_convolutions() -> None:
    shapes = shapes_of(SMALL, "timm")
    with refused(CheckpointError, "checkpoint.other-levit", "[16, 3, 5, 5]", "3x3 with stride 2"):
        read_sizes({**shapes, "stem.conv1.linear.weight": (16, 3, 5, 5)}, "timm")
    with refused(CheckpointError, "checkpoint.shape", "stem.conv3.linear.weight", "64 output channels", "128"):
        read_sizes(without(shapes, "stem.conv4"), "timm")


def test_a_name_is_for_its_own_sizes_alone() -> None:
    sizes = read_sizes(shapes_of(SMALL, "timm"), "timm")
    shrink = replace(SMALL.shrinks[0], value_dim=32)
    others = [with_depths(SMALL, (2, 3, 5)), replace(SMALL, shrinks=(shrink, SMALL.shrinks[1])),
              replace(SMALL, stem=(32, 64, 128))]  # fmt: skip
    for other in others:
        assert match_variant(replace(sizes, architecture=other), None) == OTHER
        with refused(CheckpointError, "checkpoint.variant", "LeViT of widths 128 256 384", "expected levit_128s"):
            match_variant(replace(sizes, architecture=other), "levit_128s")
    with refused(CheckpointError, "checkpoint.variant", "levit_128s", "expected levit_384"):
        match_variant(sizes, "levit_384")


# Layouts


def keys_of(layout: str) -> list[str]:
    return [f"{name}.weight" for name in our_names(layout, SMALL.depths).values() if "attention" not in name]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_known_by_its_keys(layout: str) -> None:
    assert detect_layout(keys_of(layout)) == layout


def test_half_of_the_keys_are_enough_beside_those_of_something_else() -> None:
    ours = keys_of("timm")[:10]
    fused = "patch_embed.0.bias"
    assert detect_layout([*ours, fused, *map(str, range(9))]) == "timm"
    with refused(CheckpointError, "checkpoint.not-levit", "batch norms were already fused"):
        detect_layout([*ours, fused, *map(str, range(10))])
    assert detect_layout([*ours, *map(str, range(99))]) == "timm"


def test_no_key_at_all_is_another_net_with_three_of_its_keys() -> None:
    assert detect_layout(["d.weight", "b.weight", "a.weight", "c.weight"]) is None
    with refused(CheckpointError, "checkpoint.not-levit", "none of the 4 keys", "a.weight, b.weight, c.weight)"):
        recognised(["d.weight", "b.weight", "a.weight", "c.weight"])


def test_the_stem_and_the_body_are_numbered_as_each_layout_does() -> None:
    official, timm, hub = (our_names(name, SMALL.depths) for name in ("official", "timm", "transformers"))
    assert [names["stem.conv3.conv"] for names in (official, timm, hub)] == [
        "patch_embed.6.c",
        "stem.conv4.linear",
        "levit.patch_embeddings.embedding_layer_4.convolution",
    ]
    assert official["body.stage1.attn0.qkv.linear"] == "blocks.6.m.qkv.c"
    assert timm["body.shrink0.mlp.expand.linear"] == "stages.1.downsample.mlp.ln1.linear"
    assert hub["body.shrink1.attn.q.norm"] == "levit.encoder.stages.1.layers.6.queries.batch_norm"
    assert "body.shrink2.attn.q.norm" not in hub


def test_a_tensor_goes_by_its_module_and_a_bias_table_by_its_own_name() -> None:
    names = our_names("official", SMALL.depths)
    assert their_key("head.linear.weight", names) == "head.l.weight"
    assert their_key("body.stage0.attn0.bias.table", names) == "blocks.0.m.attention_biases"


@pytest.mark.parametrize(
    ("there", "sentence"),
    {
        "nothing": ({}, "have no classification head"),
        "a bias": ({"head.bn.bias": (4,), "head.l.bias": (5,)}, "has no weight (head.bn.bias, head.l.bias)"),
        "a vector": ({"head.l.weight": (5,)}, "head.l.weight has shape [5]"),
    }.values(),
)
def test_only_a_net_without_a_head_is_said_to_have_none(there: dict[str, tuple[int, ...]], sentence: str) -> None:
    with refused(CheckpointError, "checkpoint.missing-keys", sentence, "[classes, width]"):
        sizes._classes(there, "official")
