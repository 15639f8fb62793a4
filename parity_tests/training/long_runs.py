"""A long training, kept now and then: whether memory and open files stay as they are."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.engine.checkpoints import Checkpoint
from parity_tests.helpers import IMAGES, LABELS
from scratch import nn, optim, train
from torch_ref import nn as torch_nn
from torch_ref import train as torch_train
from torch_ref.optim import by_name

SIZES = (12, [4], 5)
LOOKS = 40
#: What the allocator may keep for itself.
SLACK = 500_000  # bytes


def can_look() -> bool:
    """Whether the system tells a process its memory and its files."""
    return sys.platform == "linux"


def growth(fit: Callable[..., None], steps: int) -> tuple[int, int]:
    """The bytes and the open files that a training of so many steps has more in its end.

    Counted from its second quarter on, when everything has been needed once.
    """
    seen: list[tuple[int, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unit" / "000.safetensors"
        saves = Checkpoint(path, "this one", "a training", every=1e9)

        def progress(step: int, losses: np.ndarray) -> None:
            if step % (steps // LOOKS) == 0:
                saves.last = -np.inf  # the next one is due
                seen.append((_resident(), len(list(Path("/proc/self/fd").iterdir()))))

        fit(iterations=steps, batch_size=2, progress=progress, callbacks=[saves])
    first, last = seen[len(seen) // 4], seen[-1]
    return last[0] - first[0], last[1] - first[1]


def by_hand(**options: object) -> None:
    """A stack of two, by hand."""
    net = nn.MultiLayerNet(*SIZES, seed=[0, 1])
    train.fit(net, optim.Adam(), IMAGES, LABELS, **options)


def by_torch(**options: object) -> None:
    """The same through torch."""
    net = torch_nn.MultiLayerNet(*SIZES, seed=[0, 1])
    torch_train.fit(net, by_name("Adam"), IMAGES, LABELS, **options)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
