"""What of the page is computed, and of no results: units that any process may do."""

from importlib import import_module
from pathlib import Path
from typing import Any

from experiments.engine import threads
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.units import Unit, of_pieces

#: The modules, with about the milliseconds that they take.
PIECES = {"lab": 1500}


def computed(piece: str, checkpoints: Checkpoints) -> dict[str, Any]:
    """The work of a unit."""
    with threads.limited(1):
        return dict(import_module(f"experiments.report.{piece}").as_dict())


def units(out: Path) -> list[Unit]:
    """All of it, in the order of :data:`PIECES`."""
    return of_pieces("page", PIECES, computed, out, "numpy")
