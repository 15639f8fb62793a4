"""Training the pieces of a sweep, each as one stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from experiments import data
from experiments.engine import backends, interrupt, memory, progress, threads
from experiments.engine.checkpoints import Checkpoints
from experiments.sweep.plan import EVALUATED, Piece, Run

#: A row of ``sweep.csv``.
Row = dict[str, Any]
KNOWN = ("backend", "optimizer", "depth", "batch_norm", "init", "lr", "seed")
COLUMNS = (*KNOWN, "loss", "accuracy", "diverged")


class SweepError(Exception):
    """A sweep cannot go on; the message says why and what is kept."""


@dataclass(frozen=True)
class Training:
    """The work on a piece of a sweep, which comes as :meth:`Piece.plain`: its rows.

    Attributes:
        device: where torch computes.
        threads: of NumPy's BLAS and of torch.
        dataset, data_dir: where a process finds the images,
        images: unless it has them already; they do not go to others.
    """

    device: str
    threads: int
    dataset: str
    data_dir: Path | None
    images: data.Dataset | None = field(default=None, compare=False)

    def __call__(self, plain: Mapping[str, Any], checkpoints: Checkpoints) -> dict[str, list[Row]]:
        piece = Piece.of(plain)
        images = self.images or _loaded(self.dataset, self.data_dir)

        def part(runs: tuple[Run, ...]) -> list[Row]:
            first = piece.runs.index(runs[0])
            own = checkpoints.within(f"{first}-{first + len(runs) - 1}")
            return train(replace(piece, runs=runs), images, self.device, own)

        backends.create(piece.backend, self.device)  # before its threads can be set
        with threads.limited(self.threads):
            rows = memory.in_halves(part, piece.runs, _together, checkpoints.say)
        return {"rows": rows}

    def elsewhere(self) -> Self:
        """The same for another process."""
        return replace(self, images=None)


def fits(plain: Mapping[str, Any], found: Any) -> bool:
    """Whether something, which may be anything, is what is made of a piece."""
    piece = Piece.of(plain)
    rows = found.get("rows") if isinstance(found, Mapping) else None
    return (
        isinstance(rows, list)
        and len(rows) == len(piece.runs)
        and all(map(_is_row, rows))
        and [[row[key] for key in KNOWN] for row in rows]
        == [[row[key] for key in KNOWN] for row in map(partial(_begun, piece), piece.runs)]
    )


def _is_row(row: Any) -> bool:
    if not isinstance(row, Mapping) or row.keys() != set(COLUMNS):
        return False
    if row["diverged"] is not None:
        return type(row["diverged"]) is int and row["loss"] is None and row["accuracy"] is None
    return type(row["loss"]) is float and type(row["accuracy"]) is float


def _begun(piece: Piece, run: Run) -> Row:
    """What is known of a row before it is trained."""
    return {
        "backend": piece.backend,
        "optimizer": piece.optimizer,
        "depth": piece.depth,
        "batch_norm": piece.batch_norm,
        "init": run.init,
        "lr": run.rate,
        "seed": run.seed,
    }


@cache
def _loaded(dataset: str, data_dir: Path | None) -> data.Dataset:
    return data.load(dataset, data_dir)


def _together(halves: Sequence[list[Row]]) -> list[Row]:
    return [row for half in halves for row in half]


def train(
    piece: Piece,
    images: data.Dataset,
    device: str = "cpu",
    checkpoints: Checkpoints | None = None,
) -> list[Row]:
    """Train the runs of a piece as one stack.

    Returns:
        For each run its row: ``loss`` is the mean over the last tenth of the iterations,
        ``accuracy`` that on the first thousand test images, both ``None`` where the run diverged;
        ``diverged`` the step at which it did, ``None`` for never.
    """
    backend = backends.create(piece.backend, device)
    net = backend.network(
        images.train_images.shape[1],
        [piece.width] * piece.depth,
        len(images.classes),
        init=[run.init for run in piece.runs],
        batch_norm=piece.batch_norm,
        seed=[run.seed for run in piece.runs],
    )
    with interrupt.deferred():
        history = backend.fit(
            net,
            backend.optimizer(piece.optimizer, lr=np.array([run.rate for run in piece.runs])),
            images.train_images,
            images.train_labels,
            iterations=piece.iterations,
            batch_size=piece.batch_size,
            evaluate=(images.test_images[:EVALUATED], images.test_labels[:EVALUATED]),
            progress=lambda step, _: progress.report("", step, piece.iterations, None),
            keeper=checkpoints.next() if checkpoints else None,
        )
    losses = history.loss[:, -max(1, piece.iterations // 10) :].mean(axis=1)
    return [
        {
            **_begun(piece, run),
            "loss": float(loss) if step < 0 else None,
            "accuracy": float(accuracy) if step < 0 else None,
            "diverged": int(step) if step >= 0 else None,
        }
        for run, loss, accuracy, step in zip(
            piece.runs, losses, history.accuracy[:, -1], history.diverged, strict=True
        )
    ]
