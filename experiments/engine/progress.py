"""What is being done: one live display in a terminal, nothing elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.queues import Queue
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from experiments.engine import checkpoints
from experiments.terminal import escape, visible

if TYPE_CHECKING:
    from experiments.engine.crew import Unit

#: Called with (what is running, step, steps, loss or None).
Report = Callable[[str, int, int, float | None], None]


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


OFTEN = 0.1  # seconds


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


@dataclass
class _Line:
    """What is shown of a unit: its trainings one after another count as one way."""

    task: TaskID
    what: str = ""
    before: int = 0
    step: int = 0

    @property
    def done(self) -> int:
        return self.before + self.step

    def go_on(self, what: str, step: int) -> None:
        if what != self.what:
            self.what, self.before, self.step = what, self.done, 0
        self.step = step


class Display:
    """A bar for all of the work, and a line for each unit that is being done.

    Args:
        console: where that is no terminal, nothing is shown.
    """

    def __init__(self, console: Console) -> None:
        self.is_live = console.is_terminal
        one_line = {"no_wrap": True, "overflow": "ellipsis"}
        self._bars = Progress(
            TextColumn("  {task.description}", table_column=Column(**one_line)),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[count]}", table_column=Column(justify="right", **one_line)),
            _Beside(table_column=Column(**one_line)),
            console=console,
            transient=True,
            disable=not self.is_live,
        )
        self._all = self._bars.add_task("[bold]all[/]", total=None, count="", beside=None)
        self._units: dict[int, Unit] = {}
        self._lines: dict[int, _Line] = {}
        self._over: set[int] = set()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def expect(self, units: Sequence["Unit"]) -> None:
        """Say what is going to be done; each unit is called by its place from then on."""
        self._units, self._over = dict(enumerate(units)), set()
        self._sum_up()

    def report(self, number: int, what: str, step: int, steps: int, loss: float | None) -> None:
        """How far a unit has come."""
        if number in self._over or not self.is_live:
            return
        unit = self._units[number]
        if number not in self._lines:
            task = self._bars.add_task(escape(str(unit)), total=None, count="", beside="")
            self._lines[number] = _Line(task)
        line = self._lines[number]
        line.go_on(what, step)
        shown = what if loss is None else f"loss {loss:.4f}, {what}"
        self._bars.update(
            line.task,
            total=unit.steps or None,
            completed=line.done,
            count=f"{line.done / unit.steps:.0%}" if unit.steps else "",
            beside=shown,
        )
        self._sum_up()

    def over(self, number: int) -> None:
        """A unit is done, or not wanted any more."""
        self._over.add(number)
        if line := self._lines.pop(number, None):
            self._bars.remove_task(line.task)
        self._sum_up()

    @contextmanager
    def fed_by(self, queue: Queue) -> Iterator[None]:
        """Within, what other processes put there is shown: reports, and what they say."""
        reader = threading.Thread(target=self._read, args=(queue,), daemon=True)
        reader.start()
        try:
            yield
        finally:
            queue.cancel_join_thread()  # one that was killed in the middle of a word blocks it
            queue.put(None)
            reader.join(1.0)

    def _read(self, queue: Queue) -> None:
        for message in iter(queue.get, None):
            if isinstance(message, str):
                checkpoints.tell(message)
            else:
                self.report(*message)

    def _sum_up(self) -> None:
        total = sum(unit.length for unit in self._units.values())
        done = sum(self._units[number].length for number in self._over)
        for number, line in list(self._lines.items()):
            unit = self._units[number]
            done += unit.length * line.done / unit.steps if unit.steps else 0
        count = f"{len(self._over)}/{len(self._units)}"
        self._bars.update(self._all, total=total or None, completed=done, count=count)


class _Beside(ProgressColumn):
    """What a unit does; for all of them, since when."""

    def render(self, task: Task) -> Text:
        if task.fields["beside"] is None:
            return Text(f"{timedelta(seconds=int(task.elapsed or 0))}", style="dim")
        return Text(visible(task.fields["beside"]), style="dim")
