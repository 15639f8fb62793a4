"""A candidate, made with the arguments that it takes, and torch's module, behind one interface."""

import copy
import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from scratch import _check
from torch_ref.lockstep.diagnose.layers.norms import Normalization, Settings
from torch_ref.lockstep.diagnose.layers.rule import NormRule
from torch_ref.registry import spellings


class ModuleAdapter:
    """A ``torch.nn.Module``; autograd gives its gradients."""

    def __init__(self, module: torch.nn.Module, dtype: np.dtype) -> None:
        self._module = module.to(getattr(torch, dtype.name))

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self._module.train(training)
        self._module.zero_grad()
        self._x = torch.tensor(x, requires_grad=True)
        self._y = self._module(self._x)
        return self._y.detach().numpy()

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self._y.backward(torch.tensor(dy))
        dx: Any = self._x.grad
        return dx.numpy()

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        tensor = _find(vars(self._module) | self._tensors(), spellings.LAYER[name])
        tensor = tensor.grad if gradient and tensor is not None else tensor
        return None if tensor is None else tensor.detach().numpy().reshape(-1).copy()

    def write(self, name: str, values: np.ndarray) -> None:
        tensor = _find(self._tensors(), spellings.LAYER[name])
        with torch.no_grad():
            tensor.copy_(torch.tensor(values).reshape(tensor.shape))

    def _tensors(self) -> dict[str, torch.Tensor]:
        """Return tensors by the last part of their names, so that wrapped modules are read too."""
        held = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        return {name.rpartition(".")[2]: tensor for name, tensor in held.items()}


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
        array = _find(self._held.get("grads" if gradient else "params"), names)
        return _find(self._held, own) if array is None else array


LayerAdapter = NormRule | ModuleAdapter | ArrayAdapter


def _find(held: Any, names: tuple[str, ...]) -> Any:
    """The array or tensor in a dict under the first of the names that is there."""
    held = held if isinstance(held, dict) else {}
    return next(
        (held[n] for n in names if isinstance(held.get(n), np.ndarray | torch.Tensor)), None
    )


def _adapt(layer: Any, dtype: np.dtype) -> LayerAdapter:
    if isinstance(layer, torch.nn.Module):
        return ModuleAdapter(layer, dtype)
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
        is_module = isinstance(candidate, type) and issubclass(candidate, torch.nn.Module)
        if "dtype" in parameters:
            known["dtype"] = getattr(torch, dtype.name) if is_module else dtype
        named = {
            n: v for name, v in sizes.items() for n in spellings.LAYER[name] if n in parameters
        }
        if len(named) == len(sizes):
            return _adapt(candidate(**named, **known, **given), dtype)
        first = next(iter(parameters), None)
        positional = [] if first is None or first in {**known, **given} else sizes.values()
        return _adapt(candidate(*positional, **known, **given), dtype)

    return Construction(make, sizes, shared)
