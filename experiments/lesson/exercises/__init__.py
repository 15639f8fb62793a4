"""The exercises of the lesson, in the chapter's order, by the names that the learner writes."""

from experiments.lesson.exercises import (
    adagrad,
    adam,
    batchnorm_backward,
    batchnorm_forward,
    he,
    momentum,
    sgd,
    xavier,
)
from experiments.lesson.exercises.exercise import Exercise, Mistake

_MODULES = (sgd, momentum, adagrad, adam, xavier, he, batchnorm_forward, batchnorm_backward)
EXERCISES: dict[str, Exercise] = {each.EXERCISE.name: each.EXERCISE for each in _MODULES}

__all__ = ["EXERCISES", "Exercise", "Mistake"]
