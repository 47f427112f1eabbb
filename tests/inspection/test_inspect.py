"""A damaged artifact is one sentence, never a traceback and never a crash, for inspectors and runners alike.

Each target's damaged files are tried in one process of their own: native code that aborts would take the tests along.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Bundles

from levit_mobile.inspection.reading import FALLBACK_REASONS, fallbacks
from levit_mobile.targets import TARGETS

# Prints one JSON line an attempt: [file, "inspect" or "run", error type or null, message].
ATTEMPTS = """
import faulthandler, json, sys
from pathlib import Path
faulthandler.enable()
from levit_mobile.contract import Contract
from levit_mobile.targets import TARGETS, resolve
contract, target = Contract.read(Path(sys.argv[1])), TARGETS[sys.argv[2]]
for path in map(Path, sys.argv[3:]):
    steps = {"inspect": lambda: resolve(target.inspector)(path)}
    if target.name != "coreml":
        steps["run"] = lambda: resolve(target.runner)(path, source=contract.input, result=contract.output)
    for step, attempt in steps.items():
        error = None
        try:
            attempt()
        except Exception as raised:
            error = raised
        line = [path.name, step, error and type(error).__name__, str(error)]
        print("ATTEMPT " + json.dumps(line), flush=True)
"""
Attempt = tuple[str, str, str | None, str]


def attempts(bundle: Path, target: str, files: list[Path]) -> list[Attempt]:
    arguments = [sys.executable, "-c", ATTEMPTS, str(bundle), target, *map(str, files)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"the process died of a damaged file: {done.stdout[-500:]} {done.stderr[-1500:]}"
    lines = [line.removeprefix("ATTEMPT ") for line in done.stdout.splitlines() if line.startswith("ATTEMPT ")]
    return [tuple(json.loads(line)) for line in lines]


def damaged(good: bytes, other: bytes) -> dict[str, bytes]:
    dice = random.Random(0)
    flipped = bytearray(good)
    for index in dice.sample(range(100_000), 200):
        flipped[index] ^= 0xFF
    return {
        "empty": b"",
        "start": good[:64],
        "half": good[: len(good) // 2],
        "short": good[:-1],
        "swapped": other,
        "zeros": bytes(4096),
        "noise": dice.randbytes(5000),
        "flipped": bytes(flipped),
        "text": b"not a model\n" * 100,
    }


@pytest.mark.parametrize(("target", "other"), [("tflite", "executorch"), ("executorch", "tflite")])
def test_a_damaged_file_is_one_sentence(bundles: Bundles, target: str, other: str, tmp_path: Path) -> None:
    bundle, stranger = bundles(f"{target}-fp32"), bundles(f"{other}-fp32")
    good, foreign = (b.path / b.contract.artifact.file for b in (bundle, stranger))
    files = []
    for name, content in damaged(good.read_bytes(), foreign.read_bytes()).items():
        files.append(tmp_path / f"{name}{TARGETS[target].suffix}")
        files[-1].write_bytes(content)
    files.append(tmp_path / f"absent{TARGETS[target].suffix}")
    found = attempts(bundle.path, target, [*files, good])
    assert [(name, step, kind) for name, step, kind, _ in found[-2:]] == [
        (good.name, "inspect", None),
        (good.name, "run", None),
    ]
    assert len(found) == 2 * len(files) + 2
    assert_sentences(found[:-2])


def assert_sentences(found: list[Attempt]) -> None:
    """Each is an ArtifactError that names the file in one line."""
    assert [attempt for attempt in found if attempt[2] != "ArtifactError"] == []
    assert [attempt for attempt in found if attempt[0] not in attempt[3] or "\n" in attempt[3]] == []


DATA = Path("Data", "com.apple.CoreML")
Damage = Callable[[Path], object]
PACKAGE_DAMAGE: dict[str, Damage] = {
    "absent": shutil.rmtree,
    "hollow": lambda package: (shutil.rmtree(package), package.mkdir()),
    "no-manifest": lambda package: (package / "Manifest.json").unlink(),
    "empty-manifest": lambda package: os.truncate(package / "Manifest.json", 0),
    "half-manifest": lambda package: os.truncate(package / "Manifest.json", 200),
    "no-program": lambda package: (package / DATA / "model.mlmodel").unlink(),
    "empty-program": lambda package: os.truncate(package / DATA / "model.mlmodel", 0),
    "half-program": lambda package: os.truncate(package / DATA / "model.mlmodel", 50_000),
    "no-weights": lambda package: (package / DATA / "weights" / "weight.bin").unlink(),
    "empty-weights": lambda package: os.truncate(package / DATA / "weights" / "weight.bin", 0),
    "half-weights": lambda package: os.truncate(package / DATA / "weights" / "weight.bin", 7_000_000),
}


def test_a_damaged_package_is_one_sentence(bundles: Bundles, tmp_path: Path) -> None:
    bundle = bundles("coreml-fp16")
    good = bundle.path / "model.mlpackage"
    packages = []
    for name, damage in PACKAGE_DAMAGE.items():
        packages.append(tmp_path / f"{name}.mlpackage")
        shutil.copytree(good, packages[-1])
        damage(packages[-1])
    packages.append(tmp_path / "a-file.mlpackage")
    packages[-1].write_bytes(bytes(5000))
    found = attempts(bundle.path, "coreml", [*packages, good])
    assert found[-1][:3] == ("model.mlpackage", "inspect", None)
    assert len(found) == len(packages) + 1
    assert_sentences(found[:-1])


def test_fallbacks_come_with_the_delegates_reason() -> None:
    first, second = fallbacks({"aten::slice_copy": 4, "MYSTERY": 1})
    assert (first.op, first.count, first.reason) == (
        "MYSTERY",
        1,
        "the delegate has no kernel for this op with these shapes and types",
    )
    assert (second.op, second.count, second.reason) == ("aten::slice_copy", 4, FALLBACK_REASONS["slice_copy"])
