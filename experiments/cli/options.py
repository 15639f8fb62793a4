"""The options that several commands take, each declared once: its help, and what it may be.

A command is given what an option's callback returns.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.ending import usage_error

if TYPE_CHECKING:
    from experiments.engine.backends import Described
    from experiments.engine.workers import Workers

#: Of one command: a hundred years of training, and a list of them still fits into memory.
MOST_RUNS = 1_000_000


def one_of(value: str, allowed: Iterable[str], hint: str = "", argument: str | None = None) -> str:
    """Return ``value``, or raise the usage error that names the nearest of the ``allowed``."""
    allowed = tuple(allowed)
    if value in allowed:
        return value
    near = difflib.get_close_matches(value, allowed, n=1)
    message = f"{value!r} is not one of {', '.join(allowed)}"
    message += f"; did you mean {near[0]!r}?" if near else f"; {hint}" if hint else ""
    raise typer.BadParameter(message, param_hint=argument)


def described(
    backends: tuple[str, ...], device: str, workers: "Workers"
) -> "tuple[Described, ...]":
    """The backends that ``--backend`` and ``--device`` ask for, as the workers have them."""
    from experiments.engine import interrupt
    from experiments.engine.backends import describe

    def one(name: str) -> "Described":
        if name == "scratch" and not workers.cluster:
            return describe(name, device)
        return workers.call(describe, name, device, ready=True)

    # torch aborts where it is interrupted while it is imported.
    with usage_error("--device"), interrupt.deferred():
        return tuple(map(one, backends))


def _backends(name: str) -> tuple[str, ...]:
    from experiments.engine.backends import NAMES

    return NAMES if one_of(name, (*NAMES, "both")) == "both" else (name,)


def _dataset(name: str) -> str:
    from experiments.data import DATASETS

    return one_of(name, DATASETS)


def _seeds(count: int) -> int:
    if count < 1:
        raise typer.BadParameter(f"must be a whole number >= 1, got {count}")
    if count > MOST_RUNS:
        raise typer.BadParameter(f"must be at most {MOST_RUNS:,}, got {count:,}")
    return count


def _seconds(value: float) -> float:
    if not value >= 0:  # nor is NaN
        raise typer.BadParameter(f"must be seconds, 0 or more, got {value}")
    return value


def _bytes(gigabytes: float | None) -> int | None:
    if gigabytes is not None and not 0 < gigabytes < 1e6:
        raise typer.BadParameter(f"must be gigabytes, above 0 and below a million, got {gigabytes}")
    return None if gigabytes is None else int(gigabytes * 1e9)


def _cluster(address: str | None) -> str | None:
    if address is not None:
        from experiments.engine.workers import check_cluster

        with usage_error():
            check_cluster(address)
    return address


Backends = Annotated[
    str,
    typer.Option(callback=_backends, metavar="scratch|torch|both", help="Which side computes."),
]
Seeds = Annotated[
    int, typer.Option(callback=_seeds, metavar="N", help="Run with the seeds 0 … N−1.")
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where torch computes.")]
# What may not be read or written is said by who does it, as a failure.
Out = Annotated[Path, typer.Option(help="The folder for the results.", readable=False)]
DatasetName = Annotated[
    str,
    typer.Option(
        callback=_dataset, help="mnist, or one that torchvision downloads: fashion-mnist, kmnist …"
    ),
]
DataDir = Annotated[
    Path | None, typer.Option(help="Where data sets are, or are downloaded to.", readable=False)
]
CheckpointEvery = Annotated[
    float,
    typer.Option(callback=_seconds, metavar="SECONDS", help="How often to save what is trained."),
]
Memory = Annotated[
    float | None,
    typer.Option(
        callback=_bytes, metavar="GB", help="What the runs may take; half of what there is."
    ),
]
Processes = Annotated[
    int | None, typer.Option(min=1, max=1024, metavar="N", help="Side by side; all cores.")
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, max=64, metavar="N", help="Of each process; as many as are fastest."),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        callback=_cluster, metavar="dask://…|ray://…", help="Whose processes do the work instead."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Run what is finished already, too.")]
Json = Annotated[bool, typer.Option("--json", help="The result as JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure, too.")]
