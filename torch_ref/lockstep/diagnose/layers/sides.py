"""The two sides of a check: a candidate on arrays, or a module of torch."""

import inspect
from typing import Any

import numpy as np
import torch

from scratch import _check
from torch_ref.lockstep.diagnose.layers.dials import NormReference
from torch_ref.registry import spellings


class Module:
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
        tensor = find_array(vars(self._module) | _tensors(self._module), spellings.LAYER[name])
        tensor = tensor.grad if gradient and tensor is not None else tensor
        return None if tensor is None else tensor.detach().numpy().reshape(-1).copy()

    def write(self, name: str, values: np.ndarray) -> None:
        tensor = find_array(_tensors(self._module), spellings.LAYER[name])
        with torch.no_grad():
            tensor.copy_(torch.tensor(values).reshape(tensor.shape))


def _tensors(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return tensors by the last part of their names, so that wrapped modules are read too."""
    held = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name.rpartition(".")[2]: tensor for name, tensor in held.items()}


class Arrays:
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
        names, held = spellings.LAYER[name], self._held
        if gradient:
            prefixed = tuple(f"{d}{n}" for n in names for d in ("d", "d_", "grad_", "g_"))
            array = find_array(held.get("grads"), names)
            array = find_array(held, prefixed) if array is None else array
        else:
            array = find_array(held.get("params"), names)
            array = find_array(held, names) if array is None else array
        return None if array is None else np.array(array).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        array = find_array(self._held.get("params"), spellings.LAYER[name])
        array = find_array(self._held, spellings.LAYER[name]) if array is None else array
        array[...] = values.reshape(array.shape)


def find_array(held: Any, names: tuple[str, ...]) -> Any:
    """The array or tensor in a dict under the first of the names that is there."""
    held = held if isinstance(held, dict) else {}
    return next(
        (held[n] for n in names if isinstance(held.get(n), np.ndarray | torch.Tensor)), None
    )


def wrap(layer: Any, dtype: np.dtype) -> "Side":
    if isinstance(layer, torch.nn.Module):
        return Module(layer, dtype)
    if not callable(getattr(layer, "forward", None)):
        raise TypeError(
            f"candidate must have forward(x), or be a torch.nn.Module; got {_check.shown(layer)}"
        )
    return Arrays(layer)


Side = NormReference | Module | Arrays
