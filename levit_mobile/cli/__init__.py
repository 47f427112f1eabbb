"""The command line: a skin over the public API.

Exit codes: 0 done, 1 known failure or a broken artifact, 2 usage, 3 NOT RUN under --strict, 130 interrupted.
"""

from __future__ import annotations

from typing import Annotated

import typer

from levit_mobile.cli.bench import bench
from levit_mobile.cli.common import full_output_named, signals_heeded
from levit_mobile.cli.convert import convert
from levit_mobile.cli.cost import cost
from levit_mobile.cli.deploy import deploy
from levit_mobile.cli.device import device
from levit_mobile.cli.doctor import doctor
from levit_mobile.cli.examples import epilog, paragraphs
from levit_mobile.cli.inspect import inspect
from levit_mobile.cli.plan import plan
from levit_mobile.cli.predict import predict
from levit_mobile.cli.recipes import recipes
from levit_mobile.cli.report import report
from levit_mobile.cli.setup import setup
from levit_mobile.cli.validate import validate

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def common(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Convert a trained LeViT, ViT or DeiT to Core ML, ExecuTorch and TFLite, and prove and time the results."""
    if version:
        import levit_mobile

        typer.echo(levit_mobile.__version__)
        raise typer.Exit


_COMMANDS = (convert, predict, validate, inspect, bench, report, deploy, device, recipes, cost, plan, setup, doctor)
for _command in _COMMANDS:
    app.command(help=paragraphs(str(_command.__doc__)), epilog=epilog(_command.__name__))(_command)


def main() -> None:
    """The console script."""
    with signals_heeded(), full_output_named():
        app()
