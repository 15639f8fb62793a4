"""An object with ``update(params, grads)``, or whatever people call it and give it instead.

All parameters at once, as dicts or lists, or one after another; in place, or returned.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers import roles
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays, Evaluate
from torch_ref.lockstep.frameworks.optimizers.buffers import found
from torch_ref.lockstep.frameworks.optimizers.libraries import NUMPY, NumPy, libraries_of
from torch_ref.lockstep.frameworks.optimizers.rate import scale_attribute
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.side import FirstThatRuns, Side

#: What the method is called; the first that an object has is taken.
METHODS = ("update", "step", "update_params", "apply", "apply_gradients", "optimize", "__call__")
#: Of these, those that take parameters and gradients whatever the arguments are called.
_SURE = METHODS[:3]


class UpdateAdapter(Side):
    """An object whose method takes all parameters and all gradients at once.

    Args:
        recipe: what makes the object.
        method: the name of the method.
        library: whose arrays it takes.
        container: ``dict`` by name, or ``list``.
    """

    def __init__(
        self,
        recipe: Recipe,
        method: str = "update",
        library: NumPy = NUMPY,
        container: type = dict,
    ) -> None:
        self._recipe, self._method, self.library = recipe, method, library
        self._container, self.precision = container, library.precision
        self.name = getattr(recipe.target, "__name__", type(recipe.target).__name__)

    def start(self, params: Arrays) -> None:
        self._dtype, self._count = np.result_type(*params.values()), 0
        with self.library.context(self._dtype):
            self.optimizer = self._recipe()
            self._params = {name: self.library.tensor(w) for name, w in params.items()}

    def step(self, grads: Arrays) -> None:
        self._count += 1
        call = getattr(self.optimizer, self._method)
        with self.library.context(self._dtype):
            given = self.library.tensors(grads)
            if self._container is dict:
                self._take(invoke(call, self._params, given, None, self._count))
            else:
                params = list(self._params.values())
                returned = invoke(call, params, list(given.values()), None, self._count)
                self._take(params if returned is None else returned)

    def _take(self, returned: Any) -> None:
        """Take the parameters that the method returned, if it did; alone, or first of several."""
        if isinstance(returned, tuple) and returned and isinstance(returned[0], Mapping | list):
            returned = returned[0]
        if isinstance(returned, list | tuple) and len(returned) == len(self._params):
            returned = dict(zip(self._params, returned, strict=True))
        if isinstance(returned, Mapping) and returned.keys() >= self._params.keys():
            self._params = {name: returned[name] for name in self._params}

    def minimize(self, evaluate: Evaluate) -> None:
        if "closure" not in roles.positional(self.optimizer.update):
            super().minimize(evaluate)
        else:
            self.optimizer.update(self._params, closure=lambda: evaluate(self.params()))

    def add(self, name: str, w: np.ndarray) -> None:
        self._params[name] = self.library.tensor(w)

    def params(self) -> Arrays:
        return {name: self.library.array(w) for name, w in self._params.items()}

    def state(self) -> dict[str, Arrays]:
        return found(getattr(self.optimizer, "__dict__", {}), self.params())

    def scale_lr(self, factor: float) -> bool:
        return scale_attribute(self.optimizer, factor)


class EachAdapter(Side):
    """An object whose method takes one parameter and its gradient, ``w = update(w, g)``.

    One that takes a name as well keeps all buffers; else each parameter has an object of its own.
    What ``create_state(index, weight)`` gives for a parameter, as in MXNet, its updates are given.
    """

    def __init__(self, recipe: Recipe, method: str = "update", library: NumPy = NUMPY) -> None:
        self._recipe, self._method, self.library = recipe, method, library
        self.precision = library.precision

    def start(self, params: Arrays) -> None:
        self._dtype, self._count = np.result_type(*params.values()), 0
        with self.library.context(self._dtype):
            self._params = {name: self.library.tensor(w) for name, w in params.items()}
            self._each = self.made(params)
            self.optimizer = next(iter(self._each.values()))
            create = getattr(self.optimizer, "create_state", None)
            self._states = {n: create(n, w) for n, w in self._params.items()} if create else {}

    def made(self, params: Arrays) -> dict[str, Any]:
        """The object of each parameter: one for all, where it is told the name."""
        first = self._recipe()
        shared = roles.NAME in roles.of(getattr(first, self._method)).values()
        return {n: first if shared else self._recipe() for n in params}

    def step(self, grads: Arrays) -> None:
        self._count += 1
        with self.library.context(self._dtype):
            for name, g in self.library.tensors(grads).items():
                if g is not None:
                    self._update(name, g)

    def _update(self, name: str, g: Any) -> None:
        w, call = self._params[name], getattr(self._each[name], self._method)
        state = self._states.get(name)
        self._params[name] = taken(invoke(call, w, g, name, self._count, state), w)

    def params(self) -> Arrays:
        return {name: self.library.array(w) for name, w in self._params.items()}

    def scale_lr(self, factor: float) -> bool:
        each = {id(one): one for one in self._each.values()}
        return {scale_attribute(one, factor) for one in each.values()} == {True}


class LayerAdapter(EachAdapter):
    """``update_params(layer)`` on layers with ``weights``, ``dweights``, ``biases``, ``dbiases``.

    Each parameter is the weights of a layer of its own. What is to be called before and after a
    step is called.
    """

    def start(self, params: Arrays) -> None:
        super().start(params)
        self._each = dict.fromkeys(params, self.optimizer)
        self._layers = {name: _Layer(w) for name, w in self._params.items()}

    def step(self, grads: Arrays) -> None:
        getattr(self.optimizer, "pre_update_params", _nothing)()
        super().step(grads)
        getattr(self.optimizer, "post_update_params", _nothing)()

    def _update(self, name: str, g: Any) -> None:
        layer = self._layers[name]
        layer.dweights, layer.dbiases = g, np.zeros_like(layer.biases)
        getattr(self.optimizer, self._method)(layer)
        self._params[name] = layer.weights


class _Layer:
    dweights: np.ndarray
    dbiases: np.ndarray

    def __init__(self, w: np.ndarray) -> None:
        self.weights, self.biases = w, np.zeros((1, 1), w.dtype)


def _nothing() -> None:
    """What is called where there is no such method."""


def fits(made: Any) -> str | None:
    """The name of the method that an object is stepped by, if it has one that takes two things.

    >>> class Mine:
    ...     def step(self, params, grads): ...
    >>> fits(Mine()), fits(len)
    ('step', None)
    """
    if isinstance(made, Mapping | set | type):
        return None
    for name in METHODS:
        takes = roles.of(getattr(made, name, None))
        known = set(takes.values())
        if "layer" in takes or (len(takes) >= 2 and (name in _SURE or known & roles.GRADIENT)):
            return name
    # What has no signature may still be the chapter's.
    return "update" if callable(getattr(made, "update", None)) else None


def side(recipe: Recipe, made: Any, method: str) -> Adapter:
    """The adapter of an object with that method: the ways to call it, the likeliest first."""
    call = getattr(made, method)
    names = roles.of(call)
    if "layer" in names:
        return LayerAdapter(recipe, method)
    known = set(names.values())
    libraries = libraries_of(made)[::-1]  # a file may import torch only to compare with it
    each = [EachAdapter(recipe, method, library) for library in libraries]
    all_ = [
        UpdateAdapter(recipe, method, library, container)
        for library in libraries
        for container in (dict, list)
    ]
    one = known & {roles.PARAM, roles.NAME} and roles.PARAMS not in known
    ways: list[Adapter] = [*each, *all_] if one else [*all_, *each]
    return FirstThatRuns(ways[0].name, ways)


def invoke(
    call: Callable[..., Any], w: Any, g: Any, name: str | None, count: int, state: Any = None
) -> Any:
    """Call with the parameters and the gradients in the order in which it takes them.

    Where it asks for them, with the name of the parameter, the step and a state, too.

    >>> invoke(lambda grads, params: f"by {grads}", "parameters", "gradients", None, 1)
    'by gradients'
    """
    values = {roles.PARAM: w, roles.PARAMS: w, roles.GRAD: g, roles.GRADS: g, roles.COUNT: count}
    values |= {} if name is None else {roles.NAME: name}
    values |= {} if state is None else {roles.STATE: state}
    meanings, needed = roles.of(call), roles.required(call)
    asked = {n: r for n, r in meanings.items() if n in needed or r == roles.NAME}
    found = set(asked.values())
    if found & roles.GRADIENT and found & {roles.PARAM, roles.PARAMS}:
        return call(**{n: values[r] for n, r in asked.items() if r in values})
    swapped = meanings and next(iter(meanings.values())) in roles.GRADIENT
    return call(g, w) if swapped else call(w, g)


def taken(returned: Any, w: Any) -> Any:
    """The parameter after a call: what was returned, alone or first of several, or ``w`` itself."""
    if isinstance(returned, tuple) and returned:
        returned = returned[0]
    return w if returned is None or np.shape(returned) != np.shape(w) else returned
