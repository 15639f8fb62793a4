"""Work in pieces: what is finished of it is kept, so that only the rest is done."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from experiments.engine.checkpoints import (
    EVERY,
    UNFIT,
    Checkpoints,
    Say,
    set_aside,
    shortened,
    tell,
)
from experiments.engine.fingerprint import fingerprint
from experiments.engine.memory import is_out_of_memory
from torch_ref import checkpoint
from torch_ref.checkpoint import CheckpointError

#: Plain values: the seeds of a stack, or what a sweep's stack is.
Piece = Any
#: What is made of a piece, as ``torch_ref.checkpoint`` has it.
Result = Mapping[str, Any]
#: Whether something, which may be anything, is the result of a piece.
Fits = Callable[[Piece, Any], bool]

FOLDER, PLAN = ".parts", "plan.snapshot"


def anything(piece: Piece, result: Any) -> bool:
    """Fits."""
    return True


@dataclass(frozen=True)
class Parts:
    """The finished pieces of a job, a file each, and the checkpoints of the others.

    Attributes:
        folder: for the files; nobody else's.
        identity: of all that the results depend on besides the piece.
        what: the job, for people.
        every: seconds between two checkpoints.
        say: is told what was found and what could not be written.
    """

    folder: Path
    identity: str
    what: str
    every: float = EVERY
    say: Say = tell

    def planned(
        self,
        plan: Callable[[], Sequence[Piece]],
        whole: Callable[[Sequence[Piece]], bool] = bool,
    ) -> list[Piece]:
        """The pieces: those that an interrupted run of the same job had, or as ``plan`` cuts them.

        In other pieces the numbers could differ in their last bits. ``whole`` says whether pieces
        that were kept, which may be anything, are all of the job.
        """
        path = self.folder / PLAN
        with suppress(*UNFIT):
            kept = checkpoint.load(path)
            if kept["of"] == self.identity and whole(kept["pieces"]):
                return kept["pieces"]
        pieces = json.loads(json.dumps(list(plan())))  # as a file has them: tuples are lists
        self._save(path, {"of": self.identity, "pieces": pieces})
        return pieces

    def path(self, piece: Piece) -> Path:
        """Where the result of the piece is."""
        return self.folder / f"{self._key(piece)}.safetensors"

    def find(self, piece: Piece, fits: Fits = anything) -> Result | None:
        """What was made of the piece, if it is finished; a file that is no use is set aside."""
        path = self.path(piece)
        if not path.exists():
            return None
        try:
            found = checkpoint.load(path)
            if found["of"] != self.identity or found["piece"] != piece:
                raise ValueError(f"{path} is of another piece of work")
            if not fits(piece, found["result"]):
                raise ValueError(f"{path} is no result of it")
            return found["result"]
        except UNFIT as error:
            if is_out_of_memory(error):  # which is not the file's fault
                raise
            why = shortened(str(error))
            self.say(f"{self.what}: {why}; it is kept as {set_aside(path).name}, and not used")
            return None

    def put(self, piece: Piece, result: Result) -> None:
        """Keep what was made of the piece; its checkpoints go."""
        made = {"of": self.identity, "piece": piece, "result": result}
        self._save(self.path(piece), made)
        shutil.rmtree(self._checkpoints(piece), ignore_errors=True)

    def checkpoints(self, piece: Piece) -> Checkpoints:
        """For the trainings of the piece."""
        key = self._key(piece)
        return Checkpoints(
            self._checkpoints(piece), f"{self.identity}/{key}", self.what, self.every, self.say
        )

    def clear(self) -> None:
        """All is done: remove the files, and the folders above that are empty then."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            for above in self.folder.parents:
                above.rmdir()
                if above.name == FOLDER:
                    break

    def _save(self, path: Path, snapshot: Result) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"{path} was not written: {error.strerror or error}") from error
        checkpoint.save(path, snapshot)

    def _key(self, piece: Piece) -> str:
        return fingerprint({"of": self.identity, "piece": piece})[:16]

    def _checkpoints(self, piece: Piece) -> Path:
        return self.folder / self._key(piece)


class Work(Protocol):
    """Makes the result of a piece, in whatever process it finds itself."""

    def __call__(self, piece: Piece, checkpoints: Checkpoints) -> Result:
        """Do a piece."""

    def elsewhere(self) -> Self:
        """The same, for another process."""


@dataclass(frozen=True)
class Job:
    """Pieces to be done, by this process or by others.

    Attributes:
        work: on each of them.
        parts: where results are kept.
        called: what a piece is called, for people.
        fits: what was kept of a piece is done again where it does not.
    """

    work: Work
    parts: Parts
    called: Callable[[Piece], str] = str
    fits: Fits = anything

    def do(self, piece: Piece) -> Result:
        """Do a piece, and keep what was made of it."""
        result = self.work(piece, self.parts.checkpoints(piece))
        self.parts.put(piece, result)
        return result

    def elsewhere(self) -> Self:
        """The same for another process, which gets its own of what is at hand here."""
        return replace(self, work=self.work.elsewhere())

    def missing(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Those that are not finished."""
        return [piece for piece in pieces if self.parts.find(piece, self.fits) is None]

    def here(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """Do them in this process; each that is done."""
        for piece in pieces:
            self.do(piece)
            yield piece
