"""A module of torch behind the interface of all layers; it needs torch."""

from typing import Any

import numpy as np
import torch

from torch_ref.lockstep.diagnose.layers.adapters import find_array
from torch_ref.lockstep.diagnose.layers.norms import Normalization, Settings
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
        tensor = find_array(vars(self._module) | self._tensors(), spellings.LAYER[name])
        tensor = tensor.grad if gradient and tensor is not None else tensor
        return None if tensor is None else tensor.detach().numpy().reshape(-1).copy()

    def write(self, name: str, values: np.ndarray) -> None:
        tensor = find_array(self._tensors(), spellings.LAYER[name])
        with torch.no_grad():
            tensor.copy_(torch.tensor(values).reshape(tensor.shape))

    def _tensors(self) -> dict[str, torch.Tensor]:
        """Return tensors by the last part of their names, so that wrapped modules are read too."""
        held = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        return {name.rpartition(".")[2]: tensor for name, tensor in held.items()}


def module_of(norm: Normalization, sizes: Settings, settings: Settings) -> torch.nn.Module:
    """Torch's module, without its bias if there is to be none.

    Before 2.12 most of torch's norms take no ``bias``, yet compute without one.
    """
    known = {name: value for name, value in settings.items() if name != "bias"}
    module = getattr(torch.nn, norm.name)(**sizes, **known)
    if not settings.get("bias", True):
        module.register_parameter("bias", None)
    return module
