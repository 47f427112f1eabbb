"""The options of `levit-mobile bench`, each with what it means, its unit and its default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

ArtifactsArgument = Annotated[
    list[Path],
    typer.Argument(help="Bundles, folders of bundles, or .tflite, .pte and .mlpackage artifacts.", show_default=False),
]
RoundsOption = Annotated[
    int,
    typer.Option("--rounds", min=2, help="Number of rounds that the processes share; each runs every artifact once."),
]
WarmupOption = Annotated[
    int, typer.Option("--warmup", min=1, help="Number of warm-up rounds per process, whose times are discarded.")
]
StartsOption = Annotated[
    int,
    typer.Option(
        "--starts",
        min=1,
        help="Number of fresh processes. Intervals are over them: fewer than 5 make them wide, 1 gives none.",
    ),
]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Number of threads for LiteRT and ExecuTorch.")]
UnitsOption = Annotated[
    Literal["cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine", "all"],
    typer.Option("--compute-units", help="Processors that Core ML may use."),
]
PictureOption = Annotated[
    str,
    typer.Option(
        "--picture", help="Width x height, in pixels, of the decoded image with which end-to-end timing begins."
    ),
]
ProfileOption = Annotated[
    bool,
    typer.Option(
        "--profile", help="Also time every block of the model; only .tflite artifacts can be split into blocks."
    ),
]
MethodOption = Annotated[str, typer.Option("--method", help="Method to run of each .pte that is not in a bundle.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        exists=True,
        dir_okay=False,
        help="Data file (.ptd) of each .pte that is not in a bundle and keeps its constants in one. Default: none.",
    ),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        help="Record of an earlier run, from --out; a slowdown above --max-slowdown exits with 1. Default: none.",
    ),
]
SlowdownOption = Annotated[
    float,
    typer.Option(
        "--max-slowdown",
        min=0,
        help="Fail when the whole 95% interval of the ratio to the baseline is above this (1.10 = 10% slower).",
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Exit 3 when the interval contains --max-slowdown, or an artifact of the baseline was not timed.",
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write the record with every sample to this JSON file. Default: no file.")
]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="DEVICE",
        help="Device to time on: android, android:SERIAL, or local for an ARM64 machine without Python's runtimes. "
        "Default: this machine.",
        show_default=False,
    ),
]
AdbOption = Annotated[
    Path | None,
    typer.Option("--adb", help="The adb program. Default: from PATH, ANDROID_HOME or the Android SDK's usual folder."),
]
KeepOption = Annotated[
    bool, typer.Option("--keep", help="Leave the programs and artifacts on the phone. Default: nothing stays there.")
]
CoresOption = Annotated[
    str | None,
    typer.Option(
        "--cores",
        metavar="MASK",
        help="CPU cores of the device to run on, as a hexadecimal mask: f0 is cores 4 to 7. Default: all.",
        show_default=False,
    ),
]
ArithmeticOption = Annotated[
    Literal["fp32", "fp16"] | None,
    typer.Option(
        "--arithmetic",
        help="Arithmetic of the float parts on the device, where the runtime leaves a choice. Default: the artifact's.",
        show_default=False,
    ),
]
FixedPerformanceOption = Annotated[
    bool,
    typer.Option(
        "--fixed-performance", help="Switch on Android's fixed performance mode for the run, and off at its end."
    ),
]
CoolDownOption = Annotated[
    int,
    typer.Option(
        "--cool-down",
        min=0,
        metavar="SECONDS",
        help="Longest time in seconds to wait for a hot device before each process; 0 does not wait.",
    ),
]
PayloadOption = Annotated[
    Path | None,
    typer.Option(
        "--payload",
        metavar="FOLDER",
        help="Time nothing; write everything that a phone needs to this folder and to FOLDER.tar.gz. Default: none.",
        show_default=False,
    ),
]
