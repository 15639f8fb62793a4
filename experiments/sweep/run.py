"""Training the pieces of a sweep, each as one stack."""

from typing import Any

import numpy as np

from experiments import data
from experiments.engine import measuring, progress, threads
from experiments.engine.backends import Backend, Described
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.options import Options
from experiments.sweep.plan import EVALUATED, Piece

#: A row of ``sweep.csv``.
Row = dict[str, Any]
COLUMNS = ("backend", "optimizer", "depth", "batch_norm", "init", "lr", "seed")
COLUMNS += ("loss", "accuracy", "diverged")


def trained(
    piece: Piece, described: Described, used: int, options: Options, checkpoints: Checkpoints
) -> dict[str, list[Row]]:
    """The work of a unit: the rows of a piece.

    Args:
        described: the backend as the command has it.
        used: the threads of NumPy's BLAS and of torch.
        options: of the command.
        checkpoints: of the training.
    """
    backend = measuring.created(described)  # before its threads can be set
    images = measuring.images(options.dataset, options.data_dir)
    with threads.limited(used):
        return {"rows": train(piece, images, backend, checkpoints)}


def train(
    piece: Piece, images: data.Dataset, backend: Backend, checkpoints: Checkpoints | None = None
) -> list[Row]:
    """Train the runs of a piece as one stack.

    Returns:
        For each run its row: ``loss`` is the mean over the last tenth of the iterations,
        ``accuracy`` that on the first thousand test images, both ``None`` where the run diverged;
        ``diverged`` the step at which it did, ``None`` for never.
    """
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
    kind = (piece.backend, piece.optimizer, piece.depth, piece.batch_norm)
    rows = []
    for i, run in enumerate(piece.runs):
        measured = float(losses[i]), float(history.accuracy[i, -1]), None
        if (step := int(history.diverged[i])) >= 0:
            measured = None, None, step
        values = (*kind, run.init, run.rate, run.seed, *measured)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows
