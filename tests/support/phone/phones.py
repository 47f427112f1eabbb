"""The phone itself, on a port of loopback, and a real adb server that connects to it.

The server has a port and a home folder of its own, so that a user's own server and keys are never touched. A phone that
is plugged into this machine by USB is listed by both.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.phone.faults import Count, Faults
from support.phone.root import Root
from support.phone.shell import Shell
from support.phone.streams import Closed, Counted, Stream
from support.phone.sync import Sync
from support.phone.wire import MOST_BYTES, PUBLIC_KEY, SIGNATURE, TOKEN, VERSION, Message, Wire

PACKAGES = {"adb": "adb", "qemu-aarch64": "qemu-user", "aarch64-linux-gnu-gcc": "g++-aarch64-linux-gnu"}
# Of util-linux, where it is there: tests that are killed leave no server either.
DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
FEATURES = ("shell_v2", "cmd", "stat_v2")
TIMEOUT_S = 60


def require(*programs: str) -> str:
    """The path of the first one. Where one is missing, the test is skipped, and fails in CI."""
    if missing := [PACKAGES[program] for program in programs if shutil.which(program) is None]:
        why = f"NOT RUN: apt-get install --no-install-recommends {' '.join(missing)}"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    return str(shutil.which(programs[0]))


class Phone:
    """A phone that is plugged in. It is switched off by `close`, or at the end of a `with`.

    Args:
        path: A new folder for what it stores.
        replies: What its commands answer, a folder of `replies/`.
        faults: What goes wrong; may be changed while it runs.
        features: What its adbd can do; none for one from before Android 7.
        cpu: The core that ARM64 programs run on.

    Attributes:
        root: Its folder: `root.here("/data/local/tmp")`, `root.calls()`.
        serial: How adb calls it: 127.0.0.1:PORT.
        services: Every service that was opened, such as `shell,v2,raw:ls`.
        shells: Every command that was run: `command`, `process`.
    """

    def __init__(
        self,
        path: Path,
        replies: str | Path = "minimal",
        *,
        faults: Faults | None = None,
        features: tuple[str, ...] = FEATURES,
        cpu: str = "cortex-a76",
    ) -> None:
        self.root, self.faults, self.features = Root(path, replies, cpu), faults or Faults(), features
        self.services: list[str] = []
        self.shells: list[Shell] = []
        self._port, self._listener, self._wires = 0, None, set[Wire]()
        self.plug()

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def serial(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def banner(self) -> str:
        """How it introduces itself."""
        names = {"name": "ro.product.name", "model": "ro.product.model", "device": "ro.product.device"}
        found = {name: self._property(key) for name, key in names.items()}
        about = "".join(f"ro.product.{name}={value};" for name, value in found.items())
        return f"{self.faults.state}::{about}features={','.join(self.features)}"

    def _property(self, key: str) -> str:
        lines = self.root.here("getprop.txt").read_text(encoding="utf-8").splitlines()
        return next((line.partition("]: [")[2][:-1] for line in lines if line.startswith(f"[{key}]")), "")

    def reply(self, name: str, text: str) -> None:
        """Change what a command answers: the file `name`, such as `dumpsys-battery.txt` or `sys/...`."""
        file = self.root.here(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def files(self) -> list[str]:
        """What is stored on it: paths below /data/local/tmp, without folders."""
        storage = self.root.here("/data/local/tmp")
        return sorted(file.relative_to(storage).as_posix() for file in storage.rglob("*") if not file.is_dir())

    def plug(self) -> None:
        """Listen, on the same port as before."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._listener, self._port = listener, listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def unplug(self) -> None:
        """End every connection at once, and answer no more."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for wire in tuple(self._wires):
            wire.close()

    def close(self) -> None:
        """Switch it off, and end what runs on it."""
        self.unplug()
        for shell in self.shells:
            shell.end()

    # Connections

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                wire = Wire(listener.accept()[0])
                self._wires.add(wire)
                threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire: Wire) -> None:
        streams: dict[int, Stream] = {}
        count = Count(self.faults.unplugged_after_bytes)

        def counted(number: int) -> None:
            if count.reached(number):
                self.unplug()
                raise Closed

        try:
            while True:
                self._answer(wire, wire.receive(), streams, counted)
        except (EOFError, OSError, Closed):
            wire.close()
        finally:
            self._wires.discard(wire)
            for stream in tuple(streams.values()):
                stream.end()

    def _answer(self, wire: Wire, message: Message, streams: dict[int, Stream], counted: Counted) -> None:
        if message.command in (b"CNXN", b"AUTH"):
            self._introduce(wire, message)
        elif message.command == b"OPEN":
            stream = Stream(wire, len(self.services) + 1, message.first, counted)
            self.services.append(message.data.rstrip(b"\0").decode())
            streams[stream.local] = stream
            threading.Thread(target=self._open, args=(stream, self.services[-1]), daemon=True).start()
        elif message.second in streams:
            stream = streams[message.second]
            if message.command == b"WRTE":
                stream.received(message.data)
            elif message.command == b"OKAY":
                stream.acknowledged()
            elif message.command == b"CLSE":
                streams.pop(message.second).end()

    def _introduce(self, wire: Wire, message: Message) -> None:
        """Known by a key, or by the first one offered, or never: a phone on whose screen nobody taps Allow."""
        asked = self.faults.key != "none"
        if asked and (message.command == b"CNXN" or message.first == SIGNATURE):
            wire.send(Message(b"AUTH", TOKEN, 0, bytes(range(20))))
        elif not asked or (message.first == PUBLIC_KEY and self.faults.key == "accepted"):
            wire.send(Message(b"CNXN", VERSION, MOST_BYTES, self.banner.encode()))

    def _until_asked(self) -> None:
        """Return when the size of a file has been asked for, and given."""
        while self._listener and not any("stat -c" in shell.command and shell.ended for shell in tuple(self.shells)):
            time.sleep(0.01)

    def _open(self, stream: Stream, service: str) -> None:
        name, _, words = service.partition(":")
        kind, *options = name.split(",")
        with suppress(Closed, OSError):
            if kind == "shell":
                stream.accept()
                shell = Shell(stream, self.root, self.faults, self.unplug)
                self.shells.append(shell)
                shell.serve(words, packets="v2" in options)
            elif kind == "sync":
                stream.accept()
                self.root.not_executable = self.faults.not_executable
                Sync(stream, self.root, self.faults, self._until_asked).serve()
        with suppress(Closed):
            stream.close()


class AdbServer:
    """A real adb server; `environ` is what its clients need.

    Args:
        home: A folder for its key and its log.
    """

    def __init__(self, home: Path) -> None:
        self.adb, self.home = require("adb", "qemu-aarch64"), home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        left_out = ("ANDROID_SERIAL", "ADB_VENDOR_KEYS", "ANDROID_HOME", "ANDROID_SDK_ROOT", "ADB_SERVER_SOCKET")
        own = {"HOME": str(home), "TMPDIR": str(home), "ANDROID_ADB_SERVER_PORT": str(self.port)}
        own["ADB_LOCAL_TRANSPORT_MAX_PORT"] = "5554"  # emulators of this machine are not looked for
        self.environ = {name: value for name, value in os.environ.items() if name not in left_out} | own

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of adb's."""
        command = [self.adb, *words]
        return subprocess.run(
            command, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S
        )

    def connect(self, phone: Phone) -> str:
        """Plug the phone in; what adb prints about it."""
        return self.run("connect", phone.serial).stdout

    def forget(self, phone: Phone) -> None:
        """Unplug it, for a server that serves several tests."""
        self.run("disconnect", phone.serial)

    def start(self) -> None:
        """Start it as a child of this process, which no client needs to do then."""
        with (self.home / "adb.log").open("wb") as log:
            command = [*DIES_WITH_PARENT, self.adb, "nodaemon", "server"]
            self._server = subprocess.Popen(command, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while self._server.poll() is None:
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise ChildProcessError((self.home / "adb.log").read_text(encoding="utf-8"))

    def stop(self) -> None:
        """No server is left."""
        self._server.kill()
        self._server.wait()


@contextmanager
def started_server(home: Path) -> Iterator[AdbServer]:
    """A server that ends with the block."""
    server = AdbServer(home)
    server.start()
    try:
        yield server
    finally:
        server.stop()
