"""The command ``lockstep run``."""

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import experiments
from experiments.cli import options
from experiments.cli.ending import begin, computing, console, errors
from experiments.cli.parity import sum_up
from experiments.cli.report import open_page, say_what_it_lacks, written
from experiments.engine.fingerprint import code_digest
from experiments.engine.terminal import escape, show

if TYPE_CHECKING:
    from experiments.engine.runner import Outcome
    from experiments.engine.units import Unit
    from experiments.engine.workers import Workers
    from experiments.report.results import Missing, Unreadable


def _chosen(names: list[str]) -> list[str]:
    """The experiments named, in the chapter's order and each once."""
    allowed = (*experiments.NAMES, "all")
    hint = "`lockstep list` shows them all"
    names = [options.one_of(name, allowed, hint, "NAME") for name in names]
    return [name for name in experiments.NAMES if name in names or "all" in names]


def _event_files(asked: bool) -> bool:
    """Whether they are asked for; the usage error if they cannot be written."""
    if asked:
        from experiments.engine import tensorboard

        if not tensorboard.is_installed():
            raise typer.BadParameter(tensorboard.MISSING)
    return asked


def run(
    names: Annotated[
        list[str],
        typer.Argument(
            callback=_chosen,
            metavar="NAME…|all",
            help="Experiments; `lockstep list --kind experiments` shows them.",
        ),
    ],
    backend: options.Backends = "both",
    seeds: options.Seeds = 1,
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
        bool, typer.Option("--quick", help="Smaller settings, too short to judge claims.")
    ] = False,
    force: options.Force = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            callback=_event_files,
            help="Write event files for TensorBoard, too.",
            rich_help_panel=options.RESULTS,
        ),
    ] = False,
    page: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Measure the parity, too, and write the page of all results.",
            rich_help_panel=options.RESULTS,
        ),
    ] = False,
    open_: options.Open = False,
    debug: options.Debug = False,
) -> None:
    """Run experiments: write their numbers, figures and verdicts on the chapter's claims.

    What was interrupted goes on where it was when the same command is given again.

    Examples:
        lockstep run all --quick --open  # a first look at the whole chapter, as a page
        lockstep run optimizer-comparison --seeds 5  # how sure are its claims?
        lockstep run all --backend scratch --out numpy  # by hand alone, without torch
    """
    begin(f"running {', '.join(names)} with {' and '.join(backend)}")
    code_digest()  # of the code as it is before what computes is imported
    from experiments.engine.options import Options
    from experiments.engine.progress import Display
    from experiments.engine.runner import Outcome, fitting, run_all
    from experiments.engine.units import FOLDER
    from experiments.engine.workers import workers as workers_of

    outcome = Outcome()
    with computing(lambda: _kept(outcome, len(names), out), debug):
        asked = Options(
            out,
            dataset=dataset,
            data_dir=data_dir,
            force=force,
            checkpoint_every=checkpoint_every,
            memory=memory,
            processes=processes,
            threads=threads,
            seeds=tuple(range(seeds)),
            quick=quick,
            debug=debug,
            tensorboard=tensorboard,
        )
        with (
            Display(console, out / FOLDER) as display,
            workers_of(fitting(names, asked, len(backend)), threads or 1, cluster) as workers,
        ):
            asked = replace(asked, backends=options.described(backend, device, workers))
            beside = _beside(out) if page else []
            run_all(names, asked, workers, display, console, outcome, beside)
            made = _write_page(out, workers) if page else None
            made = made or (workers.call(written, out) if open_ else None)
        _sum_up(outcome, out)
        if made:
            path, lacking = made
            say_what_it_lacks(lacking)
            show(console, escape(path))
            open_page(path, open_)
        elif outcome.written:
            again = "" if out == Path("results") else f" --out {shlex.quote(str(out))}"
            show(console, escape(f"`lockstep report --open{again}` shows all of it as a page"))
    raise typer.Exit(1 if outcome.failed else 0)


def _beside(out: Path) -> "list[Unit]":
    """What ``--report`` asks for and no experiment gives."""
    from experiments.parity import run as parity_run

    return parity_run.units(out)


def _write_page(out: Path, workers: "Workers") -> "tuple[Path, list[Missing | Unreadable]]":
    """Write the parity and the page; the page's path, and what it lacks."""
    from experiments.engine import units
    from experiments.parity import run as parity_run

    measured = parity_run.units(out)
    content = parity_run.assembled(units.gathered(measured))
    parity_run.write(content, out / parity_run.FILE)
    sum_up(content)
    made = workers.call(written, out)
    units.clear(measured[0].folder)
    return made


def _kept(outcome: "Outcome", asked: int, out: Path) -> str:
    done = len(outcome.written + outcome.kept)
    return f"{done} of {asked} are finished and kept in {out}; the same command goes on from here."


def _sum_up(outcome: "Outcome", out: Path) -> None:
    """How many claims hold, those that do not, and where everything is."""
    from experiments.engine import telling
    from experiments.engine.runner import FIGURES, METRICS, RESULT

    done = [name for name in experiments.NAMES if name in outcome.written + outcome.kept]
    judged, unjudged = _claims(done, out)
    failing = [(name, claim) for name, claim in judged if not telling.holds(claim)]
    console.print()
    if count := len(judged):
        several = f"{count - len(failing)} of {count} claims hold"
        shown = several if count > 1 or failing else "The one claim holds"
        show(console, f"[bold]{shown}[/]" + (", but not:" if failing else ""))
    for name, claim in failing:
        telling.tell_claim(console, claim, f"{name}: ")
    if unjudged:
        show(console, f"{unjudged} claims are not judged: --quick is too short for them")
    if done:
        files = ", ".join((*FIGURES, METRICS, RESULT))
        show(console, f"{escape(out)}{os.sep} has a folder for each, with {files}")
    if outcome.failed:
        show(errors, f"[bold red]Failed:[/] {', '.join(outcome.failed)}")


def _claims(names: list[str], out: Path) -> tuple[list[tuple[str, dict[str, Any]]], int]:
    """Those that are judged, each with its experiment's name; and how many are not."""
    from experiments.engine import telling
    from experiments.report import results
    from experiments.report.shapes import Damaged

    judged, unjudged = [], 0
    for name in names:
        try:
            found = results.verdicts(out, name)
        except Damaged as error:  # it was edited since it was finished
            show(console, f"[red]unreadable:[/] {name}: {escape(error.why)}")
            continue
        claims = telling.claims_of(found)
        if found["quick"]:
            unjudged += len(claims)
        else:
            judged += [(name, claim) for claim in claims]
    return judged, unjudged
