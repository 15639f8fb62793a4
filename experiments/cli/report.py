"""The command ``lockstep report``."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from experiments.cli.ending import computing, console
from experiments.cli.options import Debug, Out
from experiments.engine import interrupt

if TYPE_CHECKING:
    from experiments.report.results import Missing, Unreadable


def report(out: Out = Path("results"), debug: Debug = False) -> None:
    """Write one page of whatever results there are: figures, claims, parity, an explorer, a lab.

    The page is report.html in the folder, opens from disk, and needs no network.
    """
    with computing(lambda: "The page was not written.", debug):
        from experiments.engine.output import prepare

        prepare(out)
        with console.status("report"):
            path, lacking = written(out)
        say_what_it_lacks(lacking)
    typer.echo(path)


def written(
    out: Path, computed: Mapping[str, Any] | None = None
) -> tuple[Path, "list[Missing | Unreadable]"]:
    """Write the page, in whatever process; its path, and what it lacks."""
    with interrupt.deferred():  # torch aborts where it is interrupted while it is imported
        from experiments.report import page
        from experiments.report.results import Missing, Unreadable

    path, found = page.write(out, computed=computed)
    return path, [item for item in found.items if isinstance(item, Missing | Unreadable)]


def say_what_it_lacks(lacking: "Iterable[Missing | Unreadable]") -> None:
    """Say it, with the commands that make it."""
    from experiments.report.results import Missing

    for item in lacking:
        if isinstance(item, Missing):
            console.print(f"[yellow]missing:[/] {item.name}; `{item.command}` makes it")
        else:
            why = escape(f"{item.why}; `{item.command}` makes it anew")
            console.print(f"[red]unreadable:[/] {item.name}: {why}", soft_wrap=True)
