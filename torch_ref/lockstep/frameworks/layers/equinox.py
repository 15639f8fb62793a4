"""Equinox's modules, which take one example each: they are mapped over the batch."""

import sys
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.jax_ import FunctionalLayer


def is_module(thing: Any) -> bool:
    """Whether it is a module of equinox."""
    equinox = sys.modules.get("equinox")
    return equinox is not None and isinstance(thing, equinox.Module)


def of_module(module: Any, dtype: np.dtype) -> FunctionalLayer:
    """The layer of a module without a state of its own."""
    jax, equinox = sys.modules["jax"], sys.modules["equinox"]
    params, static = equinox.partition(module, equinox.is_inexact_array)

    def apply(params: Any, state: Any, x: Any, training: bool) -> Any:
        return jax.vmap(equinox.combine(params, static))(x), state

    return FunctionalLayer(apply, params, {}, dtype)
