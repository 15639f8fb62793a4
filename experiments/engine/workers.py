"""Where units of work are done: joblib's processes on this machine, or a cluster of Dask or Ray.

A training spends most of its time in loops over elements, which use one core. So on two cores two
processes with a half of the work each are faster than one process whose BLAS has two threads.
"""

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from itertools import islice
from typing import Any

from experiments.engine import interrupt
from experiments.engine.checkpoints import tell
from torch_ref.errors import LockstepError

with warnings.catch_warnings(action="ignore"):  # where it can start no processes, we say that
    import joblib

#: By the scheme of ``--cluster``: what must be installed, and how pip installs it.
CLUSTERS = {"dask": ("distributed", "distributed"), "ray": ("ray", "'ray[client]'")}
STANDARD_ERROR = 2
POLL = 0.5  # seconds
ANSWERS = 10.0  # a cluster does within so many seconds

#: A function that another process can be sent.
Task = Callable[[], Any]


class WorkersLost(LockstepError):
    """The processes were there, and are lost; the message says what they did."""

    resumable = True


def check_cluster(address: str) -> None:
    """Raise where ``address`` is none of a cluster.

    Raises:
        ValueError: the message says what is allowed, or what is to be installed.
    """
    kind, _, place = address.partition("://")
    if kind not in CLUSTERS or not place:
        raise ValueError(f"must be dask://HOST:PORT or ray://HOST:PORT, got {address!r}")
    package, wanted = CLUSTERS[kind]
    if find_spec(package) is None:
        raise ValueError(
            f"needs {package}, which is not installed: pip install {wanted}, or this project with "
            f"its extra of that name: '.[{kind}]'"
        )


def check_launcher() -> None:
    """Raise in a process that torchrun or srun has started beside others.

    Raises:
        LockstepError: the message says how many processes are had now.
    """
    for launcher, processes in (("torchrun", "WORLD_SIZE"), ("srun", "SLURM_STEP_NUM_TASKS")):
        count = os.environ.get(processes, "1")
        if count.isdigit() and int(count) > 1:
            raise LockstepError(
                f"{launcher} has started {count} of this command; start it once, by itself: "
                "--processes N uses the cores of this machine, and --cluster dask://HOST:PORT or "
                f"ray://HOST:PORT those of many. ({processes}={count} says so; if it is left over, "
                "unset it)"
            )


@dataclass(frozen=True)
class Workers:
    """Some processes; one is this process itself.

    Attributes:
        processes: how many.
        cluster: the address of a cluster, whose processes are used in their place.
        pool: Ray's processes, which take long to start.
    """

    processes: int = 1
    cluster: str | None = None
    pool: joblib.Parallel | None = None

    @property
    def in_process(self) -> bool:
        """Whether this process does the work."""
        return self.processes == 1 and not self.cluster

    def each(
        self, tasks: Iterable[Task], under_way: Callable[[], str] = lambda: ""
    ) -> Iterator[Any]:
        """What each task gives, as they end; they are asked for when a process is free.

        Args:
            tasks: functions of no arguments; what goes wrong in them is their result.
            under_way: says what is being done, should the processes be lost.

        Raises:
            WorkersLost: they are.
        """
        if self.in_process:
            yield from (task() for task in tasks)
            return
        todo = (joblib.delayed(_done)(task, os.getpid()) for task in tasks)
        try:
            if self.pool:  # which gives no result before it has all
                while wave := list(islice(todo, joblib.effective_n_jobs(-1))):
                    yield from self.pool(wave)
                return
            with interrupt.held_back():  # a process that begins leaves Ctrl-C to this one
                parallel = joblib.Parallel(
                    n_jobs=-1 if self.cluster else self.processes,
                    batch_size=1,
                    pre_dispatch="n_jobs",
                    return_as="generator_unordered",
                )
                done = parallel(todo)
            yield from done
        except Exception as error:
            raise WorkersLost(self._lost(error, under_way())) from error

    def call(self, function: Callable[..., Any], *arguments: Any, ready: bool = False) -> Any:
        """What the function gives in one of the processes.

        Args:
            ready: call it in all of them, so that they have imported what it takes.
        """
        count = self.processes if ready and not self.cluster else 1
        given, *_ = self.each([partial(_tried, function, *arguments)] * count)
        if isinstance(given, Exception):
            raise given
        return given

    def _lost(self, error: Exception, under_way: str) -> str:
        if self.cluster:
            text = f"the cluster {self.cluster} has lost a worker or cannot be reached"
            why = " ".join(f"{type(error).__name__}: {error}".split())
            text += f" ({why[:200]})"
        else:
            text = f"one of {self.processes} processes was ended from outside"
            text += ", perhaps because memory ran out (fewer --processes take less)"
        return f"{text}; under way: {under_way}" if under_way else text


@contextmanager
def workers(processes: int, threads: int = 1, cluster: str | None = None) -> Iterator[Workers]:
    """The processes for a command's work; those that are started end with it.

    Args:
        processes: so many are started; one is this process itself.
        threads: of each process.
        cluster: the address of one, which has processes of its own.

    Raises:
        LockstepError: the cluster cannot be reached.
    """
    if not cluster and processes > 1 and (why := _cannot_start()):
        tell(f"this process computes alone, as no others can be started here: {why}")
        processes = 1
    with ExitStack() as stack:
        # Where one unit's failure ends the command, the others' work is dropped: that is meant.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", ".*still being processed by the workers", UserWarning)
        warnings.filterwarnings("ignore", "resource_tracker: process died", UserWarning)
        _quiet_the_trackers()
        pool = stack.enter_context(_connected(cluster)) if cluster else None
        if not cluster and processes > 1:
            config = joblib.parallel_config("loky", inner_max_num_threads=threads, max_nbytes=None)
            stack.enter_context(config)
            stack.callback(_end)
        yield Workers(processes, cluster, pool)


@contextmanager
def _connected(address: str) -> Iterator[joblib.Parallel | None]:
    kind, _, place = address.partition("://")
    with ExitStack() as stack:
        try:
            if kind == "dask":
                from distributed import Client

                stack.enter_context(Client(f"tcp://{place}", timeout=ANSWERS))
            else:
                import ray
                from ray.util.joblib import register_ray

                ray.init(address="auto" if place == "auto" else address, log_to_driver=False)
                stack.callback(ray.shutdown)
                register_ray()
        except (OSError, ConnectionError, RuntimeError, ValueError) as error:
            # Ray's server sends its whole traceback; what went wrong is the last line of it.
            why = str(error).strip().rpartition("\n")[2] or type(error).__name__
            raise LockstepError(f"the cluster {address} cannot be reached: {why}") from error
        stack.enter_context(joblib.parallel_config(kind))
        pool = joblib.Parallel(n_jobs=-1, batch_size=1) if kind == "ray" else None
        yield stack.enter_context(pool) if pool else None


def _cannot_start() -> str | None:
    """Why no processes can be started, if so: they need semaphores, which Linux has in /dev/shm."""
    try:
        _make_a_semaphore()
    except (ImportError, OSError) as error:
        return f"semaphores: {getattr(error, 'strerror', None) or error}"
    return None


def _make_a_semaphore() -> None:
    """One without a name, as joblib tries it; multiprocessing's own would start a process, too."""
    from _multiprocessing import SemLock

    SemLock(0, 0, 1, name=f"/lockstep-{os.getpid()}-{time.monotonic_ns()}", unlink=True)


@cache
def _quiet_the_trackers() -> None:
    """Let what tracks joblib's semaphores print nothing, should another such be killed before it.

    One that is begun in the place of a killed one knows nothing of what that tracked, and prints a
    traceback for each. No result depends on it.
    """
    from joblib.externals.loky.backend.resource_tracker import ResourceTracker

    name = "_launch" if hasattr(ResourceTracker, "_launch") else "ensure_running"
    begin = getattr(ResourceTracker, name)

    def quietly(tracker: Any) -> Any:
        with _deaf_to_errors():
            return begin(tracker)

    setattr(ResourceTracker, name, quietly)


@contextmanager
def _deaf_to_errors() -> Iterator[None]:
    """Within, what is begun has no standard error; nor, for that moment, has this process."""
    try:
        kept = os.dup(STANDARD_ERROR)
    except OSError:  # there is none
        yield
        return
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), STANDARD_ERROR)
    try:
        yield
    finally:
        os.dup2(kept, STANDARD_ERROR)
        os.close(kept)


def _end() -> None:
    """End loky's processes, which would wait for more work."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)


# In the other processes.


def _done(task: Task, parent: int) -> Any:
    """What a task of the process ``parent`` gives."""
    if os.getppid() == parent and threading.current_thread() is threading.main_thread():
        _settle(parent)
    return task()


def _tried(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives, or raises: joblib's processes end where one raises something."""
    try:
        return function(*arguments)
    except Exception as error:
        return error


@cache
def _settle(parent: int) -> None:
    """End with the parent, and leave Ctrl-C, which a terminal sends to both, to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _quiet_the_trackers()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A parent that is killed ends nobody; who works on would be in the next one's way."""
    while os.getppid() == parent:
        time.sleep(POLL)
    os._exit(1)
