"""The command ``lockstep list``."""

from typing import Annotated

import typer
from rich.table import Table

from experiments.cli.ending import console
from experiments.engine.terminal import escape


def list_(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As the README's tables, for a file.")
    ] = False,
) -> None:
    """Show the experiments, and what is hand-written beside what in torch."""
    from experiments.report import listing

    if markdown:
        typer.echo("\n".join(listing.as_markdown().values()))
        return
    for each in listing.listings():
        table = Table(title=each.title, title_justify="left", box=None)
        for name in each.header[:-1]:
            table.add_column(name, no_wrap=True)
        table.add_column(each.header[-1])
        for first, *rest in each.rows:
            table.add_row(f"[bold]{escape(first)}[/]", *map(escape, rest))
        console.print(table)
        console.print()
