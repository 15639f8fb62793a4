"""The command ``lockstep learn``."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.ending import begin, console, errors_reported
from experiments.cli.options import Debug, number, one_of, whole
from experiments.engine.terminal import escape, show
from experiments.engine.texts import say

if TYPE_CHECKING:
    from experiments.lesson.grading import Mark

_LANGUAGES = ("en", "ko")


def _language(name: str) -> str:
    return one_of(name, _LANGUAGES)


def learn(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE.py",
            help="Where to put the notebooks; or your answers, to be marked. They are run here.",
            readable=False,
        ),
    ] = Path("lesson"),
    language: Annotated[
        str,
        typer.Option(callback=_language, metavar="|".join(_LANGUAGES), help="Of the lesson."),
    ] = "en",
    hints: Annotated[int, number("N", whole(0, 9), "How many to show for what is not right.")] = 0,
    open_it: Annotated[
        bool, typer.Option("--open/--no-open", help="Start JupyterLab, if it is installed.")
    ] = True,
    debug: Debug = False,
) -> None:
    """Learn chapter 6 by writing it: notebooks whose exercises are marked, here or there.

    Exit status: 0 all answers are right, 1 some are not, or it failed.

    Examples:
        lockstep learn lesson --language ko  # the notebooks in Korean, opened in JupyterLab
        lockstep learn lesson/my_answers.py --hints 1  # marked; helps with the rest
    """
    begin(f"marking {place}" if place.suffix == ".py" else f"copying the lesson to {place}")
    with errors_reported(debug):
        from experiments.lesson import files
        from experiments.lesson.language import speak

        speak(language)
        if place.suffix == ".py":
            right = _mark(place, hints)
            raise typer.Exit(0 if right else 1)
        for copied in files.copy(place, language):
            show(console, escape(f"{copied} is written"))
        _open(place, open_it and files.has_jupyter())


def _mark(file: Path, hints: int) -> bool:
    """Print the marks; returns whether all are right."""
    from experiments.lesson.exercises import EXERCISES
    from experiments.lesson.files import marked
    from experiments.lesson.language import told

    marks = marked(file)
    right = sum(mark.right for mark in marks)
    counted = say("{right} of {count} are right", right=right, count=len(EXERCISES))
    lines = [line for mark in marks for line in _lines(mark, hints)]
    for line in (*lines, told(counted)):
        show(console, escape(line))
    return right == len(EXERCISES)


def _lines(mark: "Mark", hints: int) -> list[str]:
    from experiments.lesson.hints import Hint

    count = 0 if mark.right else min(hints, len(mark.exercise.hints))
    shown = [f"    {Hint(mark.exercise, number)}" for number in range(1, count + 1)]
    return [*str(mark).splitlines(), *shown]


def _open(folder: Path, jupyter: bool) -> None:
    from experiments.lesson.files import ANSWERS

    if jupyter:
        subprocess.run([sys.executable, "-m", "jupyterlab", str(folder)], check=False)
        return
    answers = folder / ANSWERS
    show(console, escape(f"Open the notebooks: jupyter lab {folder}"))
    show(console, escape("  (pip install 'lockstep-scratch[notebook]')"))
    show(console, escape(f"Or fill in {answers}, and have it marked:"))
    show(console, escape(f"  lockstep learn {answers}"))
