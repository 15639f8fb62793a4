"""The command ``lockstep check``."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.cli.ending import console, errors_reported
from experiments.cli.options import Debug, Json, one_of
from experiments.engine import interrupt
from experiments.engine.terminal import as_json, escape

if TYPE_CHECKING:
    from torch_ref.lockstep.result import Result

AGREES, DIVERGES, CANNOT_RUN = 0, 1, 2
_DTYPES = ("float64", "float32")


def _dtype(name: str) -> str:
    return one_of(name, _DTYPES)


def check(
    against: Annotated[
        str, typer.Option(metavar="NAME", help="What it should do, of `lockstep list`.")
    ],
    candidate: Annotated[
        str | None,
        typer.Argument(metavar="FILE.py:NAME", help="Your class or function. It is run here."),
    ] = None,
    program: Annotated[
        str | None,
        typer.Option("--exec", metavar="COMMAND", help="Instead: your program, in any language."),
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A hyperparameter for both sides; repeatable."),
    ] = None,
    dtype: Annotated[
        str, typer.Option(callback=_dtype, metavar="|".join(_DTYPES), help="Of the run.")
    ] = "float64",
    steps: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many steps to run.")] = 200,
    seconds: Annotated[float, typer.Option(min=0.001, max=1e6, help="The time limit.")] = 20.0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check whether your own optimizer, initializer or layer does what torch's does, and why not.

    Your file is run in this process, with all that it may do: check only code that you trust.
    Both sides get the same hyperparameters: an --arg, else your default, else torch's.

    Exit status: 0 it agrees, 1 it diverges, 2 it cannot be run.
    """
    with errors_reported(debug, CANNOT_RUN, json=json):
        with interrupt.deferred():  # torch aborts where it is interrupted while it is imported
            from torch_ref.lockstep.candidates.settings import parse
            from torch_ref.lockstep.check import check as run_check
        # What the user's code prints is no part of the result.
        with contextlib.redirect_stdout(sys.stderr):
            settings = parse(arg or [])
            limits = {"steps": steps, "seconds": seconds}
            with _found(candidate, program, patience=seconds / 3) as found:
                outcome = run_check(found, against, settings, dtype=dtype, **limits)
    if json:
        typer.echo(as_json(outcome.as_dict()))
    else:
        _print(outcome)
    raise typer.Exit(AGREES if outcome.agrees else DIVERGES)


@contextlib.contextmanager
def _found(candidate: str | None, program: str | None, patience: float) -> Iterator[Any]:
    """The candidate, a place in a file or a program, whose processes end with the block."""
    if (candidate is None) == (program is None):
        raise typer.BadParameter("give either FILE.py:NAME or --exec COMMAND")
    if program is None:
        yield candidate
    else:
        from torch_ref.lockstep.candidates.program import program as run_program

        with contextlib.closing(run_program(program, patience)) as found:
            yield found


def _print(outcome: "Result") -> None:
    verdict, *rest = outcome.lines()
    mark = "[bold green]✓[/]" if outcome.agrees else "[bold red]✗[/]"
    lines = [f"{mark} [bold]{escape(verdict)}[/]"]
    lines += [f"  {escape(line.strip())}" for line in rest]
    lines += [f"  [dim]{escape(str(each))}[/]" for each in outcome.mapped]
    lines.append(f"  [dim]{outcome.seconds:.1f} s[/]")
    console.print("\n".join(lines), soft_wrap=True)
