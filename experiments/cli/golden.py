"""The commands for implementations in other languages: ``lockstep golden``, ``lockstep verify``."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.ending import begin, errors_reported, usage_error
from experiments.cli.options import Debug, Json, folder, spelled
from experiments.engine import interrupt
from experiments.engine.terminal import as_json, visible

CANNOT = 2  # where 1 says that they differ


def golden(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="An optimizer, see `lockstep list`.")
    ] = None,
    out: Annotated[Path, folder("The folder for the files.")] = Path("golden"),
    all_: Annotated[bool, typer.Option("--all", help="Every optimizer.")] = False,
    debug: Debug = False,
) -> None:
    """Write what torch's optimizer computes, step by step, for other languages to check against.

    A safetensors file with the gradients, parameters and state buffers of every step, and its
    manifest as JSON. `lockstep verify` compares another implementation's file with it.

    Examples:
        lockstep golden Adam  # golden/adam.safetensors and golden/adam.json
        lockstep golden --all --out expected  # every optimizer
    """
    if (name is None) != all_:
        raise typer.BadParameter("give the name of one optimizer, or --all", param_hint="NAME")
    begin(f"recording {name or 'every optimizer'}")
    with errors_reported(debug):
        with interrupt.deferred():  # torch aborts where it is interrupted while it is imported
            from torch_ref.lockstep import golden as files
        if name is not None:
            name = spelled(name)
            with usage_error("NAME", files.GoldenError):
                files.pair_named(name)
        for each in files.all_names() if name is None else (name,):
            written = files.write_golden(each, out)
            size = written.stat().st_size / 1000
            manifest = written.with_suffix(".json").name
            typer.echo(f"{visible(written)}: {size:.0f} kB, and its manifest {manifest}")


def verify(
    golden: Annotated[
        Path,
        typer.Argument(metavar="GOLDEN", help="A file of `lockstep golden`.", readable=False),
    ],
    candidate: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The safetensors file of your implementation.", readable=False
        ),
    ],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare another implementation's trajectories with torch's.

    The exit status is 0 if they agree to rounding, 1 if they diverge, and 2 if one of the files
    cannot be used.

    Examples:
        lockstep verify golden/adam.safetensors mine.safetensors  # where do they part?
    """
    begin(f"comparing {candidate} with {golden}")
    with errors_reported(debug, CANNOT):
        with interrupt.deferred():
            from torch_ref.lockstep import golden as files

        verification = files.verify(golden, candidate)
    typer.echo(as_json(verification.as_dict()) if json else visible(verification))
    raise typer.Exit(0 if verification.agrees else 1)
