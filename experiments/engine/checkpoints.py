"""Checkpoints of trainings, in files: two for each, so that there is always a whole one."""

import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from experiments.engine import interrupt
from experiments.engine.memory import is_out_of_memory
from experiments.terminal import visible
from scratch.keeper import Snapshot
from torch_ref import checkpoint
from torch_ref.checkpoint import CheckpointError

EVERY = 30.0  # seconds
#: A finished training is kept if so many seconds would be lost without.
WORTH_KEEPING = 1.0

#: What is said to the user.
Say = Callable[[str], None]
#: What loading may raise where a snapshot is another training's, or was edited.
UNFIT = (CheckpointError, ValueError, LookupError, TypeError, RuntimeError, AttributeError)
UNFIT += (ArithmeticError, AssertionError)


def tell(message: str) -> None:
    """Say something beside the results, from whatever process."""
    _ways[-1](message)


def _print(message: str) -> None:
    print(visible(message), file=sys.stderr, flush=True)


_ways: list[Say] = [_print]


def say_by(way: Say) -> None:
    """From now on, what this process says goes that way: to a parent that has a live display."""
    _ways.append(way)


class Checkpoints:
    """Those of a piece of work: of its first training, its second …, in the order they begin.

    Args:
        folder: for the files.
        identity: what the trainings are of; a file that says something else is not used.
        what: the work, for people.
        every: seconds between two checkpoints.
        say: is told what was found, and what could not be written.
    """

    def __init__(
        self, folder: Path, identity: str, what: str, every: float = EVERY, say: Say = tell
    ) -> None:
        self.folder, self.identity, self.what, self.every = folder, identity, what, every
        self.say, self.last = say, time.monotonic()
        self._numbers = count()

    def within(self, name: str) -> "Checkpoints":
        """Those of a part of the work."""
        part = f"{self.identity}/{name}"
        return Checkpoints(self.folder / name, part, self.what, self.every, self.say)

    def next(self) -> "Kept":
        """The keeper of the next training."""
        return Kept(self, next(self._numbers))


class Kept:
    """The checkpoints of one training; a ``scratch.keeper.Keeper``."""

    def __init__(self, of: Checkpoints, number: int) -> None:
        self._of = of
        self._identity = f"{of.identity}/{number}"
        self.path = of.folder / f"{number:03}.safetensors"
        self.previous = self.path.with_suffix(".previous.safetensors")
        self._said = False

    def begin(self, load: Callable[[Snapshot], None]) -> None:
        for path in (self.path, self.previous):
            if path.exists():
                try:
                    found = self._read(path)
                    with warnings.catch_warnings(action="ignore"):  # what is odd is set aside
                        load(found["state"])
                except UNFIT as error:
                    if is_out_of_memory(error):  # which is not the file's fault
                        raise
                    self._set_aside(path, error)
                else:
                    step = found["state"]["step"]
                    self._of.say(f"{self._of.what} goes on at step {step:,}, of {found['written']}")
                    return

    def due(self) -> bool:
        return interrupt.pending() or time.monotonic() - self._of.last >= self._of.every

    def keep(self, snapshot: Snapshot) -> None:
        self._write(snapshot)
        interrupt.check()

    def end(self, snapshot: Callable[[], Snapshot]) -> None:
        if time.monotonic() - self._of.last >= min(WORTH_KEEPING, self._of.every):
            self._write(snapshot())

    def _read(self, path: Path) -> Snapshot:
        found = checkpoint.load(path)
        if found.get("of") != self._identity:
            raise CheckpointError(f"{path} is of another training")
        if not (isinstance(found.get("written"), str) and isinstance(found.get("state"), dict)):
            raise CheckpointError(f"{path} is not what a checkpoint is")
        return found

    def _write(self, snapshot: Snapshot) -> None:
        written = datetime.now().isoformat(" ", "seconds")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                self.path.replace(self.previous)
            found = {"of": self._identity, "written": written, "state": snapshot}
            checkpoint.save(self.path, found)
        except (OSError, CheckpointError) as error:
            if not self._said:  # the training may still end well
                self._of.say(f"no checkpoint of {self._of.what}: {error}; the last one stays")
                self._said = True
        self._of.last = time.monotonic()

    def _set_aside(self, path: Path, error: Exception) -> None:
        aside = set_aside(path)
        why = shortened(str(error) or type(error).__name__)
        self._of.say(f"{self._of.what}: {why}; it is kept as {aside.name}, and not used")


def shortened(text: str) -> str:
    """An error's text, which may repeat what it found, on one line of some length."""
    return textwrap.shorten(text, 400, placeholder=" …")


def set_aside(path: Path) -> Path:
    """Give a file that is no use a name that nobody looks for."""
    aside = next(
        other
        for n in count(1)
        if not (other := path.with_name(f"{path.name}.damaged-{n}")).exists()
    )
    with suppress(OSError):  # it stays where it is, and is found unfit again
        path.replace(aside)
    return aside
