"""Stand-ins for what a wheel of ExecuTorch expects in torch and CPython, so that its runtime runs without either.

The wheel's `_portable_lib` holds the whole runtime and exports its C++ interface, and takes from others: thread pools,
which run on one thread here unless a program asks guest/pool.c for more, and names that only its Python half uses,
which stop the program if they are ever called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TASKS = "pthreadpool_parallelize_"
PLAIN = """\
pthreadpool_t pthreadpool_create(size_t threads) {{ (void)threads; return {pool}; }}
pthreadpool_t pthreadpool_create_v2(struct pthreadpool_executor* e, void* c, size_t threads)
{{ (void)e, (void)c, (void)threads; return {pool}; }}
bool pthreadpool_update_executor(pthreadpool_t p, struct pthreadpool_executor* e, void* c)
{{ (void)p, (void)e, (void)c; return false; }}
void pthreadpool_destroy(pthreadpool_t p) {{ (void)p; }}
void pthreadpool_release_executor_threads(pthreadpool_t p) {{ (void)p; }}
size_t pthreadpool_get_threads_count(pthreadpool_t p) {{ return p ? pool_thread_count() : 1; }}
"""
HEAD = """\
#include "pool.h"
#include <pthreadpool.h>
#include <stdbool.h>
#define LEAST(a, b) ((a) < (b) ? (a) : (b))
enum { SHARES = 4 }; /* pieces a thread gets of a loop whose pieces' size the pool chooses */
struct loop { void (*task)(void); void* context; size_t range[6], step[6], pieces[6]; };
static int one;
static size_t cut(struct loop* loop, int axes, int coarse)
{
  size_t total = 1;
  for (int i = 0; i < axes; i++)
    total *= loop->pieces[i] = (loop->range[i] + loop->step[i] - 1) / loop->step[i];
  size_t share = total / (SHARES * pool_thread_count());
  for (int i = axes - 1; i >= axes - coarse && share > 1; i--) {
    size_t taken = LEAST(share, loop->pieces[i]);
    loop->step[i] *= taken, share /= taken, total /= loop->pieces[i];
    total *= loop->pieces[i] = (loop->pieces[i] + taken - 1) / taken;
  }
  return total;
}
static size_t at(const struct loop* loop, int axis, size_t* number)
{
  size_t piece = *number % loop->pieces[axis];
  *number /= loop->pieces[axis];
  return piece * loop->step[axis];
}
"""
AXES = "ijklmn"
NAME = re.compile(
    rf"{TASKS}(?P<axes>[1-6])d(?:_tile_(?P<tiles>[12])d)?(?P<dynamic>_dynamic)?(?P<uarch>_with_uarch)?(?P<thread>_with_thread)?"
)
DATA = re.compile(r"_?Py\w*_Type|_Py\w*Struct|PyExc_\w+|_ZT[VI]\w+|\w+_singletonE")  # by their names: objects, no code
DATA_BYTES = 1024  # more than any of them has
ELSEWHERE = re.compile(r"_ZNK?St|_ZSt|_Zd|_Zn|__|_ITM")  # of the compiler's own libraries, which are there


@dataclass(frozen=True, slots=True)
class Loop:
    """One entry point of pthreadpool, as its name says: `tiles` of the last axes come in pieces of a given size.

    `dynamic` ones leave the pieces' size to the pool: one thread is given all at once. `uarch` and `thread` ones hand a
    number to each task: there is one kind of core.
    """

    name: str
    axes: str
    tiles: int
    dynamic: bool
    uarch: bool
    thread: bool

    @property
    def task(self) -> str:
        """What is called back, as a parameter."""
        numbers = ["uint32_t"] * self.uarch + [
            "uint32_t" if self.dynamic and not self.uarch else "size_t"
        ] * self.thread
        indices = ["size_t"] * (len(self.axes) + self.tiles)
        return f"void (*task)({', '.join(['void*', *numbers, *indices])})"

    @property
    def tiled(self) -> str:
        return self.axes[len(self.axes) - self.tiles :]

    def parameters(self) -> Iterator[str]:
        """As pthreadpool.h has them, and the compiler holds them against it."""
        yield from ("pthreadpool_t pool", self.task, "void* context")
        if self.uarch:
            yield from ("uint32_t uarch", "uint32_t most")
        yield from (f"size_t range_{axis}" for axis in self.axes)
        yield from (f"size_t tile_{axis}" for axis in self.tiled)
        yield "uint32_t flags"

    def arguments(self) -> Iterator[str]:
        """What a task is called with."""
        yield "context"
        yield from ["0"] * (self.uarch + self.thread)
        for axis in self.axes:
            yield "0" if self.dynamic and axis in self.tiled else axis
        for axis in self.tiled:
            yield f"range_{axis}" if self.dynamic else f"LEAST(tile_{axis}, range_{axis} - {axis})"

    def source(self) -> str:
        """The function in C: as plain loops on one thread, and otherwise cut into pieces for the pool."""
        looped = [axis for axis in self.axes if not (self.dynamic and axis in self.tiled)]
        steps = {axis: f"tile_{axis}" if axis in self.tiled else "1" for axis in self.axes}
        loops = [f"for (size_t {axis} = 0; {axis} < range_{axis}; {axis} += {steps[axis]})" for axis in looped]
        call = f"task({', '.join(self.arguments())});"
        ranges = ", ".join(f"range_{axis}" for axis in self.axes)
        made = f"{{(void (*)(void))task, context, {{{ranges}}}, {{{', '.join(steps.values())}}}, {{0}}}}"
        cut = f"cut(&loop, {len(self.axes)}, {self.tiles if self.dynamic else 0})"
        pooled = f"{{ struct loop loop = {made}; pool_run({self.name}_one, &loop, {cut}); return; }}"
        return (
            f"{self.one()}void {self.name}({', '.join(self.parameters())})\n"
            f"{{ if (pool && pool_thread_count() > 1) {pooled}\n  {' '.join([*loops, call])} }}\n"
        )

    def one(self) -> str:
        """One piece of the loop, by its number, as the pool calls it."""
        begins = "".join(
            f"  size_t {axis} = at(loop, {place}, &number);\n" for place, axis in reversed([*enumerate(self.axes)])
        )
        numbers = ["0"] * self.uarch + ["thread"] * self.thread
        first = len(self.axes) - self.tiles
        lengths = [f"LEAST(loop->step[{place}], loop->range[{place}] - {axis})" for place, axis in enumerate(self.axes)]
        arguments = ", ".join(["loop->context", *numbers, *self.axes, *lengths[first:]])
        task = self.task.replace("(*task)", "(*)")
        return (
            f"static void {self.name}_one(const void* given, size_t thread, size_t number)\n"
            f"{{\n  const struct loop* loop = given;\n  (void)thread;\n{begins}"
            f"  (({task})loop->task)({arguments});\n}}\n"
        )


def loop(name: str) -> Loop:
    """The entry point of that name. Raises ValueError for one that is not of a known kind."""
    found = NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} is not a known loop of pthreadpool")
    flags = {word: bool(found[word]) for word in ("dynamic", "uarch", "thread")}
    return Loop(name, AXES[: int(found["axes"])], int(found["tiles"] or 0), **flags)


def pools(undefined: Iterable[str]) -> str:
    """C source of every entry point of pthreadpool among these names, over guest/pool.h."""
    loops = "".join(loop(name).source() for name in sorted(undefined) if name.startswith(TASKS))
    return HEAD + PLAIN.format(pool="(pthreadpool_t)&one") + loops


def stops(undefined: Iterable[str]) -> str:
    """Assembly of all names that nobody else defines: zeros for data, and a breakpoint for code."""
    wanted = sorted(name for name in undefined if not ELSEWHERE.match(name))
    return "".join(_zeros(name) if DATA.fullmatch(name) else _stop(name) for name in wanted)


def _zeros(name: str) -> str:
    return f".bss\n.global {name}\n.balign 16\n{name}: .zero {DATA_BYTES}\n"


def _stop(name: str) -> str:
    return f".text\n.global {name}\n.type {name}, %function\n{name}: brk #1\n"
