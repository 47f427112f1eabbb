"""The steps of the build. A step is done once, after those that it names; independent steps run at the same time.

To add one, add a line to STEPS; a name with a colon belongs to the group before the colon. What a step makes is kept
by `store.made`, so every function here may be called again at no cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import apks
import benchmark
import bundles
import compiler
import consumer
import gradle_check
import junit
import kotlin
import lint_check
import minified
import native
import optional
import publish
import resources
import style
from lock import locked
from maven import cache, download, sha256
from modules import APP, BY_NAME, CORE, LEVIT, MODULES, TWIN_NAMES, Module, unpacked
from optional import only_if


@dataclass(frozen=True)
class Step:
    """One step of the build.

    Attributes:
        run: Does it.
        after: Names of steps that are done before.
        usual: It belongs to a build without named steps.
    """

    run: Callable[[], object]
    after: tuple[str, ...] = ()
    usual: bool = True


def fetch() -> None:
    """Download what the cache lacks, and compare every file with the lock."""
    files = locked()
    download(files)
    wrong = [str(one) for one, (digest, _) in files.items() if sha256(cache() / one.path) != digest]
    if wrong:
        raise SystemExit(f"files whose digests differ from toolchain.lock: {', '.join(wrong)}")


def _compile(module: Module) -> Step:
    after = [f"compile:{name}" for name in (*module.needs, *module.twins)]
    after += [f"resources:{module.name}"] if module.namespace else []
    return Step(lambda: kotlin.jar(module), ("unpack", "compiler", *after))


def _resources(module: Module) -> Step:
    return Step(lambda: resources.exist(module) and resources.classes(module), ("unpack",))


# The selected class and the counts of the run; `test:` steps write here.
only: list[str] = []
counts: list[junit.Count] = []


def _counted(tests: Callable[[], junit.Count]) -> Callable[[], None]:
    def run() -> None:
        try:
            counts.append(tests())
        except junit.TestFailure as failure:
            counts.append(failure.count)
            raise

    return run


def _test(module: Module) -> Step:
    run = _counted(lambda: junit.run(module, *only))
    return Step(run, (f"compile-test:{module.name}", *(("native", "bundles") if module.android else ())))


# In the order in which ready steps are started: the longest way to the end first.
STEPS: dict[str, Step] = {
    "bundles": Step(bundles.folder),
    "download": Step(fetch),
    "unpack": Step(unpacked, ("download",)),
    "compiler": Step(compiler.loaded_classes, ("download",)),
    "resources:app": _resources(APP),
    "resources:levit": _resources(LEVIT),
    "compile:core": _compile(CORE),
    **{f"compile:{name}": _compile(BY_NAME[name]) for name in TWIN_NAMES},
    "compile:levit": _compile(LEVIT),
    "compile:app": _compile(APP),
    "native": Step(native.executorch),
    **{
        f"compile-test:{module.name}": Step(lambda module=module: kotlin.test_jar(module), (f"compile:{module.name}",))
        for module in (APP, LEVIT, CORE)
    },
    "compile-instrumented:app": Step(lambda: kotlin.instrumented_jar(APP), ("compile:app",)),
    **{f"test:{module.name}": _test(module) for module in (APP, LEVIT, CORE)},
    **{
        f"compile-36:{module.name}": Step(lambda module=module: kotlin.older_jar(module), (f"compile:{module.name}",))
        for module in MODULES
        if module.android
    },
    "release": Step(only_if(optional.signer, "release", apks.release), ("compile:app",)),
    "minified:app": Step(
        only_if(optional.wheels, "minified:app", _counted(minified.app)), ("compile:app", "native", "bundles")
    ),
    "library": Step(publish.publish, ("compile:levit",)),
    "consumer": Step(consumer.check_rules, ("library",)),
    "minified:consumer": Step(
        only_if(optional.wheels, "minified:consumer", _counted(consumer.test)), ("consumer", "native", "bundles")
    ),
    "debug": Step(only_if(optional.signer, "debug", apks.debug), ("compile:app",)),
    "lint": Step(only_if(optional.declarations, "lint", lint_check.lint), ("compile:app",)),
    "gradle-check": Step(gradle_check.check, ("download",)),
    "ktlint": Step(style.check, ("download",)),
    "benchmark": Step(benchmark.run, ("compile:core",), usual=False),
    "benchmark-bitmaps": Step(benchmark.beside_scaled_bitmaps, ("compile:levit", "bundles"), usual=False),
    "format": Step(style.mend, ("download",), usual=False),
}
