"""The Kotlin compiler in JVMs that stay for the whole build, because it is several times faster once it is warm."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

import store
from javac import archive, javac
from machine import java_home
from modules import libraries
from processes import QUICK, SHOWN, Argument, java_command, run

SOURCE = Path(__file__).with_name("CompilerServer.java")
SERVER, LOADED = "CompilerServer", "kotlinc.jsa"
OPTIONS = (
    "-Xmx1500m",
    *QUICK,
    "-Xlog:disable",
)
DONE, REFUSED = "0", "1"  # exit codes; with any other one the compiler itself is broken
_idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()


def compile_kotlin(arguments: Iterable[Argument]) -> None:
    """Run the compiler; what it printed stops the build if it fails."""
    server = _server()
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder) / "printed"
        (Path(folder) / "arguments").write_text("\n".join(map(str, arguments)), encoding="utf-8")
        code = _asked(server, folder)
        text = printed.read_text(encoding="utf-8")[-SHOWN:] if printed.exists() else ""
    if code in (DONE, REFUSED):
        _idle.put(server)
    else:
        server.kill()
    if code != DONE:
        raise SystemExit(f"the Kotlin compiler failed ({code or 'its process has ended'}):\n{text}")


def _server() -> subprocess.Popen[str]:
    """A compiler that is not busy; it ends with the build, when its standard input is closed."""
    try:
        return _idle.get_nowait()
    except Empty:
        return subprocess.Popen(
            _command(f"-XX:SharedArchiveFile={loaded_classes()}"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def _asked(server: subprocess.Popen[str], folder: str) -> str:
    """The compiler's exit code, or nothing if its process has ended."""
    if server.stdin is None or server.stdout is None:
        raise ValueError("the server was started without pipes")
    try:
        server.stdin.write(f"{folder}\n")
        server.stdin.flush()
    except BrokenPipeError:
        return ""
    return server.stdout.readline().strip()


def _command(*options: str) -> Sequence[str]:
    return java_command([_server_jar(), *libraries("tool-kotlinc")], SERVER, options=[*OPTIONS, *options])


def _server_jar() -> Path:
    tool = libraries("tool-kotlinc")

    def build(out: Path) -> None:
        classes = out / "classes"
        classes.mkdir()
        javac(classes, [SOURCE], tool, 17)
        archive(classes, out / "server.jar")

    return store.made("compiler-server", [SOURCE, str(java_home()), *tool], build) / "server.jar"


def loaded_classes() -> Path:
    """The compiler's classes as the JVM keeps them once loaded, so that it starts sooner."""
    tool = libraries("tool-kotlinc")

    def load(out: Path) -> None:
        source = out / "Source.kt"
        source.write_text("fun main() = listOf(1, 2).forEach { println(it) }\n", encoding="utf-8")
        arguments = ["-no-stdlib", "-jdk-home", java_home(), "-cp", tool[0], "-d", out / "classes", source]
        (out / "arguments").write_text("\n".join(map(str, arguments)), encoding="utf-8")
        run(_command(f"-XX:ArchiveClassesAtExit={out / LOADED}"), given=f"{out}\n")

    return store.made("compiler", [*OPTIONS, _server_jar(), str(java_home()), *tool], load) / LOADED
