"""An object that is told its model by ``setup(model)`` and stepped by ``update()``: DeZero's."""

from collections.abc import Iterator
from typing import Any

from torch_ref.lockstep.frameworks.optimizers import roles
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays
from torch_ref.lockstep.frameworks.optimizers.bound import BoundAdapter, Parameter
from torch_ref.lockstep.frameworks.optimizers.libraries import NUMPY
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.side import FirstThatRuns


class Model:
    """What has parameters.

    >>> import numpy as np
    >>> [w.data.item() for w in Model([Parameter(np.array(0.5))]).params()]
    [0.5]
    """

    def __init__(self, parameters: list[Parameter]) -> None:
        self._parameters = parameters

    def params(self) -> Iterator[Parameter]:
        """The parameters, one after another."""
        return iter(self._parameters)


class SetupAdapter(BoundAdapter):
    """A class whose objects find the parameters in a model, and in these their gradients.

    Args:
        recipe: the class, and its settings.
        wrapped: whether a gradient has its array in ``.data``, as the parameter has.
    """

    def __init__(self, recipe: Recipe, name: str, wrapped: bool) -> None:
        super().__init__(recipe, NUMPY, name=name)
        self._wrapped = wrapped

    def bound(self) -> Any:
        optimizer = self._recipe()
        optimizer.setup(Model([*self._params.values()]))
        return optimizer

    def step(self, grads: Arrays) -> None:
        for name, g in grads.items():
            self._params[name].grad = Parameter(g) if self._wrapped and g is not None else g
        self.optimizer.update()


def fits(made: Any) -> bool:
    """Whether it has ``setup(model)``, and an ``update()`` that needs nothing.

    >>> class Mine:
    ...     def setup(self, model): ...
    ...     def update(self): ...
    >>> fits(Mine()), fits({})
    (True, False)
    """
    if not (callable(getattr(made, "setup", None)) and callable(getattr(made, "update", None))):
        return False
    return not roles.required(made.update) and len(roles.positional(made.setup)) >= 1


def side(recipe: Recipe, made: Any) -> Adapter:
    """The adapter of such an object."""
    name = type(made).__name__
    return FirstThatRuns(name, [SetupAdapter(recipe, name, wrapped) for wrapped in (False, True)])
