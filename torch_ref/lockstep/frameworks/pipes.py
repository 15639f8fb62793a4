"""A program, or a copy of this process, and its standard streams: nobody waits on them for ever."""

import contextlib
import fcntl
import os
import select
import selectors
import signal
import subprocess
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Sequence

#: A line that is longer is no message.
LONGEST_LINE = 2**20
#: Of what it writes to its standard error, as much as a message shows.
_KEPT = 2000
_CHUNK = 2**16
#: So long an ended program's last words may be on their way, and an honest one may take to leave.
_GRACE = 0.2
#: Of what a copy of this process writes to its standard error, as much as goes on to ours.
_SHOWN = 2**20
#: In the arguments of a program, the number of the file that it writes to where it is.
PLACE = "{place}"


class PipeError(Exception):
    """What was waited for will not come; the message says what the program did instead."""


class Late(PipeError):
    """The time for an answer is over."""


class Pipes:
    """A program that is running, in a session of its own.

    It and what it has started are killed with :meth:`close`, at the latest when nobody has the
    object any more or Python ends. Only what leaves its process group on purpose stays.

    Args:
        command: the program and its arguments, which no shell reads; or a function, which a copy of
            this process runs, given the number of a file: see :meth:`where`.
        patience: the seconds from a message to the end of its answer.
        echo: whether its standard error goes on to ours.

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

    def __init__(
        self, command: Sequence[str] | Callable[[int], None], patience: float, echo: bool = False
    ) -> None:
        self.patience, self._until = patience, time.monotonic() + patience
        self._place, place = os.pipe()
        try:
            self._program = _Copy(command, place) if callable(command) else _started(command, place)
        except BaseException:
            os.close(self._place)
            raise
        finally:
            os.close(place)
        os.set_blocking(self._place, False)
        self._ended = weakref.finalize(self, _end, self._program, self._place, os.getpid())
        self._shown = _SHOWN if echo else 0
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
        self.wait_longer(self.patience)
        self._unsent += data
        self._write()
        if self._unsent:
            self._selector.register(_number(self._program.stdin), selectors.EVENT_WRITE)

    def wait_longer(self, seconds: float) -> None:
        """Let the answer take so many seconds from now."""
        self._until = time.monotonic() + seconds

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

    def where(self, ask: bool = True) -> str:
        """The lines of code that it is in, as ``faulthandler`` writes them; nothing if it does not.

        Args:
            ask: for them; else what it wrote of itself as it broke down.
        """
        if ask and self._program.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._program.pid, signal.SIGUSR1)
            select.select([self._place], [], [], _GRACE)
            time.sleep(_GRACE / 10)  # until it is written to the end
        try:
            return os.read(self._place, _CHUNK).decode(errors="replace")
        except BlockingIOError:
            return ""

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
        while self._shown and self._ended.alive and self._hear():
            pass
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
            raise Late(f"no answer within {self.patience:g} s")
        ready = {key.fd for key, _ in self._selector.select(min(left, _GRACE))}
        if _number(self._program.stdin) in ready:
            self._write()
        if _number(self._program.stderr) in ready:
            self._hear()
        if _number(self._program.stdout) in ready:
            some = self._read(self._program.stdout)
            self.received += some
            if not some:
                raise PipeError(self._how_it_ended() or "it closed its standard output")
        elif not ready and (ended := self._how_it_ended()):
            raise PipeError(ended)

    def _hear(self) -> int:
        """Take what it has written to its standard error; how much that was."""
        some = self._read(self._program.stderr)
        self._errors = (self._errors + some)[-2 * _KEPT :]
        if shown := some[: self._shown]:
            self._shown -= len(shown)
            with contextlib.suppress(OSError, ValueError):  # ours is closed
                sys.stderr.write(shown.decode(errors="replace"))
                sys.stderr.flush()
        return len(some)

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


class _Copy:
    """A copy of this process that runs a function and ends; with the face of a ``Popen``."""

    returncode: int | None = None

    def __init__(self, run: Callable[[int], None], place: int) -> None:
        (given, self_in), (self_out, out), (self_errors, errors) = (os.pipe() for _ in range(3))
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            self.pid = os.fork()
        if not self.pid:
            _run((given, out, errors, place), run)
        for end in (given, out, errors):
            os.close(end)
        self.stdin = os.fdopen(self_in, "wb", 0)
        self.stdout = os.fdopen(self_out, "rb", 0)
        self.stderr = os.fdopen(self_errors, "rb", 0)

    def poll(self) -> int | None:
        """How it ended; ``None`` while it runs."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self, timeout: float) -> int:
        """The same once it has ended."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("", timeout)
            time.sleep(0.005)
        return code


def _run(streams: tuple[int, ...], run: Callable[[int], None]) -> None:
    """Run it as a process of its own with these streams, and no other file of the old one."""
    try:
        os.setsid()
        # First beyond the numbers that they are to have, which some of them may have already.
        kept = [fcntl.fcntl(each, fcntl.F_DUPFD, 2 * len(streams)) for each in streams]
        for number, each in enumerate(kept):
            os.dup2(each, number)
        os.closerange(len(streams), os.sysconf("SC_OPEN_MAX"))
        run(len(streams) - 1)
    finally:
        os._exit(1)


def _started(command: Sequence[str], place: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [each.replace(PLACE, str(place)) for each in command],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(place,),
    )


def _number(stream: object) -> int:
    return stream.fileno()  # type: ignore[attr-defined] # all three are pipes


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _end(program: "subprocess.Popen[bytes] | _Copy", place: int, owner: int) -> None:
    """Kill the program's process group, and leave no zombie and no open pipe."""
    if os.getpid() != owner:  # a copy of the process that started it
        return
    os.close(place)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)  # it leads its session, and cannot leave its group
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(5)  # no longer, should the kernel not let it go
    for stream in (program.stdin, program.stdout, program.stderr):
        if stream:
            stream.close()
