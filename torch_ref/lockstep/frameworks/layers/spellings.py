"""Other names that people use for the settings and arrays of a normalization layer."""

from collections.abc import Iterable, Mapping
from typing import Any

Names = Mapping[str, tuple[str, ...]]

#: Of a layer's settings and arrays; its sizes are settings, too.
LAYER: Names = {
    "weight": ("weight", "gamma", "scale", "g", "a_2"),
    "bias": ("bias", "beta", "shift", "offset", "b", "b_2"),
    "running_mean": ("running_mean", "moving_mean", "run_mean", "mean_running"),
    "running_var": (
        "running_var",
        "moving_variance",
        "running_variance",
        "moving_var",
        "run_var",
    ),
    "eps": ("eps", "epsilon"),
    "momentum": ("momentum", "decay_rate"),
    "affine": ("affine",),
    "elementwise_affine": ("elementwise_affine", "affine"),
    "track_running_stats": ("track_running_stats",),
    "num_features": ("num_features", "sz", "dims"),
    "normalized_shape": ("normalized_shape", "num_features", "dims", "dim", "shape", "features"),
    "num_groups": ("num_groups", "groups", "n_groups"),
    "num_channels": ("num_channels", "channels", "n_channels", "num_features", "dims"),
}
#: Of the arrays of a framework that keeps its statistics apart from all else.
APART: Names = {
    "running_mean": ("mean", "mean_ema"),
    "running_var": ("var", "var_ema"),
}
#: Of the argument or attribute that says whether a layer trains.
TRAINING = ("training", "train_flg", "is_training", "train")
#: Of the one that says that it does not.
EVALUATING = ("use_running_average", "deterministic")
#: Of the first argument of a function that is a layer by itself.
INPUT = ("x", "X", "inputs", "input", "data")


def flag(parameters: Iterable[str], training: bool) -> dict[str, Any]:
    """The argument among ``parameters`` that says whether a layer trains, if there is one.

    >>> flag(["x", "use_running_average"], training=True)
    {'use_running_average': False}
    """
    known = dict.fromkeys(TRAINING, training) | dict.fromkeys(EVALUATING, not training)
    return dict([(name, known[name]) for name in parameters if name in known][:1])
