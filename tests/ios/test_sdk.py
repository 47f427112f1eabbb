"""How the stubs of Apple's modules are compared with the SDK's declarations, on declarations and stubs made up here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "ios_demo" / "tools"))

import sdk
import typecheck

DECLARED = """\
/**
 * @since 11.0
 */
declare class MLModel extends NSObject {

\tstatic alloc(): MLModel; // inherited from NSObject

\t/**
\t * @since 16.0
\t */
\tstatic compileModelAtURLCompletionHandler(modelURL: NSURL, handler: (p1: NSURL | null) => void): void;

\treadonly lowPowerModeEnabled: boolean;

\tinitWithDevicePreviewLayer(device: any, previewLayer: any | null): this;
}

/**
 * @since 12.0
 */
declare const enum MLComputeUnits {

\tCPUOnly = 0,

\tCPUAndGPU = 1
}

declare const kFormat: number;

/**
 * @since 4.0
 */
declare function CVPixelBufferGetWidth(pixelBuffer: any): number;
"""


@pytest.fixture
def declared() -> dict[str, sdk.Declared]:
    found: dict[str, sdk.Declared] = {}
    sdk._read(iter(DECLARED.splitlines(keepends=True)), found)
    return found


@pytest.fixture(autouse=True)
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty list of names."""
    file = tmp_path / "names.txt"
    file.write_text("# nothing\n")
    monkeypatch.setattr(sdk, "NAMES", file)
    return file


def stub(path: str, kind: str = "Func", since: sdk.Level = (16, 0)) -> sdk.Stub:
    return sdk.Stub("CoreML", tuple(path.split("/")), kind, since)


FOUND = [
    ("MLModel", "Class"),
    ("MLModel/compileModel(at:)", "Func"),
    ("MLModel/isLowPowerModeEnabled", "Var"),
    ("MLModel/init(device:previewLayer:)", "Constructor"),
    ("MLComputeUnits/cpuAndGPU", "EnumElement"),
    ("kFormat", "Var"),
    ("CVPixelBufferGetWidth(_:)", "Func"),
]


@pytest.mark.parametrize(("path", "kind"), FOUND)
def test_a_name_of_the_sdk_is_found(declared: dict[str, sdk.Declared], path: str, kind: str) -> None:
    assert sdk.compare([stub(path, kind)], declared) == (1, [], [])


MISSPELT = [
    "MLModels",
    "MLModel/compileModel(of:)",
    "MLModel/lowPower",
    "MLModel/init(previewLayer:device:)",
    "MLComputeUnits/gpu",
    "CVPixelBufferGetWidths(_:)",
]


@pytest.mark.parametrize("path", MISSPELT)
def test_a_name_that_the_sdk_lacks_is_named(declared: dict[str, sdk.Declared], path: str) -> None:
    kind = "Class" if "/" not in path and "(" not in path else "Func"
    assert sdk.compare([stub(path, kind)], declared) == (
        0,
        [],
        [f"CoreML.{path.replace('/', '.')} is not in the SDK"],
    )


def test_a_stub_that_claims_an_older_system_is_named(declared: dict[str, sdk.Declared]) -> None:
    wrong = sdk.compare([stub("MLModel/compileModel(at:)", since=(15, 4))], declared)[2]
    assert wrong == ["CoreML.MLModel.compileModel(at:) is there since iOS 16.0, and the stub states 15.4"]


def test_listed_names_are_looked_up_too_and_stale_ones_are_named(
    declared: dict[str, sdk.Declared], names: Path
) -> None:
    names.write_text("CoreML.Model.make() = MLModel.alloc\nCoreML.Bridge = swift\nCoreML.Gone = kFormat\n")
    found, others, wrong = sdk.compare([stub("Model/make()"), stub("Bridge", "Struct")], declared)
    assert (found, others, wrong) == (1, ["CoreML.Bridge"], ["names.txt lists CoreML.Gone, which no stub has"])
    names.write_text("CoreML.Model.make() = MLModel.allocate\n")
    assert sdk.compare([stub("Model/make()")], declared)[2] == ["CoreML.Model.make() is not in the SDK"]


def test_a_stubs_names_have_the_level_of_their_type_at_least(tmp_path: Path) -> None:
    def node(kind: str, name: str, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "printedName": name, "declKind": kind, **more}

    raw = node("Constructor", "init(rawValue:)")
    members = [node("Var", "a"), node("Function", "b()", intro_iOS="17.4"), raw, node("Var", "c", implicit=True)]
    root = {
        "name": "CoreML",
        "children": [node("TypeDecl", "T", intro_iOS="16.0", children=members), node("Import", "X")],
    }
    file = tmp_path / "CoreML.abi.json"
    file.write_text(json.dumps({"ABIRoot": root}))
    assert [(one.name, one.since) for one in sdk.read_stub(file)] == [
        ("CoreML.T", (16, 0)),
        ("CoreML.T.a", (16, 0)),
        ("CoreML.T.b()", (17, 4)),
    ]


def test_a_newer_type_needs_a_guard_of_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typecheck, "KIT", tmp_path)
    monkeypatch.setattr(typecheck, "APP", tmp_path / "none")
    newer = sdk.newer([stub("MLPlan", "Class", (17, 4)), stub("Old", "Class", (16, 0))], (16, 0))
    assert newer == {"MLPlan": (17, 4)}
    (tmp_path / "A.swift").write_text("let plan: MLPlan\n")
    (tmp_path / "B.swift").write_text("@available(iOS 17.4, macOS 14.4, *)\nlet plan: MLPlan\n")
    assert typecheck.unguarded(newer, {}) == ["A.swift uses MLPlan of iOS 17.4 without a guard"]
