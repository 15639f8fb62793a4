"""The command ``lockstep survey``."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.ending import begin, errors, errors_reported
from experiments.cli.options import Debug, Json, folder, number, one_of, whole
from experiments.engine.terminal import escape


def survey(
    package: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Check this package alone; repeatable."),
    ] = None,
    out: Annotated[
        Path | None, folder("Write survey.md and survey.json there; else the table is printed.")
    ] = None,
    jobs: Annotated[int, number("N", whole(1, 64), "How many packages at once.")] = 1,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check what the installed packages have, against torch's: whose Adam is PyTorch's?

    Examples:
        lockstep survey --package optax  # of one package
        lockstep survey --jobs 4 --out survey  # of all, as a page and as JSON
    """
    begin("checking the packages that are installed")
    with errors_reported(debug, json=json):
        from experiments.survey import report
        from experiments.survey import run as surveying

        known = surveying.known_packages()
        package = [one_of(name, known, argument="--package") for name in package or ()]
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)

        def told(name: str, checks: int, seconds: float) -> None:
            errors.print(f"[dim]{escape(name)}: {checks} checks, {seconds:.0f} s[/]")

        found = surveying.survey(package, jobs=jobs, told=told)
        page, data = report.as_markdown(found, report.versions()), report.as_json(found)
        if out is not None:
            (out / "survey.md").write_text(page, encoding="utf-8")
            (out / "survey.json").write_text(data, encoding="utf-8")
        if json or out is None:
            typer.echo(data if json else page, nl=False)
