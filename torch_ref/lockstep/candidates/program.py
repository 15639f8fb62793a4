"""A candidate that is a program, in whatever language: what ``lockstep check --exec`` runs."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.frameworks.process import Process, ProcessAdapter, ProcessError


@dataclass(frozen=True)
class Program(Candidate):
    """An optimizer that speaks the protocol on its standard streams; made by :func:`program`.

    Attributes:
        target: the command.
        defaults: its settings, as it tells; ``None`` where it does not.
        patience: the seconds that an answer may take.
    """

    defaults: Mapping[str, Any] | None = None
    patience: float = 10.0
    _running: list[Process] = field(default_factory=list)

    is_torch = made = takes_parameters = False  # that is asked of code in Python

    def parameters(self) -> dict[str, inspect.Parameter]:
        """Its settings, as if they were arguments; any name, where it does not tell."""
        if self.defaults is None:
            return {"settings": inspect.Parameter("settings", inspect.Parameter.VAR_KEYWORD)}
        return {name: _keyword(name, value) for name, value in self.defaults.items()}

    def side(self, settings: dict[str, Any]) -> Adapter:
        """Start it with these settings.

        Raises:
            CandidateError: it does not greet back, refuses, or says that it has others.
        """
        with self.blamed("its hello"):
            process = Process(self.target, settings, self.patience)
        self._running.append(process)
        for name, value in settings.items():
            told = (process.settings or {}).get(name, value)
            if not _same(value, told):
                raise CandidateError(
                    f'{self.target}: its hello: expected "{name}": {value} in its settings, as it '
                    f"was given, got {told}"
                )
        return ProcessAdapter(process)

    def close(self) -> None:
        """End all of its processes."""
        while self._running:
            self._running.pop().close()

    def blame(self, error: BaseException, what: str) -> NoReturn:
        """Raise what is said of the program as it is."""
        if isinstance(error, ProcessError):
            raise CandidateError(str(error)) from None
        super().blame(error, what)


def program(command: str, patience: float = 10.0) -> Program:
    """The candidate that is a program.

    Args:
        command: the program and its arguments, as a shell splits them; there is no shell.
        patience: the seconds that an answer may take.

    Raises:
        CandidateError: it cannot be started, or does not greet back.

    >>> program("./my_adam")
    Traceback (most recent call last):
        ...
    torch_ref.lockstep.candidates.candidate.CandidateError: ... there is no program ./my_adam
    """
    try:
        process = Process(command, {}, patience)
    except ProcessError as error:
        raise CandidateError(str(error)) from None
    process.close()
    return Program(process.name, command, None, process.settings, patience)


def _keyword(name: str, value: Any) -> inspect.Parameter:
    value = tuple(value) if isinstance(value, list) else value
    try:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
    except ValueError:
        raise CandidateError(f"a setting must be called like lr or beta1, not {name!r}") from None


def _same(given: Any, told: Any) -> bool:
    """Whether a setting is the one that was given; a program may keep it in single precision."""
    if isinstance(given, tuple | list) and isinstance(told, list) and len(given) == len(told):
        return all(map(_same, given, told))
    try:
        return abs(given - told) <= 1e-6 * abs(given)
    except TypeError:
        return given == told
