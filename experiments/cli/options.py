"""The options that several commands take, each declared once: its help, and what it may be.

A command is given what an option's callback returns.
"""

import difflib
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.cli.ending import usage_error

if TYPE_CHECKING:
    from experiments.engine.backends import Described
    from experiments.engine.workers import Workers

#: Of one command: a hundred years of training, and a list of them still fits into memory.
MOST_RUNS = 1_000_000
#: What the options of a command are about, in its --help.
COMPUTING, DATA, RESULTS = "Where and how it is computed", "Data", "Results"


def one_of(value: str, allowed: Iterable[str], hint: str = "", argument: str | None = None) -> str:
    """Return that of the ``allowed`` which ``value`` is, in any case of its letters.

    Raises:
        BadParameter: it is none of them; the message names the nearest.
    """
    names = {name.casefold(): name for name in allowed}
    if value.casefold() in names:
        return names[value.casefold()]
    near = difflib.get_close_matches(value.casefold(), names, n=1)
    message = f"{value!r} is not one of {', '.join(names.values())}"
    message += f"; did you mean {names[near[0]]!r}?" if near else f"; {hint}" if hint else ""
    raise typer.BadParameter(message, param_hint=argument)


def spelled(name: str) -> str:
    """A name of the registry as that has it, if it is one but for the case of its letters."""
    from torch_ref.registry import spelled

    return spelled(name)


def whole(least: int, most: int) -> Callable[[str], int]:
    """What reads an option that is a whole number, and says what it may be.

    >>> whole(1, 64)("8")
    8
    """

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            allowed = f"a whole number from {least:,} to {most:,}"
            raise typer.BadParameter(f"must be {allowed}, got {_shown(text)}")
        return number

    return read


def decimal(what: str, allowed: Callable[[float], bool]) -> Callable[[str], float]:
    """What reads an option that is a number.

    Args:
        what: it may be, for people.
        allowed: whether a number is that.

    >>> decimal("seconds, 0 or more", lambda value: value >= 0)("2.5")
    2.5
    """

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not allowed(number):
            raise typer.BadParameter(f"must be {what}, got {_shown(text)}")
        return number

    return read


def _shown(text: object) -> str:
    """A value in a message, cut where it is long."""
    text = repr(str(text))
    return text if len(text) <= 80 else f"{text[:79]}…"


def number(metavar: str, read: Callable[[str], Any], help: str, panel: str | None = None) -> Any:
    """An option that is one."""
    return typer.Option(parser=read, metavar=metavar, help=help, rich_help_panel=panel)


def unless_completing(read: Callable[[Any], Any]) -> Callable[[typer.Context, Any], Any]:
    """The callback of an option that imports what it needs: not at every Tab in a shell."""

    def callback(ctx: typer.Context, value: Any) -> Any:
        return value if ctx.resilient_parsing else read(value)

    return callback


def described(
    backends: tuple[str, ...], device: str, workers: "Workers"
) -> "tuple[Described, ...]":
    """The backends that ``--backend`` and ``--device`` ask for, as the workers have them."""
    from experiments.engine import interrupt
    from experiments.engine.backends import describe

    def one(name: str) -> "Described":
        if name == "scratch" and not workers.cluster:
            return describe(name, device)
        return workers.call(describe, name, device, ready=True)

    # torch aborts where it is interrupted while it is imported.
    with usage_error("--device"), interrupt.deferred():
        return tuple(map(one, backends))


def _backends(name: str) -> tuple[str, ...]:
    from experiments.engine.backends import NAMES

    chosen = one_of(name, (*NAMES, "both"))
    return NAMES if chosen == "both" else (chosen,)


def _dataset(name: str) -> str:
    from experiments.data import DATASETS

    return one_of(name, DATASETS)


def _bytes(text: str) -> int:
    gigabytes = "gigabytes, above 0 and below a million"
    # What is less than a byte is not nothing, which would be no limit.
    return max(1, int(decimal(gigabytes, lambda value: 0 < value < 1e6)(text) * 1e9))


def _device(name: str) -> str:
    return name.casefold()


def _cluster(address: str | None) -> str | None:
    if address is not None:
        from experiments.engine.workers import check_cluster

        with usage_error():
            check_cluster(address)
    return address


def _folder(name: str) -> Path:
    if not name:
        raise typer.BadParameter("must be a folder, got ''; a dot is the current one")
    return Path(name)


def folder(help: str, panel: str | None = None) -> Any:
    """An option that is a folder. What may not be read or written is said by who does it."""
    return typer.Option(parser=_folder, metavar="FOLDER", help=help, rich_help_panel=panel)


Backends = Annotated[
    str,
    typer.Option(
        callback=unless_completing(_backends),
        metavar="scratch|torch|both",
        help="Which side computes.",
        rich_help_panel=COMPUTING,
    ),
]
Seeds = Annotated[
    int, number("N", whole(1, MOST_RUNS), "Run with the seeds 0 to N−1, and judge in each.")
]
Device = Annotated[
    str,
    typer.Option(
        callback=_device,
        metavar="auto|cpu|cuda|mps",
        help="Where torch computes; auto is the fastest there is.",
        rich_help_panel=COMPUTING,
    ),
]
Out = Annotated[Path, folder("The folder for the results.", RESULTS)]
DatasetName = Annotated[
    str,
    typer.Option(
        callback=unless_completing(_dataset),
        metavar="NAME",
        help="mnist, or one that torchvision downloads, such as fashion-mnist.",
        rich_help_panel=DATA,
    ),
]
DataDir = Annotated[Path | None, folder("Where data sets are, or are downloaded to.", DATA)]
CheckpointEvery = Annotated[
    float,
    number(
        "SECONDS",
        decimal("seconds, 0 or more", lambda value: value >= 0),
        "How often a training is saved, to go on from there.",
        RESULTS,
    ),
]
Memory = Annotated[
    int | None,
    number("GB", _bytes, "The most memory that all runs take; half of the machine's.", COMPUTING),
]
Processes = Annotated[
    int | None,
    number("N", whole(1, 1024), "How many processes compute; one for each core.", COMPUTING),
]
Threads = Annotated[
    int | None,
    number("N", whole(1, 64), "How many threads each has; as many as are fastest.", COMPUTING),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        callback=_cluster,
        metavar="dask://…|ray://…",
        help="The cluster whose processes compute instead.",
        rich_help_panel=COMPUTING,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Run what is finished already once more.", rich_help_panel=RESULTS
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Open = Annotated[
    bool, typer.Option("--open", help="Show the page in the browser.", rich_help_panel=RESULTS)
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure, too.")]
