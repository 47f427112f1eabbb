"""A package of npm that a lock names: downloaded once into the cache folder, and compared with its digest.

The tools of both demos take declarations of their platform from such packages.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from maven import cache, sha256
from processes import run


def place(lock: Path) -> Path:
    """Where the package of a lock is in the cache folder. The lock is one line: SHA-256, and `@scope/name@version`."""
    _, name = _locked(lock)
    return cache().parent / "npm" / f"{name.strip('@').replace('/', '-').replace('@', '-')}.tgz"


def package(lock: Path) -> Path:
    """The package of a lock. Exits where its digest is a different one."""
    digest, name = _locked(lock)
    path = place(lock)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            run(["npm", "pack", "--silent", name], cwd=Path(folder))
            (Path(folder) / path.name).replace(path)
    if sha256(path) != digest:
        raise SystemExit(f"the digest of {path} differs from {lock.name}")
    return path


def _locked(lock: Path) -> tuple[str, str]:
    digest, name = lock.read_text(encoding="utf-8").split()
    return digest, name
