"""Scratch or torch behind one face, so that an experiment is written once."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

import scratch
from scratch.random import Generator
from scratch.train import History, scaled

if TYPE_CHECKING:
    from experiments.engine.backend_torch import TorchBackend

NAMES = ("scratch", "torch")
Backend: TypeAlias = "ScratchBackend | TorchBackend"


class ScratchBackend:
    """``scratch``, on the CPU; ``TorchBackend`` has the same names, and its values are tensors.

    Attributes:
        name: "scratch" or "torch".
        device: where it computes.
        versions: of what it computes with.
    """

    name = "scratch"
    device = "cpu"

    def __init__(self) -> None:
        self.versions = {"numpy": np.__version__}

    def network(
        self, *args: Any, mixin: type | None = None, **options: Any
    ) -> scratch.nn.MultiLayerNet:
        """A ``MultiLayerNet``, its ``dtype`` by name; as :func:`mixed` has it with a ``mixin``."""
        return mixed(scratch.nn.MultiLayerNet, mixin)(*args, **options)

    def optimizer(self, name: str, **settings: Any) -> scratch.optim.Optimizer:
        """The optimizer called ``name`` in ``scratch.optim``, or its twin."""
        return attrgetter(name)(scratch.optim)(**settings)

    def schedule(
        self, name: str, optimizer: scratch.optim.Optimizer, **settings: Any
    ) -> scratch.lr_scheduler.LRScheduler:
        """The schedule called ``name`` in ``scratch.lr_scheduler``, over ``optimizer``."""
        return getattr(scratch.lr_scheduler, name)(optimizer, **settings)

    def fit(self, net: Any, optimizer: Any, *args: Any, **options: Any) -> History:
        """Train; as ``scratch.train.fit``."""
        return scratch.train.fit(net, optimizer, *args, **options)

    def accuracy(self, net: Any, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The accuracies (K,) on uint8 images."""
        return scratch.train.accuracy_on(net, images, labels)

    def inspect(self, net: Any, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
        """A stack's activations and gradients (K, …) in training, by tag; it stays as it is."""
        probe, x = copy.deepcopy(net), scaled(images, net.dtype)
        seen = {f"activations/{k}": y for k, y in probe.activations(x, train=True).items()}
        return seen | {f"gradients/{k}": g for k, g in probe.gradient(x, labels).items()}

    def activation(self, name: str) -> Callable[[np.ndarray], np.ndarray]:
        """The activation called ``name``, as a function."""
        return scratch.nn.ACTIVATIONS[name]()

    def generator(self, seed: int) -> Generator:
        """A random stream."""
        return Generator(seed)

    def randn(self, generator: Generator, *shape: int) -> np.ndarray:
        """Normal numbers in float32."""
        return generator.randn(*shape)

    def number(self, value: float) -> float:
        """A float64 that an optimizer can update."""
        return value

    def derivative(
        self, f: Callable, by_hand: Callable, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(∂f/∂x, ∂f/∂y) by hand, or by autograd."""
        return by_hand(x, y)

    def numpy(self, value: np.ndarray) -> np.ndarray:
        """A value of this backend as an array."""
        return value


def mixed(network: type, mixin: type | None) -> type:
    """The class ``network`` with the methods of ``mixin`` before its own."""
    return network if mixin is None else type(mixin.__name__, (mixin, network), {})


@dataclass(frozen=True)
class Described:
    """A backend by what its numbers depend on, for any process to create."""

    name: str
    device: str
    versions: dict[str, str]


def describe(name: str, device: str = "auto") -> Described:
    """What :func:`create` gives."""
    backend = create(name, device)
    return Described(name, backend.device, backend.versions)


def create(name: str, device: str = "auto") -> Backend:
    """The backend called ``name``; torch is imported only where it is asked for."""
    if name == "scratch":
        return ScratchBackend()
    from experiments.engine.backend_torch import TorchBackend

    return TorchBackend(device)
