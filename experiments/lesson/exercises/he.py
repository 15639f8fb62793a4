"""Section 6.2.3: He's initial weights."""

import numpy as np

from experiments.engine.texts import say
from experiments.lesson.exercises.exercise import Exercise, Mistake
from experiments.lesson.exercises.marking import weights


def he(n_in, n_out):
    return np.random.randn(n_in, n_out) * np.sqrt(2 / n_in)


_RANDN = "np.random.randn(n_in, n_out)"

EXERCISE = Exercise(
    he,
    "6.2.3",
    weights("he"),
    hints=(
        say("Xavier's with one change: ReLU halves the mean square, so what puts that right?"),
        say("The variance is 2/n, and the standard deviation its root."),
    ),
    mistakes=(
        Mistake(
            {"np.sqrt(2 / n_in)": "2 / n_in"},
            "variance used as the standard deviation",
            say("2/n is the variance; the standard deviation is its root, √(2/n)."),
        ),
        Mistake(
            {"2 / n_in": "2 / n_out"},
            "fan_in and fan_out swapped",
            say("It counts the units of the next layer: n is those of the layer before, `n_in`."),
        ),
        Mistake(
            {"2 / n_in": "1 / n_in"},
            "gain forgotten",
            say("This is Xavier: the factor 2 for ReLU is missing."),
        ),
        Mistake(
            {_RANDN: "np.random.uniform(-1, 1, (n_in, n_out))"},
            "uniform instead of normal",
            say("The weights are uniform: the chapter draws from the normal distribution."),
        ),
        Mistake(
            {"2 / n_in": "6 / n_in"},
            "half width used as the standard deviation",
            say("√(6/n) is the half width of the uniform form; of the normal the std is √(2/n)."),
        ),
        Mistake(
            {"2 / n_in": "4 / (n_in + n_out)"},
            "2/(fan_in + fan_out)",
            say("It averages both layers: n is the units of the layer before alone."),
        ),
    ),
)
