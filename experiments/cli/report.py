"""The command ``lockstep report``."""

import webbrowser
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from experiments.cli.ending import begin, computing, console, errors
from experiments.cli.options import Debug, Open, Out
from experiments.engine import interrupt
from experiments.engine.terminal import escape, show, visible

if TYPE_CHECKING:
    from experiments.report.results import Missing, Unreadable


def report(out: Out = Path("results"), open_: Open = False, debug: Debug = False) -> None:
    """Write one page of whatever results there are: figures, claims, parity, an explorer, a lab.

    The page is report.html in the folder, opens from disk, and needs no network.

    Examples:
        lockstep report --open  # of the folder results, in the browser
        lockstep report --out numpy  # of another folder
    """
    begin(f"writing the page of {out}")
    with computing(lambda: "The page was not written.", debug):
        from experiments.engine.output import prepare

        prepare(out)
        with console.status("report"):
            path, lacking = written(out)
        say_what_it_lacks(lacking)
    typer.echo(visible(path))
    open_page(path, open_)


def written(out: Path) -> tuple[Path, "list[Missing | Unreadable]"]:
    """Write the page, in whatever process; its path, and what it lacks."""
    with interrupt.deferred():
        from experiments.report import page
        from experiments.report.results import Missing, Unreadable

    path, found = page.write(out)
    return path, [item for item in found.items if isinstance(item, Missing | Unreadable)]


def open_page(path: Path, asked: bool) -> None:
    """Show the page in a browser, if that is asked for and there is one."""
    if asked and not webbrowser.open(path.resolve().as_uri()):
        show(errors, "no browser was found here; open the page in one yourself")


def say_what_it_lacks(lacking: "Iterable[Missing | Unreadable]") -> None:
    """Say it, with the commands that make it."""
    from experiments.report.results import Missing

    for item in lacking:
        if isinstance(item, Missing):
            show(console, f"[yellow]missing:[/] {item.name}; `{item.command}` makes it")
        else:
            why = escape(f"{item.why}; `{item.command}` makes it anew")
            show(console, f"[red]unreadable:[/] {item.name}: {why}")
