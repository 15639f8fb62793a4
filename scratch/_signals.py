"""Signals wait for the end of what must not be half done.

Python raises ``KeyboardInterrupt`` between any two operations: an update that Ctrl-C stops in the
middle would leave some parameters a step ahead of the others.
"""

import _signal  # type: ignore[import-not-found]
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

#: Ctrl-C, and what asks a program to end; another handler that raises is its author's care.
_WAIT = (signal.SIGTERM, signal.SIGINT)
# The module's own, without the enumerations that make each call cost several microseconds.
_handler_of, _handle_by = _signal.getsignal, _signal.signal


class SignalsWait:
    """Within, SIGINT and SIGTERM are only noted; at the end their handlers run, and may raise.

    One that comes again does not wait: what it stops may never end. All of this is in the main
    thread: the handlers of Python run in no other.

    >>> done = []
    >>> try:
    ...     with SignalsWait():
    ...         signal.raise_signal(signal.SIGINT)
    ...         done.append("the rest")
    ... except KeyboardInterrupt:
    ...     print(done)
    ['the rest']
    """

    __slots__ = ("_came", "_handlers")

    def __enter__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._came: list[tuple[int, FrameType | None]] = []
        if threading.get_ident() != threading.main_thread().ident:
            return
        try:
            for number in _WAIT:
                handler = _handler_of(number)
                if callable(handler):
                    self._handlers[number] = handler
                    _handle_by(number, self._note)
        except BaseException:  # of the first handler, while the second is being replaced
            self._restore()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()
        for number, frame in self._came:
            self._handlers[number](number, frame)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if any(number == other for other, _ in self._came):
            self._handlers[number](number, frame)
        self._came.append((number, frame))

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            _handle_by(number, handler)
