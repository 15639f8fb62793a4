"""The layers of ``scratch.nn`` beside torch's modules."""

from scratch import nn
from torch_ref.registry.pairs import LayerPair

_BATCH_NORM = (
    {},
    {"eps": 1e-2, "momentum": 0.5},
    {"momentum": None},
    {"affine": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
)

_LAYERS = (
    LayerPair("Affine", nn.Affine, "torch.nn.Linear", "6.2", note="W is (in, out)"),
    LayerPair("ReLU", nn.ReLU, "torch.nn.ReLU", "6.2.3"),
    LayerPair("Sigmoid", nn.Sigmoid, "torch.nn.Sigmoid", "6.2.2"),
    LayerPair("Tanh", nn.Tanh, "torch.nn.Tanh", "6.2.2"),
    LayerPair("Dropout", nn.Dropout, "torch.nn.Dropout", "6.4.3"),
    LayerPair(
        "BatchNorm1d",
        nn.BatchNorm1d,
        "torch.nn.BatchNorm1d",
        "6.3.1",
        cases=_BATCH_NORM,
        shapes=((6, 5), (2, 5), (4, 5, 3), (1, 5, 2)),
    ),
    LayerPair("CrossEntropyLoss", nn.CrossEntropyLoss, "torch.nn.CrossEntropyLoss", "6.1.8"),
)

LAYERS: dict[str, LayerPair] = {pair.name: pair for pair in _LAYERS}
