"""A class that is made with the parameters, ``Cls(params, lr)``, and is no torch.optim.Optimizer.

Its ``step()`` looks for ``.grad`` in objects that also have ``.data``; or it is given arrays, and
``update_params(params, grads)``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers import roles
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays
from torch_ref.lockstep.frameworks.optimizers.libraries import (
    NUMPY,
    NumPy,
    Tinygrad,
    Torch,
    libraries_of,
)
from torch_ref.lockstep.frameworks.optimizers.rate import scale_attribute
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.side import FirstThatRuns, Side
from torch_ref.lockstep.frameworks.optimizers.templates import no_way
from torch_ref.lockstep.frameworks.optimizers.update import METHODS, invoke


class Parameter:
    """An array with a gradient, for classes that expect no more than ``.data`` and ``.grad``.

    >>> w = Parameter(np.ones(2))
    >>> w -= 0.5
    >>> w.data, w.grad is None
    (array([0.5, 0.5]), True)
    """

    requires_grad = True

    def __init__(self, data: np.ndarray) -> None:
        self.data = data
        self.grad: np.ndarray | None = None

    @property
    def value(self) -> np.ndarray:
        """The array under another name."""
        return self.data

    @value.setter
    def value(self, data: np.ndarray) -> None:
        self.data = data

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.data.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.data, dtype)

    def __getitem__(self, at: Any) -> Any:
        return self.data[at]

    def __setitem__(self, at: Any, values: Any) -> None:
        self.data[at] = values

    def __isub__(self, other: Any) -> "Parameter":
        self.data = self.data - other
        return self

    def __iadd__(self, other: Any) -> "Parameter":
        self.data = self.data + other
        return self


class BoundAdapter(Side):
    """A class that is made with parameters, whose ``step()`` takes no gradients but finds them.

    Args:
        recipe: the class, and its settings.
        library: whose arrays have ``.grad``; NumPy's are made such.
        container: of the parameters, ``list`` or ``dict``.
        name: of the class, or of what makes it.
    """

    def __init__(
        self, recipe: Recipe, library: NumPy, container: type = list, name: str = ""
    ) -> None:
        self._recipe, self.library, self._container = recipe, library, container
        self.precision, self.name = library.precision, name or recipe.target.__name__

    def start(self, params: Arrays) -> None:
        self._dtype = np.result_type(*params.values())
        with self.library.context(self._dtype):
            self._params = {name: self.tensor(w) for name, w in params.items()}
            self.optimizer = self.bound()

    def bound(self) -> Any:
        """The optimizer of ``self._params``."""
        return self._recipe(self._params if self._container is dict else [*self._params.values()])

    def tensor(self, w: np.ndarray) -> Any:
        """An array that has a gradient."""
        return Parameter(w.copy()) if self.library is NUMPY else self.library.tensor(w)

    def step(self, grads: Arrays) -> None:
        with self.library.context(self._dtype):
            for name, g in self.library.tensors(grads).items():
                self._params[name].grad = g
            self.move()

    def move(self) -> None:
        """Take the step, once the parameters have their gradients."""
        self.optimizer.step()

    def params(self) -> Arrays:
        return {
            name: self.library.array(w.data if isinstance(w, Parameter) else w)
            for name, w in self._params.items()
        }

    def scale_lr(self, factor: float) -> bool:
        if isinstance(self.library, Tinygrad):
            with self.library.context(self._dtype):
                lr = self.optimizer.lr
                lr.assign(lr * factor).realize()
            return True
        return scale_attribute(self.optimizer, factor)


class GivenAdapter(BoundAdapter):
    """A class that is made with arrays, and whose method is given the gradients."""

    def __init__(self, recipe: Recipe, method: str, library: NumPy, container: type) -> None:
        super().__init__(recipe, library, container)
        self._method = method

    def tensor(self, w: np.ndarray) -> Any:
        return self.library.tensor(w)

    def step(self, grads: Arrays) -> None:
        call: Callable[..., Any] = getattr(self.optimizer, self._method)
        with self.library.context(self._dtype):
            given = self.library.tensors(grads)
            if self._container is dict:
                contained: tuple[Any, Any] = self._params, given
            else:
                contained = [*self._params.values()], [*given.values()]
            if len(roles.required(call)) == 1:
                call(contained[1])
            else:
                invoke(call, *contained, None, 0)


def fits(target: Any) -> bool:
    """Whether its first argument is the parameters, which must be given.

    >>> class Mine:
    ...     def __init__(self, params, lr=0.1): ...
    >>> fits(Mine), fits(dict)
    (True, False)
    """
    if not (isinstance(target, type) or roles.is_function(target)):
        return False
    first = next(iter(roles.of(target).items()), ("", ""))
    return first[0] in roles.required(target) and first[1] == roles.PARAMS


def side(recipe: Recipe) -> Adapter:
    """The adapter of such a class: the ways to call it, the likeliest first."""
    target = recipe.target
    taking = {name: len(roles.positional(getattr(target, name, None))) - 1 for name in METHODS}
    given = [name for name in METHODS if taking[name] >= 1 and _takes_gradients(target, name)]
    libraries = libraries_of(target)
    sides: list[Adapter] = [
        GivenAdapter(recipe, name, library, container)
        for name in given[:1]
        for library in libraries[::-1]
        for container in (list, dict)
    ]
    steps = not isinstance(target, type) or callable(getattr(target, "step", None))
    for library in libraries if steps else ():
        if library is NUMPY or isinstance(library, Torch | Tinygrad):
            sides += [BoundAdapter(recipe, library, container) for container in (list, dict)]
    if not sides:
        raise no_way(target)
    return FirstThatRuns(target.__name__, sides)


def _takes_gradients(target: Any, method: str) -> bool:
    return bool(roles.GRADIENT & set(roles.of(getattr(target, method)).values()))
