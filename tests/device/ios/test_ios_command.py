"""`levit-mobile device ios` as a command: progress, the record, and wrong use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.command import ask
from support.phone.iphone import CORE, plan
from support.refusals import refused

from levit_mobile.demo.ios.run import bench_in_ios_app
from levit_mobile.demo.options import IosAppOptions
from levit_mobile.errors import TimingError
from levit_mobile.overview.collect import gather
from levit_mobile.timing.record import TimingRun


@pytest.mark.usefixtures("phone")
def test_progress_names_each_step_and_ends(paths: list[Path]) -> None:
    seen: list[tuple[str, float, float]] = []
    bench_in_ios_app(paths, plan=plan(CORE), progress=lambda what, done, of: seen.append((what, done, of)))
    assert {what for what, _, _ in seen} >= {"copying coreml-fp16", "timing the step", "done"}
    timed = [done / of for what, done, of in seen if what == "timing the step"]
    assert timed == sorted(timed)
    assert seen[-1] == ("done", 2, 2)


@pytest.mark.usefixtures("phone")
def test_the_command_files_the_record_where_report_looks(paths: list[Path]) -> None:
    words = [word for one in ("cpu", "neural-engine") for word in ("--accelerator", one)]
    words += [word for one in ("1", "2") for word in ("--threads", one)]
    done = ask("device", "ios", str(paths[0].parent), *words, "--rounds", "2", "--starts", "1")
    assert done.exit_code == 0, done.output
    (file,) = (paths[0].parent / "timings").iterdir()
    assert file.name.startswith("iphone16-1-")
    run = TimingRun.read(file)
    assert [timing.name for timing in run.timings] == [
        "coreml-fp16-cpu1",
        "coreml-fp16-neural-engine",
        "executorch-fp32-cpu1",
        "executorch-fp32-cpu2",
    ]
    assert [one.run for one in gather(paths[0].parent).runs] == [run]


USES = [
    (["ios", "--adb", "adb"], "--adb has no meaning for ios"),
    (["android", "--team", "A"], "--team has no meaning for android"),
    (["ios", "--accelerator", "npu"], "expected cpu, gpu, neural-engine"),
    (["watch"], "expected android, ios"),
]


@pytest.mark.parametrize(("words", "fact"), USES)
def test_wrong_use_is_named(paths: list[Path], words: list[str], fact: str) -> None:
    done = ask("device", words[0], str(paths[0]), *words[1:])
    assert done.exit_code == 2
    assert fact in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"app": Path("nothing.app")}, "not a folder"),
        ({"team": "A", "project": Path("nothing.xcodeproj")}, "not an Xcode project"),
        ({"team": "A", "app": Path("x.app")}, "both an app and a team"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], fact: str) -> None:
    with refused(TimingError, "timing.option", fact):
        IosAppOptions(**options)
