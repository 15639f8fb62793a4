"""The lesson: chapter 6 as notebooks, in English and Korean, whose exercises mark themselves.

exercises   what the learner writes, each with its solution, hints and usual mistakes
grading     an answer, marked
hints       one after another
showing     experiments, code, pictures and sliders in a notebook
language    of what is said
en, ko      the text of the lesson, and the notebooks made from it
making      ``make notebook``
files       ``lockstep learn``: the notebooks copied, a file with answers marked

A notebook begins with ``from experiments.lesson import check, hint, …``.
"""

from experiments.lesson.grading import Mark, check
from experiments.lesson.hints import hint
from experiments.lesson.language import speak
from experiments.lesson.showing import bowl, code, layers, run

__all__ = ["Mark", "bowl", "check", "code", "hint", "layers", "run", "speak"]
