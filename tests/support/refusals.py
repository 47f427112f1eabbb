"""Errors by their code and the facts in their sentence, so that the wording around the facts is free to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from levit_mobile.errors import LevitMobileError

Caught = pytest.ExceptionInfo[LevitMobileError]


@contextmanager
def refused(kind: type[LevitMobileError], code: str, *facts: object) -> Iterator[Caught]:
    """What is inside raises `kind` with this code, in one line that holds every fact: names, numbers, what to do."""
    with pytest.raises(kind) as caught:
        yield caught
    found, sentence = caught.value, str(caught.value)
    assert found.code == code, f"{found.code}: {sentence}"
    assert sentence.splitlines() == [sentence]
    missing = [str(fact) for fact in facts if str(fact) not in sentence]
    assert not missing, f"{missing} not in {sentence!r}"
