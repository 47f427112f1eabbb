"""ExecuTorch programs whose tables are made up: what is counted, what is refused, and what a delegate hides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.refusals import refused
from support.rows import Row, row

from levit_mobile.errors import ArtifactError
from levit_mobile.inspection import executorch, flatbuffer, xnnpack
from levit_mobile.inspection.executorch import EXTENDED, HEADER, inspect, survey
from levit_mobile.inspection.graph import GraphTensor, Op
from levit_mobile.inspection.reading import NO_DELEGATE, NO_KERNEL
from levit_mobile.inspection.xnnpack import Delegated, Shared
from levit_mobile.interfaces.inspection import Fallback, Inspection, Port

PROGRAM, DATA = 64, 500  # bytes: of the program, which segments of data follow
INPUT, WINDOW, GRID, NOTHING, TRANSPOSED, WEIGHT, LOGITS, SEVERAL = range(8)  # the program's values
Edit = Callable[[Row], object]


def tensor(*sizes: int, kind: str = "FLOAT", constant: int = 0, at: int | None = None, beside: bool = False) -> Row:
    place = None if at is None else row("AllocationDetails", memory_id=1, memory_offset_low=at, memory_offset_high=0)
    extra = row("ExtraTensorInfo", location="EXTERNAL") if beside else None
    facts = {"sizes": list(sizes), "data_buffer_idx": constant, "allocation_info": place, "extra_tensor_info": extra}
    return row("Tensor", scalar_type=kind, **facts)


def call(op: int, *args: int) -> Row:
    return row("Instruction", instr_args=row("KernelCall", op_index=op, args=list(args)))


def delegate_call(delegate: int, *args: int) -> Row:
    return row("Instruction", instr_args=row("DelegateCall", delegate_index=delegate, args=list(args)))


def backend(name: str, location: str = "SEGMENT") -> Row:
    return row("BackendDelegate", id=name, processed=row("Reference", location=location, index=0))


def method(name: str, *instructions: Row, values: tuple[Row | None, ...] = (), outputs: tuple[int, ...] = ()) -> Row:
    facts = {"values": [row("EValue", val=value) for value in values], "outputs": list(outputs), "inputs": []}
    return row("ExecutionPlan", name=name, chains=[row("Chain", instructions=list(instructions))], **facts)


def program() -> Row:
    """input [1,3,8,8] -> a convolution of 3 x 3 -> [1,4,6,6]; and a linear in int8 to logits [1,6,5]."""
    forward = method(
        "forward",
        call(0, INPUT, WINDOW, NOTHING, NOTHING, NOTHING, NOTHING, TRANSPOSED, NOTHING, NOTHING, GRID, GRID),
        call(1, GRID, WEIGHT, NOTHING, LOGITS, LOGITS),
        values=(
            tensor(1, 3, 8, 8, at=0),
            tensor(4, 3, 3, 3, constant=1),
            tensor(1, 4, 6, 6, at=1000),
            None,
            row("Bool", bool_val=False),
            tensor(5, 4, kind="CHAR", constant=2),
            tensor(1, 6, 5, at=2000),
            row("TensorList", items=[GRID, -1, LOGITS]),
        ),
        outputs=(LOGITS,),
    )
    forward["inputs"] = [INPUT]
    forward["operators"] = [row("Operator", name=name) for name in ("aten::convolution", "aten::linear", "aten::relu")]
    forward["delegates"] = [backend("XnnpackBackend"), backend("Vendor")]
    return row(
        "Program",
        version=0,
        execution_plan=[forward],
        segments=[row("DataSegment", offset=0, size=452)],
        constant_segment=row("SubsegmentOffsets", segment_index=0, offsets=[0, 0, 432]),
        constant_buffer=[],
        backend_delegate_data=[],
        named_data=[],
    )


def content(program_bytes: int = PROGRAM, base: int = PROGRAM, size: int = PROGRAM + DATA) -> bytes:
    head = bytes(4) + b"ET12" + EXTENDED + HEADER.pack(28, program_bytes, base)
    return head.ljust(size, b"\1")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Surveys a file whose program holds these tables; the bytes taken for the program are in `found.taken`."""

    class Found:
        taken = b""
        path = tmp_path / "model.pte"

        def __call__(self, edit: Edit = lambda _: None, data: bytes | None = None, by: Any = survey) -> Inspection:
            tables = program()
            edit(tables)

            def root(taken: memoryview, _: object) -> Row:
                self.taken = bytes(taken)
                return tables

            monkeypatch.setattr(flatbuffer, "root", root)
            monkeypatch.setattr(executorch, "_schemas", lambda: (None, None))
            self.path.write_bytes(content() if data is None else data)
            result: Inspection = by(self.path)
            return result

    return Found()


def forward_of(tables: Row) -> Row:
    plan: Row = tables["execution_plan"][0]
    return plan


def into_chain(tables: Row, *instructions: Row) -> None:
    forward_of(tables)["chains"][0]["instructions"] = list(instructions)


# What is counted


def test_a_program_without_a_delegate_is_counted_whole(found: Any) -> None:
    one = found(by=inspect)
    assert one.ops == {"aten::convolution": 1, "aten::linear": 1}
    assert (one.partitions, one.delegates, one.max_rank) == (0, {}, 4)
    assert one.fallbacks == tuple(Fallback(name, 1, NO_DELEGATE) for name in one.ops)
    assert one.weight_bytes == {"fp32": 4 * 108, "qint8": 20}
    assert (one.products, one.integer_products) == (2, 1)
    assert one.format == "ExecuTorch program, schema 0"
    assert one.inputs == (Port("input 0", "float32", (1, 3, 8, 8)),)
    assert one.outputs == (Port("output 0", "float32", (1, 6, 5)),)
    assert one.activations == {"fp32": 2}
    assert one.macs == 144 * 27 + 30 * 4
    assert one.minimum.endswith("its runtime needs no delegate and reads program schema 0")
    assert (one.metadata, one.notes) == ({"methods": "forward"}, ())


def test_a_transposed_convolution_multiplies_for_every_input(found: Any) -> None:
    def transpose(tables: Row) -> None:
        forward_of(tables)["values"][TRANSPOSED]["val"]["bool_val"] = True

    assert found(transpose).macs == 192 * 108 // 3 + 30 * 4


def test_a_list_holds_its_tensors_and_nothing_that_is_left_out(found: Any) -> None:
    def gathered(tables: Row) -> None:
        into_chain(tables, call(2, SEVERAL, NOTHING, TRANSPOSED, INPUT))

    one = found(gathered)
    assert (one.ops, one.activations, one.max_rank) == ({"aten::relu": 1}, {"fp32": 1}, 4)


def test_the_first_tensor_of_addmm_is_what_it_adds(found: Any) -> None:
    def added(tables: Row) -> None:
        plan = forward_of(tables)
        plan["operators"][2]["name"] = "aten::addmm"
        for size in ((1, 7), (2, 3), (3, 7), (2, 7)):
            plan["values"].append(row("EValue", val=tensor(*size)))
        into_chain(tables, call(2, 8, 9, 10, 11, 11))

    assert found(added).macs == 2 * 3 * 7


@pytest.mark.parametrize(
    ("kind", "port"), [("HALF", "float16"), ("CHAR", "int8"), ("BYTE", "uint8"), ("LONG", "int64"), ("BOOL", "bool")]
)
def test_ports_are_called_by_their_types(found: Any, kind: str, port: str) -> None:
    def retyped(tables: Row) -> None:
        forward_of(tables)["values"][INPUT]["val"]["scalar_type"] = kind

    assert found(retyped).inputs == (Port("input 0", port, (1, 3, 8, 8)),)


def test_a_port_may_be_no_tensor_or_nothing(found: Any) -> None:
    def other(tables: Row) -> None:
        forward_of(tables)["inputs"] = [TRANSPOSED, NOTHING]

    assert found(other).inputs == (Port("input 0", "bool"), Port("input 1", "none"))


# Methods


def test_forward_is_read_among_several_methods_and_the_others_are_named(found: Any) -> None:
    def more(tables: Row) -> None:
        other = method("other", call(0))
        constants = method(
            "held",
            values=(row("Int", int_val=7), row("String", string_val="a"), None, row("Bool", bool_val=True), tensor(1)),
            outputs=(0, 1, 2, 3, 4),
        )
        tables["execution_plan"] = [other, *tables["execution_plan"], constants, method("empty")]

    one = found(more)
    assert one.metadata == {"methods": "other, forward", "held": "7, a, none, True, Tensor"}
    assert one.notes == ("it has the methods other, forward: the figures are those of forward",)
    assert one.products == 2


def test_without_forward_the_first_method_is_read(found: Any) -> None:
    one = found(lambda tables: forward_of(tables).update(name="run"))
    assert one.metadata == {"methods": "run"}


def test_no_method_and_an_empty_instruction_are_damage(found: Any) -> None:
    with refused(ArtifactError, "artifact.damaged", found.path, "it holds no method"):
        found(lambda tables: tables.update(execution_plan=[]))
    with refused(ArtifactError, "artifact.damaged", "an instruction is empty"):
        found(lambda tables: into_chain(tables, row("Instruction", instr_args=None)))


def test_constants_beside_the_program_are_named_and_not_counted(found: Any) -> None:
    def outside(tables: Row) -> None:
        forward_of(tables)["values"][WINDOW]["val"] = tensor(4, 3, 3, 3, constant=1, beside=True)
        tables["named_data"] = [row("NamedData", key="a"), row("NamedData", key="b")]

    one = found(outside)
    assert one.weight_bytes == {"qint8": 20}
    assert one.notes == ("1 of its constants are in a separate file (.ptd) and are not counted",)
    assert one.metadata["named data"] == "2 constants"
    with refused(ArtifactError, "artifact.damaged", "lacks constants", "(.ptd)"):
        found(outside, by=inspect)


# Where the file ends


def test_the_program_is_what_the_header_says_or_the_whole_file(found: Any) -> None:
    found()
    assert len(found.taken) == PROGRAM
    whole = content().replace(EXTENDED, b"none")
    found(lambda tables: tables["segments"][0].update(size=452), data=whole)
    assert found.taken == whole


@pytest.mark.parametrize(("program_bytes", "base"), [(PROGRAM + DATA + 1, PROGRAM), (PROGRAM, PROGRAM + DATA + 1)])
def test_a_header_beyond_the_end_is_a_file_cut_short(found: Any, program_bytes: int, base: int) -> None:
    with refused(ArtifactError, "artifact.damaged", f"needs {PROGRAM + DATA + 1} bytes", f"has {PROGRAM + DATA}"):
        found(data=content(program_bytes, base))


def test_a_program_may_end_with_the_file(found: Any) -> None:
    found(data=content(PROGRAM + DATA))
    assert len(found.taken) == PROGRAM + DATA
    found(no_weights, data=content(PROGRAM, PROGRAM + DATA))


def no_weights(tables: Row) -> None:
    """Nothing that is stored behind the program, and no op."""
    tables.update(segments=[], constant_segment=None)
    into_chain(tables)
    for value in forward_of(tables)["values"]:
        if value["val"] is not None and value["val"].kind == "Tensor":
            value["val"]["data_buffer_idx"] = 0


def test_a_segment_may_end_with_the_file_and_not_beyond(found: Any) -> None:
    found(lambda tables: tables["segments"].append(row("DataSegment", offset=DATA - 9, size=9)))
    with refused(
        ArtifactError, "artifact.damaged", f"10 bytes at byte {PROGRAM + DATA - 9}", f"{PROGRAM + DATA} bytes"
    ):
        found(lambda tables: tables["segments"].append(row("DataSegment", offset=DATA - 9, size=10)))


def test_a_constant_may_end_with_its_segment_and_not_beyond(found: Any) -> None:
    with refused(ArtifactError, "artifact.damaged", "constant 2 is cut short", "19 of 20 bytes"):
        found(lambda tables: tables["segments"][0].update(size=451))


def test_constants_of_old_programs_are_in_buffers(found: Any) -> None:
    def buffered(tables: Row, held: int) -> None:
        tables["constant_segment"] = row("SubsegmentOffsets", segment_index=0, offsets=[])
        tables["constant_buffer"] = [row("Buffer", storage=bytes(size)) for size in (0, 432, held)]

    assert found(lambda tables: buffered(tables, 20)).weight_bytes == {"fp32": 432, "qint8": 20}
    with refused(ArtifactError, "artifact.damaged", "constant 2 is cut short", "19 of 20 bytes"):
        found(lambda tables: buffered(tables, 19))


def test_a_constant_of_an_unknown_type_or_an_open_shape_is_damage(found: Any) -> None:
    for change in ({"scalar_type": "BITS16"}, {"sizes": [4, 3, 3, -1]}):
        with refused(ArtifactError, "artifact.damaged", "expected a known type and a fixed shape"):
            found(lambda tables, change=change: forward_of(tables)["values"][WINDOW]["val"].update(change))


def test_a_tensor_with_planned_memory_is_no_constant(found: Any) -> None:
    def planned(tables: Row) -> None:
        forward_of(tables)["values"][WEIGHT]["val"] = tensor(5, 4, kind="CHAR", constant=2, at=7)

    assert found(planned).weight_bytes == {"fp32": 432}


# Delegates


def test_another_delegate_is_named_counted_and_not_looked_into(found: Any) -> None:
    def delegated(tables: Row) -> None:
        into_chain(tables, delegate_call(1, INPUT, GRID), call(1, GRID, WEIGHT, NOTHING, LOGITS, LOGITS))

    one = found(delegated)
    assert (one.delegates, one.partitions, one.macs) == ({"Vendor": 1}, 1, None)
    assert one.fallbacks == (Fallback("aten::linear", 1, NO_KERNEL),)
    assert one.notes[0].startswith("the delegate Vendor hides its graph")
    assert "needs Vendor and" in one.minimum
    with refused(ArtifactError, "artifact.unsupported-model", "Vendor", "XNNPACK"):
        found(delegated, by=inspect)


INSIDE = Delegated(
    {
        0: GraphTensor("fp32", (1, 3, 8, 8)),
        1: GraphTensor("qcint8", (4, 3, 3, 3), 108, "by name"),
        2: GraphTensor("fp32", (1, 6, 6, 4)),
        3: GraphTensor("fp32", (4,), 16, 0),
    },
    (Op("Conv2d", "convolution", (0, 1, 3), (2,), kernel=9),),
    {0: Shared(0, False), 2: Shared(1, True)},
)


@pytest.mark.parametrize("location", ["SEGMENT", "INLINE"])
def test_two_calls_of_xnnpack_share_constants_by_name_and_no_others(
    found: Any, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(xnnpack, "read", lambda payload, _, known: asked.append((bytes(payload), known)) or INSIDE)

    def delegated(tables: Row) -> None:
        forward_of(tables)["delegates"][0] = backend("XnnpackBackend", location)
        tables["segments"] = [row("DataSegment", offset=5, size=490)]
        tables["backend_delegate_data"] = [row("Inline", data=memoryview(b"inline"))]
        tables["named_data"] = [row("NamedData", key="by name")]
        tables["constant_segment"]["offsets"] = [0, 0, 432]
        into_chain(tables, delegate_call(0, INPUT, GRID), delegate_call(0, INPUT, GRID))

    one = found(delegated, by=inspect)
    payload = b"inline" if location == "INLINE" else b"\1" * 490
    assert asked == [(payload, frozenset({"by name"}))] * 2
    assert (one.delegates, one.partitions, one.fallbacks) == ({"XnnpackBackend": 2}, 2, ())
    assert (one.ops, one.products, one.integer_products) == ({"Conv2d": 2}, 2, 2)
    assert one.weight_bytes == {"fp32": 432 + 2 * 16, "qcint8": 108, "qint8": 20}
    assert one.macs == 2 * 144 * 27
    assert one.activations == {"fp32": 2}


def test_a_delegate_without_a_payload_is_damage(found: Any) -> None:
    def hollow(tables: Row) -> None:
        forward_of(tables)["delegates"][0]["processed"] = None
        into_chain(tables, delegate_call(0, INPUT, GRID))

    with refused(ArtifactError, "artifact.damaged", "a delegate has no payload"):
        found(hollow)
