"""The options of `levit-mobile device`, each with what it means, its unit and its default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SystemArgument = Annotated[str, typer.Argument(metavar="android|ios", help="The phone's system.", show_default=False)]
BundlesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[BUNDLE]...",
        help="Bundles, or folders of bundles. Default: with --plan, those that the app brings along.",
        show_default=False,
    ),
]
ApkOption = Annotated[
    Path | None,
    typer.Option("--apk", help="The demo app to install first, for android. Default: the one on the phone."),
]
AppOption = Annotated[
    Path | None,
    typer.Option("--app", help="Folder LevitDemo.app to install first, for ios. Default: the app on the phone."),
]
TeamOption = Annotated[
    str | None,
    typer.Option(
        "--team",
        help="Team that signs, for ios: the app of --project is built and installed. Default: nothing is built.",
    ),
]
ProjectOption = Annotated[
    Path, typer.Option("--project", help="Xcode project that --team builds, for ios.", show_default=True)
]
IdentifierOption = Annotated[str, typer.Option("--identifier", help="Bundle identifier of the app, for ios.")]
PlanOption = Annotated[
    Path | None,
    typer.Option("--plan", help="Timing plan (JSON) to run. Default: made from the bundles and the options below."),
]
SerialOption = Annotated[
    str | None,
    typer.Option(
        "--serial",
        help="Serial number of the phone; on iOS its identifier, UDID or name. Default: the only one that is ready.",
    ),
]
AcceleratorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--accelerator", metavar="[cpu|gpu|neural-engine]", help="Where to run; can be repeated. Default: cpu."
    ),
]
ThreadsOption = Annotated[
    list[int] | None,
    typer.Option("--threads", min=1, help="Number of CPU threads; can be repeated. Default: 1."),
]
RoundsOption = Annotated[
    int, typer.Option("--rounds", min=1, help="Number of rounds of each bundle, which its processes share.")
]
StartsOption = Annotated[
    int,
    typer.Option(
        "--starts", min=1, help="Number of fresh processes per bundle and accelerator. Intervals are over them."
    ),
]
PictureOption = Annotated[
    str,
    typer.Option(
        "--picture", help="Width x height, in pixels, of the decoded image with which end-to-end timing begins."
    ),
]
CoolDownOption = Annotated[
    int,
    typer.Option(
        "--cool-down",
        min=0,
        metavar="SECONDS",
        help="Longest time in seconds to wait for a hot phone before each process; 0 does not wait.",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**32 - 1, help="Random seed of the order of the processes.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="File of the timing record. Default: timings/MODEL-TIME.json beside the first bundle.",
    ),
]
KeepOption = Annotated[bool, typer.Option("--keep", help="Leave the bundles and the record on the phone.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit 3 when the phone could not run an artifact.")]
