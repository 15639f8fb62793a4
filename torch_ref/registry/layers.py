"""The layers of ``scratch.nn`` beside torch's modules."""

from scratch import nn
from torch_ref.registry.pairs import LayerPair, Settings, from_torch

_IN_PLACE = {"inplace": "a layer leaves its input as it is"}


def _with(settings: Settings, *options: Settings) -> tuple[Settings, ...]:
    """The settings alone, then with each of the options."""
    return (settings, *(settings | option for option in options))


_BATCH_NORM = _with(
    {"num_features": 5},
    {"eps": 1e-2, "momentum": 0.5},
    {"momentum": None},
    {"affine": False},
    *from_torch("2.12", {"bias": False}),
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
)
_INSTANCE_NORM = _with(
    {"num_features": 5},
    {"affine": True, "eps": 1e-2},
    *from_torch("2.12", {"affine": True, "bias": False}),
    {"track_running_stats": True},
    {"track_running_stats": True, "momentum": None},
    {"affine": True, "track_running_stats": True, "momentum": 0.5},
)
_GROUP_NORM = (
    *_with({"num_groups": 2, "num_channels": 12}, {"eps": 1e-2}, {"affine": False}),
    *from_torch("2.12", {"num_groups": 2, "num_channels": 12, "bias": False}),
    {"num_groups": 1, "num_channels": 12},
    {"num_groups": 3, "num_channels": 12},
)
_LAYER_NORM = (
    *_with({"normalized_shape": 5}, {"eps": 1e-2}, {"bias": False}),
    *_with({"normalized_shape": (3, 5)}, {"bias": False}, {"elementwise_affine": False}),
)
_RMS_NORM = (
    *_with({"normalized_shape": 5}, {"eps": 1e-2}),
    *_with({"normalized_shape": (3, 5)}, {"elementwise_affine": False}),
)

_LAYERS = (
    LayerPair(
        "Affine",
        nn.Affine,
        "torch.nn.Linear",
        "6.2",
        note="W is (in, out)",
        not_taken={
            "in_features": "the weight is given, not drawn",
            "out_features": "the weight is given, not drawn",
            "bias": "there always is one, as in the chapter",
        },
        takes="parameters",
    ),
    LayerPair("ReLU", nn.ReLU, "torch.nn.ReLU", "6.2.3", not_taken=_IN_PLACE),
    LayerPair("Sigmoid", nn.Sigmoid, "torch.nn.Sigmoid", "6.2.2"),
    LayerPair("Tanh", nn.Tanh, "torch.nn.Tanh", "6.2.2"),
    LayerPair(
        "Dropout",
        nn.Dropout,
        "torch.nn.Dropout",
        "6.4.3",
        cases=({"p": 0.3},),
        not_taken=_IN_PLACE,
        takes="generator",
    ),
    LayerPair(
        "BatchNorm1d",
        nn.BatchNorm1d,
        "torch.nn.BatchNorm1d",
        "6.3.1",
        cases=_BATCH_NORM,
        shapes=((6, 5), (2, 5), (4, 5, 3), (1, 5, 2)),
        statistics="batch",
        inputs=((12,), (4, 7)),
    ),
    LayerPair(
        "BatchNorm2d",
        nn.BatchNorm2d,
        "torch.nn.BatchNorm2d",
        "6.3.1",
        cases=_BATCH_NORM,
        shapes=((3, 5, 2, 3), (1, 5, 1, 4)),
        statistics="batch",
        inputs=((4, 2, 2),),
    ),
    LayerPair(
        "BatchNorm3d",
        nn.BatchNorm3d,
        "torch.nn.BatchNorm3d",
        "6.3.1",
        cases=_BATCH_NORM,
        shapes=((2, 5, 2, 1, 3), (1, 5, 2, 2, 2)),
        statistics="batch",
        inputs=((3, 2, 2, 1),),
    ),
    LayerPair(
        "LayerNorm",
        nn.LayerNorm,
        "torch.nn.LayerNorm",
        "",
        cases=_LAYER_NORM,
        shapes=((3, 5), (4, 3, 5), (2, 2, 3, 5)),
        note="Ba, Kiros, Hinton 2016",
        statistics="layer",
        inputs=((12,),),
    ),
    LayerPair(
        "GroupNorm",
        nn.GroupNorm,
        "torch.nn.GroupNorm",
        "",
        cases=_GROUP_NORM,
        shapes=((4, 12), (1, 12), (3, 12, 2), (2, 12, 2, 2), (1, 12, 2, 1, 2)),
        note="Wu, He 2018",
        statistics="group",
        inputs=((6, 2),),
    ),
    LayerPair(
        "InstanceNorm1d",
        nn.InstanceNorm1d,
        "torch.nn.InstanceNorm1d",
        "",
        cases=_INSTANCE_NORM,
        shapes=((3, 5, 4), (5, 4), (1, 5, 2)),
        note="Ulyanov, Vedaldi, Lempitsky 2016",
        statistics="instance",
        inputs=((3, 6),),
    ),
    LayerPair(
        "InstanceNorm2d",
        nn.InstanceNorm2d,
        "torch.nn.InstanceNorm2d",
        "",
        cases=_INSTANCE_NORM,
        shapes=((3, 5, 2, 3), (5, 3, 2)),
        statistics="instance",
        inputs=((3, 2, 3),),
    ),
    LayerPair(
        "InstanceNorm3d",
        nn.InstanceNorm3d,
        "torch.nn.InstanceNorm3d",
        "",
        cases=_INSTANCE_NORM,
        shapes=((2, 5, 2, 1, 3), (5, 2, 3, 1)),
        statistics="instance",
        inputs=((3, 2, 3, 1),),
    ),
    LayerPair(
        "RMSNorm",
        nn.RMSNorm,
        "torch.nn.RMSNorm",
        "",
        cases=_RMS_NORM,
        shapes=((3, 5), (4, 3, 5), (2, 2, 3, 5)),
        note="Zhang, Sennrich 2019",
        statistics="root mean square",
        inputs=((12,),),
    ),
    LayerPair(
        "CrossEntropyLoss",
        nn.CrossEntropyLoss,
        "torch.nn.CrossEntropyLoss",
        "6.1.8",
        not_taken={
            "weight": "the chapter's classes count alike",
            "size_average": "torch has deprecated it",
            "reduce": "torch has deprecated it",
            "reduction": "the loss is the mean over the batch",
            "ignore_index": "every row has a label",
            "label_smoothing": "labels are class numbers or one-hot rows",
        },
        takes="labels",
    ),
)

LAYERS: dict[str, LayerPair] = {pair.name: pair for pair in _LAYERS}
