"""A plain function that takes one step: ``step(w, g, state, **settings)``.

It may be called for each parameter or for all, change them in place or return them, and take its
state as a dict (cs231n's ``config``), as arrays that it returns again, or as the step's number.
"""

import inspect
from numbers import Real
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers import roles
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays
from torch_ref.lockstep.frameworks.optimizers.libraries import NumPy, libraries_of
from torch_ref.lockstep.frameworks.optimizers.rate import LEARNING_RATE, SYMBOLS
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe, arguments
from torch_ref.lockstep.frameworks.optimizers.side import FirstThatRuns, Side
from torch_ref.lockstep.frameworks.optimizers.update import taken

#: What a step is given, and what it keeps; all else are its settings.
_GIVEN = {roles.PARAM, roles.PARAMS, roles.NAME, *roles.GRADIENT}
_KEPT = (roles.STATE, roles.BUFFER, roles.COUNT)
#: A dict that holds settings and state.
CONFIG = "config"


class FunctionAdapter(Side):
    """A function of one step.

    Args:
        recipe: the function, and its settings.
        library: whose arrays it takes.
        each: whether it takes one parameter, and not the dict of all.
        empty: makes a state that must be given, at the start.
    """

    def __init__(self, recipe: Recipe, library: NumPy, each: bool, empty: Any = dict) -> None:
        self._function, self._original, self._empty = recipe.target, recipe.settings, empty
        self.library, self._each, self.precision = library, each, library.precision
        self._takes = roles.of(recipe.target)

    def start(self, params: Arrays) -> None:
        self._dtype, self._count = np.result_type(*params.values()), 0
        within = self._config()
        self._settings = {
            n: v for n, v in self._original.items() if n not in within.get(CONFIG, ())
        }
        with self.library.context(self._dtype):
            self._params = {name: self.library.tensor(w) for name, w in params.items()}
            units = self._params if self._each else {"": self._params}
            self._kept = {name: self._beginning(w) for name, w in units.items()}

    def _beginning(self, w: Any) -> dict[str, Any]:
        """What is kept of a parameter from step to step, at the start: by the argument's name."""
        kept = {n: self._takes[n] for n in _kept(self._function)}
        begin = {roles.STATE: self._empty, roles.BUFFER: lambda: self.zeros(w), roles.COUNT: int}
        return {n: begin[r]() for n, r in kept.items()} | self._config()

    def zeros(self, w: Any) -> Any:
        """A buffer at the start."""
        if isinstance(w, dict):
            return {name: self.zeros(each) for name, each in w.items()}
        return w * 0

    def _config(self) -> dict[str, Any]:
        """cs231n's dict of settings and state, if the function has that."""
        known = arguments(self._function)
        within = {n: v for n, v in self._original.items() if n not in known}
        return {CONFIG: within} if CONFIG in self._takes else {}

    def step(self, grads: Arrays) -> None:
        self._count += 1
        with self.library.context(self._dtype):
            given = self.library.tensors(grads)
            if not self._each:
                self._params = self._one("", self._params, given)
                return
            for name, g in given.items():
                if g is not None:
                    self._params[name] = self._one(name, self._params[name], g)

    def _one(self, name: str, w: Any, g: Any) -> Any:
        kept = self._kept[name]
        kept |= {n: self._count for n in kept if self._takes[n] == roles.COUNT}
        values = {roles.PARAM: w, roles.PARAMS: w, roles.GRAD: g, roles.GRADS: g, roles.NAME: name}
        given = {n: values[r] for n, r in self._takes.items() if r in values}
        returned = self._function(**given, **kept, **self._settings)
        if isinstance(returned, tuple):
            again = [n for n in kept if self._takes[n] != roles.COUNT]
            kept |= zip(again, returned[1:], strict=False)
        return taken(returned, w) if self._each else _container(returned, w)

    def params(self) -> Arrays:
        return {name: self.library.array(w) for name, w in self._params.items()}

    def scale_lr(self, factor: float) -> bool:
        configs = [kept[CONFIG] for kept in self._kept.values() if CONFIG in kept]
        known = (*LEARNING_RATE, *SYMBOLS)
        names = [n for n in known if any(n in config for config in configs)][:1]
        for config in configs:
            config |= {name: config[name] * factor for name in names}
        scaled = Recipe(self._function, self._settings).scaled(factor)
        self._settings = dict(scaled.settings) if scaled else self._settings
        return bool(names) or scaled is not None


class NumberedAdapter(FunctionAdapter):
    """A function of the dicts of a course: ``parameters["W1"]``, ``grads["dW1"]``, ``v["dW1"]``.

    Parameters are the weights and the biases of layers; where their number is odd, the last layer
    has a bias of zeros that counts for nothing.
    """

    def start(self, params: Arrays) -> None:
        odd = {"": np.zeros((), np.result_type(*params.values()))} if len(params) % 2 else {}
        self._numbers = {n: f"{'Wb'[i % 2]}{i // 2 + 1}" for i, n in enumerate([*params, *odd])}
        super().start({self._numbers[name]: w for name, w in (params | odd).items()})

    def zeros(self, w: Any) -> Any:
        return {f"d{name}": each * 0 for name, each in w.items()}

    def step(self, grads: Arrays) -> None:
        odd = {"": np.zeros(())} if "" in self._numbers else {}
        super().step({f"d{self._numbers[n]}": g for n, g in (grads | odd).items()})

    def params(self) -> Arrays:
        own = super().params()
        return {name: own[number] for name, number in self._numbers.items() if name}


def _container(returned: Any, params: Any) -> Any:
    if isinstance(returned, tuple) and returned:
        returned = returned[0]
    return returned if isinstance(returned, dict) else params


def fits(target: Any) -> bool:
    """Whether it is a function whose first arguments are parameters and gradients.

    >>> fits(lambda w, dw, config=None: None), fits(lambda learning_rate, b1=0.9: None)
    (True, False)
    """
    if not roles.is_function(target):
        return False
    first = set(list(roles.of(target).values())[:2])
    return bool(first & roles.GRADIENT) and bool(first & {roles.PARAM, roles.PARAMS})


def parameters(target: Any) -> dict[str, inspect.Parameter]:
    """The settings of such a function; those in cs231n's ``config`` as a call of it shows them."""
    kept = {*_kept(target), CONFIG}
    takes = arguments(target)
    given = {n for n, r in roles.of(target).items() if r in _GIVEN}
    own = {n: p for n, p in takes.items() if n not in given | kept}
    return own | (_configured(target) if CONFIG in takes else {})


def side(recipe: Recipe) -> Adapter:
    """The adapter of such a function: the ways to call it, the likeliest first."""
    takes = set(roles.of(recipe.target).values())
    sides = [
        FunctionAdapter(recipe, library, each, empty)
        for library in libraries_of(recipe.target)[::-1]
        for each in ((True, False) if takes & {roles.PARAM, roles.GRAD} else (False, True))
        for empty in ((dict, _none) if roles.STATE in takes else (dict,))
    ]
    if {roles.PARAMS, roles.GRADS} <= takes:
        sides[1:1] = [NumberedAdapter(recipe, sides[0].library, each=False)]
    return FirstThatRuns(recipe.target.__name__, sides)


def _kept(function: Any) -> list[str]:
    """The arguments that a function must be given again, as it left them."""
    needed = roles.required(function)
    takes = roles.of(function)
    return [n for n, r in takes.items() if n != CONFIG and _is_kept(r, n in needed)]


def _is_kept(role: str, needed: bool) -> bool:
    return role == roles.STATE or (role in _KEPT and needed)


def _none() -> None:
    """A state that a function makes itself where it is given none."""


def _configured(function: Any) -> dict[str, inspect.Parameter]:
    """The numbers that two calls leave in an empty ``config`` and do not change."""
    for library in libraries_of(function)[::-1]:
        try:
            seen = _left_in_config(function, library)
        except Exception:  # whatever it raises for arrays of another library
            continue
        kind = inspect.Parameter.KEYWORD_ONLY
        constant = {name: value for name, value in seen[0].items() if value == seen[1].get(name)}
        return {n: inspect.Parameter(n, kind, default=value) for n, value in constant.items()}
    return {}


def _left_in_config(function: Any, library: NumPy) -> list[dict[str, Any]]:
    config: dict[str, Any] = {}
    seen = []
    for _ in range(2):
        w = library.tensor(np.zeros(1))
        function(**{n: w for n, r in roles.of(function).items() if r in _GIVEN}, config=config)
        seen.append({n: v for n, v in config.items() if isinstance(v, Real)})
    return seen
