"""Runs steps in the order of their needs, two at the same time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

WORKERS = 2


class Runnable(Protocol):
    """A step, as far as the scheduler knows it."""

    @property
    def after(self) -> tuple[str, ...]:
        """Names of steps that are done before."""

    def run(self) -> object:
        """Does the step; a failure is an exception."""


def with_needed(asked: Iterable[str], steps: Mapping[str, Runnable]) -> list[str]:
    """The steps that were asked for and all that they need, in the order of the table."""
    found, queue = set[str](), list(asked)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += steps[name].after
    return [name for name in steps if name in found]


def run_all(names: list[str], steps: Mapping[str, Runnable], workers: int = WORKERS) -> dict[str, str]:
    """Run steps, the first ready one of the list first.

    What needs a failed step is left out; all else is run.

    Returns:
        The steps that failed, with the reason.
    """
    waiting, done, failed = list(names), set[str](), dict[str, str]()
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(workers) as pool:
        while waiting or running:
            ready = [name for name in waiting if done.issuperset(steps[name].after)]
            for name in ready[: workers - len(running)]:
                waiting.remove(name)
                running[pool.submit(_timed, name, steps[name])] = name
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                reason = _reason(future)
                if reason is None:
                    done.add(name)
                else:
                    failed[name] = reason
    return failed


def _timed(name: str, step: Runnable) -> None:
    start = time.monotonic()
    step.run()
    print(f"{name}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)


def _reason(future: Future[None]) -> str | None:
    try:
        future.result()
    except SystemExit as stopped:
        return str(stopped.code)
    except KeyboardInterrupt:
        raise
    except Exception as error:  # a step that is broken must not hide the others
        return f"{type(error).__name__}: {error}"
    return None
