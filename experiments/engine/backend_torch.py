"""The side through torch, on any device."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import torch_ref.train
from experiments.engine.backends import mixed
from scratch.train import History
from torch_ref import device, lr_scheduler, nn, optim


class TorchBackend:
    """``torch_ref``, on ``device``; what its methods do says ``ScratchBackend``."""

    name = "torch"

    def __init__(self, device_name: str = "auto") -> None:
        self._device = device.resolve(device_name)
        self.device = str(self._device)
        self.versions = {"torch": str(torch.__version__)}  # a plain text, for other processes

    def network(
        self, *args: Any, mixin: type | None = None, dtype: str = "float32", **options: Any
    ) -> nn.MultiLayerNet:
        # MPS has no float64.
        place = "cpu" if (self._device.type, dtype) == ("mps", "float64") else self._device
        kind = mixed(nn.MultiLayerNet, mixin)
        return kind(*args, dtype=getattr(torch, dtype), device=place, **options)

    def optimizer(self, name: str, **settings: Any) -> optim.Twin:
        return optim.by_name(name, **settings)

    def schedule(self, name: str, optimizer: optim.Twin, **settings: Any) -> lr_scheduler.Schedule:
        return lr_scheduler.Schedule(name, optimizer, **settings)

    def fit(self, net: Any, optimizer: Any, *args: Any, **options: Any) -> History:
        return torch_ref.train.fit(net, optimizer, *args, **options)

    def accuracy(self, net: Any, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        x, t = (torch.tensor(array, device=net.device) for array in (images, labels))
        return self.numpy(torch_ref.train.accuracy_on(net, x, t))

    def inspect(self, net: Any, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
        probe = copy.deepcopy(net)
        x, t = (torch.tensor(array, device=net.device) for array in (images, labels))
        x = torch_ref.train.scaled(x, net.dtype).expand(net.runs, -1, -1)
        seen = {f"activations/{k}": y for k, y in probe.activations(x, train=True).items()}
        seen |= {f"gradients/{k}": g for k, g in probe.gradient(x, t).items()}
        return {tag: self.numpy(values) for tag, values in seen.items()}

    def activation(self, name: str) -> Callable[[torch.Tensor], torch.Tensor]:
        return nn.ACTIVATIONS[name]()

    def generator(self, seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    def randn(self, generator: torch.Generator, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator).to(self._device)

    def number(self, value: float) -> torch.Tensor:
        # On the CPU: two numbers are no work for a device, and MPS has no float64.
        return torch.tensor(value, dtype=torch.float64)

    def derivative(
        self, f: Callable, by_hand: Callable, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        variables = [torch.tensor(values, requires_grad=True) for values in (x, y)]
        gradients = torch.autograd.grad(f(*variables).sum(), variables)
        return tuple(gradient.numpy() for gradient in gradients)

    def numpy(self, value: torch.Tensor) -> np.ndarray:
        return value.detach().cpu().numpy()
