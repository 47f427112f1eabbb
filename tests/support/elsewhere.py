"""A conversion in a new process: its bytes owe nothing to what this one has done before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
sys.path[:] = {path!r}
import levit_mobile
from support.checkpoints import one_block_a_stage
with one_block_a_stage("levit_128s"):
    print(levit_mobile.convert(sys.argv[1], sys.argv[2], out=sys.argv[3], timing=False).path)
"""


def converted_elsewhere(checkpoint: Path, recipe: str, out: Path) -> Path:
    """The bundle of a checkpoint that `one_block_a_stage` made."""
    arguments = [sys.executable, "-c", CODE.format(path=sys.path), str(checkpoint), recipe, str(out)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=900)
    return Path(done.stdout.splitlines()[-1])
