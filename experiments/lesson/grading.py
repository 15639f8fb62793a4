"""Marking an answer: whether it is right, and if not, which mistake it has."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.engine.texts import Text, say
from experiments.lesson.exercises import EXERCISES, Exercise
from experiments.lesson.language import told
from torch_ref.errors import LockstepError
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.result import Result

RIGHT, WRONG, EMPTY = "✓", "✗", "○"
#: The lines of a verdict on green, red and grey, in a light notebook and in a dark one.
_COLORS = {RIGHT: "46, 125, 50", WRONG: "198, 40, 40", EMPTY: "97, 97, 97"}


@dataclass(frozen=True)
class Mark:
    """What an answer is worth; in a notebook it is shown in colour, in a terminal as lines.

    Attributes:
        exercise: which was answered.
        sign: of ``RIGHT``, ``WRONG`` and ``EMPTY``.
        said: the verdict in a sentence.
        lines: the mistakes, and where they are.
    """

    exercise: Exercise
    sign: str
    said: Text
    lines: Sequence[str] = ()

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.sign == RIGHT

    def __str__(self) -> str:
        head = f"{self.sign} {self.exercise.name} ({self.exercise.section}): {told(self.said)}"
        return "\n".join([head, *(f"    {told(line)}" for line in self.lines)])

    def _repr_html_(self) -> str:
        helps = [] if self.right else [say("`hint('{name}')` helps", name=self.exercise.name)]
        said = "; ".join(map(told, [self.said, *helps]))
        name = f"{self.sign} <b>{self.exercise.name}</b>: {rendered(said)}"
        lines = "".join(f"<div>{rendered(told(line))}</div>" for line in self.lines)
        rgb = _COLORS[self.sign]
        style = f"border-left: 4px solid rgb({rgb}); background: rgba({rgb}, .1); padding: .5em 1em"
        return f'<div style="{style}"><div>{name}</div>{lines}</div>'


def check(answer: Any, exercise: str = "") -> Mark:
    """Hold an answer beside the project's own, on the same numbers, and mark it.

    Args:
        answer: the class or function that you wrote.
        exercise: its name, where yours is called otherwise.

    >>> from scratch.optim import Momentum
    >>> print(check(Momentum))
    ✓ Momentum (6.1.4): right: it agrees with the project's own on the same numbers
    """
    asked = find(exercise or getattr(answer, "__name__", type(answer).__name__))
    if asked.is_empty(answer):
        return Mark(asked, EMPTY, say("not written yet"))
    try:
        result = asked.mark(answer)
    except CandidateError as error:
        return Mark(asked, WRONG, say("it cannot be run"), [*_told_of(asked, [str(error)])])
    return _marked(asked, result)


def find(name: str) -> Exercise:
    """The exercise of a name, whatever its capitals.

    Raises:
        LockstepError: there is none.

    >>> find("Adagrad").section
    '6.1.5'
    """
    plain = {_plain(each): exercise for each, exercise in EXERCISES.items()}
    if _plain(name) in plain:
        return plain[_plain(name)]
    raise LockstepError(f"there is no exercise {name!r}; there are {', '.join(EXERCISES)}")


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _marked(exercise: Exercise, result: Result) -> Mark:
    names = [name for each in result.findings for name in each.names]
    accepted = [said for cause, said in exercise.accepted.items() if names == [cause]]
    if result.agrees:
        text = say("right: it agrees with the project's own on the same numbers")
        return Mark(exercise, RIGHT, text)
    if accepted and not result.faults:
        return Mark(exercise, RIGHT, accepted[0])
    said = [*_told_of(exercise, result.faults), *_causes(exercise, result)]
    return Mark(exercise, WRONG, say("not yet"), said or _measured(result))


def _causes(exercise: Exercise, result: Result) -> list[str]:
    """The finding that the lesson has most words for: all of them fit equally well."""
    told_of = {i: [*_told_of(exercise, each.names)] for i, each in enumerate(result.findings)}
    ranks = {i: [not isinstance(line, Text) for line in lines] for i, lines in told_of.items()}
    best = min(ranks, key=lambda i: (all(ranks[i]), any(ranks[i])), default=None)
    if best is None:
        return []
    finding = result.findings[best]
    if all(ranks[best]):
        return finding.lines(result.mine)
    lines = [x if isinstance(x, Text) else say('also: "{name}"', name=x) for x in told_of[best]]
    return [*dict.fromkeys(lines), *map(str, finding.places)]


def _told_of(exercise: Exercise, found: Sequence[str]) -> Iterator[str]:
    """What the learner is told of causes and faults: the lesson's words, else what was found."""
    for each in found:
        mistakes = (m.said for m in exercise.mistakes if m.cause in each)
        yield next(mistakes, each)


def _measured(result: Result) -> list[str]:
    """Where no cause is known: where it differs first, and which properties differ."""
    text = say("No usual mistake does the same. This is what was measured:")
    return [text, *([f"{result.first}"] if result.first else []), *map(str, result.portrait)]


def rendered(text: str) -> str:
    """Text in which code stands between backticks."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
