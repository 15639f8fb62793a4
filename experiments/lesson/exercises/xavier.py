"""Section 6.2.2: Xavier's initial weights."""

import numpy as np

from experiments.engine.texts import say
from experiments.lesson.exercises.exercise import Exercise, Mistake
from experiments.lesson.exercises.marking import weights


def xavier(n_in, n_out):
    return np.random.randn(n_in, n_out) / np.sqrt(n_in)


_RANDN, _SCALE = "np.random.randn(n_in, n_out)", "/ np.sqrt(n_in)"

EXERCISE = Exercise(
    xavier,
    "6.2.2",
    weights("xavier"),
    hints=(
        say("`np.random.randn(n_in, n_out)` has the standard deviation 1: scale it."),
        say("n is the number of units of the layer before: `n_in`."),
        say("A normal number times s has the standard deviation s: here s = 1/√n."),
    ),
    mistakes=(
        Mistake(
            {_SCALE: "/ n_in"},
            "variance used as the standard deviation",
            say("1/n is the variance; the standard deviation is its root, 1/√n."),
        ),
        Mistake(
            {_SCALE: "/ np.sqrt(n_out)"},
            "fan_in and fan_out swapped",
            say("It counts the units of the next layer: n is those of the layer before, `n_in`."),
        ),
        Mistake(
            {_SCALE: "* np.sqrt(2 / n_in)"},
            "relu's gain",
            say("This is He, with the factor 2 for ReLU: Xavier has √(1/n)."),
        ),
        Mistake(
            {_SCALE: "* np.sqrt(2 / (n_in + n_out))"},
            "2/(fan_in + fan_out)",
            say(
                "This is √(2/(n_in + n_out)), as in Glorot's paper and in torch: the chapter takes "
                "the layer before alone."
            ),
        ),
        Mistake(
            {_RANDN: "np.random.uniform(-1, 1, (n_in, n_out))"},
            "uniform instead of normal",
            say("The weights are uniform: the chapter draws from the normal distribution."),
        ),
        Mistake(
            {_RANDN: "np.random.randn(n_out, n_in)"},
            "it gave the shape",
            say("The weights have the wrong shape: (n_in, n_out), a row for each unit before."),
        ),
    ),
)
