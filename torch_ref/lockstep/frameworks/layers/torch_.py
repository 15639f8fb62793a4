"""A ``torch.nn.Module``; autograd gives its gradients."""

import sys
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.spellings import LAYER


def is_module(thing: Any) -> bool:
    """Whether it is a module, if anything has imported torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


class ModuleLayer:
    """A module on tensors, with its parameters and buffers by the last part of their names."""

    layout = ""

    def __init__(self, module: Any, dtype: np.dtype) -> None:
        self._torch = sys.modules["torch"]
        self._dtype = getattr(self._torch, dtype.name)
        self._module = module.to(self._dtype)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self._module.train(training)
        self._module.zero_grad()
        self._x = self._tensor(x).requires_grad_()
        self._y = self._module(self._x)
        return self._array(self._y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self._y.backward(self._tensor(dy).to(self._y.dtype))
        return self._array(self._x.grad)

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        tensor = self._find(name, vars(self._module) | self._tensors())
        tensor = tensor.grad if gradient and tensor is not None else tensor
        return None if tensor is None else self._array(tensor).reshape(-1).copy()

    def write(self, name: str, values: np.ndarray) -> None:
        tensor = self._find(name, self._tensors())
        with self._torch.no_grad():
            tensor.copy_(self._tensor(values).reshape(tensor.shape))

    def _tensor(self, x: np.ndarray) -> Any:
        """An array as a tensor; torch takes none of a bfloat16 that is not its own."""
        known = x if x.dtype.itemsize > 2 else x.astype(np.float32)
        tensor = self._torch.tensor(known)
        return tensor if known is x else tensor.to(self._dtype)

    def _array(self, tensor: Any) -> np.ndarray:
        """A tensor as an array, in float32 if it is of half precision."""
        half = tensor.element_size() == 2
        array: np.ndarray = (tensor.float() if half else tensor).detach().numpy()
        return array

    def _find(self, name: str, held: dict[str, Any]) -> Any:
        """The tensor under one of the names; else the parameter that starts as γ or β does."""
        known = (held.get(n) for n in LAYER[name])
        found = next((each for each in known if self._torch.is_tensor(each)), None)
        return self._by_start(name) if found is None else found

    def _by_start(self, name: str) -> Any:
        if not hasattr(self, "_starts"):
            named = {n for names in LAYER.values() for n in names}
            others = {n: w for n, w in self._module.named_parameters() if n not in named}
            self._starts = {
                spelled: next((w for w in others.values() if bool((w == start).all())), None)
                for spelled, start in (("weight", 1.0), ("bias", 0.0))
            }
        return self._starts.get(name)

    def _tensors(self) -> dict[str, Any]:
        """The tensors by the last part of their names, so that wrapped modules are read too."""
        held = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        return {name.rpartition(".")[2]: tensor for name, tensor in held.items()}


def is_module_class(thing: Any) -> bool:
    """Whether it is a class of modules."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, type) and issubclass(thing, torch.nn.Module)
