"""Pieces of work side by side, in processes of few threads each.

A stack spends most of its time in NumPy's own loops, which use one core. So on two cores two
processes with a half each are faster than one process whose BLAS has two threads.
"""

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_end

from experiments.engine import interrupt
from experiments.engine.parts import Job, Piece

#: Apple's Accelerate reads its threads here when it is imported, and cannot be told otherwise; all
#: other libraries can (``experiments.engine.threads``).
ACCELERATE = "VECLIB_MAXIMUM_THREADS"
PATIENCE = 10.0  # seconds for a process to leave its training


class ProcessDied(Exception):
    """A process was ended from outside; the message says what is kept."""


def side_by_side(
    job: Job, pieces: Sequence[Piece], workers: int, threads: int = 1
) -> Iterator[Piece]:
    """Do the pieces in so many processes of so many threads; each that is done.

    Raises:
        ProcessDied: a process was ended from outside.
    """
    if not pieces:
        return
    context = multiprocessing.get_context("spawn")  # a fork would share torch's locks, and a device
    workers = min(workers, len(pieces))
    with (
        _accelerate(threads),
        _ended(ProcessPoolExecutor(workers, context, _prepare)) as pool,
    ):
        waiting = {pool.submit(_do, job.elsewhere(), piece): piece for piece in pieces}
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                    yield waiting.pop(future)
        except BrokenProcessPool:
            raise ProcessDied(
                "a process was ended from outside, perhaps because memory ran out; what was "
                "finished before is kept, and the same command goes on from there (--memory and "
                "--processes take less)"
            ) from None


@contextmanager
def _ended(pool: ProcessPoolExecutor) -> Iterator[ProcessPoolExecutor]:
    """The pool; where it is left by an error or a signal, its processes leave their trainings."""
    before = set(multiprocessing.active_children())
    try:
        yield pool
    except BaseException:
        children = set(multiprocessing.active_children()) - before
        for process in children:
            process.terminate()
        for process in children:
            process.join(PATIENCE)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _accelerate(threads: int) -> Iterator[None]:
    """New processes find the threads of Accelerate in their environment."""
    before = os.environ.get(ACCELERATE)
    os.environ[ACCELERATE] = str(threads)
    try:
        yield
    finally:
        del os.environ[ACCELERATE]
        if before is not None:
            os.environ[ACCELERATE] = before


def _prepare() -> None:
    interrupt.heed_the_parent()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A parent that is killed ends nobody; who works on would be in the next one's way."""
    wait_for_end([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _do(job: Job, piece: Piece) -> None:
    try:
        job.do(piece)
    except interrupt.Interrupted:
        interrupt.leave()
