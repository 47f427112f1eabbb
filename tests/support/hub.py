"""A hub and a download server on this machine, in every mood that the real ones have."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = bytes(range(256)) * 300
SHA = hashlib.sha256(WEIGHTS).hexdigest()
FILE = f"LeViT-128S-{SHA[:8]}.pth"
NOTE = f"{FILE}.sha256"
REPOSITORIES: dict[str, dict[str, bytes]] = {
    "facebook/levit-128S": {
        "config.json": b"{}",
        "model.safetensors": WEIGHTS,
        "pytorch_model.bin": WEIGHTS,
        "preprocessor_config.json": b"{}",
        "README.md": b"#",
    },
    "timm/old.in1k": {"config.json": b"{}", "pytorch_model.bin": WEIGHTS},
    "some/dataset": {"README.md": b"#"},
}
REFUSALS = {"gated/levit": (403, "GatedRepo"), "no/levit": (404, "RepoNotFound"), "broken/hub": (500, "")}


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does, and serves official files under /LeViT/, some of them badly."""

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        self.server.asked.append(f"{self.command} /{path}")
        parts = path.split("/")
        if parts[0] == "LeViT":
            return self.official(parts[1])
        repo = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if repo in REFUSALS:
            return self.send(b"", REFUSALS[repo][0], {"X-Error-Code": REFUSALS[repo][1]})
        files = REPOSITORIES.get(repo)
        if files is None:  # the client asks for more than repositories
            return self.send(b"", 404)
        if parts[0] != "api":
            return self.send(files[parts[4]])
        listing = [{"type": "file", "path": name, "size": len(body), "oid": "0"} for name, body in files.items()]
        siblings = [{"rfilename": name} for name in files]
        answer = listing if "tree" in parts else {"id": repo, "sha": COMMIT, "siblings": siblings}
        return self.send(json.dumps(answer).encode(), kind="application/json")

    def official(self, name: str) -> None:
        if self.server.mood == "missing" or name != FILE:
            return self.send(b"not found", 404)
        if self.server.mood == "stalls":
            self.server.released.wait(10)
        if self.server.mood == "cut":
            return self.send(WEIGHTS[:1000], length=len(WEIGHTS))
        return self.send(WEIGHTS[::-1] if self.server.mood == "wrong" else WEIGHTS)

    def send(
        self,
        body: bytes,
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        length: int | None = None,
        kind: str = "application/octet-stream",
    ) -> None:
        self.send_response(status)
        tag = hashlib.sha256(body).hexdigest()
        common = {"Content-Length": str(length or len(body)), "Content-Type": kind, "X-Repo-Commit": COMMIT}
        for name, value in (common | {"ETag": f'"{tag}"'} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Silent."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    mood = "well"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hub)
        self.asked: list[str] = []
        self.released = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"
