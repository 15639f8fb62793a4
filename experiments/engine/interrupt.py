"""Ctrl-C and SIGTERM: heeded at once, or, while torch is imported, after that.

A second signal is heeded at once, wherever the program is.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A signal asks this process to end."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum

    @property
    def exit_code(self) -> int:
        """As shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.signum

    def __str__(self) -> str:
        return "Interrupted" if self.signum == signal.SIGINT else "Terminated"


_seen: list[int] = []
_deferring: list[bool] = []


def check() -> None:
    """Raise ``Interrupted`` if there was a signal.

    It has raised already, as a rule. But where Python runs a callback that may not fail, as for a
    weak reference, it prints an exception and drops it.
    """
    if _seen:
        raise Interrupted(_seen[0])


@contextmanager
def deferred() -> Iterator[None]:
    """Within, the first signal is only noted; it is raised in the end at the latest."""
    _deferring.append(True)
    try:
        yield
    finally:
        _deferring.pop()
    check()


@contextmanager
def heeding_signals() -> Iterator[None]:
    """Within, Ctrl-C and SIGTERM raise ``Interrupted``."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    _seen.clear()
    before = {signum: signal.signal(signum, _note) for signum in SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        _seen.clear()


@contextmanager
def held_back() -> Iterator[None]:
    """Within, a Ctrl-C waits; a process that is begun within never gets it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _note(signum: int, frame: object) -> None:
    _seen.append(signum)
    if not _deferring or len(_seen) > 1:
        raise Interrupted(_seen[0])
