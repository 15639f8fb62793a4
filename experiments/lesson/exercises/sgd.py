"""Section 6.1.2: stochastic gradient descent."""

from functools import partial

from experiments.engine.texts import say
from experiments.lesson.exercises.exercise import Exercise, Mistake
from torch_ref.lockstep.check import check


class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for key in params:
            params[key] -= self.lr * grads[key]


_SCALED = "grads[key] *= self.lr"

EXERCISE = Exercise(
    SGD,
    "6.1.2",
    partial(check, against="SGD"),
    hints=(
        say("`params` and `grads` are dicts with the same keys: go through them one by one."),
        say("Downhill is against the gradient: the step is −η times the gradient."),
        say("In the loop: `params[key] -= self.lr * …`; what is missing is the gradient of `key`."),
    ),
    mistakes=(
        Mistake(
            {"-=": "+="},
            "step added",
            say("It climbs: the step has to be subtracted, not added."),
        ),
        Mistake(
            {"self.lr * grads[key]": "grads[key]"},
            "lr = 1,",
            say("The learning rate is missing: every step is the whole gradient."),
        ),
        Mistake(
            {"params[key] -= ": "w = params[key]; w = w - "},
            "changes no parameter",
            say(
                "Nothing arrives in `params`: `w = w - …` only gives the name `w` to a new array. "
                "Write into `params[key]`."
            ),
        ),
        Mistake(
            {"self.lr * grads[key]": "0.01 * grads[key]"},
            "takes lr and makes nothing of it",
            say("The learning rate stands in the code as a number: use `self.lr`."),
        ),
        Mistake(
            {"params[key] -= self.lr * grads[key]": f"{_SCALED}; params[key] -= grads[key]"},
            "changes the gradient",
            say(
                "It changes `grads`, which belongs to the caller: compute the step without writing "
                "into it."
            ),
        ),
        Mistake(
            {"grads[key]": "np.sign(grads[key])"},
            "the gradient's sign alone",
            say("Only the sign of the gradient counts: the step must be in proportion to it."),
        ),
    ),
)
