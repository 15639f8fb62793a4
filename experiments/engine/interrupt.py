"""Ctrl-C that is not lost."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def heeding_ctrl_c() -> Iterator[Callable[[], None]]:
    """Give a function that raises ``KeyboardInterrupt`` if there was a Ctrl-C so far.

    Ctrl-C raises at once, too. But where Python runs a callback that may not fail, as for a weak
    reference, it prints the exception and drops it; the next call of the function raises it again.
    """
    seen = []

    def note(signum: int, frame: object) -> None:
        seen.append(signum)
        raise KeyboardInterrupt

    def check() -> None:
        if seen:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield check
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
