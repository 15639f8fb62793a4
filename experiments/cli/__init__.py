"""The command ``lockstep``: a module for each of its commands.

options   the options that several commands take
help      what --help shows
ending    how a command ends: a message and an exit code for every error
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.cli import (
    bench,
    check,
    ending,
    golden,
    learn,
    list_,
    parity,
    report,
    run,
    survey,
    sweep,
)
from experiments.cli import help as help_
from experiments.cli.version import versions
from experiments.engine.terminal import visible

UsageError = typer.BadParameter.__base__  # typer brings its own click, and does not name this one
CHAPTER, CODE, MEASURE = "The chapter", "Your code, and others'", "Both sides, measured"


class _Group(help_.Group):
    """Commands whose usage errors are one line each, and show what was typed."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        with self._refused(ctx):
            for text in args:
                if "\0" in text:  # which os.stat refuses in its own words, if a path was meant
                    raise typer.BadParameter(f"{visible(text)} has a null byte")
            return super().parse_args(ctx, args)

    def invoke(self, ctx: typer.Context) -> Any:
        with self._refused(ctx):
            return super().invoke(ctx)

    @contextmanager
    def _refused(self, ctx: typer.Context) -> Iterator[None]:
        try:
            yield
        except UsageError as error:
            ending.refuse(error, ctx)
            raise typer.Exit(2) from None
        except ModuleNotFoundError as error:  # a command's own imports, and its options'
            ending.report(error)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Group,
    name="lockstep",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(versions())
        raise typer.Exit


@app.callback(invoke_without_command=True)
def lockstep(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the versions."),
    ] = False,
) -> None:
    """The learning techniques of chapter 6 by hand in NumPy, in lockstep with PyTorch.

    Examples:
        lockstep run all --quick --open  # a first look at the whole chapter
        lockstep check my_adam.py:MyAdam --against Adam  # is your optimizer PyTorch's, and why not?
        lockstep list adam  # what there is of that name
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


COMMANDS = {
    CHAPTER: {
        "run": run.run,
        "learn": learn.learn,
        "sweep": sweep.sweep,
        "report": report.report,
        "list": list_.list_,
    },
    CODE: {
        "check": check.check,
        "survey": survey.survey,
        "golden": golden.golden,
        "verify": golden.verify,
    },
    MEASURE: {"parity": parity.parity, "bench": bench.bench},
}
for panel, commands in COMMANDS.items():
    for name, function in commands.items():
        app.command(name, cls=help_.Command, rich_help_panel=panel)(function)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # on an ASCII terminal, a × is a ?, not a failure
            stream.reconfigure(errors="replace")
    try:
        try:
            app(prog_name="lockstep")
        finally:
            if sys.stdout:  # None where it is closed
                sys.stdout.flush()
    except OSError as error:  # all that is left to fail is to print
        if not isinstance(error, BrokenPipeError):  # who reads has enough
            ending.report(error)
        with Path(os.devnull).open("w") as nowhere:  # where Python's last flush goes
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        ended = error.__context__
        sys.exit((isinstance(ended, SystemExit) and ended.code) or 1)
