"""Training the pieces of a sweep, each as one stack."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments import data
from experiments.engine import backends, measuring, progress, threads
from experiments.engine.backends import Backend, Described
from experiments.engine.checkpoints import Checkpoints
from experiments.sweep.plan import EVALUATED, Piece, Run

#: A row of ``sweep.csv``.
Row = dict[str, Any]
KNOWN = ("backend", "optimizer", "depth", "batch_norm", "init", "lr", "seed")
COLUMNS = (*KNOWN, "loss", "accuracy", "diverged")


@dataclass(frozen=True)
class Training:
    """The work of a unit: the rows of a piece.

    Attributes:
        backend: as the command has it.
        threads: of NumPy's BLAS and of torch.
        dataset, data_dir: where the images are found.
    """

    piece: Piece
    backend: Described
    threads: int
    dataset: str
    data_dir: Path | None

    def __call__(self, checkpoints: Checkpoints) -> dict[str, list[Row]]:
        backend = measuring.created(self.backend)  # before its threads can be set
        images = measuring.images(self.dataset, self.data_dir)
        with threads.limited(self.threads):
            return {"rows": train(self.piece, images, backend, checkpoints)}


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


def train(
    piece: Piece,
    images: data.Dataset,
    backend: Backend | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[Row]:
    """Train the runs of a piece as one stack, in ``backend`` or, without one, on the CPU.

    Returns:
        For each run its row: ``loss`` is the mean over the last tenth of the iterations,
        ``accuracy`` that on the first thousand test images, both ``None`` where the run diverged;
        ``diverged`` the step at which it did, ``None`` for never.
    """
    backend = backend or backends.create(piece.backend, "cpu")
    net = backend.network(
        images.train_images.shape[1],
        [piece.width] * piece.depth,
        len(images.classes),
        init=[run.init for run in piece.runs],
        batch_norm=piece.batch_norm,
        seed=[run.seed for run in piece.runs],
    )
    history = backend.fit(
        net,
        backend.optimizer(piece.optimizer, lr=np.array([run.rate for run in piece.runs])),
        images.train_images,
        images.train_labels,
        iterations=piece.iterations,
        batch_size=piece.batch_size,
        evaluate=(images.test_images[:EVALUATED], images.test_labels[:EVALUATED]),
        progress=lambda step, _: progress.report("", step, piece.iterations, None),
        callbacks=[next(checkpoints)] if checkpoints else (),
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
