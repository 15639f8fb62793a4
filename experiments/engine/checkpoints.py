"""Checkpoints of trainings that take long, in files: whole or not there."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments.engine.fingerprint import check_code
from experiments.engine.terminal import visible
from scratch.callbacks import Callback, Training
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


@dataclass
class Checkpoint(Callback):
    """Saves a training now and then, and resumes it from the last time.

    Attributes:
        path: of the file; where the folder above its own is not there, as on a cluster with other
            disks, none is written.
        identity: of the training; a file that says something else is not used.
        what: the work, for people.
        every: seconds between two checkpoints.
        say: is told what is no use, and what could not be written.
    """

    path: Path
    identity: str
    what: str
    every: float = EVERY
    say: Say = tell

    def begin(self, training: Training) -> None:
        self.begun = self.last = time.monotonic()
        if not self.path.exists():
            return
        try:
            found = checkpoint.load(self.path)
            if found.get("of") != self.identity:
                raise CheckpointError(f"{self.path} is of another training")
            with warnings.catch_warnings(action="ignore"):  # what is odd is not used
                training.load_state_dict(found["state"])
        except UNFIT as error:
            self.say(f"{self.what}: {error}; the training begins again")

    def after_step(self, training: Training) -> None:
        """Save it where that is due; one that is finished if it took long: more may follow.

        Raises:
            CodeMoved: the project's code was changed meanwhile.
        """
        since = self.begun if training.finished else self.last
        if time.monotonic() - since < self.every:
            return
        check_code()  # the next command of the same code would go on from it
        if self.path.parents[1].is_dir():
            try:
                if self.path.parent.is_symlink():
                    raise CheckpointError(f"{self.path.parent} is a link")
                self.path.parent.mkdir(exist_ok=True)
                checkpoint.save(self.path, {"of": self.identity, "state": training.state_dict()})
            except (OSError, CheckpointError) as error:  # the training may still end well
                self.say(f"no checkpoint of {self.what}: {error}; the last one stays")
        self.last = time.monotonic()


#: Those of a unit of work: of its first training, its second …, in the order they begin.
Checkpoints = Iterator[Checkpoint]
