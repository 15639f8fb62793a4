"""The layers of ``scratch.nn`` beside torch's modules."""

from typing import Any

from scratch import nn
from torch_ref.registry.pairs import LayerPair, Settings, from_torch

LAYERS: dict[str, LayerPair] = {}


def _with(settings: Settings, *options: Settings) -> tuple[Settings, ...]:
    """The settings alone, then with each of the options."""
    return (settings, *(settings | option for option in options))


_IN_PLACE = {"inplace": "a layer leaves its input as it is"}
_BATCH_NORM: Settings = {
    "statistics": "batch",
    "cases": _with(
        {"num_features": 5},
        {"eps": 1e-2, "momentum": 0.5},
        {"momentum": None},
        {"affine": False},
        *from_torch("2.12", {"bias": False}),
        {"track_running_stats": False},
        {"affine": False, "track_running_stats": False},
    ),
}
_INSTANCE_NORM: Settings = {
    "statistics": "instance",
    "cases": _with(
        {"num_features": 5},
        {"affine": True, "eps": 1e-2},
        *from_torch("2.12", {"affine": True, "bias": False}),
        {"track_running_stats": True},
        {"track_running_stats": True, "momentum": None},
        {"affine": True, "track_running_stats": True, "momentum": 0.5},
    ),
}


def _add(name: str, section: str = "", **said: Any) -> None:
    """Add the pair of a layer and torch's module of that name, or what is ``said``."""
    torch = said.pop("torch", f"torch.nn.{name}")
    LAYERS[name] = LayerPair(name, getattr(nn, name), torch, section, **said)


_add(
    "Affine",
    "6.2",
    torch="torch.nn.Linear",
    note="W is (in, out)",
    not_taken={
        "in_features": "the weight is given, not drawn",
        "out_features": "the weight is given, not drawn",
        "bias": "there always is one, as in the chapter",
    },
    takes="parameters",
)
_add("ReLU", "6.2.3", not_taken=_IN_PLACE)
_add("Sigmoid", "6.2.2")
_add("Tanh", "6.2.2")
_add("Dropout", "6.4.3", cases=({"p": 0.3},), not_taken=_IN_PLACE, takes="generator")
_add(
    "BatchNorm1d",
    "6.3.1",
    **_BATCH_NORM,
    shapes=((6, 5), (2, 5), (4, 5, 3), (1, 5, 2)),
    inputs=((12,), (4, 7)),
)
_add(
    "BatchNorm2d", "6.3.1", **_BATCH_NORM, shapes=((3, 5, 2, 3), (1, 5, 1, 4)), inputs=((4, 2, 2),)
)
_add(
    "BatchNorm3d",
    "6.3.1",
    **_BATCH_NORM,
    shapes=((2, 5, 2, 1, 3), (1, 5, 2, 2, 2)),
    inputs=((3, 2, 2, 1),),
)
_add(
    "LayerNorm",
    cases=(
        *_with({"normalized_shape": 5}, {"eps": 1e-2}, {"bias": False}),
        *_with({"normalized_shape": (3, 5)}, {"bias": False}, {"elementwise_affine": False}),
    ),
    shapes=((3, 5), (4, 3, 5), (2, 2, 3, 5)),
    note="Ba, Kiros, Hinton 2016",
    statistics="layer",
    inputs=((12,),),
)
_add(
    "GroupNorm",
    cases=(
        *_with({"num_groups": 2, "num_channels": 12}, {"eps": 1e-2}, {"affine": False}),
        *from_torch("2.12", {"num_groups": 2, "num_channels": 12, "bias": False}),
        {"num_groups": 1, "num_channels": 12},
        {"num_groups": 3, "num_channels": 12},
    ),
    shapes=((4, 12), (1, 12), (3, 12, 2), (2, 12, 2, 2), (1, 12, 2, 1, 2)),
    note="Wu, He 2018",
    statistics="group",
    inputs=((6, 2),),
)
_add(
    "InstanceNorm1d",
    **_INSTANCE_NORM,
    shapes=((3, 5, 4), (5, 4), (1, 5, 2)),
    note="Ulyanov, Vedaldi, Lempitsky 2016",
    inputs=((3, 6),),
)
_add("InstanceNorm2d", **_INSTANCE_NORM, shapes=((3, 5, 2, 3), (5, 3, 2)), inputs=((3, 2, 3),))
_add(
    "InstanceNorm3d",
    **_INSTANCE_NORM,
    shapes=((2, 5, 2, 1, 3), (5, 2, 3, 1)),
    inputs=((3, 2, 3, 1),),
)
_add(
    "RMSNorm",
    cases=(
        *_with({"normalized_shape": 5}, {"eps": 1e-2}),
        *_with({"normalized_shape": (3, 5)}, {"elementwise_affine": False}),
    ),
    shapes=((3, 5), (4, 3, 5), (2, 2, 3, 5)),
    note="Zhang, Sennrich 2019",
    statistics="root mean square",
    inputs=((12,),),
)
_add(
    "CrossEntropyLoss",
    "6.1.8",
    not_taken={
        "weight": "the chapter's classes count alike",
        **dict.fromkeys(("size_average", "reduce"), "torch has deprecated it"),
        "reduction": "the loss is the mean over the batch",
        "ignore_index": "every row has a label",
        "label_smoothing": "labels are class numbers or one-hot rows",
    },
    takes="labels",
)
