"""Reads a `.pte`: the program's instructions, and the XNNPACK graphs inside its delegate calls."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.inspection import executorch_ports as ports
from levit_mobile.inspection import flatbuffer, graph, xnnpack
from levit_mobile.inspection.flatbuffer import Schema, Table
from levit_mobile.inspection.graph import WITH_WEIGHTS, Graph, GraphTensor, Id, Op, Role
from levit_mobile.inspection.kinds import bytes_by_kind
from levit_mobile.inspection.reading import DAMAGE, NO_DELEGATE, fallbacks, unreadable
from levit_mobile.interfaces.inspection import IN_DATA_FILE, Inspection, Port
from levit_mobile.system.file_signature import begins

PROGRAM_SCHEMA = ("exir/_serialize/scalar_type.fbs", "exir/_serialize/program.fbs")
XNNPACK_SCHEMA = ("backends/xnnpack/serialization/schema.fbs",)
EXTENDED = b"eh00"  # at byte 8: header size u32, program size u64, where segments begin u64, their size u64
HEADER = struct.Struct("<IQQ")
# The program's own types -> XNNPACK's names, which most of the tensors have; the others keep theirs in lower case.
TYPES = {"COMPLEXHALF": "complex32", "COMPLEXFLOAT": "complex64", "COMPLEXDOUBLE": "complex128"}
TYPES |= {"FLOAT": "fp32", "HALF": "fp16", "CHAR": "qint8", "INT": "int32", "LONG": "int64"}
# PyTorch's scalar types that exporters write and that the schema only lists in a comment.
UNLISTED = {8: "COMPLEXHALF", 9: "COMPLEXFLOAT", 10: "COMPLEXDOUBLE", 18: "BITS1X8", 19: "BITS2X4", 20: "BITS4X2"}
UNLISTED |= {21: "BITS8"}
ELEMENT_BYTES = {"fp32": 4, "fp16": 2, "qint8": 1, "byte": 1, "bool": 1, "int32": 4, "int64": 8, "bfloat16": 2}
ELEMENT_BYTES |= {"double": 8, "short": 2, "complex32": 4, "complex64": 8, "complex128": 16}
ELEMENT_BYTES |= {"uint16": 2, "uint32": 4, "uint64": 8, "quint8": 1, "qint32": 4}
ELEMENT_BYTES |= dict.fromkeys(("float8e5m2", "float8e4m3fn", "float8e5m2fnuz", "float8e4m3fnuz"), 1)
ROLES: Mapping[str, Role] = {
    "aten::convolution": "convolution",
    "aten::linear": "linear",
    "aten::bmm": "matmul",
    "aten::mm": "matmul",
    "aten::addmm": "matmul",
    "aten::baddbmm": "matmul",
    "aten::matmul": "matmul",
    "aten::add": "add",
    "aten::_softmax": "softmax",
    "aten::exp": "softmax",
}
READ_FROM = {"aten::addmm": 1, "aten::baddbmm": 1}  # the first tensor is what they add
TRANSPOSED = 6  # among the arguments of aten::convolution
OPAQUE = "the delegate {} hides its graph: its ops, types, bytes and MACs are not counted"


@dataclass(frozen=True, slots=True)
class Segments:
    """Where a program ends and its data begins; all of it is the program where there is no extended header."""

    program_bytes: int
    base: int


def inspect(path: Path) -> Inspection:
    """Raises ArtifactError when the file is no ExecuTorch program, or an XNNPACK one that hides something.

    ToolchainMissing without executorch, whose schemas are read.
    """
    found = survey(path)
    if any(name != xnnpack.BACKEND for name in found.delegates):
        raise ArtifactError(
            f"{path} has the delegates {', '.join(found.delegates)}, expected XNNPACK only", fault="unsupported-model"
        )
    if outside := next((note for note in found.notes if IN_DATA_FILE in note), None):
        raise ArtifactError(f"{path} lacks constants, expected all of them: {outside}", fault="damaged")
    return found


def survey(path: Path) -> Inspection:
    """As `inspect`, with delegates of any kind; a note names one whose graph is hidden."""
    try:
        program, delegated = _schemas()
        return _Program(path.read_bytes(), program, delegated).inspection()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}", fault="unreadable") from error
    except DAMAGE as error:
        raise unreadable(path, "an ExecuTorch program", error) from error


def _schemas() -> tuple[Schema, Schema]:
    """Of a program and of XNNPACK's graphs, from the installed executorch; importing its readers takes seconds."""
    found = find_spec("executorch")
    if found is None or not found.submodule_search_locations:
        raise ToolchainMissing("executorch", "executorch")
    folder = Path(found.submodule_search_locations[0])
    program, inner = (
        flatbuffer.schema(*((folder / file).read_text(encoding="utf-8") for file in files))
        for files in (PROGRAM_SCHEMA, XNNPACK_SCHEMA)
    )
    return _completed(program), inner


def _completed(program: Schema) -> Schema:
    """With the scalar types that the schema leaves out."""
    scalar, names = program.enums["ScalarType"]
    return replace(program, enums={**program.enums, "ScalarType": (scalar, UNLISTED | dict(names))})


class _Program:
    """One file: its first method, which is `forward` in what exporters make."""

    def __init__(self, data: bytes, by: Schema, delegated: Schema) -> None:
        if not begins(data, "executorch"):
            raise ValueError("it does not begin like one")
        self.data, self.delegated_by = memoryview(data), delegated
        self.outside: set[str] = set()  # constants of delegates that are in a data file
        self.segments = self._header()
        self.root = flatbuffer.root(self.data[: self.segments.program_bytes], by)
        self.plans: list[Table] = self.root["execution_plan"]
        if not self.plans:
            raise ValueError("it holds no method")
        self.plan = next((plan for plan in self.plans if plan["name"] == "forward"), self.plans[0])
        self.values = [value["val"] for value in self.plan["values"]]
        for segment in self.root["segments"]:
            self._segment(segment["offset"], segment["size"])
        self.calls = [i for chain in self.plan["chains"] for i in self._instructions(chain)]

    def _header(self) -> Segments:
        if self.data[8:12] != EXTENDED:
            return Segments(len(self.data), 0)
        _, size, base = HEADER.unpack_from(self.data, 12)
        if max(size, base) > len(self.data):
            raise ValueError(
                f"it is cut short: its program needs {max(size, base)} bytes, the file has {len(self.data)}"
            )
        return Segments(size, base)

    def _segment(self, offset: int, size: int) -> memoryview:
        start = self.segments.base + offset
        if start + size > len(self.data):
            raise ValueError(
                f"it is cut short: {size} bytes at byte {start} are expected, the file has {len(self.data)} bytes"
            )
        return self.data[start : start + size]

    def _instructions(self, chain: Table) -> Iterator[Table]:
        for instruction in chain["instructions"]:
            call = instruction["instr_args"]
            if call is None:
                raise ValueError("an instruction is empty")
            yield call

    def inspection(self) -> Inspection:
        whole, delegates = self.graph(), self.delegates()
        outside = Counter(self._kernel(call) for call in self.calls if call.kind == "KernelCall")
        weights = [whole.tensors[op.inputs[1]].dtype for op in whole.ops if op.role in WITH_WEIGHTS]
        opaque = [name for name in delegates if name != xnnpack.BACKEND]
        inputs = self._ports("input")
        is_open = any(port.is_open for port in inputs)
        computed = graph.activations(whole)
        return Inspection(
            ops=graph.op_counts(whole),
            partitions=sum(delegates.values()),
            fallbacks=fallbacks(outside) if delegates else fallbacks(outside, {}, NO_DELEGATE),
            max_rank=graph.max_rank(whole),
            weight_bytes=graph.weight_bytes(whole),
            products=len(weights),
            integer_products=sum("int" in dtype for dtype in weights),
            format=f"ExecuTorch program, schema {self.root['version']}",
            inputs=inputs,
            outputs=self._ports("output"),
            delegates=delegates,
            kind_bytes=bytes_by_kind(whole),
            activations=computed,
            arithmetic=None if opaque else "fp16" if "fp16" in computed else "fp32",
            macs=None if opaque or is_open else graph.macs(whole),
            minimum=self._minimum(delegates),
            metadata=self._metadata(),
            notes=(*(OPAQUE.format(name) for name in opaque), *self._notes(), *(ports.BOUNDS if is_open else ())),
        )

    def delegates(self) -> dict[str, int]:
        """How often each backend is called."""
        called = (call["delegate_index"] for call in self.calls if call.kind == "DelegateCall")
        return dict(sorted(Counter(str(self.plan["delegates"][i]["id"]) for i in called).items()))

    def graph(self) -> Graph:
        """The id of a value: its number in the program; inside a delegate call, the call's number comes first."""
        tensors: dict[Id, GraphTensor] = {
            i: self._tensor(value) for i, value in enumerate(self.values) if value and value.kind == "Tensor"
        }
        ops: list[Op] = []
        for number, call in enumerate(self.calls):
            if call.kind == "KernelCall":
                ops.append(self._op(call, tensors))
            elif call.kind == "DelegateCall":
                inside, made = self._delegated(number, call)
                tensors |= inside
                ops += made
        return Graph(tensors, tuple(self._with_views(ops)), tuple(self.plan["outputs"]))

    def _with_views(self, ops: list[Op]) -> Iterator[Op]:
        """Ops, and links where a tensor is another's memory by another shape: exporters leave such copies out."""
        places = {i: place for i, value in enumerate(self.values) if (place := _place(value)) is not None}
        made: set[Id] = set(self.plan["inputs"])
        last: dict[object, Id] = {places[i]: i for i in self.plan["inputs"] if i in places}
        for op in ops:
            for tensor in op.inputs:
                if tensor in places and tensor not in made and places[tensor] in last:
                    made.add(tensor)
                    yield Op("", "link", (last[places[tensor]],), (tensor,))
            made.update(op.outputs)
            last |= {places[i]: i for i in op.outputs if i in places}
            yield op

    def _delegated(self, number: int, call: Table) -> tuple[dict[Id, GraphTensor], list[Op]]:
        """The tensors and ops of an XNNPACK call, linked to its arguments; nothing of another backend's."""
        delegate = self.plan["delegates"][call["delegate_index"]]
        if delegate["id"] != xnnpack.BACKEND:
            return {}, []
        known = frozenset(item["key"] for item in self.root["named_data"])
        found = xnnpack.read(self._payload(delegate["processed"]), self.delegated_by, known)
        self.outside.update(found.outside)
        tensors: dict[Id, GraphTensor] = {(number, i): _own(tensor, number) for i, tensor in found.tensors.items()}
        args = call["args"]
        links = [((number, i), args[link.place], link.is_output) for i, link in found.shared.items()]
        entering = [Op("", "link", (outer,), (inner,)) for inner, outer, is_output in links if not is_output]
        leaving = [Op("", "link", (inner,), (outer,)) for inner, outer, is_output in links if is_output]
        return tensors, [*entering, *(op.within(number) for op in found.ops), *leaving]

    def _payload(self, at: Table | None) -> memoryview:
        if at is None:
            raise ValueError("a delegate has no payload")
        if at["location"] == "INLINE":
            inline: memoryview = self.root["backend_delegate_data"][at["index"]]["data"]
            return inline
        segment = self.root["segments"][at["index"]]
        return self._segment(segment["offset"], segment["size"])

    def _kernel(self, call: Table) -> str:
        return str(self.plan["operators"][call["op_index"]]["name"])

    def _op(self, call: Table, tensors: Mapping[Id, GraphTensor]) -> Op:
        """A kernel call: its last argument is what it writes, tensors among the others are what it reads."""
        name, args = self._kernel(call), call["args"]
        outputs = self._tensors_of(args[-1]) if args else ()
        reads = [i for arg in args[:-1] for i in self._tensors_of(arg) if i not in outputs][READ_FROM.get(name, 0) :]
        role = ROLES.get(name, "other")
        if role not in WITH_WEIGHTS:
            return Op(name, role, tuple(reads), outputs)
        window = tensors[reads[1]].shape or ()  # [O, I, kh, kw]
        if name == "aten::convolution" and self.values[args[TRANSPOSED]]["bool_val"]:
            role = "transposed convolution"
        channels = 1 if len(window) > 2 else -1
        return Op(name, role, tuple(reads), outputs, kernel=math.prod(window[2:]), channels=channels)

    def _tensors_of(self, index: int) -> tuple[int, ...]:
        """The tensors of a value, which may be a list of them."""
        value = self.values[index]
        if value is None:
            return ()
        if value.kind in ("TensorList", "OptionalTensorList"):
            return tuple(i for i in value["items"] if i >= 0)
        return (index,) if value.kind == "Tensor" else ()

    def _tensor(self, value: Table) -> GraphTensor:
        dtype, shape = self._type(value), tuple(value["sizes"])
        index, extra = value["data_buffer_idx"], value["extra_tensor_info"]
        if not index or value["allocation_info"] is not None or (extra and extra["location"] == "EXTERNAL"):
            return GraphTensor(dtype, shape)
        if dtype not in ELEMENT_BYTES or any(size < 0 for size in shape):
            raise ValueError(
                f"a constant has the type {dtype} and shape {list(shape)}, expected a known type and a fixed shape"
            )
        size = math.prod(shape) * ELEMENT_BYTES[dtype]
        self._require_constant(index, size)
        return GraphTensor(dtype, shape, size, ("constant", index))

    def _type(self, value: Table) -> str:
        return TYPES.get(str(value["scalar_type"]), str(value["scalar_type"]).lower())

    def _require_constant(self, index: int, size: int) -> None:
        """Its bytes are in the file."""
        where = self.root["constant_segment"]
        if where is None or not where["offsets"]:
            held = len(self.root["constant_buffer"][index]["storage"])
        else:
            segment = self.root["segments"][where["segment_index"]]
            held = segment["size"] - where["offsets"][index]
        if held < size:
            raise ValueError(f"constant {index} is cut short: the file holds {held} of {size} bytes")

    def _ports(self, end: Literal["input", "output"]) -> tuple[Port, ...]:
        held = {plan["name"]: _held(plan) for plan in self.plans}
        values = [self.values[index] for index in self.plan[f"{end}s"]]
        return tuple(ports.port(self.plan["name"], end, place, value, held) for place, value in enumerate(values))

    def _minimum(self, delegates: Mapping[str, int]) -> str:
        wanted = ", ".join(delegates) or "no delegate"
        schema = self.root["version"]
        return f"a .pte does not name a version; its runtime needs {wanted} and reads program schema {schema}"

    def _metadata(self) -> dict[str, str]:
        """The methods, and what those give that only hold a value; names of data beside the program."""
        constant = {
            plan["name"]: _held(plan) for plan in self.plans if not any(c["instructions"] for c in plan["chains"])
        }
        methods = [plan["name"] for plan in self.plans if plan["name"] not in constant]
        named = f"{len(self.root['named_data'])} constants" if self.root["named_data"] else ""
        known = {"methods": ", ".join(methods), "named data": named}
        return {name: text for name, text in (known | constant).items() if text}

    def _notes(self) -> Iterator[str]:
        methods = [plan["name"] for plan in self.plans if any(c["instructions"] for c in plan["chains"])]
        if len(methods) > 1:
            yield f"it has the methods {', '.join(methods)}: the figures are those of {self.plan['name']}"
        infos = (v["extra_tensor_info"] for v in self.values if v and v.kind == "Tensor")
        outside = sum(info is not None and info["location"] == "EXTERNAL" for info in infos) + len(self.outside)
        if outside:
            yield f"{outside} of its constants are in a separate file {IN_DATA_FILE} and are not counted"


def _own(tensor: GraphTensor, call: int) -> GraphTensor:
    """Constants by a name are the program's, the others their payload's."""
    key = tensor.key if isinstance(tensor.key, str) else (call, tensor.key)
    return replace(tensor, key=key) if tensor.stored_bytes else tensor


def _place(value: Table | None) -> tuple[int, ...] | None:
    """Offset of a tensor in the planned memory."""
    where = value["allocation_info"] if value and value.kind == "Tensor" else None
    return where and (where["memory_id"], where["memory_offset_low"], where["memory_offset_high"])


def _held(plan: Table) -> str:
    """What a method that only holds a value gives."""
    values = [plan["values"][i]["val"] for i in plan["outputs"]]
    fields = {"Int": "int_val", "Bool": "bool_val", "Double": "double_val", "String": "string_val"}
    return ", ".join(str(v[fields[v.kind]]) if v and v.kind in fields else v.kind if v else "none" for v in values)
