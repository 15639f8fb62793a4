"""The command ``lockstep sweep``."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from experiments import command
from experiments.options import (
    Backends,
    CheckpointEvery,
    Cluster,
    DataDir,
    DatasetName,
    Debug,
    Device,
    Memory,
    Out,
    Processes,
    Threads,
)
from experiments.terminal import visible

if TYPE_CHECKING:
    from experiments.sweep.plan import Settings


def sweep(
    optimizer: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="See `lockstep list`; in any case.")
    ] = None,
    lr: Annotated[
        str | None, typer.Option(metavar="GRID", help="Numbers and ranges, as 1e-4:1:13log.")
    ] = None,
    depth: Annotated[
        str | None, typer.Option(metavar="GRID", help="Numbers of hidden layers.")
    ] = None,
    init: Annotated[
        str | None, typer.Option(metavar="NAME|STD,…", help="Initializers, standard deviations.")
    ] = None,
    batch_norm: Annotated[
        str | None, typer.Option(metavar="on,off", help="With BatchNorm, without, or both.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="The seeds 0 … N−1.")] = 1,
    width: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Units of a hidden layer.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Updates of each run.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images a batch.")] = None,
    backend: Backends = "scratch",
    device: Device = "auto",
    out: Out = Path("results"),
    dataset: DatasetName = "mnist",
    data_dir: DataDir = None,
    memory: Memory = None,
    processes: Processes = None,
    threads: Threads = None,
    cluster: Cluster = None,
    checkpoint_every: CheckpointEvery = 30.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller grid where none is given, for a first look.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run what is finished already, too.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Train over a grid of learning rates and architectures: which rate is best, and how broadly.

    A grid is numbers and ranges with commas between them: 0.1,1 or 1e-4:1:13log (13 values from
    1e-4 to 1, evenly in the logarithm) or 0.1:0.5:5lin.
    """
    given = {
        "optimizers": _read("--optimizer", "optimizers", optimizer),
        "rates": _read("--lr", "rates", lr),
        "depths": _read("--depth", "depths", depth),
        "inits": _read("--init", "inits", init),
        "batch_norm": _read("--batch-norm", "switches", batch_norm),
        "seeds": seeds,
        "width": width,
        "iterations": iterations,
        "batch_size": batch_size,
    }
    settings = _settings(quick, given)
    if settings.runs > command.MOST_RUNS:
        raise typer.BadParameter(
            f"all combinations with {seeds:,} seeds each are {settings.runs:,} runs, allowed are "
            f"{command.MOST_RUNS:,}",
            param_hint="--seeds",
        )
    command.check_dataset(dataset)
    console = Console(highlight=False)
    with command.computing(_kept, debug):
        from experiments.engine import memory as room
        from experiments.engine.progress import Display
        from experiments.engine.runner import Options
        from experiments.engine.units import FOLDER
        from experiments.engine.workers import workers as workers_of
        from experiments.sweep.sweep import FILES, JSON
        from experiments.sweep.sweep import sweep as do

        with (
            Display(console, out / FOLDER) as display,
            workers_of(processes or room.cores(), threads or 1, cluster) as workers,
        ):
            options = Options(
                command.describe_backends(backend, device, workers),
                tuple(range(seeds)),
                out,
                dataset,
                data_dir,
                force=force,
                checkpoint_every=checkpoint_every,
                memory=command.in_bytes(memory),
                threads=threads,
            )
            folder = do(settings, options, workers, display, console)
        typer.echo(f"{visible(folder)}: {', '.join((*FILES, JSON))}")


def _kept() -> str:
    return "What is finished is kept; the same command goes on from there."


def _settings(quick: bool, given: dict[str, Any]) -> "Settings":
    from experiments.sweep import plan

    chosen = plan.QUICK if quick else plan.Settings()
    return replace(chosen, **{name: value for name, value in given.items() if value is not None})


def _read(option: str, kind: str, text: str | None) -> tuple | None:
    """A grid's values, or the usage error that says what is wrong with its text."""
    from experiments.sweep import grid

    read: Callable[[str], tuple] = getattr(grid, kind)
    try:
        return None if text is None else read(text)
    except grid.GridError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
