"""The command ``lockstep bench``."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from experiments import command
from experiments.engine import interrupt
from experiments.options import Debug
from experiments.terminal import visible

if TYPE_CHECKING:
    import torch


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[,NAME…]", help="Only these sections; repeatable."),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where torch computes.")
    ] = "cpu",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer sizes and repetitions: a minute.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="The file for the numbers, as JSON.", readable=False)
    ] = Path("results/bench.json"),
    debug: Debug = False,
) -> None:
    """Measure how fast both sides are, as ratios timed side by side.

    A ratio is ours ÷ torch's: less than 1 is faster. Behind it are the quartiles of several
    repetitions, and the goal where there is one.
    """
    names = _chosen(only or [])
    with command.failing(debug):  # importing torch takes long enough to be interrupted
        from experiments.engine.output import prepare

        with interrupt.deferred():
            from experiments.bench.runner import run

            place = _device(device)
        prepare(out.parent)
        if out.is_dir():
            raise typer.BadParameter(f"must be a file, got the folder {out}", param_hint="--out")
        report = run(names, place, quick, Console(highlight=False))
        report.write(out)
    typer.echo(visible(out))
    raise typer.Exit(1 if any(section.failed for section in report.sections) else 0)


def _chosen(only: list[str]) -> list[str]:
    """The sections named, in their order and each once; all if none is."""
    from experiments.bench import NAMES

    wanted = [name.strip() for given in only for name in given.split(",")]
    for name in wanted:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1)
            message = f"{name!r} is not one of {', '.join(NAMES)}"
            message += f"; did you mean {near[0]!r}?" if near else ""
            raise typer.BadParameter(message, param_hint="--only")
    return [name for name in NAMES if name in wanted or not wanted]


def _device(name: str) -> "torch.device":
    from torch_ref.device import resolve

    try:
        return resolve(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--device") from None
