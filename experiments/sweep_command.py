"""The command ``lockstep sweep``."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from experiments.options import Backends, DataDir, DatasetName, Device, Out

if TYPE_CHECKING:
    from experiments.sweep.plan import Settings

INTERRUPTED = 130


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
    memory: Annotated[
        float | None,
        typer.Option(metavar="GB", help="What the runs may take; half of what is available."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=1024, metavar="N", help="Side by side; all cores.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller grid where none is given, for a first look.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run what is finished already, too.")
    ] = False,
) -> None:
    """Train over a grid of learning rates and architectures: which rate is best, and how broadly.

    A grid is numbers and ranges with commas between them: 0.1,1 or 1e-4:1:13log (13 values from
    1e-4 to 1, evenly in the logarithm) or 0.1:0.5:5lin.
    """
    from experiments.cli import _backends, _datasets, _one_of, errors

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
    _one_of("--dataset", dataset, _datasets())
    if memory is not None and not 0 < memory < 1e6:
        raise typer.BadParameter(
            f"must be gigabytes, above 0 and below a million, got {memory}", param_hint="--memory"
        )
    try:  # from here on, because importing torch takes long enough to be interrupted
        from experiments.data import DataError
        from experiments.engine.output import OutputError
        from experiments.sweep.run import SweepError
        from experiments.sweep.sweep import FILES, JSON, Options
        from experiments.sweep.sweep import sweep as do

        options = Options(
            _backends(backend, device),
            out,
            device,
            dataset,
            data_dir,
            force,
            None if memory is None else int(memory * 1e9),
            processes,
        )
        folder = do(settings, options, Console(highlight=False))
        typer.echo(f"{folder}: {', '.join((*FILES, JSON))}")
    except (OutputError, DataError, SweepError) as error:
        errors.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        errors.print("Interrupted. What is finished is kept; the same command goes on from there.")
        raise typer.Exit(INTERRUPTED) from None


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
