"""A layer that is a function of its parameters and its state, differentiated by JAX."""

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.spellings import APART, LAYER

#: y and the next state, of parameters, state and x; in training, and in evaluation.
Apply = Callable[[Any, Any, Any, bool], tuple[Any, Any]]


def in_precision(dtype: np.dtype) -> AbstractContextManager[Any]:
    """JAX in 64 bits inside of the block, if that is the dtype."""
    jax = sys.modules["jax"]
    block: AbstractContextManager[Any] = jax.enable_x64(bool(dtype == np.float64))
    return block


class FunctionalLayer:
    """``apply`` with the parameters and the state, both of them trees of arrays of a dtype.

    Attributes:
        layout: what was done to the input, for a note.
    """

    layout = ""

    def __init__(self, apply: Apply, params: Any, state: Any, dtype: np.dtype) -> None:
        self._jax, self._dtype = sys.modules["jax"], dtype
        self._run = self._jax.jit(apply, static_argnums=3)
        with in_precision(dtype):
            self._params, self._state = self._jax.tree.map(self._cast, (params, state))

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        with in_precision(self._dtype):
            y, self._back, self._state = self._jax.vjp(
                lambda params, x: self._run(params, self._state, x, training),
                self._params,
                self._cast(x),
                has_aux=True,
            )
        return np.asarray(y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        with in_precision(self._dtype):
            self._grads, dx = self._back(self._cast(dy))
        return np.asarray(dx)

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        tree = (self._grads if gradient else self._params, None if gradient else self._state)
        at = self._at(tree, name)
        leaves = self._jax.tree.leaves(tree)
        return None if at is None else np.array(leaves[at]).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        leaves, shape = self._jax.tree.flatten(self._params)
        at = self._at((self._params, None), name)
        assert at is not None, f"{name} is written only where it was read"
        with in_precision(self._dtype):
            leaves[at] = self._cast(values.reshape(np.shape(leaves[at])))
        self._params = self._jax.tree.unflatten(shape, leaves)

    def _at(self, tree: Any, name: str) -> int | None:
        """The place of the leaf of that name among the leaves of a tree."""
        paths = [path for path, _ in self._jax.tree_util.tree_flatten_with_path(tree)[0]]
        words = [re.findall(r"\w+", self._jax.tree_util.keystr(path)) for path in paths]
        for spelling in (*LAYER[name], *APART.get(name, ())):
            for at, found in enumerate(words):
                # Of a moving average that is corrected for its start, the corrected one is used.
                if spelling in found and found[-1] not in ("hidden", "counter"):
                    return at
        return None

    def _cast(self, array: Any) -> Any:
        kept = not np.issubdtype(np.asarray(array).dtype, np.floating)
        return array if kept else self._jax.numpy.asarray(array, self._dtype)
