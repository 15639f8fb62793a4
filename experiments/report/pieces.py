"""What of the page is computed, and of no results: in pieces that any process may do."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from experiments.engine import threads
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.crew import Unit
from experiments.engine.fingerprint import code_digest, fingerprint
from experiments.engine.parts import FOLDER, Job, Parts

#: The modules, with about the milliseconds that they take.
PIECES = {"lab": 1500, "explorer": 800}


@dataclass(frozen=True)
class Computing:
    """The work on a piece."""

    def __call__(self, piece: str, checkpoints: Checkpoints) -> dict[str, Any]:
        with threads.limited(1):
            return import_module(f"experiments.report.{piece}").as_dict()

    def elsewhere(self) -> Self:
        """The same for another process."""
        return self


def units(out: Path) -> list[Unit]:
    """The pieces for a crew; their results are in the folder."""
    job = _job(out)
    return [Unit(job, piece, PIECES[piece], title=f"page · {piece}") for piece in PIECES]


def gathered(out: Path) -> dict[str, dict[str, Any]]:
    """All of it, when the units are done; their results go."""
    job = _job(out)
    found = {piece: dict(job.parts.find(piece)) for piece in PIECES}
    job.parts.clear()
    return found


def _job(out: Path) -> Job:
    identity = fingerprint({"code": code_digest(), "numpy": version("numpy")})
    return Job(Computing(), Parts(out / FOLDER / "page" / identity[:16], identity, "page"))
