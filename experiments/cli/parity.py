"""The command ``lockstep parity``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, Progress, TextColumn

from experiments.cli.ending import begin, computing, console
from experiments.cli.options import Debug, Out
from experiments.engine import interrupt
from experiments.engine.terminal import show, visible


def parity(out: Out = Path("results"), debug: Debug = False) -> None:
    """Measure how far the two sides are apart: every pair, a training, every convention.

    The numbers go to parity.json in the folder, for `lockstep report`.

    Examples:
        lockstep parity  # half a minute; then `lockstep report --open`
    """
    begin("measuring how far both sides are apart")
    with computing(lambda: "Nothing was written.", debug):
        from experiments.engine.output import prepare

        with interrupt.deferred():  # torch aborts where it is interrupted while it is imported
            from experiments.parity.run import FILE, PIECES, measure, write
        prepare(out)
        with Progress(
            TextColumn("parity"),
            BarColumn(16),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
        ) as bar:
            task = bar.add_task("", total=sum(PIECES.values()))
            content = measure(
                lambda doing, done: bar.update(task, description=doing, completed=done)
            )
        write(content, out / FILE)
        sum_up(content)
    typer.echo(visible(out / FILE))


def sum_up(content: Mapping[str, Any]) -> None:
    """Say what was measured."""
    twins, conventions = len(content["twins"]), len(content["conventions"])
    took = f"{content['seconds']:.1f} s"
    show(console, f"[bold]parity[/] of {twins} twins and {conventions} conventions in {took}")
