"""An optimizer of Keras 3, on whichever backend Keras has."""

import sys
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays
from torch_ref.lockstep.frameworks.optimizers.libraries import JAX, NUMPY, NumPy, Torch
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.side import Side


class KerasAdapter(Side):
    """``apply(grads, variables)``; with JAX the stateless form of it, compiled once."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._step: Any = None
        self._keras: Any = sys.modules["keras"]
        self.name = getattr(recipe.target, "__name__", type(recipe.target).__name__)
        backend = self._keras.config.backend()
        self.library: NumPy = {"jax": JAX(), "torch": Torch()}.get(backend, NUMPY)
        # On NumPy, Keras' own operations give float32 for float64.
        self.precision = "float32" if backend == "numpy" else ""

    def start(self, params: Arrays) -> None:
        self._dtype, self._step = np.result_type(*params.values()), None
        with self._context():
            self.optimizer = self._recipe()
            self._variables = {
                name: self._keras.Variable(w, dtype=self._dtype.name, name=name)
                for name, w in params.items()
            }
            self.optimizer.build(list(self._variables.values()))

    def _context(self) -> ExitStack:
        """Keras' own default precision, in which it has the learning rate, is the run's."""
        stack, config = ExitStack(), self._keras.config
        stack.enter_context(self.library.context(self._dtype))
        stack.callback(config.set_floatx, config.floatx())
        config.set_floatx(self._dtype.name)
        return stack

    def step(self, grads: Arrays) -> None:
        with self._context():
            tensor = partial(self._keras.ops.convert_to_tensor, dtype=self._dtype.name)
            given = [None if g is None else tensor(g) for g in grads.values()]
            if isinstance(self.library, JAX) and all(g is not None for g in given):
                self._compiled_step(given)
            else:
                self.optimizer.apply(given, list(self._variables.values()))

    def _compiled_step(self, grads: list[Any]) -> None:
        own, variables = self.optimizer.variables, list(self._variables.values())
        self._step = self._step or sys.modules["jax"].jit(self.optimizer.stateless_apply)
        values = [[v.value for v in each] for each in (own, variables)]
        stepped, kept = self._step(values[0], grads, values[1])
        for variable, value in zip([*variables, *own], [*stepped, *kept], strict=True):
            variable.assign(value)

    def params(self) -> Arrays:
        return {
            name: np.asarray(self._keras.ops.convert_to_numpy(w))
            for name, w in self._variables.items()
        }

    def scale_lr(self, factor: float) -> bool:
        with self._context():
            rate = self._keras.ops.convert_to_numpy(self.optimizer.learning_rate)
            try:
                self.optimizer.learning_rate = float(rate) * factor
            except TypeError:  # a schedule
                return False
        return True


def fits(made: Any) -> bool:
    """Whether it is one, by its base class."""
    return any(cls.__module__.startswith("keras.src.optimizers") for cls in type(made).__mro__)
