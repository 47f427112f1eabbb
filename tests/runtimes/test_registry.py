"""Runtimes by name: what is written comes back, and what runs a target is found or refused in a sentence."""

from __future__ import annotations

import sys

import pytest
from support.refusals import refused

from levit_mobile.errors import RecipeError
from levit_mobile.runtimes import registry
from levit_mobile.runtimes.registry import RUNTIMES, Runtime, RuntimeId


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("litert", RuntimeId("litert")),
        ("litert@cortex-a76", RuntimeId("litert", "cortex-a76")),
        ("tflite-runtime", RuntimeId("tflite-runtime")),
    ],
)
def test_a_runtime_comes_back_from_its_name(text: str, found: RuntimeId) -> None:
    assert RuntimeId.parse(text) == found
    assert str(found) == text
    assert Runtime(name=text, title="", version="", real=True).id == found


def test_a_runtime_is_described_under_its_name() -> None:
    for runtime in (RuntimeId(name) for name in RUNTIMES):
        assert registry.described(runtime).id == runtime
    assert registry.described(registry.on("cortex-a53", "executorch")).name == "executorch@cortex-a53"


def test_the_first_default_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.chosen(None, "tflite") == RuntimeId("litert")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert registry.chosen(None, "coreml") == registry.real("coreml") == RuntimeId("coreml")
    monkeypatch.setattr(sys, "platform", "linux")
    assert registry.chosen(None, "coreml") == RuntimeId("mil")


@pytest.mark.parametrize("name", ["mil", "litert2", "", "litert@", "mil@cortex-a76", "executorch@cortex-a76"])
def test_what_does_not_run_a_target_is_refused(name: str) -> None:
    with refused(RecipeError, "recipe.runtime", repr(name), "tflite artifacts", "litert, tflite-runtime"):
        registry.chosen(name, "tflite")


@pytest.mark.parametrize("name", ["litert@nonsense", "litert@cortex-a53,cortex-a76"])
def test_a_runtime_on_an_unknown_core_is_refused_with_the_known(name: str) -> None:
    with refused(RecipeError, "recipe.unknown-cpu", repr(name.partition("@")[2]), "cortex-a53, cortex-a76, i8mm"):
        registry.chosen(name, "tflite")
    with refused(RecipeError, "recipe.unknown-cpu", "cortex-a53, cortex-a76, i8mm"):
        registry.on(name.partition("@")[2], "tflite")
