"""A program and its standard streams, on which nobody waits for ever."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
import weakref
from collections.abc import Sequence

#: A line that is longer is no message.
LONGEST_LINE = 2**20
#: Of what it writes to its standard error, as much as a message shows.
_KEPT = 2000
_CHUNK = 2**16
#: So long an ended program's last words may be on their way, and an honest one may take to leave.
_GRACE = 0.2


class PipeError(Exception):
    """What was waited for will not come; the message says what the program did instead."""


class Pipes:
    """A program that is running, in a session of its own.

    It and what it has started are killed with :meth:`close`, at the latest when nobody has the
    object any more or Python ends. Only what leaves its process group on purpose stays.

    Args:
        command: the program and its arguments; no shell reads them.
        patience: the seconds from a message to the end of its answer.

    Attributes:
        received: what it has written and nobody has taken yet.

    Raises:
        OSError: there is no such program, or it may not be run.

    >>> cat = Pipes(["cat"], patience=5)
    >>> cat.send(b"one line and more")
    >>> cat.exactly(3)
    b'one'
    >>> cat.close()
    """

    def __init__(self, command: Sequence[str], patience: float) -> None:
        self._patience, self._until = patience, time.monotonic() + patience
        self._program = subprocess.Popen(
            list(command),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._ended = weakref.finalize(self, _end, self._program)
        self._unsent, self.received, self._errors = bytearray(), bytearray(), bytearray()
        self._selector = selectors.DefaultSelector()
        for stream in (self._program.stdin, self._program.stdout, self._program.stderr):
            os.set_blocking(_number(stream), False)
        for stream in (self._program.stdout, self._program.stderr):
            self._selector.register(_number(stream), selectors.EVENT_READ)

    def send(self, data: bytes) -> None:
        """Send ``data``; what does not fit into the pipe goes while the answer is waited for.

        Raises:
            PipeError: it has answered without having read what it was sent before.
        """
        if self._unsent:
            raise PipeError("it has not read what it was sent before")
        self._until = time.monotonic() + self._patience
        self._unsent += data
        self._write()
        if self._unsent:
            self._selector.register(_number(self._program.stdin), selectors.EVENT_WRITE)

    def line(self) -> bytes:
        """The next line, without its end.

        Raises:
            PipeError: the time is over, the program is, or the line is too long.
        """
        looked = 0
        while (end := self.received.find(b"\n", looked)) < 0:
            if len(self.received) > LONGEST_LINE:
                raise PipeError(f"it wrote more than {LONGEST_LINE:,} bytes without a newline")
            looked = len(self.received)
            self._move()
        return self._take(end + 1)[:-1]

    def exactly(self, count: int) -> bytes:
        """The next ``count`` bytes; raises as :meth:`line` does."""
        while len(self.received) < count:
            self._move()
        return self._take(count)

    def said(self) -> str:
        """The end of what it has written to its standard error, as far as that is text."""
        text = bytes(self._errors[-_KEPT:]).decode(errors="replace").strip()
        return "".join(c if c.isprintable() or c == "\n" else "·" for c in text)

    def close(self, farewell: bytes = b"") -> None:
        """End the program: ask it to leave with ``farewell``, and kill what is still there."""
        if farewell and self._program.poll() is None:
            self._unsent += farewell
            self._write()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._program.wait(_GRACE)
        self._selector.close()
        self._ended()

    def _take(self, count: int) -> bytes:
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken

    def _move(self) -> None:
        """Wait until something can be moved, and move it."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise PipeError(f"no answer within {self._patience:g} s")
        ready = {key.fd for key, _ in self._selector.select(min(left, _GRACE))}
        if _number(self._program.stdin) in ready:
            self._write()
        if _number(self._program.stderr) in ready:
            self._errors = (self._errors + self._read(self._program.stderr))[-2 * _KEPT :]
        if _number(self._program.stdout) in ready:
            some = self._read(self._program.stdout)
            self.received += some
            if not some:
                raise PipeError(self._how_it_ended() or "it closed its standard output")
        elif not ready and (ended := self._how_it_ended()):
            raise PipeError(ended)

    def _write(self) -> None:
        """Send as much as the pipe takes; what nobody reads any more is dropped."""
        try:
            while self._unsent:
                del self._unsent[: os.write(_number(self._program.stdin), self._unsent[:_CHUNK])]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent.clear()
        self._stop_watching(self._program.stdin)

    def _read(self, stream: object) -> bytes:
        try:
            some = os.read(_number(stream), _CHUNK)
        except BlockingIOError:
            return b""
        if not some:
            self._stop_watching(stream)
        return some

    def _stop_watching(self, stream: object) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(_number(stream))

    def _how_it_ended(self) -> str:
        """How the program ended; nothing while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._program.wait(_GRACE)
        code = self._program.returncode
        if code is None:
            return ""
        if code < 0:
            return f"it was ended by {_signal_name(-code)}"
        return f"it ended with exit status {code}"


def _number(stream: object) -> int:
    return stream.fileno()  # type: ignore[attr-defined] # all three are pipes


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _end(program: subprocess.Popen[bytes]) -> None:
    """Kill the program's process group, and leave no zombie and no open pipe."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)  # it leads its session, and cannot leave its group
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(5)  # no longer, should the kernel not let it go
    for stream in (program.stdin, program.stdout, program.stderr):
        if stream:
            stream.close()
