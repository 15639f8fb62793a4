"""What an exercise of the lesson is: a solution, the hints to it, and the usual mistakes in it."""

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.engine.texts import Text
from torch_ref.lockstep.result import Result


@dataclass(frozen=True)
class Mistake:
    """A usual mistake.

    Attributes:
        edits: of the solution's source, that make it.
        cause: what ``lockstep check`` calls it: how a finding or a fault begins.
        said: what the learner is told of it.
    """

    edits: Mapping[str, str]
    cause: str
    said: Text


@dataclass(frozen=True)
class Exercise:
    """A class or a function that the learner writes.

    Attributes:
        solution: under the name that the learner's has.
        section: of the chapter.
        mark: holds an answer beside the project's own.
        hints: one after another, each says more.
        mistakes: that it can tell.
        accepted: causes of a difference that is none from the chapter, and what to say of each.
    """

    solution: Callable[..., Any]
    section: str
    mark: Callable[[Any], Result]
    hints: tuple[Text, ...]
    mistakes: tuple[Mistake, ...]
    accepted: Mapping[str, Text] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of what is to be written."""
        return self.solution.__name__

    @property
    def source(self) -> str:
        """The solution as it is written."""
        return inspect.getsource(self.solution)

    @property
    def given(self) -> str:
        """The cell that the learner is given: the solution without its last body.

        >>> from experiments.lesson.exercises import EXERCISES
        >>> print(EXERCISES["he"].given)
        def he(n_in, n_out):
            pass  # your code
        """
        tree = ast.parse(self.source)
        *_, last = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        head = self.source.splitlines()[: last.body[0].lineno - 1]
        return "\n".join([*head, " " * last.body[0].col_offset + "pass  # your code"])

    def wrong(self, mistake: Mistake) -> str:
        """The solution's source with a mistake in it."""
        source = self.source
        for right, wrong in mistake.edits.items():
            if right not in source:
                raise ValueError(f"edits must be of the solution of {self.name}, got {right!r}")
            source = source.replace(right, wrong)
        return source

    def is_empty(self, answer: Any) -> bool:
        """Whether nothing is written yet: the last function only returns."""
        written = getattr(answer, "update", answer)
        return hasattr(written, "__code__") and written.__code__.co_code in _NOTHING


def _empty() -> None:
    pass


def _documented() -> None:
    """Nothing."""


_NOTHING = tuple(each.__code__.co_code for each in (_empty, _documented))
