"""What both sides are given at each step."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from scratch.nn import MultiLayerNet
from scratch.train import batches
from torch_ref import convert


class Problem(Protocol):
    """Parameters to start from, the same on both sides, and gradients for them.

    Attributes:
        mine: name → array.
        theirs: name → tensor with the same values, perhaps transposed.
        undetermined: the names of parameters that no gradient determines: theirs are pure rounding
            noise, which an adaptive optimizer scales up.
    """

    mine: dict[str, np.ndarray]
    theirs: dict[str, Tensor]
    undetermined: frozenset[str]

    def gradients(self) -> tuple[dict[str, np.ndarray], dict[str, Tensor]]:
        """The gradients of the next step for either side."""
        ...

    def as_mine(self, name: str, tensor: Tensor) -> np.ndarray:
        """A tensor that belongs to their parameter ``name``, in the layout of mine."""
        ...


class GradientStream:
    """The same random gradients for both sides, each element on a scale of its own.

    Args:
        shapes: of the parameters, which are called ``w0, w1, …`` and start at N(0, 1).
        dtype: float32 or float64.
        seed: of the stream.
        scale: the gradients' sizes go from ``scale``·1e-3 to ``scale``·10.
    """

    def __init__(
        self,
        shapes: Sequence[tuple[int, ...]] = ((7, 5), (5,), ()),
        *,
        dtype: np.typing.DTypeLike = np.float64,
        seed: int = 0,
        scale: float = 1.0,
    ) -> None:
        self.undetermined = frozenset()
        self._random = np.random.default_rng(seed)
        self._dtype = np.dtype(dtype)
        self.mine = {f"w{i}": self._normal(shape) for i, shape in enumerate(shapes)}
        self.theirs = convert.to_torch(self.mine)
        self._scales = {
            name: scale * 10 ** self._random.uniform(-3, 1, w.shape)
            for name, w in self.mine.items()
        }

    def gradients(self) -> tuple[dict[str, np.ndarray], dict[str, Tensor]]:
        grads = {
            name: np.asarray(self._normal(w.shape) * self._scales[name], dtype=self._dtype)
            for name, w in self.mine.items()
        }
        return grads, convert.to_torch(grads)

    def as_mine(self, name: str, tensor: Tensor) -> np.ndarray:
        return tensor.numpy()

    def _normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(self._random.standard_normal(shape), dtype=self._dtype)


class NetworkProblem:
    """A network on images: each side computes its own gradients of the same batches.

    Torch's side is the network as one writes it in PyTorch, ``Linear`` and ``BatchNorm1d`` modules,
    trained with autograd.

    Args:
        net: a single run; its twin starts from the same parameters.
        images, labels: uint8 (n, D) and (n,).
        batch_size: N.

    With batch normalization the bias before it is undetermined: the mean that is subtracted takes
    it away again, so that its true gradient is zero, and what is computed is rounding noise.
    """

    def __init__(
        self, net: MultiLayerNet, images: np.ndarray, labels: np.ndarray, batch_size: int
    ) -> None:
        self.net, self.modules = net, convert.plain(net)
        self.mine = net.params
        self.theirs = convert.plain_params(self.modules)
        self.undetermined = frozenset(f"b{i}" for i in range(1, len(net.batch_norms) + 1))
        self._batches = batches(images, labels, batch_size, net.generators, net.dtype)

    def gradients(self) -> tuple[dict[str, np.ndarray], dict[str, Tensor]]:
        x, t = self._batch()
        loss = torch.nn.functional.cross_entropy(self.modules(torch.tensor(x)), torch.tensor(t))
        grads = torch.autograd.grad(loss, list(self.theirs.values()))
        return self.net.gradient(x, t), dict(zip(self.theirs, grads, strict=True))

    def my_gradients(self) -> dict[str, np.ndarray]:
        """My gradients of the next batch alone, without moving theirs along."""
        return self.net.gradient(*self._batch())

    def _batch(self) -> tuple[np.ndarray, np.ndarray]:
        x, t = next(self._batches)
        return x[0], t[0]

    def as_mine(self, name: str, tensor: Tensor) -> np.ndarray:
        return convert.from_linear(name, tensor.detach()).numpy()
