"""A candidate that is a program: it reads gradients and writes parameters, in whatever language."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from torch_ref.errors import LockstepError
from torch_ref.lockstep.frameworks import wire
from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays, Evaluate
from torch_ref.lockstep.frameworks.pipes import PipeError, Pipes
from torch_ref.lockstep.frameworks.values import packed
from torch_ref.lockstep.frameworks.wire import Announced, Message, WireError

Settings = Mapping[str, Any]
_LONGEST_SHOWN = 100
#: The state of a program is no more than so many times its parameters: L-BFGS has 200 and some.
_BUFFERS = 1000


class ProcessError(LockstepError):
    """The program cannot be run, or did not answer as it must; the message says at which step.

    Attributes:
        answer: what it answered, where that was an error of its own.
    """

    answer: Message | None = None


class Process:
    """A program that has been greeted, and one question after another that it is asked.

    Args:
        command: the program and its arguments.
        settings: of the optimizer; none to be told which it has.
        patience: the seconds that an answer may take.

    Attributes:
        name: what it calls itself; else the name of the program.
        settings: all that it has, as it tells; ``None`` where it does not.
        abilities: those of ``wire.ABILITIES`` that it has.

    Raises:
        ProcessError: it cannot be started, or does not greet back.
    """

    def __init__(self, command: str, settings: Settings, patience: float = 10.0) -> None:
        self.command = self.name = " ".join(command.split())[:_LONGEST_SHOWN]
        self._given, self._patience = settings, patience
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ProcessError(f"{command!r} cannot be started: {error}") from None
        self.start()

    def start(self) -> None:
        """Start the program and greet it: at first, and after an error, which ends it."""
        try:
            self._pipes = Pipes(self._words, self._patience)
        except (OSError, ValueError, IndexError) as error:
            raise ProcessError(f"{self.command!r} cannot be started: {_why(error)}") from None
        self.ended = False
        self.name = Path(self._words[min(1, len(self._words) - 1)]).name
        hello = {"lockstep": wire.VERSION, "do": "hello", "settings": dict(self._given)}
        answer, _ = self.ask("its hello", hello)
        if answer.get("lockstep") != wire.VERSION:
            self._fail("its hello", f'"lockstep": {wire.VERSION}', repr(answer.get("lockstep")))
        self.name = self._field(answer, "name", str, self.name)
        self.settings: dict[str, Any] | None = self._field(answer, "settings", dict, None)
        self.abilities: list[str] = self._field(answer, "can", list, [])

    def ask(
        self, doing: str, question: Message, arrays: Sequence[np.ndarray] = (), about: int = 0
    ) -> tuple[Message, bytes]:
        """Send a message; returns the answer to it, its line's fields and the numbers.

        Args:
            doing: what a message about a failure begins with.
            question: the line's fields.
            arrays: the numbers behind it.
            about: the bytes of all parameters, of which an answer may be a multiple.

        Raises:
            ProcessError: there is none, or it is none; or the program refuses.
        """
        expected = "a line of JSON"
        try:
            sent = wire.message(question, arrays)
            if self._pipes.received:
                raise WireError(
                    "expected nothing before, but after its last answer it wrote "
                    f"{wire.shown(bytes(self._pipes.received))}"
                )
            self._pipes.send(sent)
            most = wire.MOST_BYTES + _BUFFERS * about
            answer = wire.parse(self._line(), most)
            expected = f"{answer.get('bytes', 0):,} bytes of numbers"
            data = self._pipes.exactly(answer.get("bytes", 0))
        except PipeError as error:
            self._fail(doing, expected, wire.shown(bytes(self._pipes.received)), f"{error}; ")
        except (WireError, TypeError, ValueError) as error:
            raise self._error(doing, str(error)) from None
        except BaseException as error:  # an answer that comes yet is to no other question
            self._given_up(doing, error)
            raise
        if "do" in answer:
            self._fail(doing, "an answer", "the question again")
        if "error" in answer:
            raise self._refused(doing, answer)
        return answer, data

    def _line(self) -> bytes:
        """The line of the answer."""
        return self._pipes.line()

    def _given_up(self, doing: str, error: BaseException) -> None:
        self._end()

    def _refused(self, doing: str, answer: Message) -> ProcessError:
        error = self._error(doing, f"it says: {str(answer['error'])[:500]}")
        error.answer = answer
        return error

    def _end(self) -> None:
        """End it at once."""
        self._pipes.close()
        self.ended = True

    def arrays(
        self, doing: str, answer: Message, data: bytes, whose: Sequence[Announced]
    ) -> list[np.ndarray]:
        """The numbers of an answer as arrays, if there are as many as there must be."""
        needed = sum(each.size for each in whose)
        if len(data) != needed:
            of = ", ".join(f"{each.name}{list(each.shape)}" for each in whose[:4])
            more = ", …" if len(whose) > 4 else ""
            expected = f'"bytes": {needed}, for {whose[0].dtype} of {of}{more}' if whose else "none"
            self._fail(doing, expected, f'"bytes": {len(data)}')
        return wire.arrays(data, whose)

    def described(self, doing: str, answer: Message, field: str, dtype: str) -> list[Announced]:
        """The arrays that a field of an answer describes."""
        try:
            return wire.described(field, answer.get(field), dtype)
        except WireError as error:
            raise self._error(doing, str(error)) from None

    def close(self) -> None:
        """End the program."""
        if not self.ended:
            self._pipes.close(wire.message({"do": "bye"}))
            self.ended = True

    def _field(self, answer: Message, name: str, kind: type, default: Any) -> Any:
        value = answer.get(name)
        if value is not None and not isinstance(value, kind):
            self._fail("its hello", f'{_JSON[kind]} as "{name}"', repr(value)[:60])
        return default if value is None else value

    def _fail(self, doing: str, expected: str, came: str, happened: str = "") -> None:
        raise self._error(doing, f"{happened}expected {expected}, got {came}")

    def _error(self, doing: str, text: str) -> ProcessError:
        """The error to raise; nobody knows what the program would make of another question."""
        said = self._pipes.said()
        said = f"\n  its standard error ends: {said}" if said else ""
        self._end()
        return ProcessError(f"{self.command}: {doing}: {text}{said}")


_JSON: dict[type, str] = {str: "a text", dict: "an object", list: "a list"}


class ProcessAdapter:
    """A program as one side of a run; see ``Adapter`` for what each method promises.

    Args:
        process: that has been greeted with its settings.
    """

    strict = False
    pair = None
    #: Whether what was asked for after a step is sent along with the next.
    along = False

    def __init__(self, process: Process) -> None:
        self._process, self.name = process, process.name
        self._now: Arrays = {}
        self._sent: dict[str, list[tuple[str, np.ndarray]]] = {}
        self._wanted: dict[str, None] = {}
        self._steps = 0

    def start(self, params: Arrays) -> None:
        self._greet()
        self._steps = 0
        self._dtype = next((w.dtype.name for w in params.values()), "float64")
        self._known = [Announced(name, w.shape, w.dtype.name) for name, w in params.items()]
        self._tell("its start", {"do": "start", "dtype": self._dtype}, params)
        self._check_start(params)

    def _greet(self) -> None:
        """Have it ready to start."""
        if self._process.ended:
            self._process.start()

    def _check_start(self, params: Arrays) -> None:
        for name, w in params.items():
            if not np.array_equal(self._now.get(name, np.nan), w):
                raise ProcessError(
                    f"{self._process.command}: its start: expected the parameters as they were "
                    f"sent, got others in {name}: it reads or writes {self._dtype} otherwise"
                )

    def step(self, grads: Arrays) -> None:
        self._steps += 1
        given = [int(grads[each.name] is not None) for each in self._known]
        arrays = [grads[each.name] for each in self._known if grads[each.name] is not None]
        self._moved(f"step {self._steps}", {"do": "step", "given": given}, arrays)

    def minimize(self, evaluate: Evaluate) -> None:
        if "minimize" not in self._process.abilities:
            raise TypeError(f"{self.name} takes gradients, and no closure that evaluates them")
        self._steps += 1
        doing = f"step {self._steps}"
        answer = self._moved(doing, {"do": "minimize"}, [])
        while answer.get("evaluate"):
            loss, grads = evaluate(self.params())
            evaluated = {"do": "evaluated", "loss": packed(float(loss))}
            answer = self._moved(doing, evaluated, [grads[each.name] for each in self._known])

    def add(self, name: str, w: np.ndarray) -> None:
        if "add" not in self._process.abilities:
            raise NotImplementedError(f"{self.name} takes no parameter after its start")
        self._known = [*self._known, Announced(name, w.shape, w.dtype.name)]
        self._tell(f"adding {name}", {"do": "add"}, {name: w})

    def scale_lr(self, factor: float) -> bool:
        """Multiply the learning rate; whether the program could."""
        if "scale_lr" not in self._process.abilities:
            return False
        question = {"do": "scale_lr", "factor": factor}
        answer, _ = self._process.ask("its change of lr", question)
        return answer.get("done") is not False

    def kept(self, grads: Arrays) -> Arrays:
        if "kept" not in self._process.abilities:
            return grads
        return dict(self._asked(f"its gradients after step {self._steps}", "kept"))

    def params(self) -> Arrays:
        return dict(self._now)

    def state(self) -> dict[str, Arrays]:
        found: dict[str, Arrays] = {each.name: {} for each in self._known}
        if "state" in self._process.abilities:
            doing = f"its state after step {self._steps}"
            for path, buffer in self._asked(doing, "state"):
                name, _, key = path.rpartition("/")
                found.setdefault(name, {})[key] = buffer
        return found

    def _size(self) -> int:
        return sum(each.size for each in self._known)

    def _tell(self, doing: str, question: Message, params: Arrays) -> None:
        shapes = [list(w.shape) for w in params.values()]
        sizes = [w.size for w in params.values()]
        described = {"names": list(params), "shapes": shapes, "sizes": sizes}
        self._moved(doing, question | described, list(params.values()))

    def _moved(self, doing: str, question: Message, arrays: list[np.ndarray]) -> Message:
        """Ask for what changes the parameters, and take them from the answer."""
        wanted = [*self._wanted] if question["do"] == "step" else []
        along = {"along": wanted} if wanted else {}
        answer, data = self._process.ask(doing, question | along, arrays, self._size())
        whose = self._known
        if "params" in answer:
            whose = self._process.described(doing, answer, "params", self._dtype)
        parts = {what: self._listed(doing, answer, what) for what in wanted}
        every = [*whose, *chain.from_iterable(parts.values())]
        found = iter(self._process.arrays(doing, answer, data, every))
        self._now = {each.name: next(found) for each in whose}
        self._sent = {w: [(each.name, next(found)) for each in own] for w, own in parts.items()}
        return answer

    def _asked(self, doing: str, what: str) -> list[tuple[str, np.ndarray]]:
        """Ask for arrays, each with the name that the answer gives it."""
        if self.along:
            self._wanted[what] = None
        if what in self._sent:
            return self._sent[what]
        answer, data = self._process.ask(doing, {"do": what}, (), self._size())
        whose = self._listed(doing, answer, what)
        arrays = self._process.arrays(doing, answer, data, whose)
        return [(each.name, a) for each, a in zip(whose, arrays, strict=True)]

    def _listed(self, doing: str, answer: Message, what: str) -> list[Announced]:
        return self._process.described(doing, answer, _FIELDS[what], self._dtype)


#: The field of an answer that describes the arrays which were asked for.
_FIELDS = {"kept": "grads", "state": "state"}


def _why(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "it may not be run; chmod +x makes a file a program"
    if isinstance(error, FileNotFoundError):
        return f"there is no program {error.filename}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}; a script begins with a line like #!/usr/bin/env node"
    return str(error) or "it is empty"
