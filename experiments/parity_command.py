"""The command ``lockstep parity``."""

from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from experiments.options import Out

INTERRUPTED = 130


def parity(out: Out = Path("results")) -> None:
    """Measure how far the two sides are apart: every twin, a training, every convention.

    The numbers go to parity.json in the folder, for `lockstep report`.
    """
    from experiments.engine.output import OutputError

    errors = Console(stderr=True, highlight=False)
    try:
        path = measure_into(out, Console(highlight=False))
    except OutputError as error:
        errors.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        errors.print("[bold red]Error:[/] interrupted, nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(path)


def measure_into(out: Path, console: Console) -> Path:
    """Measure, say how it went, and return the file's path.

    Raises:
        OutputError: the folder cannot be written.
    """
    from experiments.engine.output import prepare
    from experiments.parity.run import FILE, measure, write

    prepare(out)
    with console.status("parity") as status:
        content = measure(lambda name: status.update(f"parity · {name}"))
    write(content, out / FILE)
    console.print(
        f"[bold]parity[/] of {len(content['twins'])} twins and {len(content['conventions'])} "
        f"conventions in {content['seconds']:.1f} s"
    )
    return out / FILE
