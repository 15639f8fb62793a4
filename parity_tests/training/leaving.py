"""A training to be left in the middle: a short one, and the keeper that leaves it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from parity_tests.helpers import IMAGES, LABELS
from scratch.keeper import Snapshot
from torch_ref import checkpoint

FIT = {"iterations": 9, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 4}
OPTIONS = {"batch_norm": True, "dropout": 0.3, "seed": [3, 4]}


class Left(Exception):
    """The training was left, as by a signal."""


@dataclass
class Leaving:
    """A keeper that leaves the training at its n-th pause, and gives back what it was given."""

    path: Path
    at: int = -1
    pauses: int = 0
    ended: list[Snapshot] = field(default_factory=list)

    def begin(self, load: Callable[[Snapshot], None]) -> None:
        if self.path.exists():
            load(checkpoint.load(self.path))

    def due(self) -> bool:
        self.pauses += 1
        return self.pauses == self.at

    def keep(self, snapshot: Snapshot) -> None:
        checkpoint.save(self.path, snapshot)
        raise Left

    def end(self, snapshot: Callable[[], Snapshot]) -> None:
        self.ended.append(snapshot())
