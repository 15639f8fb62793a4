"""Haiku: a transformed function, or a module, which is transformed here."""

import inspect
import sys
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.jax_ import FunctionalLayer, in_precision
from torch_ref.lockstep.frameworks.layers.spellings import TRAINING, flag


def is_module(thing: Any) -> bool:
    """Whether it is a class of modules, which can only be made while Haiku transforms."""
    haiku = sys.modules.get("haiku")
    return haiku is not None and isinstance(thing, type) and issubclass(thing, haiku.Module)


def is_transformed(thing: Any) -> bool:
    """Whether it is what ``hk.transform_with_state`` or ``hk.transform`` made."""
    haiku = sys.modules.get("haiku")
    kinds = (haiku.Transformed, haiku.TransformedWithState) if haiku else ()
    return isinstance(thing, kinds)


def transformed(cls: Any, settings: dict[str, Any]) -> Any:
    """A module of that class as a function of x and, if it takes that, ``is_training``."""
    names = inspect.signature(cls.__call__).parameters

    def call(x: Any, is_training: bool = True) -> Any:
        return cls(**settings)(x, **flag(names, is_training))

    return sys.modules["haiku"].transform_with_state(call)


def of_transformed(pair: Any, example: np.ndarray, dtype: np.dtype) -> FunctionalLayer:
    """The layer of ``init`` and ``apply``."""
    stateful = isinstance(pair, sys.modules["haiku"].TransformedWithState)
    with in_precision(dtype):
        start, names = _started(pair, example)
    params, state = start if stateful else (start, {})

    def apply(params: Any, state: Any, x: Any, training: bool) -> Any:
        chosen = flag(names, training)
        if stateful:
            return pair.apply(params, state, None, x, **chosen)
        return pair.apply(params, None, x, **chosen), state

    return FunctionalLayer(apply, params, state, dtype)


def _started(pair: Any, example: np.ndarray) -> tuple[Any, list[str]]:
    """What ``init`` gives, and the argument that it takes for training: only calling it shows."""
    jax = sys.modules["jax"]
    for name in TRAINING:
        try:
            given = {name: True}
            return pair.init(jax.random.key(0), jax.numpy.asarray(example), **given), [name]
        except TypeError:
            continue
    return pair.init(jax.random.key(0), jax.numpy.asarray(example)), []
