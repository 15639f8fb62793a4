"""A class that is made with the length or the shape of a parameter: ``Cls(n, lr).step(w, g)``."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers import roles, update
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays
from torch_ref.lockstep.frameworks.optimizers.libraries import NumPy, libraries_of
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.side import FirstThatRuns
from torch_ref.lockstep.frameworks.optimizers.templates import no_way

#: What the length is called, and the shape.
LENGTH = roles.words(
    "n size length len d dim ndim dims nparams numparams nparameters numparameters nweights "
    "numweights paramsize numel"
)
SHAPE = roles.words("shape paramshape wshape weightshape paramsshape dimensions")
_SIZES: tuple[Callable[[np.ndarray], Any], ...] = (lambda w: w.size, lambda w: w.shape)


class SizedAdapter(update.EachAdapter):
    """An object for each parameter, which is given as a vector if it was made with a length.

    Args:
        recipe: the class, and its settings but for the size.
        argument: the name of the size.
        size: of a parameter.
        method: the name of the method.
        library: whose arrays it takes.
    """

    def __init__(
        self,
        recipe: Recipe,
        argument: str,
        size: Callable[[np.ndarray], Any],
        method: str,
        library: NumPy,
    ) -> None:
        super().__init__(recipe, method, library)
        self._argument, self._size, self.name = argument, size, recipe.target.__name__

    def start(self, params: Arrays) -> None:
        self._shapes = {name: w.shape for name, w in params.items()}
        super().start({name: self._given(w) for name, w in params.items()})

    def made(self, params: Arrays) -> dict[str, Any]:
        return {n: sized(self._recipe, self._argument, self._size(w)) for n, w in params.items()}

    def step(self, grads: Arrays) -> None:
        super().step({n: g if g is None else self._given(g) for n, g in grads.items()})

    def params(self) -> Arrays:
        return {n: np.reshape(w, self._shapes[n]) for n, w in super().params().items()}

    def _given(self, w: np.ndarray) -> np.ndarray:
        return w.reshape(-1) if self._size is _SIZES[0] else w


def argument(target: Any) -> str:
    """The name of the size that must be given to make one; ``""`` if there is none.

    >>> class Mine:
    ...     def __init__(self, n, lr=0.1): ...
    >>> argument(Mine), argument(dict)
    ('n', '')
    """
    if not (isinstance(target, type) or roles.is_function(target)):
        return ""
    sizes = LENGTH | SHAPE
    return next((name for name in roles.required(target) if roles.plain(name) in sizes), "")


def sized(recipe: Recipe, name: str, size: Any) -> Any:
    """One for a parameter of that size."""
    return replace(recipe, settings={**recipe.settings, name: size})()


def side(recipe: Recipe) -> Adapter:
    """The adapter of such a class: by a length or a shape, the likelier first."""
    target, name = recipe.target, argument(recipe.target)
    by_shape = roles.plain(name) in SHAPE
    made = sized(recipe, name, (1,) if by_shape else 1)
    method = update.fits(made)
    if method is None:
        raise no_way(made)
    sides = [
        SizedAdapter(recipe, name, size, method, library)
        for size in (_SIZES[::-1] if by_shape else _SIZES)
        for library in libraries_of(made)[::-1]
    ]
    return FirstThatRuns(target.__name__, sides)
