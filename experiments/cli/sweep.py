"""The command ``lockstep sweep``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.cli import options
from experiments.cli.ending import begin, computing, console, usage_error
from experiments.engine.fingerprint import code_digest
from experiments.engine.terminal import escape, show

GRID = "The grid, and how each of its networks is trained"


def _grid(kind: str, metavar: str, help: str) -> Any:
    """An option whose text is read as the values of a grid."""

    def values(text: str | None) -> tuple | None:
        from experiments.sweep import grid

        with usage_error():
            return None if text is None else getattr(grid, kind)(text)

    read = options.unless_completing(values)
    return typer.Option(callback=read, metavar=metavar, help=help, rich_help_panel=GRID)


def sweep(
    optimizer: Annotated[
        str | None, _grid("optimizers", "NAME,…", "Which optimizers; see `lockstep list`.")
    ] = None,
    lr: Annotated[str | None, _grid("rates", "GRID", "The learning rates.")] = None,
    depth: Annotated[str | None, _grid("depths", "GRID", "The numbers of hidden layers.")] = None,
    init: Annotated[
        str | None,
        _grid("inits", "NAME|STD,…", "How weights begin: initializers, standard deviations."),
    ] = None,
    batch_norm: Annotated[
        str | None, _grid("switches", "on,off", "With BatchNorm, without, or both.")
    ] = None,
    seeds: options.Seeds = 1,
    width: Annotated[
        int | None,
        options.number("N", options.whole(1, 100_000), "Units of a hidden layer; 100.", GRID),
    ] = None,
    iterations: Annotated[
        int | None, options.number("N", options.whole(1, 10**9), "Updates of each run; 300.", GRID)
    ] = None,
    batch_size: Annotated[
        int | None, options.number("N", options.whole(1, 10**6), "Images of a batch; 128.", GRID)
    ] = None,
    backend: options.Backends = "scratch",
    device: options.Device = "auto",
    out: options.Out = Path("results"),
    dataset: options.DatasetName = "mnist",
    data_dir: options.DataDir = None,
    memory: options.Memory = None,
    processes: options.Processes = None,
    threads: options.Threads = None,
    cluster: options.Cluster = None,
    checkpoint_every: options.CheckpointEvery = 30.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller grid where none is given, for a first look.")
    ] = False,
    force: options.Force = False,
    debug: options.Debug = False,
) -> None:
    """Train over a grid of learning rates and architectures: which rate is best, and how broadly.

    A grid is numbers and ranges with commas between them: 0.1,1 or 1e-4:1:13log (13 values from
    1e-4 to 1, evenly in the logarithm) or 0.1:0.5:5lin.

    Examples:
        lockstep sweep --quick  # a small grid, for a first look
        lockstep sweep --optimizer SGD,Adam --lr 1e-4:1:13log --depth 3  # two optimizers, one depth
    """
    begin("sweeping over learning rates and architectures")
    code_digest()  # of the code as it is before what computes is imported
    from experiments.sweep import plan

    given = {
        "optimizers": optimizer,
        "rates": lr,
        "depths": depth,
        "inits": init,
        "batch_norm": batch_norm,
        "seeds": seeds,
        "width": width,
        "iterations": iterations,
        "batch_size": batch_size,
    }
    settings = replace(
        plan.QUICK if quick else plan.Sweep(),
        **{name: value for name, value in given.items() if value is not None},
    )
    if settings.runs > options.MOST_RUNS:
        raise typer.BadParameter(
            f"all combinations with {seeds:,} seeds each are {settings.runs:,} runs, allowed are "
            f"{options.MOST_RUNS:,}",
            param_hint="--seeds",
        )
    with computing(_kept, debug):
        from experiments.engine import memory as room
        from experiments.engine.options import Options
        from experiments.engine.progress import Display
        from experiments.engine.units import FOLDER
        from experiments.engine.workers import workers as workers_of
        from experiments.sweep.sweep import FILES, JSON
        from experiments.sweep.sweep import sweep as do

        with (
            Display(console, out / FOLDER) as display,
            workers_of(processes or room.cores(), threads or 1, cluster) as workers,
        ):
            asked = Options(
                out,
                dataset=dataset,
                data_dir=data_dir,
                force=force,
                checkpoint_every=checkpoint_every,
                memory=memory,
                processes=processes,
                threads=threads,
                backends=options.described(backend, device, workers),
            )
            folder = do(settings, asked, workers, display, console)
        show(console, f"{escape(folder)}: {', '.join((*FILES, JSON))}")


def _kept() -> str:
    return "What is finished is kept; the same command goes on from there."
