"""Layers, normalizations, the loss, and networks made of them.

Every layer, and the loss, works on arrays with one leading axis more: K independent runs at once,
x (K, N, D) with weights (K, D, M). Whether a layer is such a stack follows from the shape of its
parameters (or from ``runs=K``), never from x.

``AveragedModel`` keeps the average of a network's weights, by ``get_swa_avg_fn`` or
``get_ema_avg_fn``, with ``update_bn`` as torch has them in ``torch.optim.swa_utils``.

Of torch's normalizations ``SyncBatchNorm``, which needs several processes, and the ``Lazy`` ones,
which find C out from the first x, have no twin here.
"""

from scratch.nn.activations import ACTIVATIONS, ReLU, Sigmoid, Tanh
from scratch.nn.affine import Affine
from scratch.nn.averaged import AveragedModel, get_ema_avg_fn, get_swa_avg_fn, update_bn
from scratch.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from scratch.nn.chapter import BatchNormalization
from scratch.nn.dropout import Dropout
from scratch.nn.groupnorm import GroupNorm
from scratch.nn.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from scratch.nn.layer import Layer
from scratch.nn.layernorm import LayerNorm
from scratch.nn.loss import CrossEntropyLoss, softmax
from scratch.nn.lsuv import lsuv
from scratch.nn.network import MultiLayerNet, TwoLayerNet
from scratch.nn.numerical import numerical_gradient
from scratch.nn.rmsnorm import RMSNorm

__all__ = [
    "ACTIVATIONS",
    "Affine",
    "AveragedModel",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "BatchNormalization",
    "CrossEntropyLoss",
    "Dropout",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "Layer",
    "LayerNorm",
    "MultiLayerNet",
    "RMSNorm",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "TwoLayerNet",
    "get_ema_avg_fn",
    "get_swa_avg_fn",
    "lsuv",
    "numerical_gradient",
    "softmax",
    "update_bn",
]
