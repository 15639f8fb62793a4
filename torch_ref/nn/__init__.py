"""The twins of ``scratch.nn``: the same network, through torch's own functions and autograd.

Weights have the chapter's layout (in, out), and one leading axis of K for a stack of runs, as in
``scratch``. ``torch_ref.convert.plain`` gives the same network as ``torch.nn.Linear`` and
``torch.nn.BatchNorm1d`` modules. The other layers need no twin here: torch has them.
"""

from torch_ref.nn.layers import ACTIVATIONS, Affine, BatchNorm1d, Dropout
from torch_ref.nn.lsuv import lsuv
from torch_ref.nn.network import MultiLayerNet, TwoLayerNet

__all__ = [
    "ACTIVATIONS",
    "Affine",
    "BatchNorm1d",
    "Dropout",
    "MultiLayerNet",
    "TwoLayerNet",
    "lsuv",
]
