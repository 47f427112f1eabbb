"""sha256sum [-c] FILE...: for an ARM64 program, the digest in its replacement's second line."""

import hashlib
import sys
from pathlib import Path


def digest(name):
    """Of the file that was pushed."""
    data = Path(name).read_bytes()
    lines = data[:200].split(b"\n")
    if len(lines) > 1 and lines[1].startswith(b"# arm64-program "):
        return lines[1].split()[-1].decode()
    return hashlib.sha256(data).hexdigest()


def listed(name):
    """One file's line."""
    sys.stdout.write(f"{digest(name)}  {name}\n")
    return True


def checked(line):
    """One line of a list."""
    expected, name = line.split("  ", 1)
    right = digest(name) == expected
    sys.stdout.write(f"{name}: {'OK' if right else 'FAILED'}\n")
    return right


def each(work, items):
    """Every one, also after one that cannot be read."""
    good = True
    for item in items:
        try:
            good &= work(item)
        except OSError as error:
            sys.stderr.write(f"sha256sum: {error.filename}: {error.strerror}\n")
            good = False
    return good


words = sys.argv[1:]
lines = [line for name in words[1:] for line in Path(name).read_text().splitlines()] if words[:1] == ["-c"] else []
sys.exit(not (each(checked, lines) if lines else each(listed, words)))
