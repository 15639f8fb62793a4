"""Pairs of functions in optax's style, and JAX's triples."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers import roles
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays, Evaluate
from torch_ref.lockstep.frameworks.optimizers.buffers import found
from torch_ref.lockstep.frameworks.optimizers.jax_loss import loss_in_jax
from torch_ref.lockstep.frameworks.optimizers.libraries import JAX, NumPy, libraries_of
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.side import FirstThatRuns, Side


class InitUpdateAdapter(Side):
    """``init(params)`` gives a state, ``update(grads, state, params)`` updates and the next state.

    The updates are added to the parameters. In JAX the step is compiled, once for all runs; where
    it cannot be, it is run as it is. Since the state is apart from the functions, a learning rate
    that is no part of it is changed by making these anew.
    """

    def __init__(self, recipe: Recipe, pair: Any, library: NumPy, compiled: bool = False) -> None:
        self._recipe, self._pair, self.library, self._compiled = recipe, pair, library, compiled
        self.name = getattr(pair, "__name__", type(pair).__name__)
        self.precision = library.precision
        # By the factor of the learning rate, the dtype, and whether the loss is given.
        self._steps: dict[tuple[float, Any, bool], Any] = {}

    def start(self, params: Arrays) -> None:
        self._dtype, self._factor = np.result_type(*params.values()), 1.0
        with self.library.context(self._dtype):
            self._params = {name: self.library.tensor(w) for name, w in params.items()}
            self._pair = self.made(self._recipe())
            self._state = self._pair.init(self._params)

    @staticmethod
    def made(made: Any) -> Any:
        """What has ``init`` and ``update``."""
        return _Pair(*made) if type(made) is tuple else made

    def step(self, grads: Arrays) -> None:
        with self.library.context(self._dtype):
            given = self.library.tensors(grads)
            self._params, self._state = self._step()(given, self._state, self._params)

    def _step(self, loss: bool = False) -> Any:
        """The function of one step; compiled, it is traced once for each learning rate."""
        key = (self._factor, self._dtype, loss)
        if key not in self._steps:
            step = self.one_with_loss if loss else self.one_step
            self._steps[key] = self.compiled(step(self._pair))
        return self._steps[key]

    def compiled(self, step: Any) -> Any:
        """The function, compiled where that was asked for."""
        return sys.modules["jax"].jit(step) if self._compiled else step

    def one_step(self, pair: Any) -> Any:
        """The function of one step: gradients, state and parameters to parameters and state."""
        update = _in_order(pair.update)

        def step(grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
            updates, state = update(grads, state, params)
            return {n: _sum(w, updates[n]) for n, w in params.items()}, state

        return step

    def one_with_loss(self, pair: Any) -> Any:
        """The function of one step that may look for its length itself, where the loss is known."""
        value_fn = loss_in_jax(lambda params: self._evaluate(params), self._dtype)
        takes, update = {p.name for p in roles.signature(pair.update)}, _in_order(pair.update)

        def step(grads: Any, state: Any, params: Any, loss: Any) -> tuple[Any, Any]:
            asked = {"value": loss, "grad": grads, "value_fn": value_fn}
            known = asked if "extra_args" in takes else {n: asked[n] for n in takes & {*asked}}
            updates, state = update(grads, state, params, **known)
            return {n: _sum(w, updates[n]) for n, w in params.items()}, state

        return step

    def minimize(self, evaluate: Evaluate) -> None:
        """A step where the loss can be evaluated anywhere."""
        if not isinstance(self.library, JAX):
            return super().minimize(evaluate)
        self._evaluate = evaluate
        loss, grads = evaluate(self.params())
        with self.library.context(self._dtype):
            given = self.library.tensors(grads)
            self._params, self._state = self._step(True)(given, self._state, self._params, loss)
        return None

    def params(self) -> Arrays:
        return {name: self.library.array(w) for name, w in self._params.items()}

    def state(self) -> dict[str, Arrays]:
        fields = self._state
        if hasattr(fields, "_asdict"):
            fields = fields._asdict()
        return found(fields if isinstance(fields, Mapping) else {}, self.params())

    def scale_lr(self, factor: float) -> bool:
        recipe = self._recipe.scaled(self._factor * factor)
        if recipe is None:
            return False
        self._factor *= factor
        with self.library.context(self._dtype):
            self._pair = self.made(recipe())
        return True


class TripleAdapter(InitUpdateAdapter):
    """``init(params)``, ``update(i, grads, state)`` and ``get_params(state)``: JAX's examples."""

    @staticmethod
    def made(made: Any) -> Any:
        return _Triple(*made)

    def one_step(self, pair: Any) -> Any:
        def step(grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
            count, inner = state
            inner = pair.update(count, grads, inner)
            return pair.get_params(inner), (count + 1, inner)

        return step

    def minimize(self, evaluate: Evaluate) -> None:
        Side.minimize(self, evaluate)

    def state(self) -> dict[str, Arrays]:
        return found({}, self.params())


class EachInitUpdateAdapter(InitUpdateAdapter):
    """The same of functions that take the array of one parameter, and are called for each."""

    @staticmethod
    def made(made: Any) -> Any:
        return _Each(InitUpdateAdapter.made(made))


class EachTripleAdapter(TripleAdapter):
    """A triple of functions that take the array of one parameter."""

    @staticmethod
    def made(made: Any) -> Any:
        init, update, get_params = made
        return _Triple(
            lambda params: {n: init(w) for n, w in params.items()},
            lambda i, grads, state: {n: update(i, g, state[n]) for n, g in grads.items()},
            lambda state: {n: get_params(each) for n, each in state.items()},
        )


def _sum(w: Any, update: Any) -> Any:
    return w if update is None else (w + update).astype(w.dtype)


class _Pair:
    def __init__(self, init: Any, update: Any) -> None:
        self.init, self.update = init, update


class _Triple:
    def __init__(self, init: Any, update: Any, get_params: Any) -> None:
        self._init, self.update, self.get_params = init, update, get_params

    def init(self, params: Any) -> Any:
        return 0, self._init(params)


def _in_order(update: Any) -> Any:
    """It with the gradients first and the parameters last, whichever it takes first."""
    if next(iter(roles.of(update).values()), "") not in (roles.PARAM, roles.PARAMS):
        return update
    return lambda grads, state, params, **known: update(params, state, grads, **known)


class _Each:
    def __init__(self, pair: Any) -> None:
        self._pair, self._update = pair, _in_order(pair.update)

    def init(self, params: Any) -> Any:
        return {name: self._pair.init(w) for name, w in params.items()}

    def update(self, grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        each = {n: self._update(g, state[n], params[n]) for n, g in grads.items()}
        return {n: new[0] for n, new in each.items()}, {n: new[1] for n, new in each.items()}


def is_pair(made: Any) -> bool:
    """Whether it has ``init`` and ``update``, under these names or as a plain tuple of two."""
    if type(made) is tuple:
        return len(made) == 2 and all(map(callable, made))
    return all(callable(getattr(made, name, None)) for name in ("init", "update"))


def is_triple(made: Any) -> bool:
    """Whether it is a tuple of three functions, the last of which takes the state alone."""
    return isinstance(made, tuple) and len(made) == 3 and all(map(callable, made))


def side(recipe: Recipe, made: Any) -> Adapter:
    """The adapter of a pair or a triple: compiled by JAX, if it is written in that, or as it is."""
    pair = (InitUpdateAdapter, EachInitUpdateAdapter)
    sides = [
        cls(recipe, made, library, compiled)
        for cls in ((TripleAdapter, EachTripleAdapter) if is_triple(made) else pair)
        for library in libraries_of(made)
        for compiled in ([True, False] if isinstance(library, JAX) else [False])
    ]
    return FirstThatRuns(sides[0].name, sides)
