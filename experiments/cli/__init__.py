"""The command ``lockstep``: a module for each of its commands.

options   the options that several commands take
ending    how a command ends: a message and an exit code for every error
"""

import io
import os
import sys
from pathlib import Path
from typing import Any

import typer
import typer.core

from experiments.cli import (
    bench,
    check,
    ending,
    golden,
    list_,
    parity,
    report,
    run,
    survey,
    sweep,
)
from experiments.engine.terminal import visible

UsageError = typer.BadParameter.__base__  # typer brings its own click, and does not name this one


class _Group(typer.core.TyperGroup):
    """Commands whose usage errors show what was typed, and do not obey it."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        for text in args:
            if "\0" in text:  # which os.stat refuses in its own words, if a path was meant
                raise typer.BadParameter(f"{visible(text)} has a null byte")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: typer.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            error.message = visible(error.message)
            raise
        except ModuleNotFoundError as error:  # a command's own imports, and its options'
            ending.report(error)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Group,
    name="lockstep",
    help="The learning techniques of chapter 6 by hand in NumPy, in lockstep with PyTorch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("list")(list_.list_)
app.command()(run.run)
app.command()(bench.bench)
app.command()(check.check)
app.command()(golden.golden)
app.command()(parity.parity)
app.command()(report.report)
app.command()(survey.survey)
app.command()(sweep.sweep)
app.command()(golden.verify)


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
