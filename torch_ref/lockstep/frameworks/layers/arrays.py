"""Objects and functions on NumPy's arrays."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.spellings import INPUT, LAYER, TRAINING, flag

#: What a layer holds.
ARRAYS = ("weight", "bias", "running_mean", "running_var")


class ArrayLayer:
    """An object with ``forward`` or ``__call__`` and, perhaps, ``backward`` on arrays."""

    layout = ""

    def __init__(self, layer: Any) -> None:
        self._layer, self._held = layer, getattr(layer, "__dict__", {})
        self._forward = layer.forward if hasattr(layer, "forward") else layer
        self._parameters = inspect.signature(self._forward).parameters

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray | None:
        if chosen := flag(self._parameters, training):
            return _first(self._forward(x, **chosen))
        attribute = next((n for n in TRAINING if isinstance(self._held.get(n), bool)), None)
        if callable(switch := getattr(self._layer, "train" if training else "eval", None)):
            switch()
        elif attribute:
            setattr(self._layer, attribute, training)
        elif not training:
            return None
        return _first(self._forward(x))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        back = getattr(self._layer, "backward", None)
        result = back(dy) if back else None
        return None if result is None else _first(result)

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        array = self._array(name, gradient)
        return None if array is None else np.array(array).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        array = self._array(name)
        array[...] = values.reshape(array.shape)

    def cast(self, dtype: np.dtype) -> None:
        """Hold γ, β and the statistics in another dtype."""
        names = [n for each in ARRAYS for n in LAYER[each]]
        held: dict[str, Any]
        for held in filter(None, (self._held, self._held.get("params"))):
            for name in names:
                if isinstance(array := held.get(name), np.ndarray):
                    held[name] = array.astype(dtype)

    def _array(self, name: str, gradient: bool = False) -> Any:
        """What the layer holds under one of the spellings, in a dict of its own or by itself."""
        names = own = LAYER[name]
        if gradient:
            own = tuple(f"{d}{n}" for n in names for d in ("d", "d_", "grad_", "g_"))
        array = _find(self._held.get("grads" if gradient else "params"), names)
        return _find(self._held, own) if array is None else array


class FunctionLayer:
    """A function of ``x``, γ and β, by whatever names, that keeps nothing itself.

    What a course calls ``bn_param`` is a dict with the mode, the settings and the statistics; the
    second result is then for the function of the same name with "backward" in it.
    """

    layout = ""

    def __init__(self, function: Callable[..., Any], size: int, settings: dict[str, Any]) -> None:
        self._function, self._settings = function, settings
        names = list(inspect.signature(function).parameters)[1:]
        self._spelled = {n: name for name in ("weight", "bias") for n in LAYER[name] if n in names}
        self._flag = flag(names, True)
        self._params = {"weight": np.ones(size), "bias": np.zeros(size)}
        self._config = next((name for name in names if name.endswith(("param", "config"))), None)
        self._kept: dict[str, Any] = dict(settings)
        self._grads: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray | None:
        given: dict[str, Any] = {n: self._params[name] for n, name in self._spelled.items()}
        if self._config:
            self._kept["mode"] = "train" if training else "test"
            given[self._config] = self._kept
        elif not training and not self._flag:
            return None
        else:
            given |= self._settings
        given |= dict.fromkeys(self._flag, training)
        result = self._function(x, **given)
        self._cache = result[1] if isinstance(result, tuple) and len(result) > 1 else None
        return _first(result)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        name = self._function.__name__.replace("forward", "backward")
        back = self._function.__globals__.get(name) if "backward" in name else None
        if back is None:
            return None
        dx, *rest = back(dy, self._cache)
        self._grads = dict(zip(("weight", "bias"), rest, strict=False))
        return np.asarray(dx)

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        if name in self._params:
            known = name in self._spelled.values()
            held = self._grads if gradient else self._params
            return np.array(held[name]).reshape(-1) if known and name in held else None
        array = self._kept.get(name)
        return None if array is None else np.array(array).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        self._params[name] = values.reshape(-1)

    def cast(self, dtype: np.dtype) -> None:
        """Hold γ and β in another dtype."""
        self._params = {name: w.astype(dtype) for name, w in self._params.items()}


def is_function_of_x(candidate: Any) -> bool:
    """Whether it is a function that is a layer by itself, and makes none."""
    if not inspect.isfunction(candidate):
        return False
    return next(iter(inspect.signature(candidate).parameters), "") in INPUT


def _first(result: Any) -> np.ndarray:
    return np.asarray(result[0] if isinstance(result, tuple) else result)


def _find(held: Any, names: tuple[str, ...]) -> Any:
    """The array in a dict under the first of the names that is there."""
    held = held if isinstance(held, dict) else {}
    return next((held[n] for n in names if isinstance(held.get(n), np.ndarray)), None)
