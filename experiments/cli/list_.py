"""The command ``lockstep list``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.ending import begin, console
from experiments.cli.options import one_of
from experiments.engine.terminal import escape, show

if TYPE_CHECKING:
    from experiments.report.listing import Listing

#: The kinds of what there is, and what their tables are called.
KINDS = {
    "experiments": "experiments",
    "optimizers": "scratch.optim",
    "schedules": "scratch.lr_scheduler",
    "initializers": "scratch.init",
    "layers": "scratch.nn",
}
#: The columns that the last cell of a row is given beside the others; with fewer it comes below.
BESIDE = 24


def _kind(name: str | None) -> str | None:
    return None if name is None else one_of(name, KINDS)


def list_(
    word: Annotated[
        str | None, typer.Argument(metavar="[WORD]", help="Show only what has it, in any case.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(callback=_kind, metavar="|".join(KINDS), help="Show only these."),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown, for a file.")
    ] = False,
) -> None:
    """Show the experiments, and what is hand-written beside what in torch.

    Examples:
        lockstep list --kind experiments  # what `lockstep run` can run
        lockstep list adam  # everything with that in its name or note
    """
    begin(f"what there is of {word!r}" if word else f"the {kind or 'experiments and pairs'}")
    from experiments.report import listing

    if markdown:
        tables = listing.as_markdown()
        typer.echo("\n".join(tables[KINDS[kind]] if kind else tables.values()))
        return
    found = [each for each in listing.listings() if kind is None or each.name == KINDS[kind]]
    found = [each._replace(rows=_with(word, each.rows)) for each in found]
    if not any(each.rows for each in found):
        raise typer.BadParameter(f"nothing has {word!r} in it", param_hint="WORD")
    for each in found:
        if each.rows:
            _print(each)


def _with(word: str | None, rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows that have the word in one of their cells."""
    wanted = (word or "").casefold()
    return [row for row in rows if any(wanted in cell.casefold() for cell in row)]


def _print(each: "Listing") -> None:
    sizes = [max(map(len, column)) for column in zip(each.header, *each.rows, strict=True)]
    show(console, f"[bold]{escape(each.title)}[/]")
    _row(each.header, sizes, "dim")
    for row in each.rows:
        _row(row, sizes, "bold")
    console.print()


def _row(row: Sequence[str], sizes: Sequence[int], style: str) -> None:
    """A row, the last cell in whole words beside the others, or below them where it is narrow."""
    first, *cells = (cell.ljust(size) for cell, size in zip(row, sizes, strict=True))
    *others, last = cells
    line, width = f"[{style}]{escape(first)}[/]  {'  '.join(map(escape, others))}", sum(sizes[:-1])
    width += 2 * len(row)  # what the last cell begins behind
    if console.is_terminal and console.width < width + BESIDE and last.strip():
        show(console, f"  {line.rstrip()}")
        show(console, f"      [dim]{escape(last.strip())}[/]", 0)
    else:
        show(console, f"  {line}  [dim]{escape(last.rstrip())}[/]".rstrip(), width - 2)
