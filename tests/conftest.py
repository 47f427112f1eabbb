"""Fixtures shared by all tests; slow conversions are made once a session."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.checkpoints import State, official_state, saved, timm_state, transformers_model
from support.photographs import china
from support.process_state import left_as_found
from support.stored_bundles import Made, maker

from levit_mobile.model.download import BUNDLED
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel, load_source
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.quantization.prepare import Int8Options
from levit_mobile.recipe import RECIPES
from levit_mobile.system import workers

Bundles = Callable[[str], Bundle]  # recipe name -> its bundle, converted when it is first asked for
COMMAND = (sys.executable, "-c", "from levit_mobile.cli import main; main()")  # the console script, wherever it lies
Run = Callable[..., subprocess.CompletedProcess[str]]


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
def one_thread() -> Iterator[None]:
    """Small nets on a busy machine run several times faster so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
def bundles(trained: SourceModel, tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """The bundled checkpoint by each recipe, to be left alone; a test pays only for those it asks for, and only once
    in all processes of a run. int8 sees 64 pictures. Every conversion leaves the process as it found it.
    """
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "bundles"
    out.mkdir(exist_ok=True)

    def build(name: str) -> Bundle:
        options = {"count": 64} if name.endswith("-int8") else {}
        quantization = convert.quantized(trained, RECIPES[name], Int8Options(**options))
        with left_as_found(RECIPES[name].target):
            return convert.build(trained, RECIPES[name], quantization=quantization, out=out)

    def kept(name: str) -> Bundle:
        stored = out / f"{name}.pickle"
        with (out / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stored.is_file():
                stored.write_bytes(pickle.dumps(build(name)))
        found: Bundle = pickle.loads(stored.read_bytes())
        return found

    return cache(kept)


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """levit_128s at 64 px, 5 classes, two heads, in the official layout: small, without labels, not trained."""
    state = official_state(transformers_model("levit_128s"), "levit_128s")
    return saved({"model": state}, tmp_path_factory.mktemp("checkpoint") / "random.pth")


@pytest.fixture(scope="session")
def small(random_checkpoint: Path) -> SourceModel:
    """`random_checkpoint`, imported."""
    return load_source(random_checkpoint)


@pytest.fixture(scope="session")
def small_bundle(small: SourceModel, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """`small` for ExecuTorch."""
    return convert.build(small, RECIPES["executorch-fp32"], out=tmp_path_factory.mktemp("small"))


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
def levit_mobile() -> Run:
    """Runs the command line in a process of its own; keyword arguments are subprocess.run's."""

    def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **options.pop("env", {})}  # type: ignore[dict-item]
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            **{"capture_output": True, "text": True, "timeout": 900, "env": environment, **options},  # type: ignore[call-overload]
        )

    return run
