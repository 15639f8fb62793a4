"""The ways in, each with ten lines that fit: what to write where nothing is recognised."""

import difflib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch_ref.lockstep.frameworks.optimizers import roles


@dataclass(frozen=True)
class Template:
    """One way to write an optimizer.

    Attributes:
        call: how it is called, on a line.
        says: what that means, in a few words.
        words: names that such code uses.
        code: an SGD with momentum that is written so, complete.
    """

    call: str
    says: str
    words: tuple[str, ...]
    code: str


TEMPLATES = {
    "update": Template(
        "update(params, grads)",
        "an object that changes a dict of arrays in place, or returns it",
        ("update", "step", "params", "grads", "optimize", "apply"),
        """\
import numpy as np


class MySGD:
    def __init__(self, lr=0.001, momentum=0.9):
        self.lr, self.momentum, self.b = lr, momentum, {}

    def update(self, params, grads):
        for name, g in grads.items():
            self.b[name] = self.momentum * self.b.get(name, np.zeros_like(g)) + g
            params[name] -= self.lr * self.b[name]
""",
    ),
    "each": Template(
        "w = update(w, g)",
        "an object that takes one parameter, with its name as a third argument or without",
        ("update", "w", "grad_wrt_w", "param", "grad", "name", "call"),
        """\
class MySGD:
    def __init__(self, lr=0.001, momentum=0.9):
        self.lr, self.momentum, self.b = lr, momentum, {}

    def update(self, w, g, name):
        self.b[name] = self.momentum * self.b.get(name, 0) + g
        return w - self.lr * self.b[name]
""",
    ),
    "function": Template(
        "w = step(w, g, state, **settings)",
        "a function of one step, which keeps what it needs in the dict that it is given",
        ("step", "w", "g", "dw", "state", "config", "cache"),
        """\
def my_sgd(w, g, state, lr=0.001, momentum=0.9):
    state["b"] = momentum * state.get("b", 0) + g
    return w - lr * state["b"]
""",
    ),
    "loop": Template(
        "f(grad, x0, num_iters=…)",
        "a function that has the loop inside of it and calls grad(x) in each step",
        ("grad", "x0", "num_iters", "maxiter", "jac", "minimize", "fit", "run", "train"),
        """\
def my_sgd(grad, x0, num_iters=100, lr=0.001, momentum=0.9):
    x, b = x0, 0
    for _ in range(num_iters):
        b = momentum * b + grad(x)
        x = x - lr * b
    return x
""",
    ),
    "init-update": Template(
        "init(params) and update(grads, state, params)",
        "a pair of functions that give a state, and what is added to the parameters",
        ("init", "update", "state", "transform", "opt_state", "learning_rate"),
        """\
from types import SimpleNamespace


def my_sgd(lr=0.001, momentum=0.9):
    def update(grads, state, params):
        state = {name: momentum * state[name] + g for name, g in grads.items()}
        return {name: -lr * b for name, b in state.items()}, state

    return SimpleNamespace(init=lambda params: dict.fromkeys(params, 0), update=update)
""",
    ),
    "step": Template(
        "Cls(params, lr).step()",
        "a class that is made with parameters which have .data and .grad",
        ("step", "params", "parameters", "zero_grad", "data", "grad", "backward"),
        """\
class MySGD:
    def __init__(self, params, lr=0.001, momentum=0.9):
        self.params, self.lr, self.momentum = params, lr, momentum
        self.b = [0 for _ in params]

    def step(self):
        for i, p in enumerate(self.params):
            self.b[i] = self.momentum * self.b[i] + p.grad
            p.data -= self.lr * self.b[i]
""",
    ),
    "torch": Template(
        "a subclass of torch.optim.Optimizer",
        "with groups, state and step(), as torch's own are",
        ("param_groups", "state", "step", "defaults", "closure", "zero_grad"),
        """\
import torch


class MySGD(torch.optim.Optimizer):
    def __init__(self, params, lr=0.001, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                b = self.state[p].get("b", torch.zeros_like(p))
                self.state[p]["b"] = b = group["momentum"] * b + p.grad
                p -= group["lr"] * b
""",
    ),
}


def template(name: str = "update") -> str:
    """The code of one way to write an optimizer.

    Raises:
        KeyError: there is none of that name; the message says which there are.

    >>> print(template("each").splitlines()[0])
    class MySGD:
    """
    if name not in TEMPLATES:
        raise KeyError(f"there is no template {name!r}; there are {', '.join(TEMPLATES)}")
    return TEMPLATES[name].code


def nearest(target: Any, count: int = 2) -> list[str]:
    """The names of the ways that are nearest to what is there, by the names in it.

    >>> class Mine:
    ...     def fit(self, jac, x0): ...
    >>> nearest(Mine())[0]
    'loop'
    """
    own = set(_names(target))

    def likeness(name: str) -> float:
        return sum(_likeness(word, own) for word in TEMPLATES[name].words) / len(
            TEMPLATES[name].words
        )

    return sorted(TEMPLATES, key=likeness, reverse=True)[:count]


class NoWay(TypeError):
    """A candidate is written in none of these ways.

    Attributes:
        shown: the two nearest ways, with code for the first.
    """

    def __init__(self, message: str, shown: str = "") -> None:
        super().__init__(message)
        self.shown = shown


def no_way(target: Any) -> NoWay:
    """The error for such a candidate."""
    first, second = (TEMPLATES[each] for each in nearest(target))
    code = "\n".join(f"    {line}" for line in first.code.splitlines())
    because = "it is written in none of the ways that are known here; the nearest are"
    return NoWay(
        f"{because} {first.call}, and {second.call}",
        f"{because}\n"
        f"  {first.call}: {first.says}\n"
        f"  {second.call}: {second.says}\n"
        f"An SGD that is written in the first of them:\n\n{code}\n",
    )


def _names(target: Any) -> Iterable[str]:
    """The names of the public methods of an object or class, and of what these take."""
    if inspect.isroutine(target):
        return [target.__name__, *roles.positional(target)]
    public = (name for name in dir(target) if not name.startswith("_"))
    # Not by getattr: a property may compute, and fail.
    methods = {name: inspect.getattr_static(target, name, None) for name in public}
    methods = {n: method for n, method in methods.items() if callable(method)}
    takes = [each for method in methods.values() for each in roles.positional(method)]
    return [*methods, *takes, *roles.positional(target)]


def _likeness(word: str, own: Iterable[str]) -> float:
    return max((_ratio(word, each.lower()) for each in own), default=0.0)


@lru_cache(10_000)  # the same words are asked for of one candidate after the other
def _ratio(word: str, other: str) -> float:
    return difflib.SequenceMatcher(None, word, other).ratio()
