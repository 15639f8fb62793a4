"""Units of work side by side, in processes of few threads that stay for all of them.

A training spends most of its time in loops over elements, which use one core. So on two cores two
processes with a half of the work each are faster than one process whose BLAS has two threads. They
stay, as it takes seconds to import torch.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import wait as wait_for_end
from multiprocessing.queues import Queue
from types import TracebackType
from typing import Any, Self

from experiments.engine import checkpoints, interrupt, progress
from experiments.engine.crew import Done, Unit, Wanted, always
from experiments.engine.parts import Job, Piece
from experiments.engine.progress import Display

#: Apple's Accelerate reads its threads here when it is imported, and cannot be told otherwise; all
#: other libraries can (``experiments.engine.threads``).
ACCELERATE = "VECLIB_MAXIMUM_THREADS"
DIED = (
    "a process was ended from outside, perhaps because memory ran out; what was finished before "
    "is kept, and the same command goes on from there (--memory and --processes take less)"
)
PATIENCE = 10.0  # seconds for a process to leave its training


class ProcessDied(Exception):
    """A process was ended from outside; the message says what is kept."""


class Pool:
    """Processes beside this one; a :class:`experiments.engine.crew.Crew`.

    On a device that is not the CPU units follow each other, in one more process for each.

    Args:
        workers: so many processes for what computes on the CPU.
        display: shows what they do.
        threads: of each.
    """

    def __init__(self, workers: int, display: Display, threads: int = 1) -> None:
        self.size, self.here = workers, False
        self._display, self._threads = display, threads
        self._context = multiprocessing.get_context("spawn")  # a fork would share torch's locks
        self._queue = self._context.Queue() if display.is_live else None
        self._executors: dict[str, ProcessPoolExecutor] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._before = set(multiprocessing.active_children())
        self._open.enter_context(_accelerate(self._threads))
        if self._queue:
            self._open.enter_context(self._display.fed_by(self._queue))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind:
            self._end()
        for executor in self._executors.values():
            executor.shutdown(cancel_futures=True)
        self._open.close()

    def do(self, units: Sequence[Unit], wanted: Wanted = always) -> Iterator[Done]:
        """As a crew does.

        Raises:
            ProcessDied: a process was ended from outside.
        """
        # Experiments first: their figures are drawn meanwhile.
        units = sorted(units, key=lambda unit: (bool(unit.of), unit.length), reverse=True)
        self._display.expect(units)
        waiting = {
            self._submit(unit.device, _do, unit.job.elsewhere(), unit.piece, i): i
            for i, unit in enumerate(units)
        }
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                number = waiting.pop(future)
                self._display.over(number)
                if not future.cancelled():
                    yield units[number], _error(future)
            for future, number in waiting.items():
                if not wanted(units[number]):
                    future.cancel()
        interrupt.check()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function gives, in one of the processes."""
        return _result(self._begin(function, *arguments))

    def first(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What it gives in the first process that has it, while all of them get ready for more."""
        begun = [self._begin(function, *arguments) for _ in range(self.size)]
        return _result(wait(begun, return_when=FIRST_COMPLETED).done.pop())

    def _begin(self, function: Callable[..., Any], *arguments: Any) -> Future:
        return self._submit("cpu", _call, function, *arguments)

    def _submit(self, device: str, function: Callable[..., Any], *arguments: Any) -> Future:
        if device not in self._executors:
            workers = self.size if device == "cpu" else 1
            self._executors[device] = ProcessPoolExecutor(
                workers, self._context, _prepare, (self._queue,)
            )
        with interrupt.held_back():  # a new process can heed its parent when it has been set up
            return self._executors[device].submit(function, *arguments)

    def _end(self) -> None:
        """Left by an error or a signal: the processes leave their trainings."""
        children = set(multiprocessing.active_children()) - self._before
        for process in children:
            process.terminate()
        for process in children:
            process.join(PATIENCE)


def _error(future: Future) -> BaseException | None:
    """What went wrong; where a process has died, that is raised."""
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        raise ProcessDied(DIED) from None
    return error


def _result(future: Future) -> Any:
    if error := _error(future):
        raise error
    return future.result()


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


# In the other processes.

_queue: Queue | None = None


def _prepare(queue: Queue | None) -> None:
    global _queue
    _queue = queue
    if queue:
        queue.cancel_join_thread()  # what was not read any more is no reason to stay
        checkpoints.say_by(queue.put)
    interrupt.heed_the_parent()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A parent that is killed ends nobody; who works on would be in the next one's way."""
    wait_for_end([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _do(job: Job, piece: Piece, number: int) -> None:
    if not _queue:
        _call(job.do, piece)
        return
    report = partial(_tell, number)
    report("", 0, 0, None)
    with progress.reported_to(progress.now_and_then(report)):
        _call(job.do, piece)


def _tell(number: int, *report: Any) -> None:
    _queue.put((number, *report))


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except interrupt.Interrupted:
        interrupt.leave()
