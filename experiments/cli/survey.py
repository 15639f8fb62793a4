"""The command ``lockstep survey``."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.ending import errors, errors_reported
from experiments.cli.options import Debug, Json
from experiments.engine.terminal import escape


def survey(
    package: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A package alone, as it is imported; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write survey.md and survey.json there."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many packages at once.")] = 1,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check what the installed packages have, against torch's: whose Adam is PyTorch's?"""
    with errors_reported(debug, json=json):
        from experiments.survey import report
        from experiments.survey import run as surveying

        known = surveying.known_packages()
        for name in package or ():
            if name not in known:
                raise typer.BadParameter(
                    f"{name!r} is not in the survey: it has {', '.join(known)}",
                    param_hint="--package",
                )
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)

        def told(name: str, checks: int, seconds: float) -> None:
            errors.print(f"[dim]{escape(name)}: {checks} checks, {seconds:.0f} s[/]")

        found = surveying.survey(package or (), jobs=jobs, told=told)
        page, data = report.as_markdown(found, report.versions()), report.as_json(found)
        if out is not None:
            (out / "survey.md").write_text(page, encoding="utf-8")
            (out / "survey.json").write_text(data, encoding="utf-8")
        if json or out is None:
            typer.echo(data if json else page, nl=False)
