"""Bars in a terminal, nothing elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from experiments.engine.experiment import Report


@contextmanager
def reporting(console: Console, title: str) -> Iterator[Report]:
    """A bar for each thing that runs, with its loss and the time left; gone when all is done."""
    with Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        tasks = {}

        def report(what: str, step: int, steps: int, loss: float | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(f"{title} · {what}", total=steps, loss="")
            shown = "" if loss is None else f"loss {loss:.4f}"
            bars.update(tasks[what], completed=step, loss=shown)
            if step == steps:
                bars.remove_task(tasks.pop(what))

        yield report
