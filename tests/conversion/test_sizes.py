"""The sizes that `levit-mobile recipes` lists are those of the artifacts that the bundled checkpoint becomes.

Two more places hold them: test_coreml_int8.py, and test_integer_weights.py for what is only converted from a small net.
"""

from __future__ import annotations

import pytest
from conftest import Bundles

from levit_mobile.reporting.tables.recipes import FACTS

ELSEWHERE = {"coreml-int8", "executorch-int8-dynamic", "executorch-int4-weight"} | {
    f"tflite-{precision}" for precision in ("int8-dynamic", "int8-weight", "int4-weight")
}


@pytest.mark.parametrize("name", [name for name in FACTS if name not in ELSEWHERE])
def test_a_listed_size_is_that_of_the_artifact(bundles: Bundles, name: str) -> None:
    assert bundles(name).contract.artifact.bytes == pytest.approx(FACTS[name].bytes, rel=0.005)
