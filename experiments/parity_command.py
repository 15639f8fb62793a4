"""The command ``lockstep parity``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from experiments import command
from experiments.options import Debug, Out

console = Console(highlight=False)


def parity(out: Out = Path("results"), debug: Debug = False) -> None:
    """Measure how far the two sides are apart: every twin, a training, every convention.

    The numbers go to parity.json in the folder, for `lockstep report`.
    """
    with command.computing(lambda: "Nothing was written.", debug):
        path = measure_into(out, console)
    typer.echo(path)


def measure_into(out: Path, console: Console) -> Path:
    """Measure, say how it went, and return the file's path.

    Raises:
        OutputError: the folder cannot be written.
    """
    from experiments.engine import interrupt
    from experiments.engine.output import prepare

    with interrupt.deferred():  # torch aborts where it is interrupted while it is imported
        from experiments.parity.run import FILE, measure, write

    prepare(out)
    with console.status("parity") as status:
        content = measure(lambda name: status.update(f"parity · {name}"))
    write(content, out / FILE)
    sum_up(content, console)
    return out / FILE


def sum_up(content: Mapping[str, Any], console: Console) -> None:
    """Say what was measured."""
    console.print(
        f"[bold]parity[/] of {len(content['twins'])} twins and {len(content['conventions'])} "
        f"conventions in {content['seconds']:.1f} s"
    )
