"""d2l's functions: ``adam(params, states, hyperparams)``, whose parameters have ``.grad``."""

import inspect
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers import roles
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.frameworks.optimizers.bound import BoundAdapter, Parameter
from torch_ref.lockstep.frameworks.optimizers.libraries import (
    NUMPY,
    NumPy,
    Torch,
    libraries_of,
)
from torch_ref.lockstep.frameworks.optimizers.rate import LEARNING_RATE
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.side import FirstThatRuns

_STATES = roles.words("states state")
_SETTINGS = roles.words("hyperparams hyperparameters hyper hps")


class _Hyper(dict[str, Any]):
    """The settings, with the step under whatever name it is looked up.

    Args:
        settings: by name.
        asking: whether to take note of what else is looked up, and give a 1 for it.
    """

    def __init__(self, settings: Any = (), asking: bool = False) -> None:
        super().__init__(settings)
        self._asking, self.count = asking, 0

    def __missing__(self, name: str) -> Any:
        if roles.role(name) != roles.COUNT and not self._asking:
            raise KeyError(name)
        return self.setdefault(name, max(self.count, 1))

    def counted(self) -> None:
        """Go on to the next step."""
        self.count += 1
        self.update({n: self.count for n in self if roles.role(n) == roles.COUNT})


class HyperparamsAdapter(BoundAdapter):
    """A function that finds gradients in parameters, and its settings and the step in a dict.

    Args:
        recipe: the function, and its settings.
        library: whose arrays have ``.grad``; NumPy's are made such.
        buffers: how many each parameter has: a tuple of them, or one, by itself.
        asking: whether the settings are to be found out.
    """

    def __init__(self, recipe: Recipe, library: NumPy, buffers: int, asking: bool = False) -> None:
        super().__init__(recipe, library)
        self._buffers, self._asking = buffers, asking

    def bound(self) -> None:
        self.hyper = _Hyper(self._recipe.settings, self._asking)
        self._states = [self._state(w) for w in self._params.values()]

    def _state(self, w: Any) -> Any:
        zeros = (w.data * 0 if isinstance(w, Parameter) else w * 0 for _ in range(self._buffers))
        return tuple(zeros) if self._buffers > 1 else next(zeros)

    def move(self) -> None:
        self.hyper.counted()
        self._recipe.target([*self._params.values()], self._states, self.hyper)

    def scale_lr(self, factor: float) -> bool:
        found = [name for name in LEARNING_RATE if name in self.hyper][:1]
        self.hyper.update({name: self.hyper[name] * factor for name in found})
        return bool(found)


def fits(target: Any) -> bool:
    """Whether it is a function of parameters, states and settings.

    >>> fits(lambda params, states, hyperparams: None), fits(lambda params, grads, lr: None)
    (True, False)
    """
    if not roles.is_function(target):
        return False
    names = [roles.plain(name) for name in roles.required(target)]
    known = ({"params", "parameters"}, _STATES, _SETTINGS)
    return len(names) == 3 and all(n in words for n, words in zip(names, known, strict=True))


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    """What the function looks up in its dict, but for the step.

    >>> def mine(params, states, hyperparams):
    ...     for p in params:
    ...         p[:] -= hyperparams["lr"] * p.grad
    >>> list(parameters(mine))
    ['lr']
    """
    for side in _sides(Recipe(function), asking=True):
        try:
            side.start({"w": np.ones(1)})
            side.step({"w": np.ones(1)})
        except Exception:  # whatever it raises for other arrays or states
            continue
        names = [name for name in side.hyper if roles.role(name) != roles.COUNT]
        return {n: inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in names}
    return {}


def side(recipe: Recipe) -> Adapter:
    """The adapter of such a function: the states that it may have, one after another."""
    return FirstThatRuns(recipe.target.__name__, _sides(recipe))


def _sides(recipe: Recipe, asking: bool = False) -> list[HyperparamsAdapter]:
    return [
        HyperparamsAdapter(recipe, library, buffers, asking)
        for library in libraries_of(recipe.target)
        if library is NUMPY or isinstance(library, Torch)
        for buffers in (2, 1, 3)
    ]
