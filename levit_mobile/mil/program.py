"""A package read into a flat plan, and the plan run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from levit_mobile.errors import ArtifactError
from levit_mobile.mil.kernels import Kernel, kernels_of
from levit_mobile.mil.package import Package, open_package
from levit_mobile.mil.tensors import HELD_AS, Array, Declared, conformed, declared, rounded
from levit_mobile.mil.weights import Weights

Mode = Literal["declared", "float32"]
Observe = Callable[[str, Array], None]
Arguments = dict[str, str | tuple[str, ...]]  # an op's input -> the name, or for a tuple the names, of its values

TUPLE = "values"  # the one input of MIL that is a tuple
KERNEL_ERRORS = (ValueError, RuntimeError, TypeError, LookupError, ArithmeticError, MemoryError)


@dataclass(frozen=True, slots=True)
class Step:
    """One op: what it reads, what it makes, and which values nobody reads after it."""

    op: str
    kernel: Kernel
    arguments: Arguments
    results: tuple[Declared, ...]
    releases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A program ready to run, its constants decoded.

    Mode "declared" rounds every tensor as the program declares: a float16 op computes in float32 and its result is
    rounded once. Mode "float32" keeps float32 between ops; weights are then what the file stores.
    """

    inputs: tuple[Declared, ...]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]
    constants: Mapping[str, Any]
    images: Mapping[str, str]
    mode: Mode

    def run(self, inputs: Mapping[str, Array], *, observe: Observe | None = None) -> dict[str, Array]:
        """The program's outputs for one call. Floats come and go as float32, whatever is declared.

        A classifier's label is an array of one string or number, its probabilities are in the order of the classes.
        `observe` sees every input and every op's result, by name. Raises ArtifactError for a wrong input, and for an
        op that fails or gives another shape than declared.
        """
        values = {**self.constants, **self._checked(inputs)}
        for entry in self.inputs if observe else ():
            observe(entry.name, values[entry.name])  # type: ignore[misc]
        with torch.inference_mode(), np.errstate(all="ignore"):
            for step in self.steps:
                made = _run(step, values, rounding=self.mode == "declared")
                values.update(made)
                for name in step.releases:
                    del values[name]
                for name, value in made.items() if observe else ():
                    observe(name, value)  # type: ignore[misc]
        return {name: np.array(values[name]) for name in self.outputs}

    def _checked(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        names = [entry.name for entry in self.inputs]
        if set(inputs) != set(names):
            raise ArtifactError(
                f"the inputs are {_listed(inputs)}, expected the program's {_listed(names)}", fault="mismatch"
            )
        return {entry.name: self._input(entry, np.asarray(inputs[entry.name])) for entry in self.inputs}

    def _input(self, entry: Declared, value: Array) -> Array:
        if value.shape != entry.shape:
            raise ArtifactError(
                f"the input {entry.name} has the shape {list(value.shape)}, expected {list(entry.shape or ())}",
                fault="mismatch",
            )
        held = value.astype(HELD_AS[entry.element or "FLOAT32"])
        return rounded(held) if entry.element == "FLOAT16" and self.mode == "declared" else held


def read(package: Path, *, mode: Mode = "declared") -> Program:
    """The program that a `.mlpackage` holds.

    Raises ArtifactError for a folder that is none, for damaged weights, and for anything that the MIL reference does
    not know: an op, an input of an op, an element type, an open shape, a nested block. ToolchainMissing without
    coremltools, whose schema names the fields of the file.
    """
    try:
        return _program(open_package(package), mode)
    except KERNEL_ERRORS as error:  # a damaged program can say anything
        raise ArtifactError(f"{package} cannot be read: {type(error).__name__}: {error}", fault="damaged") from error


def _program(source: Package, mode: Mode) -> Program:
    reader = _Reader(source, rounding=mode == "declared")
    inputs = tuple(declared(entry, source.elements) for entry in source.inputs)
    reader.known.update(entry.name for entry in inputs)
    for operation in source.block.operations:
        reader.add(operation)
    outputs = tuple(source.block.outputs)
    reader.require(outputs, "the program's output")
    steps = tuple(_released(reader.steps, keep={*reader.constants, *outputs}))
    return Program(inputs, outputs, steps, reader.constants, source.images, mode)


class _Reader:
    """Takes operations in their order: constants are decoded, the rest becomes steps."""

    def __init__(self, source: Package, *, rounding: bool) -> None:
        self.source, self.rounding = source, rounding
        self.weights = Weights(source.folder, source.elements)
        self.kernels = kernels_of(source.ios)
        self.constants: dict[str, Any] = {}
        self.known: set[str] = set()
        self.steps: list[Step] = []

    def add(self, operation: Any) -> None:
        """One operation more."""
        results = tuple(declared(output, self.source.elements) for output in operation.outputs)
        if operation.type == "const":
            self._define({results[0].name: self.weights.value(operation.attributes["val"], results[0].name)})
            return
        step = Step(operation.type, self._kernel(operation), self._arguments(operation), results, ())
        if step.op.startswith("constexpr_"):
            self._define(_run(step, self.constants, rounding=self.rounding))
            return
        self.steps.append(step)
        self.known.update(result.name for result in results)

    def _define(self, constants: Mapping[str, Any]) -> None:
        self.constants.update(constants)
        self.known.update(constants)

    def require(self, names: tuple[str, ...], reader: str) -> None:
        """Every name has been made. Raises ArtifactError."""
        for name in names:
            if name not in self.known:
                raise ArtifactError(f"{reader} is {name}, which no earlier op produces", fault="damaged")

    def _kernel(self, operation: Any) -> Kernel:
        if operation.type not in self.kernels:
            raise ArtifactError(
                f"the MIL reference does not support the op {operation.type} of iOS {self.source.ios}, "
                f"which produces {_label(operation)}",
                fault="unsupported-op",
            )
        if operation.blocks:
            raise ArtifactError(
                f"{operation.type} {_label(operation)} has a nested block, which is not supported",
                fault="unsupported-op",
            )
        return self.kernels[operation.type]

    def _arguments(self, operation: Any) -> Arguments:
        """The names of what an op reads; a value that stands in its place becomes a constant with a name."""
        where = f"{operation.type} {_label(operation)}"
        found: Arguments = {}
        for role, argument in operation.inputs.items():
            names = tuple(self._named(binding, f"{where}:{role}:{i}") for i, binding in enumerate(argument.arguments))
            self.require(names, f"{role} of {where}")
            if role != TUPLE and len(names) != 1:
                raise ArtifactError(f"{role} of {where} has {len(names)} values, expected one", fault="unsupported-op")
            found[role] = names if role == TUPLE else names[0]
        found |= self._attributes(operation, where)
        _require_fit(self.kernels[operation.type], found, where)
        return found

    def _named(self, binding: Any, name: str) -> str:
        if binding.WhichOneof("binding") == "name":
            return str(binding.name)
        self._define({name: self.weights.value(binding.value, name)})
        return name

    def _attributes(self, operation: Any, where: str) -> Arguments:
        """Until iOS 17 the data of a compressed constant; every other op has its name here and nothing else."""
        found: Arguments = {}
        for role, value in operation.attributes.items():
            if role == "name":
                continue
            if not operation.type.startswith("constexpr_"):
                raise ArtifactError(
                    f"{where} has the attribute {role}, which the MIL reference does not support",
                    fault="unsupported-op",
                )
            self._define({f"{where}:{role}": self.weights.value(value, f"{where}:{role}")})
            found[role] = f"{where}:{role}"
        return found


def _require_fit(kernel: Kernel, arguments: Arguments, where: str) -> None:
    """The kernel takes exactly such inputs. Raises ArtifactError, which names the one that is unknown or missing."""
    try:
        _signature(kernel).bind(**arguments)
    except TypeError as error:
        raise ArtifactError(f"{where} does not have the expected inputs: {error}", fault="unsupported-op") from error


_signature = cache(signature)


def _run(step: Step, values: Mapping[str, Any], *, rounding: bool) -> dict[str, Array]:
    """The step's results by name."""
    try:
        found = step.kernel(**{role: _value(names, values) for role, names in step.arguments.items()})
        made = found if isinstance(found, tuple) else (found,)
        return {
            to.name: conformed(np.asarray(value), to, rounding=rounding)
            for to, value in zip(step.results, made, strict=True)
        }
    except KERNEL_ERRORS as error:
        raise ArtifactError(
            f"{step.op} {step.results[0].name} failed: {error}", fault=ArtifactError.fault_of(error, "failed")
        ) from error


def _value(names: str | tuple[str, ...], values: Mapping[str, Any]) -> Any:
    return values[names] if isinstance(names, str) else tuple(values[name] for name in names)


def _released(steps: list[Step], keep: set[str]) -> Iterator[Step]:
    """The steps, each with the values that it or an earlier one made and no later one reads."""
    last = {name: index for index, step in enumerate(steps) for name in _touched(step) if name not in keep}
    for index, step in enumerate(steps):
        dead = tuple(name for name in _touched(step) if last.get(name) == index)
        yield Step(step.op, step.kernel, step.arguments, step.results, dead)


def _touched(step: Step) -> dict[str, None]:
    """The names that a step reads or makes, once each, in order."""
    read_names = [n for names in step.arguments.values() for n in ((names,) if isinstance(names, str) else names)]
    return dict.fromkeys([*read_names, *(result.name for result in step.results)])


def _label(operation: Any) -> str:
    return str(operation.outputs[0].name) if operation.outputs else "nothing"


def _listed(names: Any) -> str:
    return ", ".join(map(str, names)) or "nothing"
