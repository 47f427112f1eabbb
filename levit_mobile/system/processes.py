"""Which processes there are."""

from __future__ import annotations

import os


def alive(process: int) -> bool:
    """Is there a process of this number, whoever's it is?"""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
