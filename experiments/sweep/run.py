"""Training the pieces of a sweep, side by side in processes of one BLAS thread each.

A stack spends most of its time in NumPy's own loops, which use one core. So on two cores two
processes with a half each are faster than one process whose BLAS has two threads.
"""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments import data
from experiments.engine import backends, output
from experiments.engine.fingerprint import code_digest, fingerprint
from experiments.sweep.plan import EVALUATED, Piece

#: A row of ``sweep.csv``.
Row = dict[str, Any]
COLUMNS = ("backend", "optimizer", "depth", "batch_norm", "init", "lr", "seed")
COLUMNS += ("loss", "accuracy", "diverged")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class SweepError(Exception):
    """A sweep cannot go on; the message says why and what is kept."""


@dataclass(frozen=True)
class Source:
    """Where a process finds the images, and where it computes."""

    dataset: str
    data_dir: Path | None
    device: str


def train(piece: Piece, images: data.Dataset, device: str = "cpu") -> list[Row]:
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
    history = backend.fit(
        net,
        backend.optimizer(piece.optimizer, lr=np.array([run.rate for run in piece.runs])),
        images.train_images,
        images.train_labels,
        iterations=piece.iterations,
        batch_size=piece.batch_size,
        evaluate=(images.test_images[:EVALUATED], images.test_labels[:EVALUATED]),
    )
    losses = history.loss[:, -max(1, piece.iterations // 10) :].mean(axis=1)
    return [
        {
            "backend": piece.backend,
            "optimizer": piece.optimizer,
            "depth": piece.depth,
            "batch_norm": piece.batch_norm,
            "init": run.init,
            "lr": run.rate,
            "seed": run.seed,
            "loss": float(loss) if step < 0 else None,
            "accuracy": float(accuracy) if step < 0 else None,
            "diverged": int(step) if step >= 0 else None,
        }
        for run, loss, accuracy, step in zip(
            piece.runs, losses, history.accuracy[:, -1], history.diverged, strict=True
        )
    ]


def train_all(
    pieces: Sequence[Piece],
    images: data.Dataset,
    source: Source,
    workers: int,
    kept: "Kept",
    progress: Callable[[Piece], None],
) -> list[Row]:
    """The rows of all pieces, in the order of the pieces.

    Args:
        pieces: to train.
        images: for this process.
        source: for the others.
        workers: processes; with one, the pieces are trained in this process.
        kept: where finished pieces are found, and put.
        progress: called with each piece that is done.

    Raises:
        SweepError: a process died.
    """
    rows = {piece: kept.find(piece) for piece in pieces}
    for piece in pieces:
        if rows[piece] is not None:
            progress(piece)
    left = [piece for piece in pieces if rows[piece] is None]
    # The longest first, so that the processes end at nearly the same time.
    left.sort(key=lambda piece: -len(piece.runs) * piece.depth * (1 + piece.batch_norm))
    with closing(_trained(left, images, source, min(workers, len(left)))) as finished:
        for piece, trained in finished:
            kept.put(piece, trained)
            rows[piece] = trained
            progress(piece)
    return [row for piece in pieces for row in rows[piece]]


class Kept:
    """The pieces that are finished, a file each, so that an interrupted sweep can go on.

    Args:
        folder: for the files.
        identity: of all that the numbers depend on besides the piece itself.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder, self.identity = folder, dict(identity)

    def find(self, piece: Piece) -> list[Row] | None:
        """The rows of the piece, if it is finished."""
        try:
            rows = json.loads(self._path(piece).read_text(encoding="utf-8"))
            whole = len(rows) == len(piece.runs) and all(row.keys() == set(COLUMNS) for row in rows)
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None
        return rows if whole else None

    def put(self, piece: Piece, rows: list[Row]) -> None:
        """Keep the rows of a finished piece."""
        with output.atomic(self._path(piece)) as path:
            path.write_text(json.dumps(rows), encoding="utf-8")

    def clear(self) -> None:
        """Remove the files of all pieces, of other sweeps too."""
        for path in self.folder.glob("*.json"):
            path.unlink(missing_ok=True)
        if self.folder.exists() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, piece: Piece) -> Path:
        identity = {"piece": asdict(piece), "code": code_digest(), **self.identity}
        return self.folder / f"{fingerprint(identity)[:24]}.json"


def _trained(
    pieces: Sequence[Piece], images: data.Dataset, source: Source, workers: int
) -> Generator[tuple[Piece, list[Row]]]:
    """Each piece with its rows, as they are done."""
    if workers <= 1:
        for piece in pieces:
            yield piece, train(piece, images, source.device)
        return
    context = multiprocessing.get_context("spawn")  # BLAS reads its threads when it is imported
    with (
        _one_thread_each(),
        _terminated(ProcessPoolExecutor(workers, context, _prepare, (source,))) as pool,
    ):
        waiting = {pool.submit(_work, piece): piece for piece in pieces}
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
        except BrokenProcessPool:
            raise SweepError(
                "a process was ended from outside, perhaps because memory ran out; what was "
                "finished before is kept, and the same command goes on from there (--memory and "
                "--processes take less)"
            ) from None


@contextmanager
def _terminated(pool: ProcessPoolExecutor) -> Iterator[ProcessPoolExecutor]:
    """The pool; where it is left by an error or Ctrl-C, its processes end at once."""
    before = set(multiprocessing.active_children())
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """New processes find in their environment that BLAS is to use one thread."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_here: list[tuple[data.Dataset, str]] = []  # a process's images and device


def _prepare(source: Source) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes
    _here.append((data.load(source.dataset, source.data_dir), source.device))


def _work(piece: Piece) -> list[Row]:
    return train(piece, *_here[0])
