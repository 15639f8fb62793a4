"""Section 6.1.6: Adam."""

from functools import partial

import numpy as np

from experiments.engine.texts import say
from experiments.lesson.exercises.exercise import Exercise, Mistake
from torch_ref.lockstep.check import check


class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.m, self.v = {}, {}  # the averages of g and of g², for each parameter
        self.t = 0  # how many updates there were

    def update(self, params, grads):
        self.t += 1
        for key, g in grads.items():
            if key not in self.m:
                self.m[key] = np.zeros_like(g)
                self.v[key] = np.zeros_like(g)
            self.m[key] = self.beta1 * self.m[key] + (1 - self.beta1) * g
            self.v[key] = self.beta2 * self.v[key] + (1 - self.beta2) * g**2
            m_hat = self.m[key] / (1 - self.beta1**self.t)
            v_hat = self.v[key] / (1 - self.beta2**self.t)
            params[key] -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


_COUNT, _LOOP = "        self.t += 1\n", "        for key, g in grads.items():\n"

EXERCISE = Exercise(
    Adam,
    "6.1.6",
    partial(check, against="Adam"),
    hints=(
        say("Count the update first, once for all parameters: the first has t = 1."),
        say("Two averages: `m` of the gradient with β₁, `v` of its square with β₂."),
        say(
            "Correct copies of them, `m_hat = self.m[key] / (1 - self.beta1**self.t)`, and keep "
            "`m` and `v` as they are."
        ),
        say("The step is η·m̂ / (√v̂ + ε), with the root of the corrected v̂ and ε outside of it."),
    ),
    mistakes=(
        Mistake(
            {" / (1 - self.beta1**self.t)": "", " / (1 - self.beta2**self.t)": ""},
            "bias correction missing",
            say("The bias correction is missing: m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ)."),
        ),
        Mistake(
            {_COUNT + _LOOP: _LOOP + "    " + _COUNT},
            "step counted once for every parameter",
            say("t is counted once for every parameter: it has to be once an update."),
        ),
        Mistake(
            {"np.sqrt(v_hat) + self.eps": "np.sqrt(v_hat + self.eps)"},
            "epsilon inside the square root",
            say("ε stands inside of the root: add it after the root is taken."),
        ),
        Mistake(
            {"np.sqrt(v_hat)": "v_hat"},
            "square root missing",
            say("The root is missing: divide by √v̂, not by v̂."),
        ),
        Mistake(
            {"(1 - self.beta1) * g": "g"},
            "factor 1 − β₁ missing",
            say("m is no average: the gradient goes into it by the share 1 − β₁."),
        ),
        Mistake(
            {"1 - self.beta2**self.t": "1 - self.beta1**self.t"},
            "both moments corrected with β₁",
            say("v̂ is corrected with β₁: v has β₂."),
        ),
    ),
    accepted={
        "epsilon before the bias correction": say(
            "Right, in the form of the book's own code: the corrections are put into the learning "
            "rate, and so ε is added to the uncorrected √v."
        )
    },
)
