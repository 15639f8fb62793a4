"""The commands for implementations in other languages: ``lockstep golden``, ``lockstep verify``."""

import json
from pathlib import Path
from typing import Annotated

import typer


def golden(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="An optimizer, see `lockstep list`.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder for the files.")] = Path("golden"),
    all_: Annotated[bool, typer.Option("--all", help="Every optimizer.")] = False,
) -> None:
    """Write what torch's optimizer computes, step by step, for other languages to check against.

    A safetensors file with the gradients, parameters and state buffers of every step, and its
    manifest as JSON. `lockstep verify` compares another implementation's file with it.
    """
    if (name is None) != all_:
        raise typer.BadParameter("give the name of one optimizer, or --all", param_hint="NAME")
    from torch_ref.lockstep.golden import all_names, write_golden
    from torch_ref.lockstep.tensor_file import GoldenError

    try:
        for each in all_names() if name is None else (name,):
            path = write_golden(each, out)
            size = path.stat().st_size / 1000
            typer.echo(f"{path}: {size:.0f} kB, and its manifest {path.with_suffix('.json').name}")
    except GoldenError as error:
        raise _cannot(error) from None


def verify(
    golden: Annotated[Path, typer.Argument(help="A file of `lockstep golden`.")],
    candidate: Annotated[Path, typer.Argument(help="The safetensors file of your implementation.")],
    json_: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Compare another implementation's trajectories with torch's.

    The exit status is 0 if they agree to rounding, 1 if they diverge, and 2 if one of the files
    cannot be used.
    """
    from torch_ref.lockstep.tensor_file import GoldenError
    from torch_ref.lockstep.verify import verify as compare

    try:
        verification = compare(golden, candidate)
    except GoldenError as error:
        raise _cannot(error) from None
    typer.echo(json.dumps(verification.as_dict(), indent=2) if json_ else str(verification))
    raise typer.Exit(0 if verification.agrees else 1)


def _cannot(error: Exception) -> typer.Exit:
    typer.echo(f"Error: {error}", err=True)
    return typer.Exit(2)
