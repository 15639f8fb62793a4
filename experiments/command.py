"""What the commands that compute have in common: their checks, and how they end."""

import difflib
import errno
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from experiments.terminal import escape

if TYPE_CHECKING:
    from experiments.engine.backends import Described
    from experiments.engine.workers import Workers

errors = Console(stderr=True, highlight=False)
INTERRUPTED = 130
#: Of one command: a hundred years of training, and a list of them still fits into memory.
MOST_RUNS = 1_000_000


def one_of(argument: str, value: str, allowed: tuple[str, ...], hint: str = "") -> str:
    """Return ``value``, or raise the usage error that names the nearest of the ``allowed``."""
    if value in allowed:
        return value
    near = difflib.get_close_matches(value, allowed, n=1)
    message = f"{value!r} is not one of {', '.join(allowed)}"
    message += f"; did you mean {near[0]!r}?" if near else f"; {hint}" if hint else ""
    raise typer.BadParameter(message, param_hint=argument)


def check_dataset(name: str) -> None:
    """Raise the usage error if there is no such data set."""
    from experiments.data import DATASETS

    one_of("--dataset", name, DATASETS)


def check_tensorboard() -> None:
    """Raise the usage error if event files cannot be written."""
    from experiments.engine import tensorboard

    if not tensorboard.is_installed():
        raise typer.BadParameter(tensorboard.MISSING, param_hint="--tensorboard")


def sides(name: str) -> tuple[str, ...]:
    """The names of the backends that ``--backend`` asks for, or the usage error."""
    from experiments.engine import backends

    names = backends.NAMES if name == "both" else (name,)
    for each in names:
        one_of("--backend", each, (*backends.NAMES, "both"))
    return names


def describe_backends(name: str, device: str, workers: "Workers") -> "tuple[Described, ...]":
    """The backends that ``--backend`` and ``--device`` ask for, as the workers have them."""
    from experiments.engine import backends, interrupt

    def describe(each: str) -> "Described":
        if each == "scratch" and not workers.cluster:
            return backends.describe(each, device)
        return workers.call(backends.describe, each, device, ready=True)

    try:
        with interrupt.deferred():  # torch aborts where it is interrupted while it is imported
            return tuple(describe(each) for each in sides(name))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--device") from None


def in_bytes(gigabytes: float | None) -> int | None:
    """What ``--memory`` asks for."""
    if gigabytes is not None and not 0 < gigabytes < 1e6:
        raise typer.BadParameter(
            f"must be gigabytes, above 0 and below a million, got {gigabytes}",
            param_hint="--memory",
        )
    return None if gigabytes is None else int(gigabytes * 1e9)


@contextmanager
def failing(debug: bool = False, code: int = 1) -> Iterator[None]:
    """Around a command's work: what fails has one message, and ``code``; a signal has its own."""
    from experiments.engine import interrupt

    try:
        with interrupt.heeding_signals():
            yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except KeyboardInterrupt as ended:
        errors.print(f"{str(ended) or 'Interrupted'}.")
        raise typer.Exit(getattr(ended, "exit_code", INTERRUPTED)) from None
    except Exception as error:
        report(error, debug)
        raise typer.Exit(code) from None


def report(error: Exception, debug: bool = False, kept: str = "") -> None:
    """One message for what has failed and what is kept, and the traceback if it is asked for."""
    text = str(error) or type(error).__name__
    if _is_of_standard_output(error):
        text = f"standard output cannot be written: {error.strerror}"
    elif not _is_for_people(error):
        text = f"{type(error).__name__}: {text}; --debug shows where"
    text += f"; {kept}" if kept else ""
    errors.print(f"[bold red]Error:[/] {escape(text)}", soft_wrap=True)
    if debug:
        errors.print(escape("".join(traceback.format_exception(error))), soft_wrap=True)


@contextmanager
def computing(kept: Callable[[], str], debug: bool = False) -> Iterator[None]:
    """Around a command's work: every way that it can end has its message and its exit code.

    After Ctrl-C or SIGTERM the code is 128 + the signal's number, after a failure it is 1.

    Args:
        kept: says what is kept where the work does not come to its end.
        debug: show the traceback of a failure, too.
    """
    from experiments.engine import interrupt, workers

    try:
        with interrupt.heeding_signals():
            workers.check_launcher()
            yield
    except KeyboardInterrupt as ended:
        errors.print(f"{str(ended) or 'Interrupted'}. {escape(kept())}", soft_wrap=True)
        raise typer.Exit(getattr(ended, "exit_code", INTERRUPTED)) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except workers.WorkersLost as error:
        report(error, debug, kept())
        raise typer.Exit(1) from None
    except Exception as error:
        report(error, debug)
        raise typer.Exit(1) from None


def _is_of_standard_output(error: Exception) -> bool:
    """Whether printing has failed; what is written to files is reported by their names."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF)
    return full and error.filename is None


def _is_for_people(error: Exception) -> bool:
    """Whether it was raised to be read by the user: by this project, or for want of memory."""
    return type(error).__module__.startswith(("experiments.", "torch_ref.")) or isinstance(
        error, MemoryError
    )
