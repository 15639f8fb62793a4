"""Section 6.3.1: batch normalization forward."""

import numpy as np

from experiments.engine.texts import say
from experiments.lesson.exercises.exercise import Exercise, Mistake
from experiments.lesson.exercises.marking import forward


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    var = ((x - mu) ** 2).mean(axis=0)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma * x_hat + beta


EXERCISE = Exercise(
    batchnorm_forward,
    "6.3.1",
    forward,
    hints=(
        say("`x` has a row for each image: the mean of a unit is along axis 0."),
        say("The variance is the mean of the squares of `x - mu`, over the batch again."),
        say("Divide by the root of `var + eps`; then scale by γ and shift by β."),
    ),
    mistakes=(
        Mistake(
            {"np.sqrt(var + eps)": "(np.sqrt(var) + eps)"},
            "eps outside the root",
            say("ε stands outside of the root: here it is added to the variance, inside."),
        ),
        Mistake(
            {"var + eps": "var"},
            "eps forgotten",
            say("ε is missing: where a unit is the same in all rows, it divides by zero."),
        ),
        Mistake(
            {"((x - mu) ** 2).mean(axis=0)": "x.var(axis=0, ddof=1)"},
            "normalized by the unbiased variance",
            say("The variance is divided by m − 1: the chapter's formula divides by m."),
        ),
        Mistake(
            {"gamma * x_hat + beta": "beta * x_hat + gamma"},
            "weight and bias swapped",
            say("γ and β are swapped: γ scales, β shifts."),
        ),
        Mistake(
            {" + beta": ""},
            "bias left out",
            say("β is missing: the output is γ·x̂ + β."),
        ),
        Mistake(
            {"axis=0": "axis=1, keepdims=True"},
            "each row normalized by itself",
            say("It normalizes each row: the mean is of a unit over the batch, along axis 0."),
        ),
    ),
)
