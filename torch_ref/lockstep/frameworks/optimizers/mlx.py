"""An optimizer of MLX, ``apply_gradients(gradients, parameters)``."""

from typing import Any

from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays
from torch_ref.lockstep.frameworks.optimizers.libraries import MLX
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.side import Side


class MLXAdapter(Side):
    """It gives new parameters for dicts of gradients and parameters, in float32."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe, self.library, self.precision = recipe, MLX(), MLX.precision
        self.name = getattr(recipe.target, "__name__", type(recipe.target).__name__)

    def start(self, params: Arrays) -> None:
        self.optimizer = self._recipe()
        self._params = {name: self.library.tensor(w) for name, w in params.items()}
        self.optimizer.init(self._params)

    def step(self, grads: Arrays) -> None:
        given = {name: self.library.tensor(g) for name, g in grads.items() if g is not None}
        self._params |= self.optimizer.apply_gradients(given, self._params)

    def params(self) -> Arrays:
        return {name: self.library.array(w) for name, w in self._params.items()}

    def scale_lr(self, factor: float) -> bool:
        if "learning_rate" not in self.optimizer.state:
            return False
        self.optimizer.learning_rate = self.optimizer.learning_rate * factor
        return True


def fits(made: Any) -> bool:
    """Whether it is one, by its base class."""
    return any(cls.__module__.startswith("mlx.optimizers") for cls in type(made).__mro__)
