"""Who does the pieces of all jobs: this process, others beside it, or a team of ``torchrun``'s."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from experiments.engine import interrupt, progress
from experiments.engine.distributed import Order, Team
from experiments.engine.parts import Job, Piece
from experiments.engine.progress import Display, Report


@dataclass(frozen=True)
class Unit:
    """A piece of a job: what is given to one process at a time.

    Attributes:
        length: about how long it takes, against others.
        steps: that it reports to have done in the end; 0 for one that says nothing of that.
        title: for people; by itself that of the job.
        of: the experiment.
        device: where it computes; there is one unit at a time on any but the CPU.
        order: what the others of a team are told of the job; without it, the first one does it.
    """

    job: Job
    piece: Piece
    length: float = 0.0
    steps: int = 0
    device: str = "cpu"
    order: Order | None = None
    title: str = ""
    of: str = ""

    def __str__(self) -> str:
        return self.title or self.job.parts.what


#: A unit, and what went wrong with it; its result is in a file.
Done = tuple[Unit, Exception | None]
Wanted = Callable[[Unit], bool]


def always(unit: Unit) -> bool:
    """All are wanted."""
    return True


class Crew(Protocol):
    """Some processes.

    Attributes:
        size: so many units can be done at once.
        here: whether this process does them.
    """

    size: int
    here: bool

    def do(self, units: Sequence[Unit], wanted: Wanted = always) -> Iterator[Done]:
        """Do the units, the longest first where several are done at once; each that is done.

        Args:
            units: of any jobs.
            wanted: asked before a unit is begun; one that is not wanted is left out.
        """

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function gives, in one of the processes."""

    def first(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What it gives in the first of the processes that has it; all call it."""


@dataclass(frozen=True)
class Alone:
    """This process."""

    display: Display
    size: int = 1
    here: bool = True

    def do(self, units: Sequence[Unit], wanted: Wanted = always) -> Iterator[Done]:
        self.display.expect(units)
        for number, unit in enumerate(units):
            interrupt.check()
            if wanted(unit):
                with progress.reported_to(self._reporter(number)):
                    error = _tried(unit)
                self.display.over(number)
                yield unit, error
        interrupt.check()

    def _reporter(self, number: int) -> Report:
        if not self.display.is_live:
            return progress.silent
        return progress.now_and_then(partial(self.display.report, number))

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    first = call


@dataclass(frozen=True)
class Together:
    """The first process of a team, with all the others."""

    team: Team
    alone: Alone
    here: bool = True

    @property
    def size(self) -> int:
        return self.team.size

    def do(self, units: Sequence[Unit], wanted: Wanted = always) -> Iterator[Done]:
        for job, group in groupby(units, key=lambda unit: unit.job):
            own = list(group)
            if own[0].order is None:
                yield from self.alone.do(own, wanted)
            elif wanted(own[0]):
                yield from self._share(job, own)

    def _share(self, job: Job, units: Sequence[Unit]) -> Iterator[Done]:
        left = {job.called(unit.piece): unit for unit in units}
        try:
            for piece in self.team.lead(units[0].order, job, [unit.piece for unit in units]):
                interrupt.check()
                yield left.pop(job.called(piece)), None
        except Exception as error:
            yield next(iter(left.values())), error

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    first = call


def _tried(unit: Unit) -> Exception | None:
    try:
        unit.job.do(unit.piece)
    except Exception as error:
        return error
    return None


@contextmanager
def crew(
    workers: int, display: Display, team: Team | None = None, threads: int = 1
) -> Iterator[Crew]:
    """The processes for a command's work; those that are started end with it.

    Args:
        workers: so many are started; one is this process itself.
        display: shows what they do.
        team: of this process, where ``torchrun`` has started several.
        threads: of each process.
    """
    if team:
        yield Together(team, Alone(display))
    elif workers == 1:
        yield Alone(display)
    else:
        from experiments.engine.processes import Pool

        with Pool(workers, display, threads) as pool:
            yield pool
