"""Reads a `.tflite`: the flatbuffer for what it holds, LiteRT's interpreter for what XNNPACK takes."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from levit_mobile.contract import Arithmetic
from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.inspection import flatbuffer, graph
from levit_mobile.inspection.flatbuffer import Table
from levit_mobile.inspection.graph import WITH_WEIGHTS, Graph, GraphTensor, Id, Op, Role
from levit_mobile.inspection.kinds import bytes_by_kind
from levit_mobile.inspection.reading import DAMAGE, OPEN, fallbacks, unreadable
from levit_mobile.interfaces.inspection import Inspection, Port, unbounded
from levit_mobile.interfaces.litert import fault_of
from levit_mobile.system import workers
from levit_mobile.system.capture_output import diverted
from levit_mobile.system.file_signature import begins
from levit_mobile.system.files import is_text

LOAD_S = 60.0  # for LiteRT to load a model; it needs 0.1
LOAD_BYTES = 3 << 30  # of memory for it, beside four times the file's own size; a phone's model needs a tenth
# The fields of TFLite's schema that are read here, in its order up to the last of them.
SCHEMA = """
table Model { version:uint; operator_codes:[OperatorCode]; subgraphs:[SubGraph]; description:string; buffers:[Buffer];
              metadata_buffer:[int]; metadata:[Metadata]; signature_defs:[SignatureDef]; }
table OperatorCode { deprecated_builtin_code:byte; custom_code:string; version:int = 1; builtin_code:int; }
table SubGraph { tensors:[Tensor]; inputs:[int]; outputs:[int]; operators:[Operator]; name:string; }
table Tensor { shape:[int]; type:byte; buffer:uint; name:string; quantization:Quantization; is_variable:bool;
               sparsity:Unread; shape_signature:[int]; }
table Quantization { min:[float]; max:[float]; scale:[float]; zero_point:[long]; }
table Operator { opcode_index:uint; inputs:[int]; outputs:[int]; }
table Buffer { data:[ubyte]; offset:ulong; size:ulong; }
table Metadata { name:string; buffer:uint; }
table SignatureDef { inputs:[TensorMap]; outputs:[TensorMap]; signature_key:string; tag:string; subgraph_index:uint; }
table TensorMap { name:string; tensor_index:uint; }
table Unread { nothing:bool; }
root_type Model;
"""
ROLES: Mapping[str, Role] = {
    "CONV_2D": "convolution",
    "CONV_3D": "convolution",
    "DEPTHWISE_CONV_2D": "convolution",
    "TRANSPOSE_CONV": "transposed convolution",
    "FULLY_CONNECTED": "linear",
    "BATCH_MATMUL": "matmul",
    "ADD": "add",
    "SOFTMAX": "softmax",
    "EXP": "softmax",
}
INTEGERS = ("int8", "int4", "int2", "int16", "uint8")
MINIMUM = "min_runtime_version"  # the name of the metadata in which converters write it
HALF = "reduced_precision_support"  # that of the metadata by which XNNPACK may compute in float16
IN_HALF = re.compile(r"(bf16)*fp16((bf|fp)16)*accfp16")  # as XNNPACK's delegate reads its value; it heeds no other
TEXT_MOST = 200  # characters of a metadata's value


@dataclass(frozen=True, slots=True)
class Delegation:
    """What LiteRT gave to XNNPACK in the main subgraph: partitions, and the ops that it left."""

    partitions: int
    outside: Mapping[str, int]


def inspect(path: Path) -> Inspection:
    """Raises ArtifactError when the file is no TFLite model that LiteRT can run, ToolchainMissing without LiteRT."""
    return _delegated(_read(path), _delegation(path))


def survey(path: Path) -> Inspection:
    """As `inspect`, also for sound models that LiteRT cannot prepare: partitions are None, and a note has the reason.

    Those are models with an op that LiteRT lacks or that XNNPACK does not take, and with shapes that are set at run
    time: they are stored as 1, and ops may not fit that.
    """
    found = _read(path)
    try:
        return _delegated(found, _delegation(path))
    except ArtifactError as error:
        if error.fault not in ArtifactError.NOT_RUNNABLE and not (error.fault == "refused" and _is_open(found)):
            raise
        return replace(found, notes=(*found.notes, f"partitions and fallback ops are unknown: {error}"))


def _is_open(found: Inspection) -> bool:
    """Is a size of an input set at run time?"""
    return any(size < 1 for port in found.inputs for size in port.shape)


def _delegated(found: Inspection, by: Delegation) -> Inspection:
    delegates = {"XNNPACK": by.partitions} if by.partitions else {}
    return replace(found, partitions=by.partitions, delegates=delegates, fallbacks=fallbacks(by.outside))


# Contents of the flatbuffer


def _read(path: Path) -> Inspection:
    """Everything but what LiteRT decides."""
    try:
        model = _Model(path.read_bytes())
        return model.inspection()
    except ImportError as error:
        raise ToolchainMissing("ai-edge-litert", "tflite") from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}", fault="unreadable") from error
    except DAMAGE as error:
        raise unreadable(path, "a TFLite model", error) from error


class _Model:
    """One flatbuffer and the names of its schema's numbers."""

    def __init__(self, data: bytes) -> None:
        from ai_edge_litert import schema_py_generated as vendor

        if not begins(data, "tflite"):
            raise ValueError("it does not begin like one")
        self.size = len(data)
        self.root = flatbuffer.root(data, flatbuffer.schema(SCHEMA))
        self.types = {number: name.lower() for name, number in vars(vendor.TensorType).items() if name.isupper()}
        self.builtins = {number: name for name, number in vars(vendor.BuiltinOperator).items() if name.isupper()}
        self.buffers = [self._bytes_of(buffer) for buffer in self.root["buffers"]]
        self.codes = [self._name(code) for code in self.root["operator_codes"]]
        self.subgraphs: list[Table] = self.root["subgraphs"]
        self.tensors = [subgraph["tensors"] for subgraph in self.subgraphs]

    def inspection(self) -> Inspection:
        if not self.subgraphs:
            raise ValueError("it holds no graph")
        whole, inputs = self.graph(), self._ports("inputs")
        is_open = any(port.is_open for port in inputs)
        weights = [whole.tensors[op.inputs[1]].dtype for op in whole.ops if op.role in WITH_WEIGHTS]
        return Inspection(
            ops=graph.op_counts(whole),
            partitions=None,
            fallbacks=(),
            max_rank=graph.max_rank(whole),
            weight_bytes=graph.weight_bytes(whole),
            products=len(weights),
            integer_products=sum(dtype in INTEGERS for dtype in weights),
            format=f"TFLite flatbuffer, schema {self.root['version']}",
            inputs=inputs,
            outputs=self._ports("outputs"),
            kind_bytes=bytes_by_kind(whole),
            activations=graph.activations(whole),
            macs=None if is_open else graph.macs(whole),
            minimum=self._minimum(),
            arithmetic=self._arithmetic(),
            metadata=self._metadata(),
            notes=(*self._notes(), *([OPEN] if is_open else [])),
        )

    def graph(self) -> Graph:
        """All subgraphs; a tensor's id is its subgraph's number and its own."""
        tensors: dict[Id, GraphTensor] = {
            (g, t): self._tensor(tensor)
            for g, all_of_them in enumerate(self.tensors)
            for t, tensor in enumerate(all_of_them)
        }
        ops = tuple(
            self._op(g, op, tensors) for g, subgraph in enumerate(self.subgraphs) for op in subgraph["operators"]
        )
        return Graph(tensors, ops, tuple((0, t) for t in self.subgraphs[0]["outputs"]))

    def _op(self, subgraph: int, op: Table, tensors: Mapping[Id, GraphTensor]) -> Op:
        name = self.codes[op["opcode_index"]]
        inputs, outputs = (tuple((subgraph, t) for t in op[end] if t >= 0) for end in ("inputs", "outputs"))
        for tensor in (*inputs, *outputs):
            if tensor not in tensors:
                raise ValueError(f"the op {name} reads or writes tensor {tensor[1]}, which does not exist")
        role = ROLES.get(name, "other")
        if role in WITH_WEIGHTS and len(inputs) < 2:
            raise ValueError(f"the op {name} has no weight")
        weight: tuple[int, ...] = (tensors[inputs[1]].shape or ()) if role in WITH_WEIGHTS else ()  # [O, kh, kw, I]
        return Op(name, role, inputs, outputs, kernel=math.prod(weight[1:-1]))

    def _tensor(self, tensor: Table) -> GraphTensor:
        stored = self.buffers[tensor["buffer"]]
        shape = tuple(tensor["shape_signature"] or tensor["shape"])
        return GraphTensor(self.types[tensor["type"]], shape, stored, ("buffer", tensor["buffer"]) if stored else None)

    def _bytes_of(self, buffer: Table) -> int:
        """A buffer's size; in a file above 2 GB, buffers follow the flatbuffer."""
        offset, size = buffer["offset"], buffer["size"]
        if offset > 1 and offset + size > self.size:
            raise ValueError(
                f"it is cut short: {size} bytes at byte {offset} are expected, the file has {self.size} bytes"
            )
        return int(size) if offset > 1 else len(buffer["data"])

    def _name(self, code: Table) -> str:
        """An op's name; a custom one has its own."""
        number = max(code["deprecated_builtin_code"], code["builtin_code"])
        name = self.builtins.get(number, f"BUILTIN_{number}")
        return str(code["custom_code"] or name) if name == "CUSTOM" else name

    def _ports(self, end: str) -> tuple[Port, ...]:
        """The main graph's inputs or outputs, by their signature's names where it has one."""
        names = {
            item["tensor_index"]: item["name"]
            for signature in self.root["signature_defs"]
            if signature["subgraph_index"] == 0
            for item in signature[end]
        }
        return tuple(self._port(self.tensors[0][i], names.get(i)) for i in self.subgraphs[0][end])

    def _port(self, tensor: Table, name: str | None) -> Port:
        grid = tensor["quantization"]
        scales: tuple[float, ...] = grid["scale"] if grid else ()
        zeros: tuple[int, ...] = grid["zero_point"] if grid else ()
        if not all(map(math.isfinite, scales)):
            raise ValueError(f"the scale of {tensor['name']} is not finite")
        shape = tuple(tensor["shape_signature"] or tensor["shape"])
        return Port(
            name=name or tensor["name"],
            dtype=self.types[tensor["type"]],
            shape=shape,
            ranges=unbounded(shape),
            scale=scales[0] if len(scales) == 1 else None,
            zero_point=sum(zeros[:1]) if len(scales) == 1 else None,
        )

    def _texts(self) -> Iterator[tuple[str, str]]:
        buffers = self.root["buffers"]
        for item in self.root["metadata"]:
            content = bytes(buffers[item["buffer"]]["data"][: 4 * TEXT_MOST])
            text = content.rstrip(b"\0").decode("utf-8", "replace")
            printable = text.isprintable() and len(text) <= TEXT_MOST
            yield item["name"], text if printable else f"{self.buffers[item['buffer']]} bytes"

    def _metadata(self) -> dict[str, str]:
        signatures = ", ".join(signature["signature_key"] for signature in self.root["signature_defs"])
        known = {"description": self.root["description"], "signatures": signatures}
        return {name: text for name, text in (known | dict(self._texts())).items() if text}

    def _minimum(self) -> str:
        written = dict(self._texts()).get(MINIMUM)
        return f"TFLite {written}, as its converter recorded" if written else f"unknown: it has no {MINIMUM}"

    def _arithmetic(self) -> Arithmetic:
        return "fp16 where the core has it" if IN_HALF.fullmatch(self._precision()) else "fp32"

    def _precision(self) -> str:
        """The whole of the entry: a zero at its end makes it another."""
        buffers = self.root["buffers"]
        held = [item["buffer"] for item in self.root["metadata"] if item["name"] == HALF]
        return bytes(buffers[held[0]]["data"][:TEXT_MOST]).decode("latin-1") if held else ""

    def _notes(self) -> tuple[str, ...]:
        count = len(self.subgraphs)
        many = f"it has {count} subgraphs: MACs count each once; partitions and fallback ops are those of the first"
        entry = self._precision()
        vain = f"its {HALF} has no effect: XNNPACK computes in float16 only by a value such as fp16accfp16"
        return (*((many,) if count > 1 else ()), *((vain,) if entry and self._arithmetic() == "fp32" else ()))


# What LiteRT does with it


def _delegation(path: Path) -> Delegation:
    """By LiteRT in a process of its own, which a damaged model may end. Raises ArtifactError or ToolchainMissing."""
    try:
        most = LOAD_BYTES + 4 * path.stat().st_size
        (found,) = workers.spread(_reader, [path], processes=1, timeout_s=LOAD_S, most_bytes=most)
    except ArtifactError as error:
        raise error.reworded(f"{path} cannot be loaded by LiteRT: {error}") from error
    return found


def _reader() -> Callable[[Path], Delegation]:
    return _by_litert


def _by_litert(path: Path) -> Delegation:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ToolchainMissing("ai-edge-litert", "tflite") from error
    try:
        with diverted(Path(os.devnull)):
            given = str(path) if is_text(path) else None  # a path that is not text is handed over as bytes
            interpreter = Interpreter(given, None if given else path.read_bytes(), num_threads=1)
            interpreter.allocate_tensors()
            nodes = interpreter._get_ops_details()
            made = [int(tensor["index"]) for tensor in interpreter.get_output_details()]
    except (*DAMAGE, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise ArtifactError(why, fault=fault_of(why, partial(_prepare_plainly, path))) from error
    ops = [node for node in nodes if node["op_name"] != "DELEGATE"]
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    outside = _outside(ops, delegates, made)
    return Delegation(len(delegates), Counter(node["op_name"] for node in outside))


def _prepare_plainly(path: Path) -> None:
    """With LiteRT's own kernels alone."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain: Any = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    with diverted(Path(os.devnull)):
        Interpreter(str(path), num_threads=1, experimental_op_resolver_type=plain).allocate_tensors()


def _outside(graph: list[Any], delegates: list[Any], outputs: list[int]) -> list[Any]:
    """The nodes that still run outside of a delegate, found backwards from what must exist outside.

    A delegate's inputs and the graph's outputs exist outside; where no delegate makes one, its own node does, and then
    that node's inputs exist outside too.
    """
    made_by = {int(t): node for node in graph for t in node["outputs"]}
    delegated = {int(t) for delegate in delegates for t in delegate["outputs"]}
    pending = [*outputs, *(int(t) for delegate in delegates for t in delegate["inputs"])]
    found: dict[int, Any] = {}
    while pending:
        tensor = pending.pop()
        node = made_by.get(tensor)
        if node is None or tensor in delegated or node["index"] in found:
            continue
        found[node["index"]] = node
        pending.extend(int(t) for t in node["inputs"])
    return list(found.values())
