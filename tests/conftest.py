"""Fixtures shared by all tests; slow conversions are made once a session."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support import kept, shared
from support.checkpoints import (
    State,
    a_quarter_as_wide,
    official_state,
    one_block_a_stage,
    saved,
    timm_state,
    transformers_model,
)
from support.conversions import made_once, shared_conversions, shared_float_models
from support.photographs import china
from support.process_state import left_as_found
from support.stored_bundles import Made, maker
from support.warm import Warm, rarely_collected
from threadpoolctl import threadpool_limits

from levit_mobile.model.download import BUNDLED
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel, load_source
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.quantization.prepare import Int8Options
from levit_mobile.recipe import RECIPES
from levit_mobile.system import workers
from levit_mobile.system.folders import cache_folder
from levit_mobile.system.workers import ONE_THREAD

# Where bytecode is not kept, as in many containers, every process of a run would compile each file again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

Bundles = Callable[[str], Bundle]  # recipe name -> its bundle, converted when it is first asked for
Once = Callable[[Callable[[Path], object], Path], None]
Run = Callable[..., subprocess.CompletedProcess[str]]


# Fixtures that convert or start processes.
SLOW = {"bundles", "shallow_bundles", "narrow_bundles", "levit_mobile", "adb_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need seconds are marked, and come first: a file of them at the end would leave cores idle."""
    for item in items:
        if SLOW & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Here and in the processes that tests start: sums come out the same on every machine, and at any `-n` no thread
    waits for another's core.
    """
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        for name, value in ONE_THREAD.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session", autouse=True)
def little_garbage() -> None:
    """A converter makes objects by the million and keeps them: looking through all of them often is in vain."""
    rarely_collected()


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A shell that runs the tests in the background has SIGINT ignored, and every process below would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def logs_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the commands log is not left in the user's own state folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVIT_MOBILE_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def photograph() -> Image.Image:
    """A real photograph, 640 x 427."""
    return china()


@pytest.fixture
def folder(tmp_path: Path, photograph: Image.Image) -> Path:
    """b/2.jpg a/1.png a/3.webp: three readable pictures in two classes."""
    for name, box in {"b/2.jpg": (0, 0, 300, 300), "a/1.png": (200, 0, 500, 200), "a/3.webp": (9, 9, 99, 199)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        photograph.crop(box).save(tmp_path / name)
    return tmp_path


@pytest.fixture(scope="module")
def narrow() -> Iterator[None]:
    """In this process levit_128s has a quarter of its channels: for modules that read and write many files."""
    with a_quarter_as_wide("levit_128s"):
        yield


@pytest.fixture(scope="module")
def official() -> State:
    return official_state(transformers_model("levit_128s"), "levit_128s")


@pytest.fixture(scope="module")
def timm() -> State:
    return timm_state(transformers_model("levit_128s"), "levit_128s")


@pytest.fixture(scope="session")
def trained() -> SourceModel:
    """The bundled checkpoint."""
    return load_source(BUNDLED)


@pytest.fixture(scope="session")
def conversions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the artifacts are that tests share, and later runs of the same converters: see support/conversions.py."""
    if not kept.wanted():
        yield shared.folder(tmp_path_factory, "conversions")
        return
    with kept.kept(cache_folder() / "test-conversions", kept.digest()) as folder:
        yield folder


@pytest.fixture(scope="session")
def once(conversions: Path) -> Once:
    """Calls what writes a vendor's artifact to a path, unless another test did: see support/conversions.py."""
    return partial(made_once, conversions)


@pytest.fixture(scope="module")
def converted_once(conversions: Path) -> Iterator[None]:
    """Here `convert` takes the artifact that another test has made of the same form, recipe and texts."""
    with shared_conversions(conversions):
        yield


@pytest.fixture(scope="session")
def bundles(trained: SourceModel, conversions: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """The bundled checkpoint by each recipe, to be left alone; a test pays only for those it asks for, and only once
    in all processes of a run. int8 sees 64 pictures. Every conversion leaves the process as it found it. In CI one
    recipe of each target is converted by every run.
    """
    out, floats = (shared.folder(tmp_path_factory, name) for name in ("bundles", "bundles-float"))

    def build(name: str) -> Bundle:
        options = {"count": 64} if name.endswith("-int8") else {}
        quantization = convert.quantized(trained, RECIPES[name], Int8Options(**options))
        keep = kept.of_the_bundled_checkpoint(name)
        shared_ones = shared_conversions(conversions) if keep else shared_float_models(floats)
        with left_as_found(RECIPES[name].target), shared_ones:
            return convert.build(trained, RECIPES[name], quantization=quantization, out=out)

    return cache(lambda name: shared.once(out, name, lambda: build(name)))


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """levit_128s at 64 px, 5 classes, two heads, in the official layout: small, without labels, not trained."""
    out = shared.folder(tmp_path_factory, "checkpoint")
    state = official_state(transformers_model("levit_128s"), "levit_128s")
    return shared.once(out, "random", lambda: saved({"model": state}, out / "random.pth"))


@pytest.fixture(scope="session")
def small(random_checkpoint: Path) -> SourceModel:
    """`random_checkpoint`, imported."""
    return load_source(random_checkpoint)


@pytest.fixture(scope="session")
def shallow_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`random_checkpoint` with one block a stage; the package reads it within `one_block_a_stage` alone."""
    out = shared.folder(tmp_path_factory, "shallow")
    with one_block_a_stage("levit_128s"):
        state = official_state(transformers_model("levit_128s"), "levit_128s")
        return shared.once(out, "random", lambda: saved({"model": state}, out / "random.pth"))


@pytest.fixture(scope="session")
def shallow(shallow_checkpoint: Path) -> SourceModel:
    """`shallow_checkpoint`, imported: for tests that convert, and do not ask how deep a net is."""
    with one_block_a_stage("levit_128s"):
        return load_source(shallow_checkpoint)


@pytest.fixture(scope="session")
def shallow_bundles(shallow: SourceModel, conversions: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """`shallow` by each recipe, as `bundles` are of the bundled checkpoint."""
    out = shared.folder(tmp_path_factory, "shallow")

    def build(name: str) -> Bundle:
        with one_block_a_stage("levit_128s"), shared_conversions(conversions):
            return convert.build(shallow, RECIPES[name], out=out)

    return cache(lambda name: shared.once(out, name, lambda: build(name)))


@pytest.fixture(scope="session")
def narrow_bundles(conversions: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """The same of a net with a quarter of its channels too: for programs in an emulator, where each product counts."""
    out = shared.folder(tmp_path_factory, "narrow")

    @cache
    def source() -> SourceModel:
        state = official_state(transformers_model("levit_128s"), "levit_128s")
        return load_source(shared.once(out, "random", lambda: saved({"model": state}, out / "random.pth")))

    def build(name: str) -> Bundle:
        with a_quarter_as_wide("levit_128s"), one_block_a_stage("levit_128s"), shared_conversions(conversions):
            return convert.build(source(), RECIPES[name], out=out)

    return cache(lambda name: shared.once(out, name, lambda: build(name)))


@pytest.fixture(scope="session")
def shallow_bundle(shallow_bundles: Bundles) -> Bundle:
    """`shallow` for ExecuTorch."""
    return shallow_bundles("executorch-fp32")


@pytest.fixture
def one_block() -> Iterator[None]:
    """In this process levit_128s has one block a stage, so that the package reads `shallow_checkpoint`."""
    with one_block_a_stage("levit_128s"):
        yield


@pytest.fixture(scope="session")
def made(small: SourceModel, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A bundle of the recipe with something in its artifact's place, to be left alone."""
    return maker(small, tmp_path_factory)


@pytest.fixture
def bundle(made: Made, tmp_path: Path) -> Path:
    """A TFLite one of those, that may be spoiled."""
    return Path(shutil.copytree(made("tflite-fp32"), tmp_path / "bundle"))


@pytest.fixture(scope="module")
def in_this_process() -> Iterator[None]:
    """What `workers` spreads over processes is done here, which spares each test a start; test_workers.py has those."""

    def spread(load: Callable[[], Any], items: Iterable[Any], **_: object) -> Iterator[Any]:
        return map(load(), items)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "spread", spread)
        yield


@pytest.fixture(scope="session")
def levit_mobile(conversions: Path) -> Iterator[Run]:
    """Runs the command line in a process of its own; keyword arguments are those of `Warm.run`."""
    with Warm(conversions) as warm:
        yield warm.run
