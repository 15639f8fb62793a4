"""Units of work: each gives a result, which is a file from when it is finished until all are used.

A unit that is interrupted is done again, with the same numbers; a training in it that takes minutes
goes on from its last checkpoint.
"""

import shutil
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

from experiments.engine import interrupt, output, progress
from experiments.engine.checkpoints import EVERY, Checkpoint, Checkpoints, Say, tell
from experiments.engine.fingerprint import CodeMoved, check_code, code_digest, fingerprint
from experiments.engine.progress import Display, ProgressTable
from experiments.engine.workers import Task, Workers
from torch_ref import checkpoint
from torch_ref.checkpoint import CheckpointError
from torch_ref.errors import LockstepError

#: What is made of a unit, as ``torch_ref.checkpoint`` has it.
Result = Mapping[str, Any]
#: Makes it: a function that another process can import, or a ``partial`` of one.
Work = Callable[[Checkpoints], Result]

FOLDER = output.UNITS
FORGOTTEN = 30 * 24 * 3600.0  # seconds
_one_at_a_time = Lock()


@dataclass(frozen=True)
class Unit:
    """What one process is given to do at a time.

    Attributes:
        title: for people.
        work: makes the result.
        folder: for the files; all units there are of one result.
        identity: of all that the result depends on.
        length: about how long it takes, against others.
        steps: that it reports to have done in the end; 0 for one that says nothing of that.
        of: the experiment.
        every: seconds between two checkpoints of a training.
    """

    title: str
    work: Work
    folder: Path
    identity: str
    length: float = 0.0
    steps: int = 0
    of: str = ""
    every: float = EVERY

    @property
    def path(self) -> Path:
        """Where the finished result is."""
        return self.folder / f"{fingerprint({'unit': self.identity})[:16]}.safetensors"

    def checkpoints(self, say: Say) -> Checkpoints:
        """Of its trainings, in the order they begin."""
        for number in count():
            path = self.path.with_suffix("") / f"{number:03}.safetensors"
            yield Checkpoint(path, f"{self.identity}/{number}", self.title, self.every, say)

    def last_checkpoint(self) -> str | None:
        """When it was written, for people."""
        times = [path.stat().st_mtime for path in self.path.with_suffix("").glob("*.safetensors")]
        return datetime.fromtimestamp(max(times)).isoformat(" ", "seconds") if times else None

    def find(self, say: Say = tell) -> Result | None:
        """The result, if the unit is finished; a file that is no use is done again, and said."""
        if not self.path.exists():
            return None
        try:
            found = checkpoint.load(self.path)
            if found.get("of") != self.identity:
                raise CheckpointError(f"{self.path} is of another unit of work")
            return found["result"]
        except (CheckpointError, LookupError) as error:
            say(f"{self.title}: {error}; it is done again")
            return None

    def keep(self, result: Result) -> None:
        """Keep the result in its file; the checkpoints go.

        Raises:
            CheckpointError: it cannot be written.
        """
        checkpoint.save(self.path, {"of": self.identity, "result": result})
        shutil.rmtree(self.path.with_suffix(""), ignore_errors=True)


def of_pieces(
    name: str,
    pieces: Mapping[str, float],
    work: Callable[[str, Checkpoints], Result],
    out: Path,
    *packages: str,
) -> list[Unit]:
    """A unit for each of the pieces that a result has, in their order.

    Args:
        name: of the result.
        pieces: their names, and about how long each takes.
        work: makes the result of a piece.
        out: the folder that the results are in.
        packages: those whose versions the result depends on, as it does on the project's code.
    """
    versions = {package: version(package) for package in packages}
    of = fingerprint({"code": code_digest(), "versions": versions})
    folder = folder_of(out, name, of)
    return [
        Unit(f"{name} · {piece}", partial(work, piece), folder, f"{of}/{piece}", length)
        for piece, length in pieces.items()
    ]


def folder_of(out: Path, name: str, identity: str) -> Path:
    """Where the units of a result are kept in the folder ``out``."""
    return out / FOLDER / name / identity[:16]


def clear(folder: Path) -> None:
    """All units of a result are used: remove them, and the folders above that are empty then.

    Those of the same result for other settings or by older code go after a month.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        for other in folder.parent.iterdir():
            newest = max(path.stat().st_mtime for path in (other, *other.rglob("*")))
            if time.time() - newest > FORGOTTEN:
                shutil.rmtree(other, ignore_errors=True)
        for above in folder.parents:
            above.rmdir()
            if above.name == FOLDER:
                break


def gathered(units: Iterable[Unit]) -> list[Result]:
    """The results of units that are all finished."""
    return [dict(unit.find() or {}) for unit in units]


def run(
    units: Sequence[Unit],
    workers: Workers,
    display: Display,
    wanted: Callable[[Unit], bool] = lambda unit: True,
) -> Iterator[tuple[Unit, Exception | None]]:
    """Do the units; each as it ends, and what went wrong.

    Args:
        units: of any kinds.
        workers: where they are done.
        display: shows what is done.
        wanted: asked before a unit is begun; one that is not wanted is left out.

    Raises:
        WorkersLost: a process was ended from outside, or the cluster was lost.
        CodeMoved: the project's code was changed meanwhile; nothing computed since is kept.
    """
    order = ordered(units, workers)
    for folder in dict.fromkeys(unit.folder for unit in order):
        _say_what_is_others(folder)
        output.inside(_out_of(folder), folder)
    for unit in order:
        if begun := unit.last_checkpoint():
            tell(f"{unit.title} goes on from what was kept at {begun}")
    with (
        display.showing(order) as table,
        closing(workers.each(_tasks(order, display, table, wanted), display.under_way)) as ended,
    ):
        for number, result, said in ended:
            unit, error = order[number], None
            display.over(number)
            for line in said:
                tell(line)
            try:
                if isinstance(result, Exception):
                    raise result
                check_code()
                unit.keep(result)
            except CodeMoved:
                raise
            except Exception as raised:
                error = raised
            yield unit, error
            interrupt.check()
    interrupt.check()


def _out_of(folder: Path) -> Path:
    """The output folder that a folder of units is in, as :func:`folder_of` made it."""
    return next((each.parent for each in folder.parents if each.name == FOLDER), folder.parent)


def _say_what_is_others(folder: Path) -> None:
    """Say where a result begins anew although something of it is kept: it is another one's."""
    if not any(folder.rglob("*.safetensors")) and any(folder.parent.glob("*/**/*.safetensors")):
        tell(
            f"{folder.parent.name}: what is kept of it is of other settings, code or threads; "
            "it begins anew"
        )


def ordered(units: Sequence[Unit], workers: Workers) -> list[Unit]:
    """The units, where several are done at once the longest first, so that they end together.

    Those of experiments come before others: their figures are drawn meanwhile.
    """
    if workers.in_process:
        return [*units]
    return sorted(units, key=lambda unit: (bool(unit.of), unit.length), reverse=True)


def _tasks(
    order: Sequence[Unit], display: Display, table: ProgressTable, wanted: Callable[[Unit], bool]
) -> Iterator[Task]:
    """What the workers are given, each when one of them is free."""
    for number, unit in enumerate(order):
        if not wanted(unit):
            display.over(number)
            continue
        display.begun(number)
        yield partial(_do, unit, number, table, code_digest())


def _do(
    unit: Unit, number: int, table: ProgressTable, code: str
) -> tuple[int, Result | Exception, list[str]]:
    """Do a unit, in whatever process; one at a time in each, as threads are set for all of it."""
    said: list[str] = []
    with _one_at_a_time, progress.reported_to(table.report(number)):
        try:
            if code_digest() != code:
                raise LockstepError(
                    "the project's code here is not that of the command; use the same"
                )
            result = unit.work(unit.checkpoints(said.append))
            check_code()  # of this process, which may be of another machine
            return number, result, said
        except Exception as error:
            error.add_note("".join(traceback.format_exception(error)))
            return number, error, said
