"""bench_in_ios_app(): build or install -> copy bundles -> start the app once per step and start -> join the records."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.demo.checking import require_artifacts
from levit_mobile.demo.ios.app import IosApp
from levit_mobile.demo.ios.bundles import copy_lacking
from levit_mobile.demo.ios.devicectl import Devicectl
from levit_mobile.demo.ios.phones import chosen as chosen_phone
from levit_mobile.demo.ios.starts import Starts
from levit_mobile.demo.ios.xcode_build import built
from levit_mobile.demo.options import IosAppOptions
from levit_mobile.demo.plan import TimingPlan
from levit_mobile.errors import DeviceError
from levit_mobile.system.progress import Progress, silent
from levit_mobile.timing.record import TimingRun


def bench_in_ios_app(
    bundles: Sequence[str | Path] = (),
    *,
    plan: TimingPlan | None = None,
    app: IosAppOptions | None = None,
    command: str = "",
    progress: Progress = silent,
) -> TimingRun:
    """Time bundles in the iOS demo app on an iPhone, each in fresh processes of the app, after its golden images.

    Given bundles that the app lacks are copied to its documents and removed afterwards. The app stays installed. An app
    cannot start processes, so this function starts the app once for each step of the plan and each of its starts, in
    drawn orders. A step whose process dies or hangs is not run; the others go on.

    Args:
        bundles: Bundle folders for iOS. They may be left out for a plan of bundles that the app brings along.
        plan: What is timed. Default: every bundle on the CPU with one thread.
        app: Which phone and which app. Default: the one phone that is ready, and the app that it has.
        command: The command line that makes this run again, stored in the record.
        progress: Called as the run goes on.

    Returns:
        The record. If a step could not be had, or the phone went away after the first times, what was measured is kept,
        and ``incomplete`` has the reason.

    Raises:
        RunnerUnavailable: This is no Mac (``runner.platform``), or it has no Xcode (``runner.not-installed``).
        DeviceError: No phone is ready, the app is missing (``device.no-app``) or a command of `devicectl` failed; no
            step could be had, because the app died (``device.crashed``), wrote nothing for too long (``device.hung``)
            or refused the plan (``device.failed``); or the record is not one of the given bundles
            (``device.damaged``).
        TimingError: The app cannot be built, there is neither a bundle nor a plan (``timing.option``), or the record
            cannot be read (``timing.schema``).
        BundleError: A bundle is damaged; the codes are those of ``open_bundle``.

    Example:
        >>> plan = levit_mobile.TimingPlan.of(["build/levit_128s-coreml-fp16"], ["cpu", "neural-engine"])
        >>> run = levit_mobile.bench_in_ios_app(["build/levit_128s-coreml-fp16"], plan=plan)
        >>> [timing.compute_units for timing in run.timings]
        ['cpuOnly', 'cpuAndNeuralEngine']
    """
    opened = {Path(path).resolve().name: open_bundle(Path(path)) for path in bundles}
    chosen, options = plan or TimingPlan.of(bundles), app or IosAppOptions()
    devicectl = Devicectl()
    demo = IosApp(devicectl, chosen_phone(devicectl, options.serial), options.identifier)
    starts = Starts(demo, chosen, f"levit-mobile-{secrets.token_hex(4)}")
    with ExitStack() as stack:
        installed = _installed(demo, options, stack, progress)
        left = stack.enter_context(_cleaned(demo, starts, keep=options.keep))
        wanted = {name: bundle for name, bundle in opened.items() if name in chosen.bundles}
        left += copy_lacking(demo, wanted, installed, progress)
        run = starts.run(progress)
    require_artifacts(run, chosen, opened, demo.phone.name)
    return run.model_copy(update={"command": command or run.command})


def _installed(demo: IosApp, options: IosAppOptions, stack: ExitStack, progress: Progress) -> Path | None:
    """The app on this Mac that was installed; None where the phone has it already."""
    app = options.app
    if options.team is not None:
        progress("building the app", 0, 1)
        app = built(options, Path(stack.enter_context(tempfile.TemporaryDirectory())))
    if app is not None:
        progress("installing the app", 0, 1)
        demo.install(app)
    return app


@contextmanager
def _cleaned(demo: IosApp, starts: Starts, *, keep: bool) -> Iterator[list[str]]:
    """The app removes what this run has left, and nothing else; a phone that is gone keeps it."""
    copies: list[str] = []
    try:
        yield copies
    finally:
        if not keep and (paths := [*copies, *starts.files]):
            with suppress(DeviceError):
                demo.clean(paths)
