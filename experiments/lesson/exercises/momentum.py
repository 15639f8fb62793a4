"""Section 6.1.4: momentum."""

from functools import partial

import numpy as np

from experiments.engine.texts import say
from experiments.lesson.exercises.exercise import Exercise, Mistake
from torch_ref.lockstep.check import check


class Momentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr = lr
        self.momentum = momentum
        self.v = {}  # the velocity of each parameter, under its name

    def update(self, params, grads):
        for key in params:
            if key not in self.v:
                self.v[key] = np.zeros_like(params[key])
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


_KEPT = (
    "            if key not in self.v:\n                self.v[key] = np.zeros_like(params[key])\n"
)
_VELOCITY = "            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]\n"
_MOVE = "            params[key] += self.v[key]\n"

EXERCISE = Exercise(
    Momentum,
    "6.1.4",
    partial(check, against="Momentum"),
    hints=(
        say("Each parameter has a velocity of its own, zero at the start: `np.zeros_like`."),
        say(
            "First the new velocity: friction leaves α of the old one, and the gradient pushes "
            "downhill. Then move by it."
        ),
        say("`self.v[key] = self.momentum * self.v[key] - …`, then `params[key] += self.v[key]`."),
    ),
    mistakes=(
        Mistake(
            {"- self.lr": "+ self.lr"},
            "step added",
            say("It climbs: the gradient pushes with −η, and the velocity is added."),
        ),
        Mistake(
            {_KEPT: "            self.v[key] = np.zeros_like(params[key])\n"},
            "momentum ignored",
            say("The velocity is forgotten: it must be kept from one update to the next."),
        ),
        Mistake(
            {"- self.lr": "- (1 - self.momentum) * self.lr"},
            "momentum as a moving average",
            say("It averages: the gradient goes into the velocity whole, not by a share of 1 − α."),
        ),
        Mistake(
            {_VELOCITY + _MOVE: _MOVE + _VELOCITY},
            "step along the buffer before its update",
            say("It moves by the old velocity: compute the new one first."),
        ),
        Mistake(
            {"self.momentum * self": "(1 - self.momentum) * self"},
            "momentum inverted",
            say("Friction the wrong way round: α is what is kept of the velocity, not 1 − α."),
        ),
        Mistake(
            {"self.momentum * self": "0.9 * self"},
            "takes momentum and makes nothing of it",
            say("α stands in the code as a number: use `self.momentum`."),
        ),
    ),
)
