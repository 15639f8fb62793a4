"""Flax's modules: linen, whose parameters are apart from them, and nnx, which holds them."""

import inspect
import sys
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.jax_ import FunctionalLayer, in_precision
from torch_ref.lockstep.frameworks.layers.spellings import flag


def is_linen(thing: Any) -> bool:
    """Whether it is a module of flax.linen."""
    linen = sys.modules.get("flax.linen")
    return linen is not None and isinstance(thing, linen.Module)


def is_nnx(thing: Any) -> bool:
    """Whether it is a module of flax.nnx."""
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(thing, nnx.Module)


def of_linen(module: Any, example: np.ndarray, dtype: np.dtype) -> FunctionalLayer:
    """The layer of ``init`` and ``apply``, with its statistics in any collection but "params"."""
    jax, names = sys.modules["jax"], inspect.signature(module.__call__).parameters
    with in_precision(dtype):
        start = module.init(jax.random.key(0), jax.numpy.asarray(example), **flag(names, True))
    params, state = start.get("params", {}), {k: v for k, v in start.items() if k != "params"}

    def apply(params: Any, state: Any, x: Any, training: bool) -> Any:
        held = {"params": params, **state}
        return module.apply(held, x, **flag(names, training), mutable=list(state))

    return FunctionalLayer(apply, params, state, dtype)


def of_nnx(module: Any, dtype: np.dtype) -> FunctionalLayer:
    """The module split into its parameters and the rest, and put together for each call."""
    nnx, names = sys.modules["flax.nnx"], inspect.signature(module.__call__).parameters
    graph, params, state = nnx.split(module, nnx.Param, ...)

    def apply(params: Any, state: Any, x: Any, training: bool) -> Any:
        layer = nnx.merge(graph, params, state)
        layer.train() if training else layer.eval()
        y = layer(x, **flag(names, training))
        return y, nnx.split(layer, nnx.Param, ...)[2]

    return FunctionalLayer(apply, params, state, dtype)
