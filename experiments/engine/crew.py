"""Who does the pieces of a job: this process, others beside it, or a team of ``torchrun``'s."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.engine import interrupt
from experiments.engine.distributed import Order, Team
from experiments.engine.parts import Job, Piece
from experiments.engine.processes import side_by_side


@dataclass(frozen=True)
class Crew:
    """How many processes there are.

    Attributes:
        workers: those that are started for this; one is this process itself.
        team: of this process, where ``torchrun`` has started several.
        threads: of each process.
    """

    workers: int = 1
    team: Team | None = None
    threads: int = 1

    @property
    def size(self) -> int:
        """So many pieces can be done at once."""
        return self.team.size if self.team else self.workers

    def do(self, job: Job, pieces: Sequence[Piece], order: Order) -> Iterator[Piece]:
        """Do the pieces; each that is done.

        Args:
            job: of the pieces.
            pieces: the longest first.
            order: what the others of a team are told of the job.
        """
        if self.team:
            done = self.team.lead(order, job, pieces)
        elif self.workers > 1:
            done = side_by_side(job, pieces, self.workers, self.threads)
        else:
            done = job.here(pieces)
        for piece in done:
            yield piece
            interrupt.check()
