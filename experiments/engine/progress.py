"""What is being done: one live display in a terminal, nothing elsewhere."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from experiments.engine.terminal import visible
from torch_ref import files

if TYPE_CHECKING:
    from experiments.engine.units import Unit

#: Called with (what is running, step, steps, loss or None).
Report = Callable[[str, int, int, float | None], None]
#: How far a unit has come: what it does, its steps of all its trainings so far, and the last loss.
ROW = np.dtype([("what", "U32"), ("done", "i8"), ("loss", "f8")])
OFTEN = 0.1  # seconds


def silent(what: str, step: int, steps: int, loss: float | None) -> None:
    """A report to nobody."""


_told: list[Report] = [silent]


@contextmanager
def reported_to(report: Report) -> Iterator[None]:
    """Within, what this process does is reported there."""
    _told.append(report)
    try:
        yield
    finally:
        _told.pop()


def report(what: str, step: int, steps: int, loss: float | None) -> None:
    """Say how far something has come, to whom it may concern."""
    _told[-1](what, step, steps, loss)


@dataclass(frozen=True)
class ProgressTable:
    """Where processes say how far their units have come: a table in a file, a row for each unit.

    Attributes:
        path: of the file; ``None`` where nobody looks at it.
    """

    path: Path | None = None

    def report(self, number: int) -> Report:
        """For who does the unit; its trainings one after another count as one way.

        It is written no more often than a display shows, and at the end of each training.
        """
        if self.path is None or not self.path.exists():  # a cluster may have other disks
            return silent
        rows: Any = np.memmap(self.path, ROW, "r+")
        doing, before, last, written = "", 0, 0, -OFTEN

        def told(what: str, step: int, steps: int, loss: float | None) -> None:
            nonlocal doing, before, last, written
            now = time.monotonic()
            if now - written < OFTEN and step != steps:
                return
            if what != doing:
                doing, before = what, before + last
            last, written = step, now
            rows[number] = what, before + step, np.nan if loss is None else loss

        return told


class Display:
    """A bar for all of the work, and a line for each unit that is being done.

    Args:
        console: where that is no terminal, nothing is shown.
        folder: in which processes say how far they have come.
    """

    def __init__(self, console: Console, folder: Path) -> None:
        self.is_live = console.is_terminal
        self._folder, self._start = folder, time.monotonic()
        self._units: Sequence[Unit] = ()
        self._begun: set[int] = set()
        self._over: set[int] = set()
        self._rows: Any = None
        self._live = Live(
            console=console, get_renderable=self._table, refresh_per_second=10, transient=True
        )

    def __enter__(self) -> Self:
        if self.is_live:
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @contextmanager
    def showing(self, units: "Sequence[Unit]") -> Iterator[ProgressTable]:
        """Within, the units are shown, each called by its place; gives where they report."""
        self._begun, self._over, self._units = set(), set(), units
        if not self.is_live or not units:
            yield ProgressTable()
            return
        path = files.partial(self._folder / "progress")
        files.new(path)
        self._rows = np.memmap(path, ROW, "w+", shape=len(units))
        try:
            yield ProgressTable(path)
        finally:
            self._rows = None
            path.unlink(missing_ok=True)

    def begun(self, number: int) -> None:
        """A unit is given to a process."""
        self._begun.add(number)

    def over(self, number: int) -> None:
        """A unit is done, or not wanted any more."""
        self._over.add(number)

    def under_way(self) -> str:
        """What is being done now, for people."""
        return ", ".join(self._units[number].title for number in self._numbers())

    def _numbers(self) -> list[int]:
        return sorted(self._begun - self._over)

    def _table(self) -> Table:
        """How far everything has come."""
        over, lines = self._over.copy(), []
        done = sum(self._units[number].length for number in over)
        for number in self._numbers():
            unit, (what, steps, loss) = self._units[number], self._row(number)
            share = min(1.0, steps / unit.steps) if unit.steps else 0.0
            done += unit.length * share
            count = f"{share:.0%}" if unit.steps else ""
            beside = what if np.isnan(loss) else f"loss {loss:.4f}, {what}"
            lines.append((Text(visible(unit.title)), unit.steps, steps, count, beside))
        total = sum(unit.length for unit in self._units)
        count = f"{len(over)}/{len(self._units)}" if self._units else ""
        elapsed = timedelta(seconds=int(time.monotonic() - self._start))
        lines.insert(0, (Text("all", "bold"), total, done, count, elapsed))
        one_line: Any = {"no_wrap": True, "overflow": "ellipsis"}
        columns = Column(**one_line), Column(), Column(justify="right", **one_line)
        table = Table.grid(*columns, Column(**one_line), padding=(0, 1))
        for title, total, done, count, beside in lines:
            bar = ProgressBar(total or None, done, width=16)
            told = Text(visible(beside), "dim")
            table.add_row(Text("  ").append_text(title), bar, Text(count), told)
        return table

    def _row(self, number: int) -> tuple[str, int, float]:
        rows = self._rows
        if rows is None:
            return "", 0, np.nan
        what, steps, loss = rows[number].item()
        return what, steps, loss or np.nan
