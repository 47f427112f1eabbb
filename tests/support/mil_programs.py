"""Small ML programs for tests: many cases of an op in one saved package, and what PyTorch makes of the same inputs.

Programs are built by coremltools' own builder from live inputs, since it folds constants, and saved without its
optimisation passes, so that the op under test is in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from levit_mobile.mil.program import Mode, read

Array = NDArray[Any]
MODES: tuple[Mode, Mode] = ("declared", "float32")
MODEL = Path("Data/com.apple.CoreML/model.mlmodel")  # in a package
Edit = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Case:
    """`build(mb, *variables)` makes the op's result; `expected(*tensors)` is the same in PyTorch.

    `exact` results are equal, others apart by at most `within` of the largest expected value. `folds` is False where
    coremltools' own folding of the op is wrong.
    """

    name: str
    build: Callable[..., Any]
    expected: Callable[..., Any]
    inputs: tuple[Array, ...]
    exact: bool = False
    within: float = 2e-6
    folds: bool = True


def case(name: str, build: Callable[..., Any], expected: Callable[..., Any], *inputs: Array, **options: Any) -> Case:
    return Case(name, build, expected, inputs, **options)


def numbers(*shape: int, low: float = -3, high: float = 3, seed: int = 0) -> Array:
    """float32, evenly spread, none of them near a power of two's edge by plan."""
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape).astype(np.float32)


def integers(*shape: int, low: int = -9, high: int = 9) -> Array:
    """int32."""
    return np.random.default_rng(shape).integers(low, high, shape).astype(np.int32)


def function(cases: Sequence[Case], ios: int) -> Any:
    """One MIL function with an input and an output, or several, a case."""
    import coremltools as ct
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import Function, types

    kinds = {np.dtype(np.float32): types.fp32, np.dtype(np.int32): types.int32}
    specs = {
        f"{c.name}_in{i}": Builder.TensorSpec(x.shape, kinds[x.dtype]) for c in cases for i, x in enumerate(c.inputs)
    }
    Builder.name_count.clear()  # else ops are numbered on from earlier programs of this process
    with Function(specs, opset_version=getattr(ct.target, f"iOS{ios}")) as built:
        outputs = []
        for c in cases:
            made = c.build(Builder, *[built.inputs[f"{c.name}_in{i}"] for i in range(len(c.inputs))])
            outputs += [Builder.identity(x=x, name=f"{c.name}_out{i}") for i, x in enumerate(_several(made))]
        built.set_outputs(outputs)
    return built


def save(built: Any, path: Path, *, ios: int, precision: str = "fp32", passes: Sequence[str] = ()) -> Path:
    """A package of one function; "fp16" inserts casts around every op, `passes` run before."""
    import coremltools as ct
    from coremltools.converters.mil.mil import Program

    program = Program()
    program.add_function("main", built)
    half = ["common::add_fp16_cast", "common::dead_code_elimination"] if precision == "fp16" else []
    model = ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=getattr(ct.target, f"iOS{ios}"),
        compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
        pass_pipeline=ct.PassPipeline([*passes, *half]),
        skip_model_load=True,
    )
    model.save(str(path))
    return path


class Suite:
    """Cases saved as two packages, float32 and float16, and what the MIL reference makes of them."""

    def __init__(self, cases: Sequence[Case], ios: int, folder: Path) -> None:
        self.cases, self.ios, self.folder = cases, ios, folder
        self.package = cache(self._package)
        self.results = cache(self._results)

    def _package(self, precision: str) -> Path:
        return save(
            function(self.cases, self.ios), self.folder / f"{precision}.mlpackage", ios=self.ios, precision=precision
        )

    def _results(self, precision: str, mode: Mode) -> dict[str, list[Array]]:
        inputs = {f"{c.name}_in{i}": x for c in self.cases for i, x in enumerate(c.inputs)}
        found = read(self.package(precision), mode=mode).run(inputs)
        results: dict[str, list[Array]] = {c.name: [] for c in self.cases}
        for name in sorted(found, key=lambda name: int(name.rpartition("_out")[2])):
            results[name.rpartition("_out")[0]].append(found[name])
        return results

    def require_float32(self, one: Case) -> None:
        """The float32 program against PyTorch."""
        require_close(self.results("fp32", "float32")[one.name], expected(one), 0 if one.exact else one.within)

    def require_folded(self, one: Case) -> None:
        """The float32 program against coremltools, where it folds the op over constants."""
        second = folded(one, self.ios)
        if second is not None:
            require_close(self.results("fp32", "float32")[one.name], second, 0 if one.exact else 2 * one.within)

    def require_float16(self, one: Case) -> None:
        """The float16 program, every tensor rounded, against PyTorch on rounded inputs."""
        found = self.results("fp16", "declared")[one.name]
        halves = tuple(half(x) for x in one.inputs)
        require_close(found, expected(replace(one, inputs=halves)), 0 if one.exact else 1e-3)
        assert all(np.array_equal(half(value), value, equal_nan=True) for value in found)


def half(x: Array) -> Array:
    """The nearest float16 values; integers as they are."""
    return x.astype(np.float16).astype(np.float32) if x.dtype == np.float32 else x


def folded(one: Case, ios: int) -> list[Array] | None:
    """What coremltools itself makes of the case with constant inputs; None where it does not fold."""
    if not one.folds:
        return None
    import coremltools as ct
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import Function

    with Function({}, opset_version=getattr(ct.target, f"iOS{ios}")):
        made = _several(one.build(Builder, *[Builder.const(val=x.copy()) for x in one.inputs]))
        values = [x.val for x in made]
    return None if any(value is None for value in values) else [np.array(value) for value in values]


def expected(one: Case) -> list[Array]:
    """In PyTorch, float32."""
    made = one.expected(*[torch.from_numpy(x.copy()) for x in one.inputs])
    return [np.asarray(x) for x in _several(made)]


def require_close(found: Sequence[Array], wanted: Sequence[Array], within: float) -> None:
    """As many arrays, of the same shapes, apart by at most `within` of the largest value."""
    assert [x.shape for x in found] == [x.shape for x in wanted]
    for f, w in zip(found, wanted, strict=True):
        finite = np.abs(w[np.isfinite(w)].astype(np.float64))
        np.testing.assert_allclose(f, w, rtol=0, atol=within * finite.max() if finite.size else 0)


def _several(made: Any) -> list[Any]:
    return list(made) if isinstance(made, list | tuple) else [made]


def edited(package: Path, edit: Edit) -> Path:
    """The model file, changed in its main function's block or above it."""
    from coremltools.proto import Model_pb2

    model = Model_pb2.Model()
    model.ParseFromString((package / MODEL).read_bytes())
    edit(model)
    (package / MODEL).write_bytes(model.SerializeToString())
    return package


def operations(model: Any) -> Any:
    """Those of the main function."""
    return model.mlProgram.functions["main"].block_specializations["CoreML7"].operations


def op(model: Any, kind: str) -> Any:
    """The first operation of a kind."""
    return next(o for o in operations(model) if o.type == kind)


def constant(model: Any, ending: str) -> Any:
    """The first constant whose name ends so."""
    return next(o for o in operations(model) if o.type == "const" and o.outputs[0].name.endswith(ending))
