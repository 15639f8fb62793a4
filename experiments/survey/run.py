"""The check of every row whose package is installed, each package in a process of its own."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from experiments.survey.table import TableRow, rows

#: What a distribution is called, where it is not as it is imported.
DISTRIBUTIONS = {
    "haiku": "dm-haiku",
    "sklearn": "scikit-learn",
    "lion_pytorch": "lion-pytorch",
    "adabelief_pytorch": "adabelief-pytorch",
}
AGREES, LIKE, DIFFERS, REFUSED = "agrees", "cannot be told apart", "differs", "cannot be run"


@dataclass(frozen=True)
class Surveyed:
    """What a check showed.

    Attributes:
        kind: the title of its kind.
        name, against, settings: as in the table.
        version: of the package.
        verdict: "agrees", "cannot be told apart" (by a sample), "differs" or "cannot be run".
        causes: the names of the variants that it is, those of the first finding.
        said: where it differs first, or why it cannot be run.
        notes: what else there is to know.
    """

    kind: str
    name: str
    against: str
    settings: tuple[str, ...]
    version: str
    verdict: str
    causes: tuple[str, ...] = ()
    said: str = ""
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, saved: dict[str, Any]) -> "Surveyed":
        """What ``as_dict`` made, once it was JSON."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in saved.items()})

    def as_dict(self) -> dict[str, Any]:
        """In the types that JSON has."""
        return asdict(self)


def survey(
    packages: Collection[str] = (),
    *,
    jobs: int = 1,
    seconds: float = 60.0,
    told: Callable[[str, int, float], None] = lambda package, checks, seconds: None,
) -> list[Surveyed]:
    """Check all rows, or those of some packages; in the order of the table.

    Args:
        packages: as they are imported; none for all that are installed.
        jobs: how many packages at once.
        seconds: the limit of a check.
        told: is called with each package that is done, its checks and its time.
    """
    names = [name for name in known_packages() if _is_wanted(name, packages)]

    def one(package: str) -> list[Surveyed]:
        began = time.perf_counter()
        outcomes = _in_a_process(package, seconds)
        told(package, len(outcomes), time.perf_counter() - began)
        return outcomes

    with ThreadPoolExecutor(jobs) as pool:
        found = [each for outcomes in pool.map(one, names) for each in outcomes]
    order = {row: i for i, row in enumerate(rows())}
    return sorted(found, key=lambda o: order[o.kind, TableRow(o.name, o.against, o.settings)])


def known_packages() -> list[str]:
    """The packages of the table, as they are imported."""
    return list(dict.fromkeys(row.package for _, row in rows()))


def of_package(package: str) -> list[tuple[str, TableRow]]:
    """The rows of a package."""
    return [(kind, row) for kind, row in rows() if row.package == package]


def _in_a_process(package: str, seconds: float) -> list[Surveyed]:
    """The outcomes of a package's rows; where their process dies, that is what they are."""
    command = [sys.executable, "-m", "experiments.survey.run", package, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return [Surveyed.of(each) for each in json.loads(done.stdout)]
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2]
        said = f"its process ended with status {done.returncode}: {last}"
        known = _version(package), REFUSED
        return [Surveyed(kind, *row, *known, said=said) for kind, row in of_package(package)]


def _is_wanted(package: str, packages: Collection[str]) -> bool:
    return find_spec(package) is not None and (not packages or package in packages)


def checked(package: str, seconds: float) -> list[Surveyed]:
    """The outcomes of the rows of one package, in this process."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    if shutil.which("clang") is None:
        os.environ.setdefault("DEV", "PYTHON")  # tinygrad's device that needs no compiler
    warnings.simplefilter("ignore")
    return [check_row(kind, row, seconds) for kind, row in of_package(package)]


def check_row(kind: str, row: TableRow, seconds: float = 60.0) -> Surveyed:
    """The outcome of one row."""
    from torch_ref.errors import LockstepError
    from torch_ref.lockstep.candidates.settings import parse
    from torch_ref.lockstep.check import check

    known, settings = (kind, *row, _version(row.package)), parse(row.settings)
    limits = {"seconds": seconds, "steps": settings.pop("steps", 200)}
    try:
        result = check(_target(row.name), row.against, settings, **limits)
    except LockstepError as error:
        return Surveyed(*known, REFUSED, said=str(error).partition("\n")[0])
    except Exception as error:  # what should not be: it is told, and the other rows go on
        return Surveyed(*known, REFUSED, said=f"the check failed: {type(error).__name__}: {error}")
    causes = result.findings[0].names if result.findings else _precision(result.cause)
    verdict = (LIKE if "told apart" in result.seen else AGREES) if result.agrees else DIFFERS
    said = "" if result.agrees else str(result.first or "; ".join(result.faults))
    notes = [note for note in result.notes if "float32" in note or "last axis" in note]
    return Surveyed(*known, verdict, causes, said, tuple(notes))


def _precision(lines: list[str]) -> tuple[str, ...]:
    """The cause that is no variant: a precision in which a package computes whatever it is given.

    >>> _precision(["it computes in float32: …; in float32 it agrees with torch"])
    ('computed in float32, where it agrees',)
    """
    whole = any("in float32 it agrees" in line for line in lines)
    return ("computed in float32, where it agrees",) if whole else ()


def _version(package: str) -> str:
    try:
        return metadata.version(DISTRIBUTIONS.get(package, package))
    except metadata.PackageNotFoundError:
        return ""


def _target(name: str) -> Any:
    """The object of a dotted name, whose first parts are modules."""
    parts = name.split(".")
    for at in range(len(parts) - 1, 0, -1):
        try:
            found = import_module(".".join(parts[:at]))
        except ModuleNotFoundError:
            continue
        for part in parts[at:]:
            found = getattr(found, part)
        return found
    raise AttributeError(f"there is no module of {name}")


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # what packages print is no result
        outcomes = checked(sys.argv[1], float(sys.argv[2]))
    json.dump([each.as_dict() for each in outcomes], sys.stdout)
