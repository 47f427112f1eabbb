"""The first interruption waits while a vendor is at work, and the second does not."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from levit_mobile.cli.common import _interruptions, heed_interruption, interrupt
from levit_mobile.system import interruption


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    _interruptions.clear()


def test_it_is_raised_at_once_where_nothing_holds_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupt(signal.SIGINT, None)


def test_it_is_kept_for_the_next_step_and_a_second_is_not() -> None:
    with interruption.held():
        interrupt(signal.SIGINT, None)
        with pytest.raises(KeyboardInterrupt):
            interrupt(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        heed_interruption()


def test_it_is_no_longer_held_after_an_error() -> None:
    with pytest.raises(ValueError, match="a"), interruption.held():
        raise ValueError("a")
    assert not interruption.is_held()
