"""Checkpoints of trainings that take long, in files: whole or not there."""

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Self

from experiments.terminal import visible
from scratch.keeper import Snapshot
from torch_ref import checkpoint
from torch_ref.checkpoint import CheckpointError

EVERY = 30.0  # seconds

#: What is said to the user.
Say = Callable[[str], None]
#: What loading raises where a snapshot is another training's.
UNFIT = (CheckpointError, ValueError, LookupError, TypeError, RuntimeError, AttributeError)
UNFIT += (ArithmeticError, AssertionError)


def tell(message: str) -> None:
    """Say something beside the results."""
    print(visible(message), file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Checkpoints:
    """Those of a unit of work: of its first training, its second …, in the order they begin.

    Attributes:
        folder: for the files; without it, as on a cluster with other disks, none is written.
        identity: what the trainings are of; a file that says something else is not used.
        what: the work, for people.
        every: seconds between two checkpoints.
        say: is told what is no use, and what could not be written.
    """

    folder: Path
    identity: str
    what: str
    every: float = EVERY
    say: Say = tell
    _numbers: count = field(default_factory=count, compare=False)

    def next(self) -> "Kept":
        """The keeper of the next training."""
        number = next(self._numbers)
        return Kept(self, self.folder / f"{number:03}.safetensors", f"{self.identity}/{number}")

    def saying(self, say: Say) -> Self:
        """The same for who works on the unit."""
        return replace(self, say=say, _numbers=count())

    def written(self) -> str | None:
        """When the last of them was, for people."""
        times = [path.stat().st_mtime for path in self.folder.glob("*.safetensors")]
        return datetime.fromtimestamp(max(times)).isoformat(" ", "seconds") if times else None


class Kept:
    """The checkpoints of one training; a ``scratch.keeper.Keeper``."""

    def __init__(self, of: Checkpoints, path: Path, identity: str) -> None:
        self.path = path
        self._of, self._identity = of, identity
        self._begun = self.last = time.monotonic()

    def begin(self, load: Callable[[Snapshot], None]) -> None:
        if not self.path.exists():
            return
        try:
            found = checkpoint.load(self.path)
            if found.get("of") != self._identity:
                raise CheckpointError(f"{self.path} is of another training")
            with warnings.catch_warnings(action="ignore"):  # what is odd is not used
                load(found["state"])
        except UNFIT as error:
            self._of.say(f"{self._of.what}: {error}; the training begins again")

    def due(self) -> bool:
        return time.monotonic() - self.last >= self._of.every

    def keep(self, snapshot: Snapshot) -> None:
        if self._of.folder.parent.is_dir():
            try:
                self._of.folder.mkdir(exist_ok=True)
                checkpoint.save(self.path, {"of": self._identity, "state": snapshot})
            except (OSError, CheckpointError) as error:  # the training may still end well
                self._of.say(f"no checkpoint of {self._of.what}: {error}; the last one stays")
        self.last = time.monotonic()

    def end(self, snapshot: Callable[[], Snapshot]) -> None:
        if time.monotonic() - self._begun >= self._of.every:  # what follows may take long, too
            self.keep(snapshot())
