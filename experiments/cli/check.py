"""The command ``lockstep check``."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.cli import verdict
from experiments.cli.ending import errors, errors_reported
from experiments.cli.example import COMMAND
from experiments.cli.example import write as write_example
from experiments.cli.options import Debug, Json, decimal, number, one_of, spelled, whole
from experiments.cli.verdict import GREEN, RED
from experiments.engine import interrupt
from experiments.engine.terminal import as_json, escape
from torch_ref import extras
from torch_ref.errors import LockstepError

AGREES, DIVERGES, CANNOT_RUN = 0, 1, 2
_DTYPES = ("float64", "float32", "float16", "bfloat16")


def _dtype(name: str) -> str:
    return one_of(name, _DTYPES)


def _svg(path: Path | None) -> Path | None:
    if path is not None and path.suffix != ".svg":
        raise typer.BadParameter(f"must be a file of the suffix .svg, got {path}")
    return path


def check(
    candidate: Annotated[
        str | None,
        typer.Argument(metavar="FILE.py:NAME", help="Your class or function; it is run."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What it should do, see `lockstep list`; without it, the nearest of all.",
        ),
    ] = None,
    program: Annotated[
        str | None,
        typer.Option(
            "--exec", metavar="COMMAND", help="Your program, in any language, instead of a file."
        ),
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A hyperparameter for both sides; repeatable."),
    ] = None,
    dtype: Annotated[
        str,
        typer.Option(
            callback=_dtype, metavar="|".join(_DTYPES), help="What both sides compute in."
        ),
    ] = "float64",
    layout: Annotated[
        str,
        typer.Option(
            metavar="LAYOUT",
            help="How your layer has its axes (channels_last) or its weights (in_out).",
        ),
    ] = "",
    steps: Annotated[int, number("N", whole(1, 1_000_000), "How many steps to compare.")] = 200,
    seconds: Annotated[
        float,
        number(
            "SECONDS",
            decimal("seconds, from 0.001 to a million", lambda value: 0.001 <= value <= 1e6),
            "The time limit of your code, and of looking for causes.",
        ),
    ] = 20.0,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print the verdict alone, on one line.")
    ] = False,
    json: Json = False,
    github: Annotated[
        bool, typer.Option("--github", help="Annotate the pull request, in a GitHub workflow.")
    ] = False,
    badge: Annotated[
        Path | None,
        typer.Option(
            callback=_svg, metavar="FILE.svg", help="Draw the verdict as a badge.", readable=False
        ),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Write a wrong Adam into wrong_adam.py, to try.")
    ] = False,
    template: Annotated[
        bool,
        typer.Option(
            "--template", help="Print code to begin with; `--template layer` that of a layer."
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Check whether your own optimizer, initializer or layer does what torch's does, and why not.

    Your file is run, and may do all that you may: check only code that you trust. It has a process
    of its own: how it ends and what it prints decide no verdict.

    Both sides get the same hyperparameters: an --arg, else your default, else torch's.

    Exit status: 0 it agrees, 1 it diverges, 2 it cannot be run.

    Examples:
        lockstep check --example  # writes a wrong Adam to try this on
        lockstep check wrong_adam.py:Adam --against Adam  # what is wrong with it, and in which line
        lockstep check my_sgd.py:MySGD --against SGD --arg momentum=0.9  # both with a setting
        lockstep check --exec "node adam.mjs" --against Adam  # a program in another language
    """
    with errors_reported(debug, CANNOT_RUN, json=json):
        if example or template:
            typer.echo(_written_example() if example else _template(candidate))
            return
        asked = _asked(candidate, program)
        if not (json or quiet):
            errors.print(
                f"[dim]checking {escape(asked)} against {escape(against or 'the nearest')} …[/]"
            )
        with _failure_told(asked, github, badge):
            _import()
            from torch_ref.lockstep.candidates.settings import parse
            from torch_ref.lockstep.check import check as run_check

            # What the user's code prints is no part of the result.
            with contextlib.redirect_stdout(sys.stderr):
                settings = parse(arg or []) | ({"layout": layout} if layout else {})
                limits = {"steps": steps, "seconds": seconds}
                with _found(candidate, program, patience=seconds / 3) as found:
                    stands_for = against and spelled(against)
                    outcome = run_check(found, stands_for, settings, dtype=dtype, **limits)
        if json:
            typer.echo(as_json(outcome.as_dict()))
        else:
            verdict.show(outcome, quiet)
        for line in verdict.annotations(outcome, candidate or "") if github else ():
            typer.echo(line)
        if badge:
            verb = "agrees with" if outcome.agrees else "diverges from"
            _draw(badge, f"{verb} {outcome.theirs}", GREEN if outcome.agrees else RED)
    raise typer.Exit(AGREES if outcome.agrees else DIVERGES)


def _import() -> None:
    """Import what takes its time; torch aborts where it is interrupted meanwhile."""
    with interrupt.deferred():
        if extras.has_torch():
            extras.imported("torch")
        extras.imported("torch_ref.lockstep.check")


def _asked(candidate: str | None, program: str | None) -> str:
    if (candidate is None) == (program is None):
        raise typer.BadParameter("give either this or --exec COMMAND", param_hint="FILE.py:NAME")
    return candidate or str(program)


def _written_example() -> str:
    return f"{write_example()} is written: an Adam with a mistake. Find it:\n  {COMMAND}"


def _template(name: str | None) -> str:
    """The code of a way to write an optimizer, or of the plainest, and which others there are."""
    from torch_ref.lockstep.frameworks.templates import TEMPLATES, commented

    name = one_of(name or next(iter(TEMPLATES)), TEMPLATES, argument="--template")
    others = ", ".join(each for each in TEMPLATES if each != name)
    return f"{commented(name)}# lockstep check --template NAME: {others}"


@contextlib.contextmanager
def _failure_told(asked: str, github: bool, badge: Path | None) -> Iterator[None]:
    """Put what cannot be run into the annotations and the badge, too."""
    try:
        yield
    except LockstepError as error:
        if github:
            typer.echo(verdict.refusal(error, asked))
        if badge:
            _draw(badge, "cannot be run", verdict.GREY)
        raise


def _draw(path: Path, text: str, colour: str) -> None:
    from torch_ref import files

    with files.atomic(path, LockstepError) as partial:
        partial.write_text(verdict.badge("lockstep", text, colour), encoding="utf-8")


@contextlib.contextmanager
def _found(candidate: str | None, program: str | None, patience: float) -> Iterator[Any]:
    """The candidate, a place in a file or a program, whose processes end with the block."""
    if program is None:
        yield candidate
    else:
        from torch_ref.lockstep.candidates.program import program as run_program

        with contextlib.closing(run_program(program, patience)) as found:
            yield found
