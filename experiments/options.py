"""The options that several commands take, so that they are called and explained alike."""

from pathlib import Path
from typing import Annotated

import typer

Backends = Annotated[str, typer.Option(metavar="scratch|torch|both", help="Which side computes.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where torch computes.")]
Out = Annotated[Path, typer.Option(help="The folder for the results.")]
DatasetName = Annotated[
    str, typer.Option(help="mnist, or one that torchvision downloads: fashion-mnist, kmnist …")
]
DataDir = Annotated[Path | None, typer.Option(help="Where data sets are, or are downloaded to.")]
