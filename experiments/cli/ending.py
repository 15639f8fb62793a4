"""How a command ends: for every error one message and an exit code."""

import errno
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console

from experiments.engine import interrupt
from experiments.engine.terminal import as_json, escape, show
from torch_ref.errors import LockstepError
from torch_ref.extras import explained

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
INTERRUPTED = 130


def begin(what: str) -> None:
    """Say at once at a terminal what a command does: to import what it needs can take seconds."""
    if errors.is_terminal:
        show(errors, f"[dim]{escape(what)} …[/]")


def refuse(error: Any, context: typer.Context) -> None:
    """Say what is wrong with what was typed."""
    where = getattr(error, "param_hint", None)
    if where is None and (param := getattr(error, "param", None)):
        where = max(param.opts, key=len) if param.param_type_name == "option" else param.metavar
    # What has no message of its own, such as an argument that is missing, has words of click's.
    text = f"{where}: {error.message}" if where and error.message else error.format_message()
    command = (error.ctx or context).command_path
    show(errors, f"[bold red]Error:[/] {escape(text)}")
    show(errors, f"[dim]`{command} --help` shows what there is.[/]")


@contextmanager
def usage_error(argument: str | None = None, of: type[Exception] = ValueError) -> Iterator[None]:
    """Within, such an error is the usage error of an argument; of the callback's, if unnamed."""
    try:
        yield
    except of as error:
        raise typer.BadParameter(str(error), param_hint=argument) from None


@contextmanager
def errors_reported(
    debug: bool = False, code: int = 1, kept: Callable[[], str] = str, json: bool = False
) -> Iterator[None]:
    """Around a command's work: every way that it can end has its message and its exit code.

    After Ctrl-C or SIGTERM the code is 128 + the signal's number.

    Args:
        debug: show the traceback of a failure, too.
        code: after a failure.
        kept: says what is kept where the work does not come to its end.
        json: print the message of a failure as JSON.
    """
    try:
        with interrupt.heeding_signals():
            yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except KeyboardInterrupt as ended:
        text = f"{str(ended) or 'Interrupted'}. {kept()}"
        show(errors, escape(text.strip()))
        raise typer.Exit(getattr(ended, "exit_code", INTERRUPTED)) from None
    except Exception as raised:
        error = _with_what_to_install(raised)
        if json:
            typer.echo(as_json({"error": str(error) or type(error).__name__}))
        else:
            resumable = isinstance(error, LockstepError) and error.resumable
            report(error, debug, kept() if resumable else "")
        raise typer.Exit(code) from None


@contextmanager
def computing(kept: Callable[[], str], debug: bool = False) -> Iterator[None]:
    """:func:`errors_reported` around what computes, which no launcher may start several times."""
    from experiments.engine.workers import check_launcher

    with errors_reported(debug, kept=kept):
        check_launcher()
        yield


def report(error: Exception, debug: bool = False, kept: str = "") -> None:
    """One message for what has failed and what is kept, and the traceback if it is asked for."""
    error = _with_what_to_install(error)
    text = str(error) or type(error).__name__
    if _is_of_standard_output(error):
        text = f"standard output cannot be written: {error.strerror}"
    elif not isinstance(error, LockstepError | MemoryError):
        text = f"{type(error).__name__}: {text}; --debug shows where"
    text += f"; {kept}" if kept else ""
    show(errors, f"[bold red]Error:[/] {escape(text)}")
    if debug:
        errors.print(escape("".join(traceback.format_exception(error))), soft_wrap=True)


def _with_what_to_install(error: Exception) -> Exception:
    """The same error; of a package that an extra brings, one that says so."""
    return explained(error) if isinstance(error, ModuleNotFoundError) else error


def _is_of_standard_output(error: Exception) -> bool:
    """Whether printing has failed; what is written to files is reported by their names."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF)
    return full and error.filename is None
