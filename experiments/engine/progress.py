"""What is being done: one live display in a terminal, nothing elsewhere."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from experiments.engine.terminal import escape, visible

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


def now_and_then(report: Report) -> Report:
    """The same, but no more often than a display shows; the end of each training is."""
    last = -OFTEN

    def told(what: str, step: int, steps: int, loss: float | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= OFTEN or step == steps:
            last = now
            report(what, step, steps, loss)

    return told


@dataclass(frozen=True)
class Place:
    """Where processes say how far their units have come: a table in a file, a row for each unit.

    Attributes:
        path: of the file; ``None`` where nobody looks at it.
    """

    path: Path | None = None

    def report(self, number: int) -> Report:
        """For who does the unit; its trainings one after another count as one way."""
        if self.path is None or not self.path.exists():  # a cluster may have other disks
            return silent
        rows: Any = np.memmap(self.path, ROW, "r+")
        doing, before, last = "", 0, 0

        def told(what: str, step: int, steps: int, loss: float | None) -> None:
            nonlocal doing, before, last
            if what != doing:
                doing, before = what, before + last
            last = step
            rows[number] = what, before + step, np.nan if loss is None else loss

        return now_and_then(told)


class Display:
    """A bar for all of the work, and a line for each unit that is being done.

    Args:
        console: where that is no terminal, nothing is shown.
        folder: in which processes say how far they have come.
    """

    def __init__(self, console: Console, folder: Path) -> None:
        self.is_live = console.is_terminal
        self._folder = folder
        self._units: Sequence[Unit] = ()
        self._lines: dict[int, TaskID] = {}
        self._begun: set[int] = set()
        self._over: set[int] = set()
        self._rows: Any = None
        self._bars = _Bars(self, console)
        self._all = self._bars.add_task("[bold]all[/]", total=None, count="", beside=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def showing(self, units: "Sequence[Unit]") -> Iterator[Place]:
        """Within, the units are shown, each called by its place; gives where they report."""
        self._units, self._begun, self._over = units, set(), set()
        if not self.is_live or not units:
            yield Place()
            return
        path = self._folder / f".progress.{os.getpid()}.partial"
        self._rows = np.memmap(path, ROW, "w+", shape=len(units))
        try:
            yield Place(path)
        finally:
            self._rows = None
            path.unlink(missing_ok=True)

    def begun(self, number: int) -> None:
        """A unit is given to a process."""
        self._begun.add(number)
        if self.is_live:
            self._lines[number] = self._bars.add_task(
                escape(str(self._units[number].title)), total=None, count="", beside=""
            )

    def over(self, number: int) -> None:
        """A unit is done, or not wanted any more."""
        self._over.add(number)
        if number in self._lines:
            self._bars.remove_task(self._lines.pop(number))

    def under_way(self) -> str:
        """What is being done now, for people."""
        return ", ".join(self._units[number].title for number in sorted(self._begun - self._over))

    def refresh(self) -> None:
        """Look how far everything has come."""
        done = sum(self._units[number].length for number in self._over)
        for number, task in list(self._lines.items()):
            unit, (what, steps, loss) = self._units[number], self._row(number)
            share = min(1.0, steps / unit.steps) if unit.steps else 0.0
            done += unit.length * share
            self._bars.update(
                task,
                total=unit.steps or None,
                completed=steps,
                count=f"{share:.0%}" if unit.steps else "",
                beside=what if np.isnan(loss) else f"loss {loss:.4f}, {what}",
            )
        total = sum(unit.length for unit in self._units)
        count = f"{len(self._over)}/{len(self._units)}" if self._units else ""
        self._bars.update(self._all, total=total or None, completed=done, count=count)

    def _row(self, number: int) -> tuple[str, int, float]:
        rows = self._rows
        if rows is None:
            return "", 0, np.nan
        what, steps, loss = rows[number].item()
        return what, steps, loss or np.nan


class _Bars(Progress):
    """Bars that look how far everything has come whenever they are drawn."""

    def __init__(self, display: Display, console: Console) -> None:
        one_line = {"no_wrap": True, "overflow": "ellipsis"}
        self._display: Display | None = None
        super().__init__(
            TextColumn("  {task.description}", table_column=Column(**one_line)),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[count]}", table_column=Column(justify="right", **one_line)),
            _Beside(table_column=Column(**one_line)),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._display = display

    def get_renderables(self) -> Iterator[RenderableType]:
        if self._display and self._display.is_live and self.tasks:
            self._display.refresh()
        yield from super().get_renderables()


class _Beside(ProgressColumn):
    """What a unit does; for all of them, since when."""

    def render(self, task: Task) -> Text:
        if task.fields["beside"] is None:
            return Text(f"{timedelta(seconds=int(task.elapsed or 0))}", style="dim")
        return Text(visible(task.fields["beside"]), style="dim")
