"""Section 6.3.1: batch normalization backward."""

import numpy as np

from experiments.engine.texts import say
from experiments.lesson.exercises.exercise import Exercise, Mistake
from experiments.lesson.exercises.marking import backward


def batchnorm_backward(dy, x, gamma, eps=1e-5):
    std = np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) / std
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx_hat = gamma * dy
    dx = (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0)) / std
    return dx, dgamma, dbeta


_MEAN, _VARIANCE = " - dx_hat.mean(axis=0)", " - x_hat * (dx_hat * x_hat).mean(axis=0)"

EXERCISE = Exercise(
    batchnorm_backward,
    "6.3.1",
    backward,
    hints=(
        say("γ and β are the same for all rows: their gradients are sums over the batch."),
        say("Start with `dx_hat = gamma * dy`, the gradient of x̂."),
        say(
            "x reaches x̂ in three ways: by itself, through μ, through σ². The second takes away "
            "the mean of `dx_hat`, the third x̂ times the mean of `dx_hat * x_hat`."
        ),
        say("All three parts are divided by σ, the root of the variance plus ε."),
    ),
    mistakes=(
        Mistake(
            {_VARIANCE: _VARIANCE.replace("-", "+")},
            "backward has the term through the variance with the wrong sign",
            say("The part through σ² has the wrong sign: it is taken away, as that through μ."),
        ),
        Mistake(
            {_VARIANCE: ""},
            "backward takes the variance as constant",
            say("The way through σ² is missing: x̂ times the mean of `dx_hat * x_hat`."),
        ),
        Mistake(
            {_MEAN: ""},
            "backward takes the mean as constant",
            say("The way through μ is missing: the mean of `dx_hat` has to be taken away."),
        ),
        Mistake(
            {"dx_hat = gamma * dy": "dx_hat = dy"},
            "weight left out of the input's gradient",
            say("γ is missing in dx: x̂ is multiplied by it on the way forward."),
        ),
        Mistake(
            {".sum(axis=0)": ".mean(axis=0)"},
            "parameter gradients averaged",
            say("The gradients of γ and β are means: they are sums over the batch."),
        ),
        Mistake(
            {"(dy * x_hat).sum": "(dy * x).sum"},
            "weight's gradient with x in place of x̂",
            say("dγ has x in place of x̂: γ multiplies x̂."),
        ),
    ),
)
