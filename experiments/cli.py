"""The command ``lockstep``."""

import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core
from rich.console import Console

import experiments
from experiments import command
from experiments.bench_command import bench
from experiments.check_command import check
from experiments.golden_commands import golden, verify
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
from experiments.parity_command import parity, sum_up
from experiments.report_command import report, say_what_it_lacks, written
from experiments.sweep_command import sweep
from experiments.terminal import escape, visible

if TYPE_CHECKING:
    from experiments.engine.runner import Outcome
    from experiments.engine.units import Unit
    from experiments.engine.workers import Workers
    from experiments.report.results import Missing, Unreadable


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


app = typer.Typer(
    cls=_Group,
    name="lockstep",
    help="The learning techniques of chapter 6 by hand in NumPy, in lockstep with PyTorch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
console = Console(highlight=False)


def _possible(seeds: int) -> int:
    if seeds < 1:
        raise typer.BadParameter(f"must be a whole number >= 1, got {seeds}")
    if seeds > command.MOST_RUNS:
        raise typer.BadParameter(f"must be at most {command.MOST_RUNS:,}, got {seeds:,}")
    return seeds


@app.callback()
def _root() -> None:
    """A callback keeps ``lockstep run`` a subcommand, however many there are."""


@app.command(name="list")
def list_(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As the README's tables, for a file.")
    ] = False,
) -> None:
    """Show the experiments, and what is hand-written beside what in torch."""
    from experiments import listing

    if markdown:
        typer.echo("\n".join(listing.as_markdown().values()))
    else:
        listing.print_tables(console)


@app.command()
def run(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME…|all", help="Experiments, see `lockstep list`.")
    ],
    backend: Backends = "both",
    seeds: Annotated[
        int,
        typer.Option(callback=_possible, metavar="N", help="Run with the seeds 0 … N−1."),
    ] = 1,
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
        bool, typer.Option("--quick", help="Smaller settings, for a first look.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run what is finished already, too.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write event files for TensorBoard, too.")
    ] = False,
    page: Annotated[
        bool, typer.Option("--report", help="Then measure the parity, and write the page of it.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Run experiments: write their numbers, figures and verdicts on the chapter's claims."""
    from experiments.engine.progress import Display
    from experiments.engine.runner import Options, Outcome, fitting, run_all
    from experiments.engine.units import FOLDER
    from experiments.engine.workers import workers as workers_of

    chosen, outcome, sides = _chosen(names), Outcome(), command.sides(backend)
    command.check_dataset(dataset)
    if tensorboard:
        command.check_tensorboard()
    with command.computing(lambda: _kept(outcome, len(chosen), out), debug):
        asked = Options(
            (),
            tuple(range(seeds)),
            out,
            dataset,
            data_dir,
            quick,
            force,
            debug,
            tensorboard,
            checkpoint_every,
            command.in_bytes(memory),
            processes,
            threads,
            cluster,
        )
        with (
            Display(console, out / FOLDER) as display,
            workers_of(fitting(chosen, asked, len(sides)), threads or 1, cluster) as workers,
        ):
            options = replace(asked, backends=command.describe_backends(backend, device, workers))
            beside = _beside(out) if page else []
            run_all(chosen, options, workers, display, console, outcome, beside)
            made = _write_page(out, workers) if page else None
        _print_outcome(outcome, out)
        if made:
            path, lacking = made
            say_what_it_lacks(lacking, console)
            console.print(escape(str(path)), soft_wrap=True)
    raise typer.Exit(1 if outcome.failed else 0)


def _beside(out: Path) -> "list[Unit]":
    """What ``--report`` asks for and no experiment gives."""
    from experiments.parity import run as parity_run
    from experiments.report import pieces

    return [*parity_run.units(out), *pieces.units(out)]


def _write_page(out: Path, workers: "Workers") -> "tuple[Path, list[Missing | Unreadable]]":
    """Write the parity and the page; the page's path, and what it lacks."""
    from experiments.engine import units
    from experiments.parity import run as parity_run
    from experiments.report import pieces

    measured, computed = parity_run.units(out), pieces.units(out)
    content = parity_run.assembled(units.gathered(measured))
    parity_run.write(content, out / parity_run.FILE)
    sum_up(content, console)
    found = dict(zip(pieces.PIECES, units.gathered(computed), strict=True))
    made = workers.call(written, out, found)
    for unit in (measured[0], computed[0]):
        units.clear(unit.folder)
    return made


def _kept(outcome: "Outcome", asked: int, out: Path) -> str:
    done = len(outcome.written + outcome.kept)
    return f"{done} of {asked} are finished and kept in {out}; the same command goes on from here."


def _print_outcome(outcome: "Outcome", out: Path) -> None:
    from experiments.engine.runner import FIGURES, METRICS, RESULT
    from experiments.engine.tensorboard import FOLDER

    done = outcome.written + outcome.kept
    for name in filter(done.__contains__, experiments.NAMES):
        events = [f"{FOLDER}{os.sep}"] if (out / name / FOLDER).exists() else []
        files = ", ".join((*FIGURES, METRICS, RESULT, *events))
        console.print(f"{escape(str(out / name))}{os.sep}: {files}", soft_wrap=True)
    if outcome.failed:
        command.errors.print(f"[bold red]Failed:[/] {', '.join(outcome.failed)}")


def _chosen(names: list[str]) -> list[str]:
    """The experiments named, in the chapter's order and each once."""
    for name in names:
        command.one_of("NAME", name, (*experiments.NAMES, "all"), "`lockstep list` shows them all")
    return [name for name in experiments.NAMES if name in names or "all" in names]


app.command()(bench)
app.command()(check)
app.command()(golden)
app.command()(parity)
app.command()(report)
app.command()(sweep)
app.command()(verify)


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
            command.report(error)
        with Path(os.devnull).open("w") as nowhere:  # where Python's last flush goes
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        ended = error.__context__
        sys.exit((isinstance(ended, SystemExit) and ended.code) or 1)
