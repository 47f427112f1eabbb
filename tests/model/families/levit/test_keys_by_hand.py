"""What names and shapes alone say of a LeViT, in each layout, without a weight."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.refusals import refused

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.family import their_key
from levit_mobile.model.families.levit.keys import LAYOUTS, detect_layout, our_names
from levit_mobile.model.families.levit.sizes import match_variant, read_sizes
from levit_mobile.model.families.levit.trained import VARIANTS, Variant

SMALL = VARIANTS["levit_128s"]
Shapes = dict[str, tuple[int, ...]]


def shapes_of(variant: Variant, layout: str, *, classes: int = 7, grid: int = 14, second: bool = True) -> Shapes:
    """The shapes that are read: of qkv, of bias tables, and of the heads; in the reverse order of the body."""
    found: Shapes = {}
    for ours, theirs in our_names(layout, variant.depths).items():
        stage = int(ours[len("body.stage")]) if ours.startswith("body.stage") else 0
        if ours.endswith(".qkv.linear"):
            found[f"{theirs}.weight"] = (4 * variant.key_dim * variant.heads[stage], variant.channels[stage])
        elif ours.startswith("body.stage") and ours.endswith(".bias.table"):
            found[theirs] = (variant.heads[stage], (-(-grid // 2**stage)) ** 2)
        elif ours == "head.linear" or (second and ours == "head_dist.linear"):
            found[f"{theirs}.weight"] = (classes, variant.channels[-1])
    return dict(reversed(found.items()))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", VARIANTS)
def test_sizes_are_read_in_every_layout(name: str, layout: str) -> None:
    variant = VARIANTS[name]
    found = read_sizes(shapes_of(variant, layout), layout)
    assert (found.channels, found.key_dim, found.heads) == (variant.channels, variant.key_dim, variant.heads)
    assert (found.depths, found.classes, found.size, found.distillation) == (variant.depths, 7, (224, 224), True)
    assert match_variant(found, None) == match_variant(found, name) == name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_head_is_no_distillation_and_a_grid_of_4_is_64_px(layout: str) -> None:
    found = read_sizes(shapes_of(SMALL, layout, second=False, grid=4), layout)
    assert (found.distillation, found.size) == (False, (64, 64))


def test_without_bias_tables_and_blocks_heads_and_side_are_unknown() -> None:
    shapes = shapes_of(SMALL, "timm")
    found = read_sizes({key: shape for key, shape in shapes.items() if "bias" not in key}, "timm")
    assert (found.key_dim, found.heads, found.size, found.depths) == (0, (0, 0, 0), (0, 0), SMALL.depths)
    found = read_sizes({key: shape for key, shape in shapes.items() if key.startswith("head")}, "timm")
    assert (found.channels, found.key_dim, found.depths, found.size, found.classes) == ((), 0, (), (0, 0), 7)


def test_one_table_is_enough_to_know_a_stages_heads() -> None:
    shapes = shapes_of(SMALL, "timm")
    del shapes["stages.0.blocks.0.attn.attention_biases"]
    found = read_sizes(shapes, "timm")
    assert (found.heads, found.size) == (SMALL.heads, (224, 224))


def test_a_table_of_no_square_and_a_head_of_no_matrix_are_refused() -> None:
    shapes = shapes_of(SMALL, "timm")
    for blocks in range(2):
        shapes[f"stages.0.blocks.{blocks}.attn.attention_biases"] = (4, 195)
    with refused(CheckpointError, "checkpoint.other-levit", "195 49 16 entries", "multiples of 16 px"):
        read_sizes(shapes, "timm")
    with refused(CheckpointError, "checkpoint.missing-keys", "head.linear.weight", "[classes, width]"):
        read_sizes({**shapes_of(SMALL, "timm"), "head.linear.weight": (7,)}, "timm")


def test_a_missing_block_leaves_the_variant_and_one_too_many_does_not() -> None:
    sizes = read_sizes(shapes_of(SMALL, "timm"), "timm")
    assert match_variant(replace(sizes, depths=(1, 3, 4)), None) == "levit_128s"
    for other in (replace(sizes, depths=(2, 3, 5)), replace(sizes, key_dim=17), replace(sizes, heads=(4, 6, 9))):
        with refused(CheckpointError, "checkpoint.other-levit", "levit_128s", "levit_384"):
            match_variant(other, None)
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
    assert detect_layout([*ours, "cls_token", *map(str, range(9))]) == "timm"
    with refused(CheckpointError, "checkpoint.not-levit", "DeiT or ViT"):
        detect_layout([*ours, "cls_token", *map(str, range(10))])
    assert detect_layout([*ours, *map(str, range(99))]) == "timm"


def test_no_key_at_all_is_another_net_with_three_of_its_keys() -> None:
    with refused(CheckpointError, "checkpoint.not-levit", "none of the 4 keys", "a.weight, b.weight, c.weight)"):
        detect_layout(["d.weight", "b.weight", "a.weight", "c.weight"])


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
