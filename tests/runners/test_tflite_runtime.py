"""The frozen TFLite runtime: what it makes of our files and of others, and the process that it may take with it."""

from __future__ import annotations

import ast
import gc
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Bundles
from levit_mobile.conversion import tflite_model
from support.frozen import RUNS_HERE, cache_with_environment
from support.refusals import refused

from levit_mobile.errors import ArtifactError
from levit_mobile.interfaces.runner import Images, Runner
from levit_mobile.parity.metrics import sqnr_db
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.runners import tflite, tflite_runtime, tflite_runtime_child

pytestmark = RUNS_HERE
VERSION = "tflite-runtime 2.14.0"
Load = Callable[..., Runner]
RUN = """
import os, signal, sys
from pathlib import Path
import numpy as np
from levit_mobile.contract import Contract
from levit_mobile.runners import tflite_runtime
folder, end = Path(sys.argv[1]), sys.argv[2]
contract = Contract.read(folder)
runner = tflite_runtime.load(folder / "model.tflite", source=contract.input, result=contract.output)
print(runner(np.zeros((1, 3, 224, 224), np.float32)).shape)
print(Path(f"/proc/self/task/{os.getpid()}/children").read_text().strip(), flush=True)
os.kill(os.getpid(), signal.SIGKILL) if end == "killed" else None
"""


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the runtime's environment in it."""
    return cache_with_environment(tmp_path_factory.getbasetemp())


@pytest.fixture
def load(bundles: Bundles, cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a recipe's artifact with the frozen runtime, or another file under its contract."""
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(cache_folder))
    bundles("tflite-fp32")

    def loaded(name: str = "tflite-fp32", path: Path | None = None, **options: float) -> Runner:
        contract = bundles(name).contract
        artifact = path or bundles(name).path / contract.artifact.file
        return tflite_runtime.load(artifact, source=contract.input, result=contract.output, **options)  # type: ignore[arg-type]

    return loaded


@pytest.fixture(scope="module")
def pictures(trained: SourceModel) -> Images:
    """The proof's first four."""
    return next(trained.reference.pictures.batches(4))


def children() -> set[int]:
    """The processes that this one has started and not buried; zombies count."""
    return {int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


def started(load: Load, **options: float) -> tuple[Runner, int]:
    """A runner, and the process behind it."""
    before = children()
    runner = load(**options)
    (process,) = children() - before
    return runner, process


# What it computes


@pytest.mark.parametrize(("name", "least_db"), [("tflite-fp32", 100), ("tflite-fp16", 50)])
def test_agrees_with_the_trained_model_and_with_litert(
    load: Load, bundles: Bundles, trained: SourceModel, pictures: Images, name: str, least_db: float
) -> None:
    contract, path = bundles(name).contract, bundles(name).path / "model.tflite"
    logits = load(name)(pictures)
    assert logits.shape == (4, 10)
    assert logits.dtype == np.float32
    assert sqnr_db(trained.reference.logits[:4], logits) >= least_db
    assert sqnr_db(tflite.load(path, source=contract.input, result=contract.output)(pictures), logits) >= 100


def test_the_entry_for_float16_changes_no_bit(load: Load, bundles: Bundles, pictures: Images, tmp_path: Path) -> None:
    model = tflite_model.opened((bundles("tflite-fp32").path / "model.tflite").read_bytes())
    tflite_model.allow_half(model)
    tflite_model.write(model, tmp_path / "half.tflite")
    half = load(path=tmp_path / "half.tflite")
    np.testing.assert_array_equal(half(pictures), load()(pictures))


def test_two_runners_side_by_side(load: Load, pictures: Images) -> None:
    (single, one), (half, other) = started(load), started(load, name="tflite-fp16")  # type: ignore[arg-type]
    assert one != other
    alone = single(pictures), half(pictures)
    mixed = [(single(pictures[[index]]), half(pictures[[index]])) for index in range(4)]
    for expected, found in zip(alone, zip(*mixed, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(found), expected)
    assert 50 < sqnr_db(*alone) < 100  # two models, not one twice


def test_threads_share_a_runner(load: Load, pictures: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    runner, send, pauses = load(), tflite_runtime_child.send, iter((0.5, 0.0))
    expected, found = runner(pictures[:2]), dict[int, Images]()

    def dawdling(*message: Any) -> None:
        send(*message)
        time.sleep(next(pauses))  # the other thread would now read this one's answer

    monkeypatch.setattr(tflite_runtime_child, "send", dawdling)
    workers = [threading.Thread(target=lambda i=i: found.update({i: runner(pictures[[i]])})) for i in range(2)]
    for worker in workers:
        worker.start()
        time.sleep(0.1)
    for worker in workers:
        worker.join()
    np.testing.assert_array_equal(np.concatenate([found[0], found[1]]), expected)


def test_it_computes_on_as_many_threads_as_told(load: Load, pictures: Images) -> None:
    tasks = {}
    for threads in (1, 2):
        runner, process = started(load, threads=threads)
        runner(pictures[:1])
        tasks[threads] = len(list(Path(f"/proc/{process}/task").iterdir()))  # numpy's own included
    assert tasks[2] > tasks[1]


# What it refuses


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", bytes(4096)], ids=["empty", "text", "PNG", "zeros"]
)
def test_a_foreign_file_is_refused(load: Load, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with refused(ArtifactError, "artifact.unknown-format", path, VERSION):
        load(path=path)


def test_a_missing_file_is_named(load: Load, tmp_path: Path) -> None:
    with refused(ArtifactError, "artifact.unreadable", tmp_path / "none.tflite", "No such file"):
        load(path=tmp_path / "none.tflite")


@pytest.mark.parametrize("bytes_left", [8, 1024, 15_000_000, -1000])
def test_a_truncated_file_is_refused_or_crashes_its_own_process_only(
    load: Load, bundles: Bundles, tmp_path: Path, bytes_left: int
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes((bundles("tflite-fp32").path / "model.tflite").read_bytes()[:bytes_left])
    before = children()
    with pytest.raises(ArtifactError) as raised:
        load(path=path)
    assert raised.value.fault in ("refused", "crashed")
    begin, _, why = str(raised.value).partition(f"{VERSION}: ")
    assert begin.startswith(f"{path} ")
    assert why.splitlines() == [why]
    assert children() == before


@pytest.mark.usefixtures("load")
def test_another_signature_is_refused(bundles: Bundles) -> None:
    bundle = bundles("tflite-fp32")
    with refused(ArtifactError, "artifact.refused", VERSION, "['image'] -> ['logits']", "expected ['pixels']"):
        tflite_runtime.load(
            bundle.path / "model.tflite",
            source=bundle.contract.input.model_copy(update={"name": "pixels"}),
            result=bundle.contract.output,
        )


def test_a_picture_of_the_wrong_size_is_the_runtimes_own_complaint(load: Load, pictures: Images) -> None:
    with refused(ArtifactError, "artifact.failed", "RuntimeError", "concatenation"):
        load()(pictures[:, :, :1, :1])


# The process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_death_in_mid_run_is_named(load: Load, pictures: Images, number: signal.Signals) -> None:
    runner, process = started(load)
    os.kill(process, signal.SIGSTOP)  # so that the signal comes while it owes an answer

    def kill() -> None:
        os.kill(process, number)
        os.kill(process, signal.SIGCONT)

    threading.Timer(0.2, kill).start()
    for _ in range(2):  # and it stays dead
        with refused(ArtifactError, "artifact.crashed", number.name):
            runner(pictures)


@pytest.mark.parametrize(
    ("code", "death"), [("os.abort()", "SIGABRT"), ("os._exit(3)", "exit status 3"), ("os.close(1)", "exit status 0")]
)
def test_a_death_while_loading_is_named(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, death: str
) -> None:
    (tmp_path / "child.py").write_text(f"import os\n{code}\n")
    monkeypatch.setattr(tflite_runtime_child, "__file__", str(tmp_path / "child.py"))
    before = children()
    with refused(ArtifactError, "artifact.crashed", VERSION, death):
        load()
    assert children() == before


def test_a_load_without_an_answer_is_cut_short(load: Load) -> None:
    before = children()
    with refused(ArtifactError, "artifact.timeout", VERSION, "0.001 s"):
        load(limit_s=0.001)
    assert children() == before


def test_a_picture_without_an_answer_is_cut_short(load: Load, pictures: Images) -> None:
    runner, process = started(load, limit_s=5)
    os.kill(process, signal.SIGSTOP)
    with refused(ArtifactError, "artifact.timeout", "5 s"):
        runner(pictures)


def test_an_interrupted_picture_never_gives_its_answer_to_the_next(load: Load, pictures: Images) -> None:
    runner, process = started(load)
    os.kill(process, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        runner(pictures[:1])
    with refused(ArtifactError, "artifact.crashed", "SIGKILL"):
        runner(pictures[1:])


def test_it_ends_with_the_runner(load: Load, pictures: Images) -> None:
    runner, process = started(load)
    runner(pictures[:1])
    assert process in children()
    del runner
    gc.collect()
    assert process not in children()


def test_ctrl_c_is_left_to_the_parent(load: Load, pictures: Images) -> None:
    runner, process = started(load)
    os.kill(process, signal.SIGINT)
    assert runner(pictures[:1]).shape == (1, 10)


def test_what_the_runtime_prints_goes_to_stderr(load: Load, capfd: pytest.CaptureFixture[str]) -> None:
    runner, process = started(load)
    standard = [Path(f"/proc/{process}/fd/{number}").readlink() for number in (1, 2)]
    assert standard == [Path("/proc/self/fd/2").readlink()] * 2
    printed = capfd.readouterr()
    assert "XNNPACK" in printed.err
    assert printed.out == ""
    del runner


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize("end", ["returned", "killed"])
def test_no_process_outlives_those_that_load_one_each(bundles: Bundles, end: str) -> None:
    command = [sys.executable, "-X", "dev", "-c", RUN, str(bundles("tflite-fp32").path), end]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for process in both:
        stdout, stderr = process.communicate(timeout=300)
        assert process.returncode == (0 if end == "returned" else -signal.SIGKILL), stderr
        assert "ResourceWarning" not in stderr
        shape, child = stdout.splitlines()
        assert shape == "(1, 10)"
        wait_for_the_end_of(int(child))


def wait_for_the_end_of(process: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}/cmdline").exists() and b"child" in Path(f"/proc/{process}/cmdline").read_bytes():
        assert time.monotonic() < deadline, f"{process} is an orphan"
        time.sleep(0.05)


# Its messages


@pytest.mark.parametrize("array", [np.arange(6, dtype=np.float16).reshape(2, 3), np.float32(1.5), np.empty((0, 3))])
def test_a_message_arrives_as_it_was_sent(array: np.ndarray) -> None:
    stream = io.BytesIO()
    tflite_runtime_child.send(stream, {"path": "ä"}, np.asarray(array))
    stream.seek(0)
    header, found = tflite_runtime_child.receive(stream)
    assert header == {"path": "ä"}
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


def test_half_a_message_is_no_message() -> None:
    stream = io.BytesIO()
    tflite_runtime_child.send(stream, {}, np.ones(3))
    for count in (0, 7, 9, 30, len(stream.getvalue()) - 1):
        with pytest.raises(EOFError, match="ended after"):
            tflite_runtime_child.receive(io.BytesIO(stream.getvalue()[:count]))


def test_no_python_object_is_sent_or_received() -> None:
    objects, stream = np.array([print], dtype=object), io.BytesIO()
    with pytest.raises(ValueError, match="allow_pickle"):
        tflite_runtime_child.send(stream, {}, objects)
    np.save(stream, objects, allow_pickle=True)
    body = stream.getvalue()
    frame = tflite_runtime_child.LENGTHS.pack(2, len(body)) + b"{}" + body
    with pytest.raises(ValueError, match="allow_pickle"):
        tflite_runtime_child.receive(io.BytesIO(frame))


def test_the_script_is_written_in_the_oldest_pythons_grammar() -> None:
    ast.parse(Path(tflite_runtime_child.__file__).read_text(encoding="utf-8"), feature_version=(3, 9))
