"""A training to be interrupted in the middle: a short one, and the callback that does it."""

from dataclasses import dataclass
from pathlib import Path

from parity_tests.helpers import IMAGES, LABELS
from scratch.callbacks import Callback, Training
from torch_ref import checkpoint

FIT = {"iterations": 9, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 4}
OPTIONS = {"batch_norm": True, "dropout": 0.3, "seed": [3, 4]}


class Interruption(Exception):
    """The training is interrupted, as by a signal."""


@dataclass
class Interrupting(Callback):
    """Interrupts the training after its n-th step, and resumes one that was interrupted."""

    path: Path
    at: int = -1
    steps: int = 0

    def begin(self, training: Training) -> None:
        if self.path.exists():
            training.load_state_dict(checkpoint.load(self.path))

    def after_step(self, training: Training) -> None:
        self.steps += 1
        if self.steps == self.at:
            checkpoint.save(self.path, training.state_dict())
            raise Interruption
