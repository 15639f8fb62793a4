"""Scratch or torch behind one face, so that an experiment is written once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from scratch.train import History

NAMES = ("scratch", "torch")


class Backend(Protocol):
    """The same names on both sides; values are arrays here and tensors there.

    Attributes:
        name: "scratch" or "torch".
        device: where it computes.
        versions: of what it computes with.
    """

    name: str
    device: str
    versions: dict[str, str]

    def network(self, *args: Any, mixin: type | None = None, **options: Any) -> Any:
        """A ``MultiLayerNet``, its ``dtype`` by name; as :func:`mixed` has it with a ``mixin``."""

    def optimizer(self, name: str, **settings: Any) -> Any:
        """The optimizer called ``name`` in ``scratch.optim``, or its twin."""

    def schedule(self, name: str, optimizer: Any, **settings: Any) -> Any:
        """The schedule called ``name`` in ``scratch.lr_scheduler``, over ``optimizer``."""

    def fit(self, net: Any, optimizer: Any, *args: Any, **options: Any) -> History:
        """Train; as ``scratch.train.fit``."""

    def glance(self, net: Any, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
        """A stack's activations and gradients (K, …) in training, by tag; it stays as it is."""

    def activation(self, name: str) -> Callable[[Any], Any]:
        """The activation called ``name``, as a function."""

    def generator(self, seed: int) -> Any:
        """A random stream."""

    def randn(self, generator: Any, *shape: int) -> Any:
        """Normal numbers in float32."""

    def number(self, value: float) -> Any:
        """A float64 that an optimizer can update."""

    def derivative(
        self, f: Callable, by_hand: Callable, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(∂f/∂x, ∂f/∂y) by hand, or by autograd."""

    def numpy(self, value: Any) -> np.ndarray:
        """A value of this backend as an array."""


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
        from experiments.engine.backend_scratch import ScratchBackend

        return ScratchBackend()
    from experiments.engine.backend_torch import TorchBackend

    return TorchBackend(device)
