"""Keras 3: its layers on the JAX backend, on the torch backend, and forward alone on NumPy's."""

import sys
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.jax_ import FunctionalLayer, in_precision
from torch_ref.lockstep.frameworks.layers.spellings import LAYER


def is_layer(thing: Any) -> bool:
    """Whether it is a layer of Keras."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(thing, keras.layers.Layer)


def in_dtype(layer: Any, dtype: np.dtype) -> Any:
    """A new layer of the same configuration that computes in ``dtype``."""
    return type(layer).from_config({**layer.get_config(), "dtype": dtype.name})


def channels_first(layer: Any) -> bool:
    """Whether it takes the channels in the second axis, as torch does."""
    return getattr(layer, "axis", -1) in (1, [1]) or (
        getattr(layer, "data_format", "") == "channels_first"
    )


def of_layer(layer: Any, example: np.ndarray, dtype: np.dtype) -> "FunctionalLayer | KerasLayer":
    """The layer, built for inputs like the example."""
    if sys.modules["keras"].config.backend() != "jax":
        layer.build(example.shape)
        return KerasLayer(layer)
    with in_precision(dtype):
        layer.build(example.shape)
    # JAX sorts a dict's keys, Keras has an order of its own.
    trained = [variable.name for variable in layer.trainable_variables]
    kept = [variable.name for variable in layer.non_trainable_variables]

    def apply(params: Any, state: Any, x: Any, training: bool) -> Any:
        held = [params[name] for name in trained], [state[name] for name in kept]
        y, after = layer.stateless_call(*held, x, **_flag(layer, training))
        return y, dict(zip(kept, after, strict=True))

    params, state = (
        {variable.name: variable.value for variable in variables}
        for variables in (layer.trainable_variables, layer.non_trainable_variables)
    )
    return FunctionalLayer(apply, params, state, dtype)


class KerasLayer:
    """A layer that holds its own variables."""

    layout = ""

    def __init__(self, layer: Any) -> None:
        self._layer, self._keras = layer, sys.modules["keras"]
        self._torch = sys.modules["torch"] if self._keras.config.backend() == "torch" else None

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self._x: Any = self._torch.tensor(x, requires_grad=True) if self._torch else x
        for variable in self._layer.trainable_variables if self._torch else ():
            variable.value.grad = None
        self._y = self._layer(self._x, **_flag(self._layer, training))
        return np.asarray(self._keras.ops.convert_to_numpy(self._y))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if self._torch is None:
            return None
        self._y.backward(self._torch.tensor(dy))
        dx: np.ndarray = self._x.grad.numpy()
        return dx

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        variable = next((v for v in self._layer.variables if v.name in LAYER[name]), None)
        if variable is None or (gradient and self._torch is None):
            return None
        value = variable.value.grad if gradient else variable
        return np.array(self._keras.ops.convert_to_numpy(value)).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        variable = next(v for v in self._layer.variables if v.name in LAYER[name])
        variable.assign(values.reshape(variable.shape))


def _flag(layer: Any, training: bool) -> dict[str, bool]:
    return {"training": training} if getattr(layer, "_call_has_training_arg", False) else {}
