"""A candidate in a process of its own: whatever it does there, the check goes on without it."""

import inspect
import linecache
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from torch_ref.lockstep.candidates import inside
from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError, shown_line
from torch_ref.lockstep.candidates.limit import TimeUp
from torch_ref.lockstep.frameworks.away import Away, AwayError, Thing
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays
from torch_ref.lockstep.frameworks.pipes import PLACE, Late, Pipes
from torch_ref.lockstep.frameworks.process import Process, ProcessAdapter, ProcessError
from torch_ref.lockstep.frameworks.values import packed, taken_from, unpacked
from torch_ref.lockstep.frameworks.wire import ABILITIES, Message

#: Bytes of numbers, of which an answer may be a multiple; see ``Process.ask``.
_LARGEST = 2**20
#: Seconds that a file has more, as long as it imports packages: some take longer than a check.
_IMPORTS = 60.0
#: The parent's own clock comes first, where there is one.
_LATER = 0.5
_LOOK = 0.5  # seconds, after which a long import is looked at again
_FRAME = re.compile(r'  File "(.*)", line (\d+) in ')
#: Packages whose threads a copy of the process would lack.
_THREADED = ("jax", "tensorflow")
_SPAWNED = """\
import faulthandler, signal, sys
faulthandler.register(signal.SIGUSR1, int(sys.argv[1]))
sys.path[:] = {path!r}
from torch_ref.lockstep.candidates.inside import serve
serve(sys.argv[2], int(sys.argv[1]))
"""


class Child(Process):
    """The process, which has run the candidate's file, and is started anew where it has ended.

    Args:
        location: of the candidate.
        seconds: for running it; a minute more while it imports packages.

    Attributes:
        holder: the side that it was last greeted by.
        hung: where it was when the time was up: the end of a sentence, and a line of code.
    """

    def __init__(self, location: str, seconds: float) -> None:
        self.command = self.name = location
        self._location, self._seconds = location, seconds
        self.abilities, self.ended = list(ABILITIES), True
        self.file: Path | None = None
        self.hung = ""

    def start(self) -> None:
        """Start the process, and have it run the file.

        Raises:
            ProcessError: it did not come to the end of its file.
            TimeUp: not in time.
        """
        self.holder: Any = None
        self._pipes, self.ended = Pipes(_program(self._location), self._seconds, echo=True), False
        self.file = self._file()
        self._imports_until = time.monotonic() + self._seconds + _IMPORTS
        self._until = self._imports_until + _IMPORTS
        answer, _ = self.ask("running it", {"do": "load"}, seconds=self._seconds)
        self._imports_until = 0.0
        self.allow(self._seconds)
        self.name = str(answer.get("name"))
        file = answer.get("file")
        self.file = Path(file) if isinstance(file, str) else None

    def is_new(self, pipes: Pipes) -> bool:
        """Whether it was started anew since it had these."""
        return pipes is not self._pipes

    def allow(self, seconds: float) -> None:
        """Let all that is asked from now on take so long."""
        self._until = time.monotonic() + seconds

    def ask(
        self, doing: str, question: Message, *more: Any, seconds: float = 0.0
    ) -> tuple[Message, bytes]:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeUp
        self._pipes.patience = seconds or left + _LATER
        return super().ask(doing, question, *more)

    def run(self, function: str, arguments: tuple[Any, ...]) -> Any:
        """See ``Link``; it is started anew where it has ended."""
        if self.ended:
            self.start()
        return self._value({"do": "run", "function": function}, arguments)

    def call(self, thing: int, name: str, arguments: tuple[Any, ...]) -> Any:
        """See ``Link``."""
        return self._value({"do": "call", "thing": thing, "name": name}, arguments)

    def get(self, thing: int, name: str) -> Any:
        """See ``Link``."""
        return self._value({"do": "get", "thing": thing, "name": name}, ())

    def _value(self, question: Message, arguments: tuple[Any, ...]) -> Any:
        arrays: list[np.ndarray] = []
        asked = question | {"arguments": packed(list(arguments), _refused, arrays)}
        doing = f"its {question['name']}" if question.get("name") else "a call of it"
        try:
            answer, data = self.ask(doing, asked, arrays, _LARGEST)
            return unpacked(answer.get("value"), taken_from(data), self._thing)
        except ProcessError as error:
            if error.answer is None or error.answer.get("whole") is True:
                raise
            raised = (str(error.answer.get(each, "")) for each in ("type", "text", "at"))
            raise AwayError.named(*raised) from None
        except (TypeError, ValueError, LookupError) as error:
            raise self._error(doing, f"no value: {error}") from None

    def _thing(self, number: int) -> Thing:
        return Thing(_Life(self, self._pipes), number)

    def line_of(self) -> str:
        """The line of the user's that it broke down in, if it said so."""
        return self._line_in(self._pipes.where(ask=False))

    def _line(self) -> bytes:
        while True:
            try:
                return super()._line()
            except Late:
                where = self._pipes.where()
                if time.monotonic() > self._imports_until or not self._is_importing(where):
                    raise TimeUp from None
                self._pipes.wait_longer(_LOOK)

    def _given_up(self, doing: str, error: BaseException) -> None:
        if isinstance(error, TimeUp):
            self.hung = f", at {doing}{self._line_in(self._pipes.where())}"
        super()._given_up(doing, error)

    def _refused(self, doing: str, answer: Message) -> ProcessError:
        error = ProcessError(f"{self.command}: {doing}: {answer['error']}")
        error.answer = answer  # and it goes on: what it was asked for is what has failed
        return error

    def _error(self, doing: str, text: str) -> ProcessError:
        line = self.line_of()
        self._end()
        return ProcessError(f"{self.name}: {doing}: {text}{line}")

    def _fail(self, doing: str, expected: str, came: str, happened: str = "") -> None:
        raise self._error(doing, happened.removesuffix("; ") or f"expected {expected}, got {came}")

    def _line_in(self, where: str) -> str:
        for file, number in _FRAME.findall(where):
            if self._owns(file):
                return shown_line(file, int(number), linecache.getline(file, int(number)))
        return ""

    def _is_importing(self, where: str) -> bool:
        """Whether a package is being imported there, and no code of the file's own runs."""
        for file, _ in _FRAME.findall(where.partition("Current thread")[2]):
            if file.startswith("<frozen importlib") or self._owns(file):
                return not self._owns(file)
        return not where  # it has not got so far that it could say

    def _owns(self, file: str) -> bool:
        return self.file is not None and Candidate("", None, self.file).owns(Path(file))

    def _file(self) -> Path | None:
        path = Path(self._location.rpartition(":")[0]).resolve()
        return path if path.is_file() else None


class _Life:
    """A process until it ends: what was made in it is not in another."""

    def __init__(self, child: Child, pipes: Pipes) -> None:
        self._child, self._pipes = child, pipes

    def call(self, thing: int, name: str, arguments: tuple[Any, ...]) -> Any:
        """See ``Link``."""
        return self._alive().call(thing, name, arguments)

    def get(self, thing: int, name: str) -> Any:
        """See ``Link``."""
        return self._alive().get(thing, name)

    def run(self, function: str, arguments: tuple[Any, ...]) -> Any:
        """See ``Link``."""
        return self._alive().run(function, arguments)

    def _alive(self) -> Child:
        if self._child.ended or self._child.is_new(self._pipes):
            raise ProcessError(f"{self._child.name}: it has ended")
        return self._child


def _refused(value: Any) -> Any:
    raise TypeError(f"{value!r} cannot be sent")


def _program(location: str) -> Callable[[int], None] | Sequence[str]:
    """A copy of this process, which costs nothing, where a copy is sound; else a new Python."""
    torch = sys.modules.get("torch")
    alone = threading.active_count() == 1 and not any(name in sys.modules for name in _THREADED)
    if sys.platform == "linux" and alone and not (torch and torch.cuda.is_initialized()):
        return partial(inside.serve, location)
    options = [f"-W{each}" for each in sys.warnoptions]
    return [sys.executable, *options, "-c", _SPAWNED.format(path=sys.path), PLACE, location]


class HostedAdapter(ProcessAdapter):
    """One side of a run: the candidate with some settings, in its process."""

    along = True

    def __init__(self, child: Child, settings: dict[str, Any]) -> None:
        super().__init__(child)
        self._child, self._settings = child, settings
        self._greet()

    def _greet(self) -> None:
        if self._child.ended:
            self._child.start()
        if self._child.holder is self:
            return
        settings = {name: packed(value) for name, value in self._settings.items()}
        answer, _ = self._child.ask("the constructor", {"do": "hello", "settings": settings})
        self._child.holder = self
        self.strict, self.updates = (answer.get(n) is True for n in ("strict", "updates"))
        self.precision, self.remark = (str(answer.get(n, "")) for n in ("precision", "remark"))

    def _check_start(self, params: Arrays) -> None:
        """An optimizer may change them before its first step; the run shows what comes of it."""


@dataclass(frozen=True)
class Hosted(Candidate):
    """A candidate whose ``target`` is the process that it is in."""

    _told: dict[str, Any] = field(default_factory=dict)

    is_torch = False  # that is for its own process to know

    @property
    def made(self) -> bool:
        return self._described()["made"] is True

    @property
    def takes_parameters(self) -> bool:
        return self._described()["takes_parameters"] is True

    def parameters(self) -> dict[str, inspect.Parameter]:
        return dict(self._described()["parameters"])

    def side(self, settings: dict[str, Any]) -> Adapter:
        with self.blamed("the constructor raised"):
            return HostedAdapter(self.target, settings)

    def allow(self, seconds: float) -> None:
        """Let all that is asked from now on take so long."""
        self.target.allow(seconds)

    def close(self) -> None:
        """End the process."""
        self.target.close()

    def away(self) -> Away:
        """What stands for it where no optimizer is asked for."""
        with self.blamed("looking for its settings raised"):
            answer, _ = self.target.ask("looking for its settings", {"do": "signature"})
            found = _parameters(answer.get("parameters"))
        away = Away(self.target, self.name, [*found.values()])
        away.is_class = answer.get("is_class") is True
        if answer.get("steps") is True:
            vars(away)["step"] = None
        return away

    def line_of(self, error: BaseException) -> str:
        """Where it hung, if the time is up; where it raised."""
        if isinstance(error, TimeUp):
            return str(self.target.hung)
        return error.at if isinstance(error, AwayError) else ""

    def blame(self, error: BaseException, what: str) -> NoReturn:
        """Raise what is said of the process, as of a candidate in this one."""
        if isinstance(error, ProcessError):
            raise CandidateError(_said(error, self.name, what)) from None
        super().blame(error, what)

    def _described(self) -> dict[str, Any]:
        if not self._told:
            with self.blamed("looking for its settings raised"):
                answer, _ = self.target.ask("looking for its settings", {"do": "describe"})
                self._told.update(answer | {"parameters": _parameters(answer.get("parameters"))})
        return self._told


def host(location: str, seconds: float) -> Hosted:
    """The candidate at ``path/to/file.py:Name`` or ``package.module:Name``, in its own process.

    Raises:
        CandidateError: there is no such thing, running it raised, or it came to no end.
    """
    child = Child(location, seconds)
    try:
        child.start()
    except TimeUp:
        raise CandidateError(
            f"{location}: not done within the time limit of {seconds:g} s{child.hung}"
        ) from None
    except ProcessError as error:
        raise CandidateError(_said(error, location, "running it raised")) from None
    return Hosted(child.name, child, child.file)


def _said(error: ProcessError, name: str, what: str) -> str:
    """What the candidate raised, in the words of one that runs in this process."""
    if error.answer is None:
        return str(error)
    text = str(error.answer["error"])
    return text if error.answer.get("whole") is True else f"{name}: {what} {text}"


def _parameters(listed: Any) -> dict[str, inspect.Parameter]:
    """The parameters of a description of them."""
    try:
        found = {}
        for name, kind, *default in listed:
            given = unpacked(default[0]) if default else inspect.Parameter.empty
            found[name] = inspect.Parameter(name, _KINDS[kind], default=given)
        return found
    except (TypeError, ValueError, LookupError) as error:
        raise ProcessError(f"looking for its settings: it is no list of them: {error}") from None


_KINDS = [
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD,
]
