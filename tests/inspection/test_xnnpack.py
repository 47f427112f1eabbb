"""Payloads of XNNPACK: where a graph and its constants are located, and what is refused; the tables are made up."""

from __future__ import annotations

from typing import Any

import pytest
from support.rows import Row, row

from levit_mobile.inspection import flatbuffer, xnnpack
from levit_mobile.inspection.graph import GraphTensor
from levit_mobile.inspection.xnnpack import HEADER, MAGIC, NOWHERE, Delegated, Shared

SCHEMA = flatbuffer.schema("table A { b: int; } root_type A;")
GRAPH, CONSTANTS = b"a graph of sixteen"[:16], bytes(40)
OFFSET = 8 + HEADER.size  # of the graph
CONSTANTS_AT = OFFSET + len(GRAPH)


def payload(size: int = len(GRAPH)) -> bytes:
    """In the form with a header; `size` is what the header says of the graph."""
    header = HEADER.pack(OFFSET, OFFSET, size, CONSTANTS_AT, len(CONSTANTS))
    return bytes(4) + MAGIC + header + GRAPH + CONSTANTS


def constant(offset: int = 0, size: int = 0, name: str = "") -> Row:
    return row("ConstantDataOffset", offset=offset, size=size, named_key=name)


def value(number: int, dims: tuple[int, ...] = (1, 4), **changes: Any) -> Row:
    """A plain float32 tensor that nobody outside has."""
    facts = {"datatype": "xnn_datatype_fp32", "dims": dims, "constant_buffer_idx": 0, "id_out": number, "flags": 0}
    plain = row("XNNTensorValue", **{**facts, "external_id": 9, **changes})
    return row("XValue", xvalue_union=plain)


def node(kind: str, **fields: int) -> Row:
    return row("XNode", xnode_union=row(f"XNN{kind}", **fields))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads a payload whose graph holds the given tables; the bytes taken for the graph are in `read.taken`."""

    class Read:
        taken = b""

        def __call__(
            self,
            *,
            values: tuple[Row, ...] = (),
            nodes: tuple[Row, ...] = (),
            constants: tuple[Row, ...] = (),
            data: bytes | None = None,
            known: frozenset[str] = frozenset(),
        ) -> Delegated:
            def root(graph: memoryview, _: object) -> Row:
                self.taken = bytes(graph)
                return row("XNNGraph", constant_data=constants, xvalues=values, xnodes=nodes)

            monkeypatch.setattr(flatbuffer, "root", root)
            return xnnpack.read(memoryview(payload() if data is None else data), SCHEMA, known)

    return Read()


def test_a_header_says_where_the_graph_is(read: Any) -> None:
    read()
    assert read.taken == GRAPH


@pytest.mark.parametrize("identifier", [b"XN00", b"XN01"])
def test_a_payload_of_the_first_years_is_the_graph_itself(read: Any, identifier: bytes) -> None:
    data = bytes(4) + identifier + GRAPH
    read(data=data)
    assert read.taken == data


@pytest.mark.parametrize("identifier", [b"XN02", b"XH01", b"\0\0\0\0", b"NX00"])
def test_another_identifier_is_refused(read: Any, identifier: bytes) -> None:
    with pytest.raises(ValueError, match="does not begin like one"):
        read(data=bytes(4) + identifier + GRAPH)


def test_a_graph_may_end_with_the_payload_and_not_beyond(read: Any) -> None:
    rest = len(GRAPH) + len(CONSTANTS)
    read(data=payload(rest))
    assert read.taken == GRAPH + CONSTANTS
    with pytest.raises(ValueError, match="cut short or damaged"):
        read(data=payload(rest + 1))
    with pytest.raises(ValueError, match="cut short or damaged"):
        read(data=payload()[: CONSTANTS_AT - 1])


def test_constants_may_end_with_the_payload_and_not_beyond(read: Any) -> None:
    whole = constant(8, len(CONSTANTS) - 8)
    read(constants=(whole,))
    with pytest.raises(ValueError, match="constants of an XNNPACK payload are cut short"):
        read(constants=(whole,), data=payload()[:-1])
    with pytest.raises(ValueError, match="cut short"):
        read(constants=(constant(9, len(CONSTANTS) - 8),))
    with pytest.raises(ValueError, match="cut short"):
        read(constants=(constant(0, len(CONSTANTS) + 1),))


def test_an_empty_constant_may_be_missing(read: Any) -> None:
    """The first constant is a placeholder of no bytes, also where the constants are elsewhere."""
    read(constants=(constant(),), data=payload()[:CONSTANTS_AT])
    with pytest.raises(ValueError, match="cut short"):
        read(constants=(constant(), constant(0, 1)), data=payload()[:CONSTANTS_AT])


def test_a_constant_by_name_is_the_programs_own(read: Any) -> None:
    found = read(values=(value(0, constant_buffer_idx=1),), constants=(constant(), constant(name="w")), known={"w"})
    assert found.tensors[0] == GraphTensor("fp32", (1, 4), 16, "w")


def test_a_constant_by_a_name_that_the_program_lacks_is_in_a_data_file(read: Any) -> None:
    found = read(values=(value(0, constant_buffer_idx=1),), constants=(constant(), constant(name="w")), known={"v"})
    assert found.outside == ("w",)
    assert (found.tensors[0].shape, found.tensors[0].stored_bytes) == ((1, 4), 0)


@pytest.mark.parametrize(
    ("dtype", "dims", "size"),
    [
        ("fp32", (3, 5), 60),
        ("fp16", (3, 5), 30),
        ("bf16", (3, 5), 30),
        ("qcint8", (3, 5), 15),
        ("qint8", (3, 5), 15),
        ("quint8", (3, 5), 15),
        ("qcint4", (3, 5), 8),
        ("qbint4", (2, 5), 5),
        ("qcint32", (7,), 28),
        ("int32", (), 4),
    ],
)
def test_a_constants_bytes_follow_from_its_type_and_shape(
    read: Any, dtype: str, dims: tuple[int, ...], size: int
) -> None:
    one = value(3, dims, datatype=f"xnn_datatype_{dtype}", constant_buffer_idx=1)
    found = read(values=(one,), constants=(constant(), constant(24, 8)))
    assert found.tensors == {3: GraphTensor(dtype, dims, size, 24)}


def test_a_constant_of_an_unknown_type_is_refused_and_an_activation_of_one_is_not(read: Any) -> None:
    assert read(values=(value(0, datatype="xnn_datatype_pfp32"),)).tensors[0] == GraphTensor("pfp32", (1, 4))
    with pytest.raises(ValueError, match="the unknown type pfp32"):
        read(values=(value(0, datatype="xnn_datatype_pfp32", constant_buffer_idx=1),))


def test_payloads_that_list_no_constants_name_them_by_number(read: Any) -> None:
    assert read(values=(value(0, constant_buffer_idx=2),)).tensors[0].key == 2


def test_a_quantized_value_wraps_a_plain_one(read: Any) -> None:
    inner = value(5)["xvalue_union"]
    wrapped = row("XValue", xvalue_union=row("XNNQuantizedTensorValue", tensor_value=inner))
    assert read(values=(wrapped,)).tensors == {5: GraphTensor("fp32", (1, 4))}
    for empty in (None, row("XNNQuantizedTensorValue", tensor_value=None)):
        with pytest.raises(ValueError, match="a value of an XNNPACK graph is empty"):
            read(values=(row("XValue", xvalue_union=empty),))


def test_only_values_that_the_program_has_are_shared(read: Any) -> None:
    values = tuple(value(flags, flags=flags, external_id=10 + flags) for flags in (0, 1, 2, 3, 4))
    assert read(values=values).shared == {1: Shared(11, False), 2: Shared(12, True), 3: Shared(13, True)}


def test_an_op_reads_its_inputs_in_the_order_of_their_roles(read: Any) -> None:
    values = tuple(map(value, range(6)))
    fields = {"output_id": 5, "mask_id": 3, "query_id": 0, "value_id": 2, "scale_id": 4, "key_id": 1}
    (op,) = read(values=values, nodes=(node("ScaledDotProductAttention", **fields),)).ops
    assert (op.name, op.role, op.inputs, op.outputs) == (
        "ScaledDotProductAttention",
        "attention",
        (0, 1, 2, 3, 4),
        (5,),
    )


def test_an_input_that_is_left_out_is_none(read: Any) -> None:
    fields = {"input1_id": 0, "filter_id": 1, "bias_id": NOWHERE, "output_id": 2}
    (op,) = read(values=tuple(map(value, range(3))), nodes=(node("FullyConnected", **fields),)).ops
    assert (op.role, op.inputs, op.outputs, op.kernel) == ("linear", (0, 1), (2,), 1)


@pytest.mark.parametrize(
    ("kind", "role", "kernel"),
    [
        ("Conv2d", "convolution", 15),
        ("DepthwiseConv2d", "convolution", 15),
        ("ConvTranspose2d", "transposed convolution", 15),
        ("ArgMaxPooling2d", "other", 1),
    ],
)
def test_the_window_of_a_convolution_is_height_times_width(read: Any, kind: str, role: str, kernel: int) -> None:
    fields = {"input1_id": 0, "filter_id": 1, "output_id": 2, "kernel_height": 3, "kernel_width": 5}
    (op,) = read(values=tuple(map(value, range(3))), nodes=(node(kind, **fields),)).ops
    assert (op.role, op.kernel) == (role, kernel)


@pytest.mark.parametrize("wrong", [{"input_id": 7, "output_id": 1}, {"input_id": 0, "output_id": 7}])
def test_an_op_that_names_a_value_that_does_not_exist_is_refused(read: Any, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"the node Softmax of an XNNPACK graph .* does not exist"):
        read(values=(value(0), value(1)), nodes=(node("Softmax", **wrong),))


def test_an_empty_node_is_refused(read: Any) -> None:
    with pytest.raises(ValueError, match="a node of an XNNPACK graph is empty"):
        read(nodes=(row("XNode", xnode_union=None),))
