"""The command ``lockstep bench``."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.ending import begin, console, errors_reported, usage_error
from experiments.cli.options import Debug, Device, Out, one_of
from experiments.engine import interrupt
from experiments.engine.terminal import visible

FILE = "bench.json"


def _sections(only: list[str] | None) -> list[str]:
    """The sections named, in their order and each once; all if none is."""
    from experiments.bench import NAMES

    wanted = [one_of(name.strip(), NAMES) for given in only or [] for name in given.split(",")]
    return [name for name in NAMES if name in wanted or not wanted]


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(
            callback=_sections,
            metavar="NAME,…",
            help="Only these sections, such as memory; repeatable.",
        ),
    ] = None,
    device: Device = "auto",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer sizes and repetitions: a minute.")
    ] = False,
    out: Out = Path("results"),
    debug: Debug = False,
) -> None:
    """Measure how fast both sides are, as ratios timed side by side.

    A ratio is ours ÷ torch's: less than 1 is faster. Behind it are the quartiles of several
    repetitions, and the goal where there is one. The numbers go to bench.json in the folder, for
    `lockstep report`.

    Examples:
        lockstep bench --quick  # a minute for all sections
        lockstep bench --only memory,stacked --device cpu  # two of them, on the processor
    """
    begin("measuring how fast both sides are")
    with errors_reported(debug):
        from experiments.engine.output import prepare

        with interrupt.deferred():  # torch aborts where it is interrupted while it is imported
            from experiments.bench.runner import run
            from torch_ref.device import resolve
        with usage_error("--device"):
            place = resolve(device)
        prepare(out)
        report = run(only, place, quick, console)
        report.write(out / FILE)
    typer.echo(visible(out / FILE))
    raise typer.Exit(1 if any(section.failed for section in report.sections) else 0)
