"""The options that several commands take, so that they are called and explained alike."""

from pathlib import Path
from typing import Annotated

import typer


def _seconds(value: float) -> float:
    if not value >= 0:  # nor is NaN
        raise typer.BadParameter(f"must be seconds, 0 or more, got {value}")
    return value


def _cluster(address: str | None) -> str | None:
    if address is not None:
        from experiments.engine.workers import ClusterError, check_cluster

        try:
            check_cluster(address)
        except ClusterError as error:
            raise typer.BadParameter(str(error)) from None
    return address


Backends = Annotated[str, typer.Option(metavar="scratch|torch|both", help="Which side computes.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where torch computes.")]
# What may not be read or written is said by who does it, as a failure.
Out = Annotated[Path, typer.Option(help="The folder for the results.", readable=False)]
DatasetName = Annotated[
    str, typer.Option(help="mnist, or one that torchvision downloads: fashion-mnist, kmnist …")
]
CheckpointEvery = Annotated[
    float,
    typer.Option(
        "--checkpoint-every",
        callback=_seconds,
        metavar="SECONDS",
        help="How often to save what is trained.",
    ),
]
Memory = Annotated[
    float | None,
    typer.Option(metavar="GB", help="What the runs may take; half of what there is."),
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
DataDir = Annotated[
    Path | None, typer.Option(help="Where data sets are, or are downloaded to.", readable=False)
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure, too.")]
