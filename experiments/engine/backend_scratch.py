"""The hand-written side."""

import copy
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

import scratch
from experiments.engine.backends import mixed
from scratch.random import Generator
from scratch.train import History, scaled


class ScratchBackend:
    """``scratch``, on the CPU; see :class:`experiments.engine.backends.Backend`."""

    name = "scratch"
    device = "cpu"

    def __init__(self) -> None:
        self.versions = {"numpy": np.__version__}

    def network(
        self, *args: Any, mixin: type | None = None, **options: Any
    ) -> scratch.nn.MultiLayerNet:
        return mixed(scratch.nn.MultiLayerNet, mixin)(*args, **options)

    def optimizer(self, name: str, **settings: Any) -> scratch.optim.Optimizer:
        return attrgetter(name)(scratch.optim)(**settings)

    def schedule(
        self, name: str, optimizer: scratch.optim.Optimizer, **settings: Any
    ) -> scratch.lr_scheduler.LRScheduler:
        return getattr(scratch.lr_scheduler, name)(optimizer, **settings)

    def fit(self, net: Any, optimizer: Any, *args: Any, **options: Any) -> History:
        return scratch.train.fit(net, optimizer, *args, **options)

    def glance(self, net: Any, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
        probe, x = copy.deepcopy(net), scaled(images, net.dtype)
        seen = {f"activations/{k}": y for k, y in probe.activations(x, train=True).items()}
        return seen | {f"gradients/{k}": g for k, g in probe.gradient(x, labels).items()}

    def activation(self, name: str) -> Callable[[np.ndarray], np.ndarray]:
        return scratch.nn.ACTIVATIONS[name]()

    def generator(self, seed: int) -> Generator:
        return Generator(seed)

    def randn(self, generator: Generator, *shape: int) -> np.ndarray:
        return generator.randn(*shape)

    def number(self, value: float) -> float:
        return value

    def derivative(
        self, f: Callable, by_hand: Callable, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return by_hand(x, y)

    def numpy(self, value: np.ndarray) -> np.ndarray:
        return value
