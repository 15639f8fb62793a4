"""The command ``lockstep``."""

import difflib
import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

import experiments
from experiments.bench_command import bench
from experiments.check_command import check
from experiments.golden_commands import golden, verify
from experiments.options import Backends, DataDir, DatasetName, Device, Out
from experiments.sweep_command import sweep

if TYPE_CHECKING:
    from experiments.engine.backends import Backend
    from experiments.engine.distributed import Team
    from experiments.engine.runner import Outcome

app = typer.Typer(
    name="lockstep",
    help="The learning techniques of chapter 6 by hand in NumPy, in lockstep with PyTorch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def _at_least_one(value: int) -> int:
    if value < 1:
        raise typer.BadParameter(f"must be a whole number >= 1, got {value}")
    return value


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
        typer.echo(listing.as_markdown())
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
        typer.Option(callback=_at_least_one, metavar="N", help="Run with the seeds 0 … N−1."),
    ] = 1,
    device: Device = "auto",
    out: Out = Path("results"),
    dataset: DatasetName = "mnist",
    data_dir: DataDir = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller settings, for a first look.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run what is finished already, too.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback, too.")] = False,
) -> None:
    """Run experiments: write their numbers, figures and verdicts on the chapter's claims."""
    from experiments.engine import distributed
    from experiments.engine.output import OutputError
    from experiments.engine.runner import Options, Outcome, assist, run_all

    chosen, outcome, team = _chosen(names), Outcome(), None
    _one_of("--dataset", dataset, _datasets())
    try:  # from here on, because importing torch takes long enough to be interrupted
        team = distributed.team()
        sides = _backends(backend, team.device(device) if team else device)
        options = Options(
            sides, tuple(range(seeds)), out, dataset, data_dir, quick, force, debug, team
        )
        if team and team.rank > 0:
            assist(options)
            return
        run_all(chosen, options, console, outcome)
        if team:
            team.dismiss()
    except distributed.Stopped:
        raise typer.Exit(_stopped(team, out)) from None
    except OutputError as error:
        errors.print(f"[bold red]Error:[/] {escape(str(error))}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        if team is None or team.rank == 0:
            _print_interrupted(outcome, len(chosen), out)
        raise typer.Exit(130) from None
    _print_outcome(outcome, out)
    raise typer.Exit(1 if outcome.failed else 0)


def _stopped(team: "Team", out: Path) -> int:
    """Say, in the first process, which other one died; the exit code."""
    if team.rank > 0:
        team.last_word("stopped")
        return 128 + signal.SIGTERM
    for line in team.dead():
        errors.print(f"[bold red]Error:[/] {escape(line)}", soft_wrap=True)
    kept = escape(f"What is finished is kept in {out}; the same command runs the rest.")
    errors.print(f"Stopped. {kept}", soft_wrap=True)
    return 1


def _print_interrupted(outcome: "Outcome", asked: int, out: Path) -> None:
    done = len(outcome.written + outcome.kept)
    errors.print(f"Interrupted. {escape(f'{done} of {asked} are finished and kept in {out}.')}")


def _print_outcome(outcome: "Outcome", out: Path) -> None:
    from experiments.engine.runner import FIGURES, METRICS, RESULT

    for name in outcome.written + outcome.kept:
        files = ", ".join((*FIGURES, METRICS, RESULT))
        console.print(f"{escape(str(out / name))}{os.sep}: {files}", soft_wrap=True)
    if outcome.failed:
        errors.print(f"[bold red]Failed:[/] {', '.join(outcome.failed)}")


def _chosen(names: list[str]) -> list[str]:
    """The experiments named, in the chapter's order and each once."""
    for name in names:
        _one_of("NAME", name, (*experiments.NAMES, "all"), "`lockstep list` shows them all")
    return [name for name in experiments.NAMES if name in names or "all" in names]


def _backends(name: str, device: str) -> "tuple[Backend, ...]":
    from experiments.engine import backends

    names = backends.NAMES if name == "both" else (name,)
    for each in names:
        _one_of("--backend", each, (*backends.NAMES, "both"))
    try:
        return tuple(backends.create(each, device) for each in names)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--device") from None


def _datasets() -> tuple[str, ...]:
    from experiments.data import DATASETS

    return DATASETS


def _one_of(argument: str, value: str, allowed: tuple[str, ...], hint: str = "") -> str:
    if value in allowed:
        return value
    near = difflib.get_close_matches(value, allowed, n=1)
    message = f"{value!r} is not one of {', '.join(allowed)}"
    message += f"; did you mean {near[0]!r}?" if near else f"; {hint}" if hint else ""
    raise typer.BadParameter(message, param_hint=argument)


app.command()(bench)
app.command()(check)
app.command()(golden)
app.command()(sweep)
app.command()(verify)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # on an ASCII terminal, a × is a ?, not a failure
            stream.reconfigure(errors="replace")
    app(prog_name="lockstep")
