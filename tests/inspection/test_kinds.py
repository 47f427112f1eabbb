"""Kinds of bytes and MACs on graphs drawn by hand: what an op reads tells what a constant is for."""

from __future__ import annotations

import pytest

from levit_mobile.inspection import graph
from levit_mobile.inspection.graph import Graph, GraphTensor, Op
from levit_mobile.inspection.kinds import bytes_by_kind


def constant(*shape: int, name: str, dtype: str = "float32", size: int = 4) -> GraphTensor:
    count = 1
    for length in shape:
        count *= length
    return GraphTensor(dtype, shape, count * size, name)


def drawn(ops: list[Op], tensors: dict[str, GraphTensor], outputs: tuple[str, ...]) -> Graph:
    """A graph; tensors that are not named are activations [1, 4, 8]."""
    names = {str(name) for op in ops for name in (*op.inputs, *op.outputs)}
    return Graph({name: tensors.get(name, GraphTensor("float32", (1, 4, 8))) for name in names}, tuple(ops), outputs)


def linear(source: str, weight: str, result: str) -> Op:
    return Op("fc", "linear", (source, weight), (result,))


W = {name: constant(8, 8, name=name) for name in ("w0", "w1", "w2")}
TABLE = constant(4, 4, name="table")


def test_the_last_linear_is_the_head() -> None:
    found = bytes_by_kind(drawn([linear("x", "w0", "a"), linear("a", "w1", "y")], W, ("y",)))
    assert (found["projections"], found["head"]) == (256, 256)


def test_two_heads_that_are_averaged_are_both_heads() -> None:
    ops = [
        linear("x", "w0", "a"),
        linear("a", "w1", "b"),
        linear("a", "w2", "c"),
        Op("add", "add", ("b", "c"), ("y",)),
    ]
    found = bytes_by_kind(drawn(ops, W, ("y",)))
    assert (found["projections"], found["head"]) == (256, 512)


def test_a_trunk_that_ends_in_a_residual_has_no_head() -> None:
    ops = [linear("x", "w0", "a"), linear("a", "w1", "b"), Op("add", "add", ("a", "b"), ("y",))]
    found = bytes_by_kind(drawn(ops, W, ("y",)))
    assert (found["projections"], found["head"]) == (512, 0)


def attention(middle: list[Op], *, last: str = "softmax") -> Graph:
    """Scores of two projections, `middle`, and an op of the role `last`."""
    ops = [
        linear("x", "w0", "q"),
        linear("x", "w1", "k"),
        Op("matmul", "matmul", ("q", "k"), ("s",)),
        *middle,
        Op("last", "softmax" if last == "softmax" else "other", ("t",), ("p",)),
        Op("matmul", "matmul", ("p", "x"), ("m",)),
        linear("m", "w2", "y"),
    ]
    tensors = {**W, "table": TABLE, "index": constant(4, name="index", dtype="int64", size=8)}
    return drawn(ops, tensors, ("y",))


def test_what_is_added_to_scores_before_a_softmax_is_a_bias_table() -> None:
    added = [Op("mul", "other", ("s", "scale"), ("u",)), Op("add", "add", ("u", "table"), ("t",))]
    assert bytes_by_kind(attention(added))["bias tables"] == 64
    assert bytes_by_kind(attention(added, last="relu"))["bias tables"] == 0


def test_a_gathered_table_is_a_bias_table_and_its_index_is_not() -> None:
    gathered = [Op("gather", "other", ("table", "index"), ("g",)), Op("add", "add", ("s", "g"), ("t",))]
    found = bytes_by_kind(attention(gathered))
    assert (found["bias tables"], found["other"]) == (64, 32)


def fused(*names: str) -> Graph:
    """A fused attention that reads these tensors, and a projection."""
    ops = [Op("sdpa", "attention", names, ("m",)), linear("m", "w2", "y")]
    tensors = {**W, "table": TABLE, "scale": constant(1, name="scale"), "key": constant(4, 8, name="key")}
    return drawn(ops, tensors, ("y",))


def test_the_mask_of_a_fused_attention_is_a_bias_table_and_nothing_else_of_it_is() -> None:
    masked = bytes_by_kind(fused("q", "k", "v", "table"))
    assert (masked["bias tables"], masked["other"], masked["head"]) == (64, 0, 256)
    scaled = bytes_by_kind(fused("q", "k", "v", "table", "scale"))
    assert (scaled["bias tables"], scaled["other"]) == (64, 4)
    constant_key = bytes_by_kind(fused("q", "key", "v"))
    assert (constant_key["bias tables"], constant_key["other"]) == (0, 128)


def test_the_mask_of_a_fused_attention_may_be_gathered() -> None:
    index = constant(4, name="index", dtype="int64", size=8)
    ops = [
        Op("gather", "other", ("table", "index"), ("g",)),
        Op("sdpa", "attention", ("q", "k", "v", "g"), ("m",)),
        linear("m", "w2", "y"),
    ]
    found = bytes_by_kind(drawn(ops, {**W, "table": TABLE, "index": index}, ("y",)))
    assert (found["bias tables"], found["other"]) == (64, 32)


@pytest.mark.parametrize("order", [("s", "table"), ("table", "s")])
def test_a_table_is_one_on_either_side_of_the_sum(order: tuple[str, str]) -> None:
    assert bytes_by_kind(attention([Op("add", "add", order, ("t",))]))["bias tables"] == 64


@pytest.mark.parametrize("between", ["other", "link", "add"])
def test_a_sum_may_pass_moves_and_sums_on_its_way_to_the_softmax(between: graph.Role) -> None:
    middle = [Op("add", "add", ("s", "table"), ("u",)), Op("move", between, ("u", "z"), ("t",))]
    assert bytes_by_kind(attention(middle))["bias tables"] == 64


@pytest.mark.parametrize("role", ["linear", "matmul", "convolution", "softmax"])
def test_a_sum_behind_which_another_product_follows_is_no_score(role: graph.Role) -> None:
    middle = [Op("add", "add", ("s", "table"), ("u",)), Op("op", role, ("u", "w2"), ("t",))]
    expected = 64 if role == "softmax" else 0
    assert bytes_by_kind(attention(middle))["bias tables"] == expected


def test_what_is_added_to_a_product_with_a_constant_is_no_table() -> None:
    """A bias behind a projection, though a softmax follows."""
    ops = [
        Op("matmul", "matmul", ("x", "w0"), ("s",)),
        Op("add", "add", ("s", "table"), ("t",)),
        Op("softmax", "softmax", ("t",), ("p",)),
        linear("p", "w2", "y"),
    ]
    found = bytes_by_kind(drawn(ops, {**W, "table": TABLE}, ("y",)))
    assert (found["bias tables"], found["other"], found["projections"], found["head"]) == (0, 64, 256, 256)


def test_two_constants_that_are_added_are_no_table() -> None:
    middle = [Op("sum", "add", ("table", "other"), ("g",)), Op("add", "add", ("s", "g"), ("t",))]
    whole = attention(middle)
    whole.tensors["other"] = constant(4, 4, name="other")  # type: ignore[index]
    assert bytes_by_kind(whole)["bias tables"] == 128
    alone = drawn([Op("sum", "add", ("table", "other"), ("y",))], dict(whole.tensors), ("y",))  # type: ignore[arg-type]
    assert bytes_by_kind(alone)["bias tables"] == 0


def test_a_bias_of_the_head_before_a_softmax_is_no_table() -> None:
    ops = [
        linear("x", "w0", "a"),
        Op("add", "add", ("a", "table"), ("b",)),
        Op("softmax", "softmax", ("b",), ("y",)),
    ]
    found = bytes_by_kind(drawn(ops, {**W, "table": TABLE}, ("y",)))
    assert (found["bias tables"], found["other"], found["head"]) == (0, 64, 256)


def test_a_window_makes_a_convolution_and_one_place_a_projection() -> None:
    tensors = {"w0": constant(8, 3, 3, 8, name="w0"), "w1": constant(8, 1, 1, 8, name="w1"), "w2": W["w2"]}
    ops = [
        Op("conv", "convolution", ("x", "w0"), ("a",), kernel=9),
        Op("conv", "convolution", ("a", "w1"), ("b",)),
        linear("b", "w2", "y"),
    ]
    found = bytes_by_kind(drawn(ops, tensors, ("y",)))
    assert (found["convolutions"], found["projections"], found["head"]) == (2304, 256, 256)


def test_a_scale_a_channel_is_no_projection() -> None:
    ops = [Op("depthwise", "convolution", ("x", "w0"), ("a",)), linear("a", "w1", "y")]
    found = bytes_by_kind(drawn(ops, {**W, "w0": constant(1, 1, 1, 8, name="w0")}, ("y",)))
    assert (found["projections"], found["other"]) == (0, 32)


@pytest.mark.parametrize(
    ("first", "shape", "kind"),
    [
        (linear("x", "w0", "a"), (8, 1), "projections"),
        (Op("conv", "transposed convolution", ("x", "w0"), ("a",)), (8, 1, 1, 1), "projections"),
        (Op("conv", "convolution", ("x", "w0"), ("a",), kernel=4), (1, 2, 2, 2), "convolutions"),
        (Op("conv", "convolution", ("x", "w0"), ("a",)), (8, 1, 1, 1), "other"),
        (Op("conv", "convolution", ("x", "w0"), ("a",)), (16, 1, 1, 1), "projections"),
    ],
)
def test_only_a_convolution_of_one_place_with_as_many_numbers_as_channels_is_a_scale(
    first: Op, shape: tuple[int, ...], kind: str
) -> None:
    tensors = {"w0": constant(*shape, name="w0"), "w1": W["w1"]}
    found = bytes_by_kind(drawn([first, linear("a", "w1", "y")], tensors, ("y",)))
    assert (found[kind], found["head"]) == (tensors["w0"].stored_bytes, 256)


def test_what_is_stored_once_counts_once_and_as_the_first_kind() -> None:
    shared = {"w0": constant(8, 8, name="same"), "w1": constant(8, 8, name="same")}
    whole = drawn([linear("x", "w0", "a"), linear("a", "w1", "y")], shared, ("y",))
    assert bytes_by_kind(whole)["head"] == sum(bytes_by_kind(whole).values()) == 256
    assert graph.weight_bytes(whole) == {"float32": 256}


def test_a_cycle_that_damage_made_ends() -> None:
    ops = [
        Op("add", "add", ("b", "table"), ("a",)),
        Op("mul", "other", ("a", "a"), ("b",)),
        Op("mul", "other", ("b",), ("y",)),
    ]
    assert bytes_by_kind(drawn(ops, {"table": TABLE}, ("y",)))["other"] == 64


# MACs: the formulas by hand

SHAPES = {
    "image": (1, 8, 8, 3),
    "grid": (1, 4, 4, 16),
    "planes": (1, 16, 4, 4),
    "tokens": (1, 10, 8),
    "wide": (1, 10, 20),
    "scores": (1, 10, 6),
    "keys": (1, 6, 8),
    "transposed": (1, 8, 6),
}


@pytest.mark.parametrize(
    ("role", "weight", "source", "result", "channels", "expected"),
    [
        ("convolution", (16, 3, 3, 3), "image", "grid", -1, 4 * 4 * 16 * 27),
        ("convolution", (1, 3, 3, 16), "image", "grid", -1, 4 * 4 * 16 * 9),  # depthwise
        ("convolution", (16, 3, 3, 3), "image", "planes", 1, 4 * 4 * 16 * 27),
        ("transposed convolution", (3, 16, 2, 2), "grid", "image", -1, 4 * 4 * 3 * 16 * 4),
        ("linear", (20, 8), "tokens", "wide", -1, 10 * 20 * 8),
        ("matmul", SHAPES["keys"], "tokens", "scores", -1, 10 * 6 * 8),
        ("matmul", SHAPES["transposed"], "tokens", "scores", -1, 10 * 6 * 8),
    ],
)
def test_macs(
    role: graph.Role, weight: tuple[int, ...], source: str, result: str, channels: int, expected: int
) -> None:
    shapes = {**SHAPES, "w": weight}
    tensors = {name: GraphTensor("float32", shape) for name, shape in shapes.items()}
    op = Op("op", role, (source, "w"), (result,), channels=channels)
    assert graph.macs(Graph(tensors, (op,), (result,))) == expected


def test_macs_of_an_attention_are_both_products() -> None:
    tensors = {name: GraphTensor("float32", SHAPES[name]) for name in ("tokens", "keys")} | {
        "y": GraphTensor("float32", (1, 10, 8))
    }
    op = Op("sdpa", "attention", ("tokens", "keys", "keys"), ("y",))
    assert graph.macs(Graph(tensors, (op,), ("y",))) == 2 * 10 * 6 * 8


@pytest.mark.parametrize("size", [0, -1, None])
def test_macs_of_a_size_that_is_set_at_run_time_are_unknown(size: int | None) -> None:
    shape = None if size is None else (1, size, 8)
    tensors = {name: GraphTensor("float32", shape) for name in ("x", "y")} | {"w": GraphTensor("float32", (8, 8))}
    assert graph.macs(Graph(tensors, (linear("x", "w", "y"),), ("y",))) is None


def test_macs_are_the_sum_over_products_and_over_nothing_else() -> None:
    tensors = {name: GraphTensor("float32", (1, 4, 8)) for name in "xaby"} | {"w": GraphTensor("float32", (8, 8))}
    ops = (linear("x", "w", "a"), Op("add", "add", ("a", "x"), ("b",)), linear("b", "w", "y"))
    assert graph.macs(Graph(tensors, ops, ("y",))) == 2 * 4 * 8 * 8
    assert graph.macs(Graph(tensors, ops[1:2], ("b",))) == 0


def test_ops_and_activations_are_counted_without_links_and_constants() -> None:
    tensors = {
        "x": GraphTensor("float32", (4,)),
        "inner": GraphTensor("float32", (4,)),
        "a": GraphTensor("float16", (4,)),
        "b": GraphTensor("float32", (4,)),
        "index": constant(4, name="index", dtype="int64", size=8),
        "table": TABLE,
        "g": GraphTensor("float32", (4,)),
    }
    ops = (
        Op("", "link", ("x",), ("inner",)),
        Op("mul", "other", ("inner", "inner"), ("a",)),
        Op("gather", "other", ("table", "index"), ("g",)),
        Op("mul", "other", ("a", "g"), ("b",)),
        Op("mul", "other", ("b",), ("unknown",)),
    )
    whole = Graph(tensors, ops, ("b",))
    assert graph.op_counts(whole) == {"gather": 1, "mul": 3}
    assert graph.activations(whole) == {"float16": 1, "float32": 1}
    assert graph.folded(whole) == {"index": {"index"}, "table": {"table"}, "g": {"table"}}


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_the_value_of_an_index_is_in_nothing_that_is_gathered_by_it(dtype: str) -> None:
    tensors = {"i": constant(4, name="i", dtype=dtype), "t": TABLE, "g": GraphTensor("float32", (4,))}
    assert graph.folded(Graph(tensors, (Op("gather", "other", ("t", "i"), ("g",)),), ("g",)))["g"] == {"table"}
    bytes_of = {"i": constant(4, name="i", dtype="uint8"), "t": TABLE, "g": GraphTensor("float32", (4,))}
    both = Graph(bytes_of, (Op("lut", "other", ("t", "i"), ("g",)),), ("g",))
    assert graph.folded(both)["g"] == {"table", "i"}


def test_what_lies_in_the_program_itself_is_fixed_and_holds_nothing() -> None:
    tensors = {"a": GraphTensor("float32", (4,), key="inline"), "g": GraphTensor("float32", (4,)), "t": TABLE}
    whole = Graph(tensors, (Op("mul", "other", ("a", "t"), ("g",)), Op("neg", "other", (), ("n",))), ("g",))
    assert graph.folded(whole) == {"t": {"table"}, "g": {"table"}}


def test_the_rank_of_what_is_not_known_counts_nothing() -> None:
    assert graph.max_rank(Graph({}, (), ())) == 0
    tensors = {"x": GraphTensor("float32", None), "y": GraphTensor("float32", (2, 2))}
    assert graph.max_rank(Graph(tensors, (Op("neg", "other", ("x", "lost"), ("y",)),), ("y",))) == 2


def test_an_op_within_a_delegate_has_the_delegates_number_before_its_tensors() -> None:
    op = Op("fc", "linear", (1, 2), (3,), kernel=4, channels=1).within(7)
    assert (op.inputs, op.outputs, op.kernel, op.channels) == (((7, 1), (7, 2)), ((7, 3),), 4, 1)


def test_macs_of_an_open_shape_are_unknown() -> None:
    tensors = {
        "x": GraphTensor("float32", (1, -1, 8)),
        "w": GraphTensor("float32", (4, 8)),
        "y": GraphTensor("float32", (1, -1, 4)),
    }
    assert graph.macs(Graph(tensors, (linear("x", "w", "y"),), ("y",))) is None


def test_macs_beyond_every_model_are_unknown() -> None:
    """A damaged file claims them; their digits would be too many to print."""
    sizes = (2**31 - 1,) * 60
    tensors = {name: GraphTensor("float32", sizes) for name in "xwy"}
    assert graph.macs(Graph(tensors, (linear("x", "w", "y"),), ("y",))) is None


def test_numbers_that_no_tensor_has_are_refused() -> None:
    assert GraphTensor("float32", (1,) * graph.MOST_RANK, graph.MOST).stored_bytes == graph.MOST
    with pytest.raises(ValueError, match=f"has {graph.MOST_RANK + 1} dimensions"):
        GraphTensor("float32", graph.open_shape(2**40))
    with pytest.raises(ValueError, match="larger than any file"):
        GraphTensor("float32", (1,), graph.MOST + 1)


def test_the_rank_is_that_of_what_runs() -> None:
    """A palette's table has rank 6 in its file, and the weight that it unfolds to has 2."""
    unfolded = Op("constexpr_lut_to_dense", "other", ("indices", "palette"), ("w",))
    tensors = {
        "indices": constant(8, 8, name="indices", dtype="uint8", size=1),
        "palette": constant(1, 1, 1, 1, 64, 1, name="palette"),
        "w": GraphTensor("float32", (8, 8)),
    }
    assert graph.max_rank(drawn([unfolded, linear("x", "w", "y")], tensors, ("y",))) == 3
    deep = tensors | {"y": GraphTensor("float32", (1, 1, 4, 2, 8))}
    assert graph.max_rank(drawn([unfolded, linear("x", "w", "y")], deep, ("y",))) == 5
