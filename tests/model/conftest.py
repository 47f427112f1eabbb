"""Servers for downloads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from support.hub import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as served:
        threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield served
        served.released.set()
        served.shutdown()


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nothing listens: the socket is bound until the end, so no other process takes its port."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"
