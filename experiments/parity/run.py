"""Measuring all of it, in pieces that any process may do, and the file."""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from experiments.engine import progress, threads
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.crew import Unit
from experiments.engine.fingerprint import code_digest, fingerprint
from experiments.engine.output import atomic
from experiments.engine.parts import FOLDER, Job, Parts

if TYPE_CHECKING:
    from experiments.parity import drift

FILE = "parity.json"
TWINS = ("optimizers", "schedules", "initializers", "layers")
#: What is measured, with about the milliseconds that it takes.
PIECES = {"optimizers": 4000, "drift": 3000, "layers": 600, "initializers": 300, "schedules": 200}
PIECES |= {"conventions": 200, "machine": 10}


def measure(
    tell: Callable[[str], None], settings: "drift.Settings | None" = None
) -> dict[str, Any]:
    """Everything that the file has."""
    with progress.reported_to(lambda what, *_: tell(what)):
        return assembled({piece: Measuring(settings)(piece) for piece in PIECES})


@dataclass(frozen=True)
class Measuring:
    """The work on a piece.

    Attributes:
        settings: of the drift; ``None`` for its own.
    """

    settings: "drift.Settings | None" = None

    def __call__(self, piece: str, checkpoints: Checkpoints | None = None) -> dict[str, Any]:
        import torch

        from experiments import data
        from experiments.bench import machine
        from experiments.parity import drift, twins
        from torch_ref.conventions import CONVENTIONS

        start, settings = time.perf_counter(), self.settings or drift.Settings()
        with threads.limited(1):
            if piece in TWINS:
                found = {"twins": list(twins.measured(piece, _tell)), "steps": twins.STEPS}
            elif piece == "drift":
                measured = drift.measured(settings, data.load_mnist(), _tell)
                found = {"drift": measured, "settings": asdict(settings)}
            elif piece == "machine":
                found = {"machine": machine.describe(torch.device("cpu"))}
            else:
                found = {"conventions": [_convention(each) for each in CONVENTIONS]}
        return found | {"seconds": time.perf_counter() - start}

    def elsewhere(self) -> Self:
        """The same for another process."""
        return self


def _tell(what: str) -> None:
    progress.report(what, 0, 0, None)


def _convention(convention: Any) -> dict[str, Any]:
    _tell(convention.name)
    apart, aligned = convention.measure()
    return {"name": convention.name, "apart": apart, "aligned": aligned}


def units(out: Path) -> list[Unit]:
    """The pieces for a crew; their results are in the folder."""
    job = _job(out)
    return [Unit(job, piece, PIECES[piece], title=f"parity · {piece}") for piece in PIECES]


def gathered(out: Path) -> dict[str, Any]:
    """Everything that the file has, when the units are done; their results go."""
    job = _job(out)
    content = assembled({piece: job.parts.find(piece) for piece in PIECES})
    job.parts.clear()
    return content


def _job(out: Path) -> Job:
    versions = {name: version(name) for name in ("numpy", "torch")}
    identity = fingerprint({"code": code_digest(), "versions": versions})
    return Job(Measuring(), Parts(out / FOLDER / "parity" / identity[:16], identity, "parity"))


def assembled(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the file has, from all pieces."""
    return {
        "twins": [twin for piece in TWINS for twin in found[piece]["twins"]],
        "drift": found["drift"]["drift"],
        "settings": {"steps": found[TWINS[0]]["steps"], "drift": found["drift"]["settings"]},
        "conventions": found["conventions"]["conventions"],
        "machine": found["machine"]["machine"],
        "seconds": round(sum(piece["seconds"] for piece in found.values()), 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write(content: dict[str, Any], path: Path) -> None:
    """Write the file, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic(path) as temporary:
        text = json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """JSON knows no infinity: where sides differ by that, the largest number stands."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return 1e308
    return value
