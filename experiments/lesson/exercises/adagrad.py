"""Section 6.1.5: AdaGrad."""

from functools import partial

import numpy as np

from experiments.engine.texts import say
from experiments.lesson.exercises.exercise import Exercise, Mistake
from torch_ref.lockstep.check import check


class AdaGrad:
    def __init__(self, lr=0.01, eps=1e-7):
        self.lr = lr
        self.eps = eps  # beside the root, so that nothing is divided by zero
        self.h = {}  # the sum of the squares, for each parameter

    def update(self, params, grads):
        for key in params:
            if key not in self.h:
                self.h[key] = np.zeros_like(params[key])
            self.h[key] += grads[key] ** 2
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + self.eps)


EXERCISE = Exercise(
    AdaGrad,
    "6.1.5",
    partial(check, against="AdaGrad"),
    hints=(
        say("h has the shape of the parameter: every element has a sum of its own."),
        say("⊙ is the product of elements, NumPy's `*`: add the square of the gradient to h."),
        say("The step is SGD's, divided by `np.sqrt(self.h[key]) + self.eps`."),
    ),
    mistakes=(
        Mistake(
            {"np.sqrt(self.h[key])": "self.h[key]"},
            "square root missing",
            say("The root is missing: divide by √h, not by h."),
        ),
        Mistake(
            {"np.sqrt(self.h[key]) + self.eps": "np.sqrt(self.h[key] + self.eps)"},
            "epsilon inside the square root",
            say("ε stands inside of the root: the chapter adds it after the root is taken."),
        ),
        Mistake(
            {"self.h[key] += grads": "self.h[key] = 0.9 * self.h[key] + 0.1 * grads"},
            "RMSprop",
            say("This is RMSProp: its h forgets. AdaGrad's h is the sum of all squares."),
        ),
        Mistake(
            {" + self.eps": ""},
            "no epsilon",
            say("ε is missing: where h is 0, it divides by zero."),
        ),
        Mistake(
            {"-= self.lr": "+= self.lr"},
            "step added",
            say("It climbs: the step has to be subtracted, not added."),
        ),
        Mistake(
            {"+ self.eps": "+ 1e-8"},
            "eps 1e-8",
            say("ε stands in the code as another number, 1e-8: use `self.eps`."),
        ),
    ),
)
