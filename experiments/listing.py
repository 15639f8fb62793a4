"""What there is: the experiments, and the pairs in lockstep, as tables."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

import experiments
from experiments.terminal import escape
from experiments.texts import Text, joined, say
from torch_ref import registry

#: A module of ours → the module of torch that it stands beside, and their pairs.
TABLES = {
    "scratch.optim": ("torch.optim", registry.OPTIMIZERS),
    "scratch.lr_scheduler": ("torch.optim.lr_scheduler", registry.SCHEDULES),
    "scratch.init": ("torch.nn.init", registry.INITIALIZERS),
    "scratch.nn": ("torch.nn", registry.LAYERS),
}


class Listing(NamedTuple):
    """A table as text; its name is the module's."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def listings() -> Iterator[Listing]:
    """The experiments, then everything that is hand-written beside its twin."""
    rows = [
        (name, experiment.section, experiment.title)
        for name, experiment in ((name, experiments.load(name)) for name in experiments.NAMES)
    ]
    header = (say("name"), say("section"), say("what it shows"))
    yield Listing("experiments", "Experiments", header, rows)
    for mine, (theirs, table) in TABLES.items():
        rows = [
            (pair.name, pair.torch.removeprefix(f"{theirs}."), pair.section, _note(pair))
            for pair in table.values()
        ]
        header = (mine, theirs, say("section"), say("note"))
        yield Listing(mine, f"{mine} beside {theirs}", header, rows)


def _note(pair: registry.Pair) -> Text:
    since = getattr(pair, "since", "")
    notes = (Text(pair.note), say("since torch {version}", version=since) if since else "")
    return joined([note for note in notes if note] or [Text("")], "; ")


def print_tables(console: Console) -> None:
    """The tables for a terminal."""
    for listing in listings():
        table = Table(title=listing.title, title_justify="left", box=None)
        for name in listing.header[:-1]:
            table.add_column(name, no_wrap=True)
        table.add_column(listing.header[-1])
        for first, *rest in listing.rows:
            table.add_row(f"[bold]{escape(first)}[/]", *map(escape, rest))
        console.print(table)
        console.print()


def as_markdown(translate: Callable[[str], str] = str) -> dict[str, str]:
    """By its name, each table for the README, in another language if need be."""
    return {listing.name: _markdown(listing, translate) for listing in listings()}


def _markdown(listing: Listing, translate: Callable[[str], str]) -> str:
    rows = [listing.header, ("---",) * len(listing.header)]
    rows += [(f"`{first}`", *rest) for first, *rest in listing.rows]
    return "".join(f"| {' | '.join(map(translate, row))} |\n" for row in rows)
