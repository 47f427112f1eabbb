"""The command line in a process of its own, forked from one that has imported torch: no call pays for that again.

The process that is forked from also imports the toolchains that a conversion names. What a command imports, and what a
new process finds, is for tests that ask for a fresh one. A call whose environment changes what Python imports, or that
asks `subprocess.run` for more than an environment, starts a new process too.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import warnings
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.checkpoints import one_block_a_stage
from support.conversions import shared_conversions

COMMAND = (sys.executable, "-c", "from levit_mobile.cli import main; main()")  # the console script, wherever it is
WITH_ONE_BLOCK_A_STAGE = """
import sys
sys.path.extend({path!r})
from support.checkpoints import one_block_a_stage
from levit_mobile.cli import main
with one_block_a_stage("levit_128s"):
    main()
"""
SHALLOW = (sys.executable, "-c", WITH_ONE_BLOCK_A_STAGE.format(path=sys.path))
SERVE = "import sys; sys.path[:] = {path!r}; from support.warm import serve; serve()"
TIMEOUT_S = 900.0
IMPORTED = (
    "torch",
    "torch._dynamo",
    "PIL.Image",
    "safetensors.torch",
    "rich.table",
    "levit_mobile.cli",
    "levit_mobile.pipeline.convert",
    "levit_mobile.validation.passes",
    "levit_mobile.timing.bench",
)
TOOLCHAINS = {
    "coreml": ("coremltools",),
    "executorch": ("executorch.exir",),
    "tflite": ("litert_torch", "ai_edge_quantizer"),
}
MATTERS = ("PYTHON", "OMP_", "MKL_", "TORCH", "HF_", "LD_")  # to what has been imported already

Done = subprocess.CompletedProcess[str]


def rarely_collected() -> None:
    """Python looks for garbage after a million new objects, and never among those that are here already."""
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 20)


class Warm:
    """Runs the command line; the process that it forks from starts with the first call."""

    def __init__(self, conversions: Path | None = None) -> None:
        self._conversions = conversions
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._server is not None:
            self._server.communicate()

    def run(
        self,
        *arguments: str | Path,
        env: dict[str, str] | None = None,
        shallow: bool = False,
        fresh: bool = False,
        converted_once: bool = False,
        file_bytes: int = resource.RLIM_INFINITY,
        **options: Any,
    ) -> Done:
        """Keyword arguments are subprocess.run's; `env` is added to this process's environment.

        With `shallow` levit_128s has one block a stage, as in `one_block_a_stage`. A `fresh` process has imported
        nothing. With `converted_once` a conversion takes the artifact that another test has made of the same
        form. No file may grow beyond `file_bytes`.
        """
        words, changed = [str(argument) for argument in arguments], env or {}
        if fresh or options or any(name.startswith(MATTERS) for name in changed) or sys.platform != "linux":
            limited = {"preexec_fn": partial(_limit, file_bytes), **options}
            return _cold(words, {**os.environ, **changed}, limited, shallow=shallow)
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("stdout", "stderr")]
            kept = str(self._conversions) if converted_once and self._conversions else None
            call = [words, {**os.environ, **changed}, str(Path.cwd()), *map(str, streams), shallow, kept, file_bytes]
            code = self._asked(json.dumps(call))
            return subprocess.CompletedProcess(words, code, *(stream.read_text("utf-8") for stream in streams))

    def _asked(self, call: str) -> int:
        if self._server is None:
            code = SERVE.format(path=sys.path)
            self._server = subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
            )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(call, file=self._server.stdin, flush=True)
        with selectors.DefaultSelector() as ready:
            ready.register(self._server.stdout, selectors.EVENT_READ)
            if not ready.select(TIMEOUT_S):
                os.killpg(self._server.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(call, TIMEOUT_S)
        return int(self._server.stdout.readline())


def _limit(file_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))


def _cold(words: list[str], env: dict[str, str], options: dict[str, Any], *, shallow: bool) -> Done:
    defaults = {"capture_output": True, "text": True, "timeout": TIMEOUT_S}
    return subprocess.run([*(SHALLOW if shallow else COMMAND), *words], env=env, **{**defaults, **options})


# In the process that is forked from


def serve() -> None:
    """Fork for each line of stdin, until there are no more; the exit code of each goes to stdout."""
    for name in IMPORTED:
        importlib.import_module(name)
    while line := sys.stdin.readline():
        words, *rest = json.loads(line)
        _import_toolchains(words)
        rarely_collected()
        with warnings.catch_warnings():  # JAX, which litert_torch imports, warns about every fork
            warnings.simplefilter("ignore", RuntimeWarning)
            child = os.fork()
        if not child:
            return _become(words, *rest)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201
    return None


def _import_toolchains(words: list[str]) -> None:
    """Those of the targets that a conversion names."""
    if words[:1] == ["convert"]:
        for target, names in TOOLCHAINS.items():
            if {target, "all"} & set(words):
                for name in names:
                    with suppress(ImportError):  # the command itself names what is missing
                        importlib.import_module(name)


def _become(
    words: list[str],
    env: dict[str, str],
    cwd: str,
    stdout: str,
    stderr: str,
    shallow: bool,
    conversions: str | None,
    file_bytes: int,
) -> None:
    """The command line, as if this process had been started for it; it ends as any other does."""
    for path, descriptor, mode in ((os.devnull, 0, os.O_RDONLY), (stdout, 1, os.O_WRONLY), (stderr, 2, os.O_WRONLY)):
        opened = os.open(path, mode | os.O_CREAT if mode else mode, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    _limit(file_bytes)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["levit-mobile", *words]
    shared = shared_conversions(Path(conversions)) if conversions else nullcontext()
    with one_block_a_stage("levit_128s") if shallow else nullcontext(), shared:
        importlib.import_module("levit_mobile.cli").main()
