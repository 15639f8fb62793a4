"""Pieces shared out to the processes that ``torchrun`` starts; the first gathers and writes.

They talk through the key–value store that ``torch.distributed`` meets by, over any number of
machines. There is no collective, such as gloo's or nccl's gather: one waits for ever for a process
that has died. So the first process gives out jobs, looks for what the others deliver, and knows by
their heartbeat whether they live. Whatever is delivered is also a file, so that after a death the
same command does only what is missing.
"""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from experiments.engine import interrupt, output
from experiments.engine.parts import Job, Piece

if TYPE_CHECKING:
    from torch.distributed import Store

POLL, BEAT, PATIENCE = 0.05, 1.0, 60.0  # seconds
OTHERS_COME = 600.0
LAST_WORDS = 5.0
GRACE = 5.0
DELIVERED, FAILED = b"+", b"!"

#: What the others are told of a job, in plain values.
Order = Mapping[str, Any]


class TeamError(Exception):
    """The processes of a run do not find each other."""


class Stopped(BaseException):
    """This process is to end, as another one did; no ``Exception``, so that nothing goes on."""


def team() -> "Team | None":
    """The processes of this run; ``None`` where ``torchrun`` has not started several.

    Raises:
        TeamError: they have no store to meet by.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "MASTER_ADDR" not in os.environ:
        return None
    parent, wait = os.getppid(), OTHERS_COME
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        _look_for_torchrun()
        wait = PATIENCE
    threading.Thread(target=_end_with_torchrun, args=(parent,), daemon=True).start()
    with interrupt.deferred():  # torch may abort where a signal stops its import
        from torch.distributed import rendezvous
    return Team(*next(rendezvous("env://", timeout=timedelta(seconds=wait))))


def _look_for_torchrun() -> None:
    """Its own store was there before its processes; without it, torchrun has ended.

    It may have before this process could see whose child it is, so that it would wait for ever.
    """
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        raise TeamError(
            f"no torchrun answers at {host}:{port}: it has ended, or cannot be reached from here "
            f"({error.strerror or error})"
        ) from None


class Team:
    """This process among the others.

    Attributes:
        rank: this one's number; 0 leads.
        size: how many there are.
    """

    def __init__(self, store: "Store", rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self._store, self._jobs = store, count()
        self._number, self._shares = -1, [[] for _ in range(size)]
        self._job: Job | None = None
        self._seen: dict[int, tuple[bytes, float]] = {}
        self._store.set(f"who/{rank}", json.dumps([os.getpid(), socket.gethostname()]))
        self._leaving = threading.Event()
        self._heart = threading.Thread(
            target=_beat, args=(store.clone(), rank, self._leaving), daemon=True
        )
        self._heart.start()

    def device(self, name: str) -> str:
        """The device ``name``, where that is CUDA this process's own one of its machine."""
        from torch_ref import device

        own = int(os.environ.get("LOCAL_RANK", "0"))
        found = [each for each in device.available() if each.startswith("cuda")]
        return found[own % len(found)] if found and name in ("auto", "cuda") else name

    def lead(self, order: Order, job: Job, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """Give out the pieces, do a share, wait for the others'; each piece that is done.

        Args:
            order: what ``follow``'s ``job_of`` is told, all that the results depend on among it.
            job: what is to be done, here.
            pieces: what is missing of it.

        Raises:
            RuntimeError: it failed elsewhere.
            Stopped: a process has died.
        """
        self._number, self._job = next(self._jobs), job
        self._shares = [list(pieces[rank :: self.size]) for rank in range(self.size)]
        told = {"order": order, "shares": self._shares}
        self._store.set(f"job/{self._number}", json.dumps(told))
        yield from job.here(self._shares[0])
        for rank in range(1, self.size):
            for i, piece in enumerate(self._shares[rank]):
                self._wait(f"part/{self._number}/{rank}/{i}", rank)
                self._receive(rank, i)
                yield piece

    def follow(self, job_of: Callable[[Order], Job]) -> None:
        """Do this process's share of every job, until there are no more."""
        for number in count():
            told = json.loads(self._wait(f"job/{number}", 0))
            if told is None:
                return
            for i, piece in enumerate(told["shares"][self.rank]):
                try:
                    job = job_of(told["order"])
                    job.do(piece)
                    answer = DELIVERED + job.parts.path(piece).read_bytes()
                except Exception as error:
                    answer = FAILED + f"{type(error).__name__}: {error}".encode()
                self._store.set(f"part/{number}/{self.rank}/{i}", answer)

    def dismiss(self) -> None:
        """Tell the others that there are no more jobs."""
        self._store.set(f"job/{next(self._jobs)}", json.dumps(None))

    def leave(self) -> None:
        """Let the heart stop: a thread that is in the store when Python ends would abort it all."""
        self._leaving.set()
        self._heart.join(GRACE)

    def last_word(self, text: str) -> None:
        """Leave word why this process ends; one that dies leaves none."""
        with suppress(RuntimeError):  # the store has ended with torchrun
            self._store.set(f"word/{self.rank}", text)

    def dead(self) -> list[str]:
        """The processes that have died, each with what is missing for it, for people."""
        with suppress(RuntimeError):  # the store has ended with torchrun
            return self._dead()
        return []

    def _dead(self) -> list[str]:
        deadline = time.monotonic() + LAST_WORDS
        silent = list(range(1, self.size))
        while silent and time.monotonic() < deadline:
            silent = [r for r in silent if not self._store.check([f"word/{r}"])]
            if all(self._is_gone(rank) for rank in silent):
                break
            time.sleep(POLL)
        for rank in range(1, self.size):
            for i in range(len(self._shares[rank])):
                if self._has(rank, i):
                    with suppress(RuntimeError, output.OutputError):
                        self._receive(rank, i)
        return [self._obituary(r) for r in silent if not self._store.check([f"word/{r}"])]

    def _wait(self, key: str, rank: int) -> bytes:
        """What the process sets the key to."""
        try:
            while not self._store.check([key]):
                if not self._lives(rank):
                    raise Stopped
                time.sleep(POLL)
            return self._store.get(key)
        except RuntimeError:  # the store has ended with torchrun
            raise Stopped from None

    def _lives(self, rank: int) -> bool:
        """Whether the process's heart has beaten lately, by this process's clock."""
        key, now = f"beat/{rank}", time.monotonic()
        beat = self._store.get(key) if self._store.check([key]) else b""
        if rank not in self._seen or self._seen[rank][0] != beat:
            self._seen[rank] = beat, now
        return now - self._seen[rank][1] < PATIENCE

    def _who(self, rank: int) -> tuple[int, str] | None:
        key = f"who/{rank}"
        return tuple(json.loads(self._store.get(key))) if self._store.check([key]) else None

    def _is_gone(self, rank: int) -> bool:
        """Whether it is known to have ended: only that of a process on this machine is."""
        pid, host = self._who(rank) or (0, "")
        if host != socket.gethostname():
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    def _has(self, rank: int, i: int) -> bool:
        """Whether a process has told of the i-th piece of its share."""
        return self._store.check([f"part/{self._number}/{rank}/{i}"])

    def _receive(self, rank: int, i: int) -> None:
        """Put what a process has told into a file, unless it has done that itself."""
        told = self._store.get(f"part/{self._number}/{rank}/{i}")
        if told.startswith(FAILED):
            raise RuntimeError(f"{self._name(rank)}: {told.removeprefix(FAILED).decode()}")
        path = self._job.parts.path(self._shares[rank][i])
        if not path.exists():  # it is on a machine with another disk
            path.parent.mkdir(parents=True, exist_ok=True)
            with output.atomic(path) as temporary:
                temporary.write_bytes(told.removeprefix(DELIVERED))

    def _name(self, rank: int) -> str:
        known = self._who(rank)
        return f"process {rank}" + (f" (pid {known[0]} on {known[1]})" if known else "")

    def _obituary(self, rank: int) -> str:
        how = "was killed or crashed" if self._is_gone(rank) else "gives no sign of life"
        text = f"{self._name(rank)} {how}, without a word"
        missing = [p for i, p in enumerate(self._shares[rank]) if not self._has(rank, i)]
        if missing:
            text += f"; missing of {self._job.parts.what}: "
            text += ", ".join(map(self._job.called, missing))
        return text


def _end_with_torchrun(torchrun: int) -> None:
    """A torchrun that is killed ends nobody; who works on would be in the next one's way."""
    while os.getppid() == torchrun:
        time.sleep(BEAT)
    os.kill(os.getpid(), signal.SIGTERM)  # the training is kept
    time.sleep(GRACE)
    os._exit(128 + signal.SIGTERM)  # it waits for something that does not come any more


def _beat(store: "Store", rank: int, leaving: threading.Event) -> None:
    for beat in count():
        try:
            store.set(f"beat/{rank}", str(beat))
        except RuntimeError:  # the store has ended, and with it the run
            return
        if leaving.wait(BEAT):
            return
