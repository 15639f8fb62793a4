"""A candidate, made with the arguments that it takes, behind the interface of all layers."""

import copy
import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from scratch import _check
from torch_ref.extras import imported, is_below
from torch_ref.lockstep.diagnose.layers.norms import Normalization, Settings
from torch_ref.registry import resolve, spellings

#: Where the classes of torch are defined, which is not imported for them.
MODULE, TENSOR = "torch.nn.modules.module.Module", "torch.Tensor"


class LayerAdapter(Protocol):
    """A layer in a run; what it has not is ``None``."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray | None:
        """Return the output."""

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Return the gradient of the input."""

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        """Return a flat copy of an array, by torch's name."""

    def write(self, name: str, values: np.ndarray) -> None:
        """Set an array, by torch's name."""


class ArrayAdapter:
    """An object with ``forward`` and, perhaps, ``backward`` on arrays."""

    def __init__(self, layer: Any) -> None:
        self._layer, self._held = layer, getattr(layer, "__dict__", {})
        self._forward = layer.forward if hasattr(layer, "forward") else layer
        parameters = inspect.signature(self._forward).parameters
        self._flag = next((name for name in spellings.TRAINING if name in parameters), None)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray | None:
        if self._flag:
            return np.asarray(self._forward(x, **{self._flag: training}))
        attribute = next(
            (n for n in spellings.TRAINING if isinstance(self._held.get(n), bool)), None
        )
        if callable(switch := getattr(self._layer, "train" if training else "eval", None)):
            switch()
        elif attribute:
            setattr(self._layer, attribute, training)
        elif not training:
            return None
        return np.asarray(self._forward(x))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        back = getattr(self._layer, "backward", None)
        result = back(dy) if back else None
        result = result[0] if isinstance(result, tuple) else result
        return None if result is None else np.asarray(result)

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        array = self._array(name, gradient)
        return None if array is None else np.array(array).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        array = self._array(name)
        array[...] = values.reshape(array.shape)

    def _array(self, name: str, gradient: bool = False) -> Any:
        """What the layer holds under one of the spellings, in a dict of its own or by itself."""
        names = own = spellings.LAYER[name]
        if gradient:
            own = tuple(f"{d}{n}" for n in names for d in ("d", "d_", "grad_", "g_"))
        array = find_array(self._held.get("grads" if gradient else "params"), names)
        return find_array(self._held, own) if array is None else array


def find_array(held: Any, names: tuple[str, ...]) -> Any:
    """The array or tensor in a dict under the first of the names that is there."""
    held = held if isinstance(held, dict) else {}
    return next((held[n] for n in names if _is_array(held.get(n))), None)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or is_below(type(value), TENSOR)


def module_adapter(module: Any, dtype: np.dtype) -> LayerAdapter:
    """The adapter of a ``torch.nn.Module``."""
    adapter: LayerAdapter = imported(f"{__package__}.torchs").ModuleAdapter(module, dtype)
    return adapter


def _adapt(layer: Any, dtype: np.dtype) -> LayerAdapter:
    if is_below(type(layer), MODULE):
        return module_adapter(layer, dtype)
    if not callable(getattr(layer, "forward", None)):
        raise TypeError(
            f"candidate must have forward(x), or be a torch.nn.Module; got {_check.shown(layer)}"
        )
    return ArrayAdapter(layer)


@dataclass(frozen=True)
class Construction:
    """A way to make a candidate, and what torch is to be given.

    Attributes:
        make: makes it in a dtype.
        sizes: of torch's module.
        settings: of torch's module; the candidate's own, where it has them.
    """

    make: Callable[[np.dtype], LayerAdapter]
    sizes: Settings
    settings: Settings


def construction(candidate: Any, norm: Normalization, asked: Settings) -> Construction:
    """Return a way to make the candidate with the ``asked`` settings, by torch's names."""
    sizes = {name: asked.get(name, value) for name, value in norm.sizes.items()}
    settings = {name: value for name, value in asked.items() if name not in sizes}
    is_class = isinstance(candidate, type)
    if (hasattr(candidate, "forward") and not is_class) or not callable(candidate):
        return _copied(candidate, norm, sizes, settings)
    return _called(candidate, norm, sizes, settings)


def _copied(
    candidate: Any, norm: Normalization, sizes: Settings, settings: Settings
) -> Construction:
    def own(names: Iterable[str]) -> Settings:
        return {
            name: getattr(candidate, n)
            for name in names
            for n in reversed(spellings.LAYER[name])
            if hasattr(candidate, n)
        }

    def make(dtype: np.dtype) -> LayerAdapter:
        return _adapt(copy.deepcopy(candidate), dtype)

    weight = make(np.dtype(np.float64)).read("weight")
    if weight is not None:
        sizes = {**sizes, list(sizes)[-1]: weight.size}
    settings = own(name for name in norm.defaults if name != "bias") | settings
    return Construction(make, sizes | own(sizes), settings)


def _called(
    candidate: Callable[..., Any], norm: Normalization, sizes: Settings, settings: Settings
) -> Construction:
    parameters, given, shared = inspect.signature(candidate).parameters, {}, dict(settings)
    for name, otherwise in norm.defaults.items():
        spelling = next((n for n in spellings.LAYER[name] if n in parameters), None)
        default = parameters[spelling].default if spelling else None
        if spelling and (name != "bias" or isinstance(default, bool)):  # else it is an array
            default = otherwise if default is inspect.Parameter.empty else default
            shared[name] = given[spelling] = settings.get(name, default)
    c = math.prod(norm.parameter_shape(sizes))

    def make(dtype: np.dtype) -> LayerAdapter:
        arrays = {"weight": np.ones(c, dtype), "bias": np.zeros(c, dtype)}
        needed = {n for n, p in parameters.items() if p.default is inspect.Parameter.empty}
        known: dict[str, Any] = {
            n: a for name, a in arrays.items() for n in spellings.LAYER[name] if n in needed
        }
        if "dtype" in parameters:
            is_module = is_below(candidate, MODULE)
            known["dtype"] = resolve(f"torch.{dtype.name}") if is_module else dtype
        named = {
            n: v for name, v in sizes.items() for n in spellings.LAYER[name] if n in parameters
        }
        if len(named) == len(sizes):
            return _adapt(candidate(**named, **known, **given), dtype)
        first = next(iter(parameters), None)
        positional = [] if first is None or first in {**known, **given} else sizes.values()
        return _adapt(candidate(*positional, **known, **given), dtype)

    return Construction(make, sizes, shared)
