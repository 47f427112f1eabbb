"""Reads a Core ML model: a `.mlpackage` of any kind, or a bare `.mlmodel`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levit_mobile.errors import ArtifactError
from levit_mobile.inspection import coreml_network, coreml_ports, coreml_program, graph
from levit_mobile.inspection.graph import WITH_WEIGHTS, Graph, GraphTensor, Id, Op
from levit_mobile.inspection.kinds import bytes_by_kind
from levit_mobile.inspection.reading import DAMAGE, MOST_QUOTED, unreadable
from levit_mobile.inspection.reading import OPEN as OPEN_SHAPE
from levit_mobile.interfaces.inspection import Inspection, Port
from levit_mobile.mil.protobuf import Schema, model_file, read_model, schema

# specificationVersion -> the systems that brought it: coremltools' AvailableTarget, and before 4 its Model.proto.
SYSTEMS = {
    1: "iOS 11, macOS 10.13",
    2: "iOS 11.2, macOS 10.13.2",
    3: "iOS 12, macOS 10.14",
    4: "iOS 13, macOS 10.15",
    5: "iOS 14, macOS 11",
    6: "iOS 15, macOS 12",
    7: "iOS 16, macOS 13",
    8: "iOS 17, macOS 14",
    9: "iOS 18, macOS 15",
    10: "iOS 26, macOS 26",
}
PROGRAM = "mlProgram"
NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")
PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")
OLDER = "a {} is an older format than ML programs: MACs are unknown, ranks are known where the converter recorded them"
OPEN = "a {} holds no ops: only its description is shown"
MANY = "it has the functions {}: the figures are those of {}"
PLAIN = {"int64Type": "int64", "doubleType": "double", "stringType": "string", "stateType": "state"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a model computes, and how it is called."""

    graph: Graph
    format: str
    class_labels: int | None
    products: int
    integer_products: int
    notes: tuple[str, ...] = ()
    function: str = ""


def inspect(path: Path) -> Inspection:
    """Raises ArtifactError when it is no ML program, ToolchainMissing without coremltools.

    Partitions are None: Core ML decides on the device which unit runs what.
    """
    return _read(path, only_programs=True)


def survey(path: Path) -> Inspection:
    """As `inspect`, of neural networks, pipelines and other models too."""
    return _read(path, only_programs=False)


def _read(path: Path, *, only_programs: bool) -> Inspection:
    by = schema()
    file = path if path.is_file() and path.suffix != ".mlpackage" else model_file(path)
    try:
        model = read_model(file, by)
        kind = model.WhichOneof("Type")
        if kind is None:
            raise ValueError(f"it holds no model, expected an {PROGRAM}")
        if only_programs and kind != PROGRAM:
            raise ArtifactError(
                f"{path} holds a model of the kind {kind}, expected an {PROGRAM}", fault="unsupported-model"
            )
        return _inspection(model, _contents(model, kind, file.parent, by))
    except OSError as error:
        at = " ".join(str(error.filename or file).split())[:MOST_QUOTED]  # the file itself may name what it needs
        raise ArtifactError(f"{path} cannot be read: {at}: {error.strerror}", fault="unreadable") from error
    except (*DAMAGE, by.reading_error) as error:
        raise unreadable(path, "a Core ML model", error) from error


def _contents(model: Any, kind: str, folder: Path, by: Schema) -> Contents:
    if kind == PROGRAM:
        return _program(model, folder, by)
    if kind in NETWORKS:
        return _network(model, kind)
    if kind in PIPELINES:
        return _pipeline(model, kind, folder, by)
    return Contents(Graph({}, (), ()), f"Core ML {kind}", None, 0, 0, (OPEN.format(kind),))


def _program(model: Any, folder: Path, by: Schema) -> Contents:
    found = coreml_program.read(model, folder, by.elements)
    many = (MANY.format(", ".join(found.functions), found.function),) if len(found.functions) > 1 else ()
    title = f"Core ML program, opset {found.opset}"
    return Contents(
        found.graph, title, found.class_labels, found.products, found.integer_products, many, found.function
    )


def _network(model: Any, kind: str) -> Contents:
    network = getattr(model, kind)
    found = coreml_network.read(network, tuple(feature.name for feature in model.description.output))
    weights = [found.tensors[op.inputs[1]].dtype for op in found.ops if op.role in WITH_WEIGHTS and op.inputs[1:]]
    labels = coreml_network.class_labels(network)
    return Contents(found, f"Core ML {kind}", labels, len(weights), weights.count("int8"), (OLDER.format(kind),))


def _pipeline(model: Any, kind: str, folder: Path, by: Schema) -> Contents:
    """The models of a pipeline one after the other; each has its names to itself."""
    inner = getattr(model, kind)
    models = (inner if kind == "pipeline" else inner.pipeline).models
    parts = [_contents(part, str(part.WhichOneof("Type")), folder, by) for part in models]
    graphs = [_apart(part.graph, number) for number, part in enumerate(parts)]
    merged = Graph(
        {name: tensor for found in graphs for name, tensor in found.tensors.items()},
        tuple(op for found in graphs for op in found.ops),
        graphs[-1].outputs if graphs else (),
    )
    names = ", ".join(str(part.WhichOneof("Type")) for part in models)
    labels = next((part.class_labels for part in reversed(parts) if part.class_labels), None)
    products, integers = sum(part.products for part in parts), sum(part.integer_products for part in parts)
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return Contents(merged, f"Core ML {kind} of {len(models)}: {names}", labels, products, integers, notes)


def _apart(found: Graph, number: int) -> Graph:
    """The same graph with `number` before its ids and keys."""
    tensors: dict[Id, GraphTensor] = {
        (number, i): GraphTensor(t.dtype, t.shape, t.stored_bytes, (number, t.key) if t.stored_bytes else t.key)
        for i, t in found.tensors.items()
    }
    ops: tuple[Op, ...] = tuple(op.within(number) for op in found.ops)
    return Graph(tensors, ops, tuple((number, i) for i in found.outputs))


def _inspection(model: Any, found: Contents) -> Inspection:
    whole, described = found.graph, _described(model.description, found.function)
    inputs = tuple(_port(feature) for feature in described.input)
    is_open = any(port.is_open for port in inputs)
    return Inspection(
        ops=graph.op_counts(whole),
        partitions=None,
        fallbacks=(),
        max_rank=graph.max_rank(whole),
        weight_bytes=graph.weight_bytes(whole),
        products=found.products,
        integer_products=found.integer_products,
        format=found.format,
        inputs=inputs,
        outputs=tuple(_port(feature) for feature in described.output),
        class_labels=found.class_labels,
        kind_bytes=bytes_by_kind(whole),
        activations=graph.activations(whole),
        macs=graph.macs(whole) if whole.ops and not is_open else None,
        minimum=_minimum(model.specificationVersion),
        metadata=_metadata(model.description.metadata),
        notes=(*_states(described), *found.notes, *([OPEN_SHAPE] if is_open else [])),
    )


def _described(description: Any, function: str) -> Any:
    """Where the inputs and outputs are: a package of several functions has them with each function."""
    return next((one for one in description.functions if one.name == function), description)


def _states(described: Any) -> Iterator[str]:
    """A sentence per state; coremltools before 8 does not know states."""
    for feature in getattr(described, "state", ()):
        held = feature.type.stateType.arrayType
        kind = held.ArrayDataType.Name(held.dataType).lower()
        yield f"it keeps the state {feature.name}, {kind} {list(held.shape)}, from one call to the next"


def _minimum(version: int) -> str:
    return f"{SYSTEMS.get(version, 'unknown systems')} (specification {version})"


def _port(feature: Any) -> Port:
    kind = feature.type.WhichOneof("Type")
    held: Any = getattr(feature.type, kind) if kind else None
    if kind == "imageType":
        return coreml_ports.image(feature.name, held)
    if kind == "multiArrayType":
        return coreml_ports.array(feature.name, held)
    if kind == "dictionaryType":
        keys = "int64" if held.WhichOneof("KeyType") == "int64KeyType" else "string"
        return Port(feature.name, f"dictionary, {keys} -> double")
    return Port(feature.name, PLAIN.get(str(kind), str(kind).removesuffix("Type")))


def _metadata(held: Any) -> Mapping[str, str]:
    known = {name: getattr(held, name) for name in ("shortDescription", "versionString", "author", "license")}
    return {name: text for name, text in (known | dict(sorted(held.userDefined.items()))).items() if text}
