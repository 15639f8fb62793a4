"""Hints on demand, one after another."""

from collections import Counter
from dataclasses import dataclass

from experiments.engine.texts import Text, say
from experiments.lesson.exercises import Exercise
from experiments.lesson.grading import find, rendered
from experiments.lesson.language import told

#: How often each exercise's hints were asked for.
_asked: Counter[str] = Counter()


@dataclass(frozen=True)
class Hint:
    """One of an exercise's hints."""

    exercise: Exercise
    number: int

    @property
    def head(self) -> Text:
        """Which it is."""
        count = len(self.exercise.hints)
        return say(
            "{name}, hint {number} of {count}",
            name=self.exercise.name,
            number=self.number,
            count=count,
        )

    def __str__(self) -> str:
        return f"{told(self.head)}: {told(self.exercise.hints[self.number - 1])}"

    def _repr_html_(self) -> str:
        return f"<div>{rendered(str(self))}</div>"


def hint(name: str) -> Hint:
    """The next hint to an exercise; after the last one the first again.

    >>> hint("he").number, hint("he").number, hint("he").number
    (1, 2, 1)
    """
    exercise = find(name)
    number = _asked[exercise.name] % len(exercise.hints) + 1
    _asked[exercise.name] += 1
    return Hint(exercise, number)
