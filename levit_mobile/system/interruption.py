"""An interruption while a vendor's C++ calls back into Python: raised in there, it would end the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_holders: list[object] = []


def is_held() -> bool:
    """Is the first interruption to be kept until a vendor is done?"""
    return bool(_holders)


@contextmanager
def held() -> Iterator[None]:
    """Inside, a command keeps the first interruption for its next step; a second one is raised at once."""
    _holders.append(None)
    try:
        yield
    finally:
        _holders.pop()
