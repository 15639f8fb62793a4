"""A network on images as a problem for both sides; its gradients are autograd's on torch's."""

import numpy as np
import torch

from scratch.loop import check_data
from scratch.nn import MultiLayerNet
from scratch.train import batches
from torch_ref import convert
from torch_ref.lockstep.compare.problems import Arrays


class NetworkProblem:
    """A network on images: each side computes its own gradients of the same batches.

    Torch's side is the network as one writes it in PyTorch, ``Linear`` and ``BatchNorm1d`` modules,
    and autograd.

    Args:
        net: a single run; the modules start from its values.
        images, labels: uint8 (n, D) and (n,).
        batch_size: N.

    With batch normalization the bias before it is undetermined: the mean that is subtracted takes
    it away again, so that its true gradient is zero, and what is computed is rounding noise.
    """

    def __init__(
        self, net: MultiLayerNet, images: np.ndarray, labels: np.ndarray, batch_size: int
    ) -> None:
        check_data(images, labels, batch_size)
        self._net, self._modules = net, convert.plain(net)
        self._theirs = convert.plain_params(self._modules)
        self.params = {name: w.copy() for name, w in net.params.items()}
        self.undetermined = frozenset(f"b{i}" for i in range(1, len(net.batch_norms) + 1))
        self._batches = batches(images, labels, batch_size, net.generators, net.dtype)

    def gradients(self, mine: Arrays, theirs: Arrays) -> tuple[Arrays, Arrays]:
        x, t = (each[0] for each in next(self._batches))
        with torch.no_grad():
            for name, w in self._theirs.items():
                w.copy_(convert.from_linear(name, torch.from_numpy(theirs[name])))
        loss = torch.nn.functional.cross_entropy(self._modules(torch.tensor(x)), torch.tensor(t))
        grads = torch.autograd.grad(loss, list(self._theirs.values()))
        their_grads = {
            name: convert.from_linear(name, g).numpy()
            for name, g in zip(self._theirs, grads, strict=True)
        }
        self._net.params.update(mine)
        return self._net.gradient(x, t), their_grads
