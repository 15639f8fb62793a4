"""What the optimizers train: layers, batch normalization, the loss, and networks of them.

Every layer, and the loss, works on arrays with one leading axis more: K independent runs at once,
x (K, N, D) with weights (K, D, M). Whether a layer is such a stack follows from the shape of its
parameters (or from ``runs=K``), never from x.
"""

from scratch.nn.activations import ACTIVATIONS, ReLU, Sigmoid, Tanh
from scratch.nn.affine import Affine
from scratch.nn.batchnorm import BatchNorm1d
from scratch.nn.chapter import BatchNormalization
from scratch.nn.dropout import Dropout
from scratch.nn.layer import Layer
from scratch.nn.loss import CrossEntropyLoss, softmax
from scratch.nn.network import MultiLayerNet, TwoLayerNet
from scratch.nn.numerical import numerical_gradient

__all__ = [
    "ACTIVATIONS",
    "Affine",
    "BatchNorm1d",
    "BatchNormalization",
    "CrossEntropyLoss",
    "Dropout",
    "Layer",
    "MultiLayerNet",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "TwoLayerNet",
    "numerical_gradient",
    "softmax",
]
