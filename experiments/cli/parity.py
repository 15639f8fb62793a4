"""The command ``lockstep parity``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from experiments.cli.ending import computing, console
from experiments.cli.options import Debug, Out
from experiments.engine import interrupt


def parity(out: Out = Path("results"), debug: Debug = False) -> None:
    """Measure how far the two sides are apart: every twin, a training, every convention.

    The numbers go to parity.json in the folder, for `lockstep report`.
    """
    with computing(lambda: "Nothing was written.", debug):
        from experiments.engine.output import prepare

        with interrupt.deferred():  # torch aborts where it is interrupted while it is imported
            from experiments.parity.run import FILE, measure, write
        prepare(out)
        with console.status("parity") as status:
            content = measure(lambda name: status.update(f"parity · {name}"))
        write(content, out / FILE)
        sum_up(content)
    typer.echo(out / FILE)


def sum_up(content: Mapping[str, Any]) -> None:
    """Say what was measured."""
    console.print(
        f"[bold]parity[/] of {len(content['twins'])} twins and {len(content['conventions'])} "
        f"conventions in {content['seconds']:.1f} s"
    )
