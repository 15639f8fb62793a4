"""Measuring all of it, in units that any process may do, and the file."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from experiments.engine import output, progress, threads
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.units import Unit, of_pieces

FILE = "parity.json"
TWINS = ("optimizers", "schedules", "initializers", "layers")
#: What is measured, with about the milliseconds that it takes.
PIECES = {"optimizers": 4000, "drift": 3000, "layers": 600, "initializers": 300, "schedules": 200}
PIECES |= {"conventions": 200, "machine": 10}


def measure(tell: Callable[[str, float], None]) -> dict[str, Any]:
    """Everything that the file has.

    Args:
        tell: told what is measured, and how much of all of :data:`PIECES` is done.
    """
    found: list[dict[str, Any]] = []
    for piece in PIECES:
        done = sum([*PIECES.values()][: len(found)])
        heading = f"{len(found) + 1}/{len(PIECES)} {piece}"
        with progress.reported_to(partial(_told, tell, heading, done)):
            found.append(measured(piece))
    return assembled(found)


def _told(
    tell: Callable[[str, float], None], heading: str, done: float, what: str, *_: object
) -> None:
    tell(f"{heading}: {what}", done)


def measured(piece: str, checkpoints: Checkpoints | None = None) -> dict[str, Any]:
    """The work of a unit."""
    import torch

    from experiments import data
    from experiments.bench import machine
    from experiments.parity import drift, twins
    from torch_ref.conventions import CONVENTIONS

    start = time.perf_counter()
    with threads.limited(1):
        if piece in TWINS:
            found = {"twins": list(twins.measured(piece, _tell)), "steps": twins.STEPS}
        elif piece == "drift":
            settings = drift.DriftSettings()
            walked = drift.measured(settings, data.load_mnist(), _tell)
            found = {"drift": walked, "settings": asdict(settings)}
        elif piece == "machine":
            found = {"machine": machine.describe(torch.device("cpu"))}
        else:
            found = {"conventions": [_convention(each) for each in CONVENTIONS]}
    return found | {"seconds": time.perf_counter() - start}


def _tell(what: str) -> None:
    progress.report(what, 0, 0, None)


def _convention(convention: Any) -> dict[str, Any]:
    _tell(convention.name)
    apart, aligned = convention.measure()
    return {"name": convention.name, "apart": apart, "aligned": aligned}


def units(out: Path) -> list[Unit]:
    """All of it, in the order of :data:`PIECES`."""
    return of_pieces("parity", PIECES, measured, out, "numpy", "torch")


def assembled(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the file has, from the results of all pieces in their order."""
    found = dict(zip(PIECES, results, strict=True))
    return {
        "twins": [twin for piece in TWINS for twin in found[piece]["twins"]],
        "drift": found["drift"]["drift"],
        "settings": {"steps": found[TWINS[0]]["steps"], "drift": found["drift"]["settings"]},
        "conventions": found["conventions"]["conventions"],
        "machine": found["machine"]["machine"],
        "seconds": round(sum(piece["seconds"] for piece in results), 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write(content: dict[str, Any], path: Path) -> None:
    """Write the file, whole or not at all.

    Raises:
        LockstepError: it cannot be written.
    """
    output.write_json(path, _finite(content), indent=1)


def _finite(value: Any) -> Any:
    """JSON knows no infinity: where sides differ by that, the largest number stands."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return 1e308
    return value
