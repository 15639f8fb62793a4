"""What there is: the experiments, and the pairs in lockstep, as tables."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import experiments
from experiments.engine.texts import Text, joined, say
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
    since = say("since torch {version}", version=pair.since) if pair.since else ""
    notes = (Text(pair.note), since)
    return joined([note for note in notes if note] or [Text("")], "; ")


def as_markdown(translate: Callable[[str], str] = str) -> dict[str, str]:
    """By its name, each table for the README, in another language if need be."""
    return {listing.name: _markdown(listing, translate) for listing in listings()}


def _markdown(listing: Listing, translate: Callable[[str], str]) -> str:
    rows = [listing.header, ("---",) * len(listing.header)]
    rows += [(f"`{first}`", *rest) for first, *rest in listing.rows]
    return "".join(f"| {' | '.join(map(translate, row))} |\n" for row in rows)
