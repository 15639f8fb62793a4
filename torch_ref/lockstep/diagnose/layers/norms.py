"""The normalization layers that there is a check for, and the known ways to differ from each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from torch_ref.lockstep.finding import Variant
from torch_ref.registry import LAYERS

Settings = dict[str, Any]
Shape = tuple[int, ...]
#: From an input's shape, the layer's sizes and its settings: the shape in which each statistic is
#: taken along whole axes, and these axes.
Blocks = Callable[[Shape, Settings, Settings], tuple[Shape, Shape]]

_VARIANCE = "torch feeds running_var the unbiased variance, σ²·n/(n − 1)"
_EPS = "torch adds eps inside the root: √(σ² + eps)"
_DERIVED = "torch's backward is the derivative of its own forward"
_NORMALIZED = "torch normalizes by the biased variance, σ² = Σ(x − μ)²/n"
_EVALUATION = "torch normalizes by the running statistics in evaluation, and leaves them alone"
_BACKWARD = "torch differentiates through the mean and the variance, which depend on x too"
_RUNNING = "torch updates both running statistics in training: (1 − m)·running + m·batch"
_ROOT = "torch's x̂ is (x − μ)/√(σ² + eps)"
_PARAMETERS = "torch's output is γ·x̂ + β"
_SUMS = "torch sums them: ∂L/∂γ = Σ dy·x̂, ∂L/∂β = Σ dy"


def _eps(*values: float, default: str = "1e-5") -> tuple[Variant, ...]:
    theirs = f"torch takes the eps it is given, by default {default}"
    return (
        Variant("eps outside the root", _EPS, {"eps_outside": True}),
        Variant("eps inside and outside the root", _EPS, {"eps_outside": "both"}),
        Variant("eps as the least variance", _EPS, {"eps_outside": "least"}),
        Variant("the root of σ + eps", _EPS, {"eps_outside": "twice"}),
        Variant("divided by the variance, not by its root", _ROOT, {"eps_outside": "squared"}),
        Variant("multiplied by the root, not divided", _ROOT, {"eps_outside": "times"}),
        Variant("eps forgotten", _EPS, {"eps": 0.0}),
        Variant("eps of float16", theirs, {"eps": float(np.finfo(np.float16).eps)}),
        *(Variant(f"eps {eps:g}", theirs, {"eps": eps}) for eps in values),
    )


_AFFINE = (
    Variant(
        "weight kept as 1 + w",
        _PARAMETERS + ", and γ starts at 1",
        {"gamma": "1 + w"},
    ),
    Variant("weight left out", _PARAMETERS, {"gamma": "1"}),
    Variant("weight without its sign", _PARAMETERS, {"gamma": "|w|"}),
    Variant("bias left out", _PARAMETERS, {"beta": "0"}),
    Variant("weight multiplies the bias too: γ·(x̂ + β)", _PARAMETERS, {"beta": "w·b"}),
    Variant("bias taken away", _PARAMETERS, {"beta": "-b"}),
    Variant("weight and bias swapped", _PARAMETERS, {"gamma": "b", "beta": "w"}),
    Variant(
        "weight and bias swapped, each around its start",
        _PARAMETERS,
        {"gamma": "1 + b", "beta": "w - 1"},
    ),
)
_GRADIENTS = (
    Variant("parameter gradients averaged over the batch", _SUMS, {"averaged": True}),
    Variant("weight's gradient with x in place of x̂", _SUMS, {"along": "x"}),
    Variant("weight's gradient with y in place of x̂", _SUMS, {"along": "y"}),
    Variant("weight's gradient with the wrong sign", _SUMS, {"negated": "weight"}),
    Variant("parameter gradients added up over calls", _SUMS, {"added_up": True}),
)
#: Of a layer with a mean and a bias: without them these are as one of those above, or nothing.
_GRADIENTS_OF_TWO = (
    Variant("weight's gradient with x − μ in place of x̂", _SUMS, {"along": "centred"}),
    Variant("weight's gradient times the weight", _SUMS, {"along": "γ·x̂"}),
    Variant("weight's gradient averaged over the batch", _SUMS, {"averaged": "weight"}),
    Variant("bias's gradient averaged over the batch", _SUMS, {"averaged": "bias"}),
    Variant("bias's gradient times the weight", _SUMS, {"bias_weighted": True}),
    Variant("bias's gradient with the wrong sign", _SUMS, {"negated": "bias"}),
    Variant("weight's and bias's gradients swapped", _SUMS, {"grads_swapped": True}),
)


def _backward(name: str, key: str) -> tuple[Variant, ...]:
    """What can be wrong in the term through one of the statistics."""
    term = f"backward has the term through the {name}"
    return (
        Variant(f"backward takes the {name} as constant", _BACKWARD, {key: 0.0}),
        Variant(f"{term} with the wrong sign", _BACKWARD, {key: -1.0}),
        Variant(f"{term} by half", _BACKWARD, {key: 0.5}),
        Variant(f"{term} twice", _BACKWARD, {key: 2.0}),
        Variant(f"{term} divided by n − 1", _BACKWARD, {key: "n/(n-1)"}),
        Variant(f"{term} not divided by n", _BACKWARD, {key: "n"}),
    )


_INPUT = (
    Variant("weight left out of the input's gradient", _BACKWARD, {"dx_weight": 0}),
    Variant("weight twice in the input's gradient", _BACKWARD, {"dx_weight": 2}),
    Variant("1/σ left out of the input's gradient", _BACKWARD, {"dx_scale": -1}),
    Variant("1/σ twice in the input's gradient", _BACKWARD, {"dx_scale": 1}),
    Variant(
        "backward has the term through the variance without the weight", _BACKWARD, {"var_of": "dy"}
    ),
    Variant(
        "backward has the term through the variance not times x̂", _BACKWARD, {"var_along": "1"}
    ),
    Variant(
        "backward has the term through the variance with 1/σ² for 1/σ³",
        _BACKWARD,
        {"slope_power": -1},
    ),
    Variant(
        "backward is γ·dy alone",
        _BACKWARD,
        {"dx_scale": -1, "mean_term": 0.0, "var_term": 0.0},
    ),
    # Alone it is torch's: only beside another forward it shows.
    Variant(
        "backward of the usual formula, not of its own forward", _DERIVED, {"by_formula": True}
    ),
)
_CENTRED = (
    *_eps(1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12),
    Variant("normalized by the unbiased variance", _NORMALIZED, {"unbiased": True}),
    Variant("normalized by the sum, not the mean, of squares", _NORMALIZED, {"unbiased": "sum"}),
    Variant("mean taken away in the variance alone", _ROOT, {"uncentred": True}),
    Variant(
        "mean not taken away",
        "torch takes the mean away first; it is RMSNorm that does not",
        {"centred": False},
    ),
    *_AFFINE,
    *_backward("mean", "mean_term"),
    *_backward("variance", "var_term"),
    Variant(
        "backward has a surplus term in the gradient of the mean",
        "torch has −Σ dx̂/√(σ² + eps): the part of it through the variance is zero",
        {"surplus": True},
    ),
    Variant(
        "backward has the term through the mean without the weight", _BACKWARD, {"mean_of": "dy"}
    ),
    *(
        Variant(f"backward has the term through the variance {said}", _BACKWARD, change)
        for said, change in (
            ("with x in place of x − μ in its sum", {"var_of": "x"}),
            ("with x in place of x̂ in its sum", {"var_of": "x for x̂"}),
            ("times x in place of x − μ", {"var_along": "x"}),
            ("times x in place of x̂", {"var_along": "x for x̂"}),
        )
    ),
    *_INPUT,
    *_GRADIENTS,
    *_GRADIENTS_OF_TWO,
)
_TRACKED = (
    Variant("running variance biased", _VARIANCE, {"unbiased_running": False}),
    Variant(
        "momentum inverted",
        "torch's momentum is the weight of the new batch: (1 − m)·running + m·batch",
        {"momentum_kept": True},
    ),
    Variant("running variance starts at zero", "torch's starts at ones", {"start": 0.0}),
    Variant(
        "running statistics start from the first batch",
        "torch's start at zeros and ones",
        {"start": "first batch"},
    ),
    Variant(
        "running statistics corrected for their start",
        "torch's are (1 − m)·running + m·batch, from zeros and ones",
        {"start": "corrected"},
    ),
    Variant("running variance times (n − 1)/n", _VARIANCE, {"unbiased_running": "inverse"}),
    Variant(
        "running standard deviation in place of the variance", _VARIANCE, {"running_std": True}
    ),
    Variant("running statistics added up: running + m·batch", _RUNNING, {"added_to": True}),
    Variant("eps forgotten in evaluation", _EVALUATION, {"eps_evaluating": 0.0}),
    Variant("running variance with eps", _VARIANCE, {"running_eps": 1}),
    Variant("running variance with 2·eps", _VARIANCE, {"running_eps": 2}),
    Variant("running statistics updated in evaluation", _EVALUATION, {"evaluation": "update"}),
    Variant(
        "running statistics updated in evaluation, after their use",
        _EVALUATION,
        {"evaluation": "update after"},
    ),
    Variant("batch statistics in evaluation", _EVALUATION, {"batch_always": True}),
    Variant("running mean not updated", _RUNNING, {"updates_mean": False}),
    Variant("running variance not updated", _RUNNING, {"updates_var": False}),
)
CHANNELS_LAST = Variant(
    "channels last",
    "torch's channels are the second axis: (N, C, …)",
    {"channels_last": True},
)


@dataclass(frozen=True)
class Normalization:
    """A normalization layer of torch, as it is checked.

    Attributes:
        name: of the module in ``torch.nn``.
        sizes: the constructor's first arguments, which say how large x is, with what to try.
        defaults: torch's, of the settings.
        blocks: see ``Blocks``.
        variants: the known ways to differ.
        by_channel: whether γ and β are one for each channel; else for each of the last elements.
        scaled_rows: whether the inputs have rows of several scales, not channels.
        centred: whether the mean is taken away.
        counts: whether it counts the batches for a plain mean of them all.
        inputs: their shapes but for what ``sizes`` say: the rows, then the positions. Torch takes
            them all, a candidate must only take the first.
    """

    sizes: Mapping[str, Any]
    defaults: Mapping[str, Any]
    blocks: Blocks
    variants: tuple[Variant, ...]
    name: str = ""
    by_channel: bool = True
    scaled_rows: bool = True
    centred: bool = True
    counts: bool = False
    inputs: Sequence[Shape] = ()

    def input_shapes(self, sizes: Settings) -> list[Shape]:
        """The shapes of the inputs to try."""
        own = self.parameter_shape(sizes)
        return [(*shape[:1], *own, *shape[1:]) for shape in self.inputs]

    def parameter_shape(self, sizes: Settings) -> Shape:
        """The shape of γ and β."""
        size = list(sizes.values())[-1]
        return tuple(size) if isinstance(size, list | tuple) else (size,)


def _over_batch(shape: Shape, sizes: Settings, settings: Settings) -> tuple[Shape, Shape]:
    if settings.get("rows"):
        return shape, tuple(range(1, len(shape)))
    return shape, (0,) if settings.get("batch_alone") else (0, *range(2, len(shape)))


def _over_positions(shape: Shape, sizes: Settings, settings: Settings) -> tuple[Shape, Shape]:
    if settings.get("rows"):
        return shape, tuple(range(1, len(shape)))
    return shape, (*([0] if settings.get("over_batch") else []), *range(2, len(shape)))


def _over_last(shape: Shape, sizes: Settings, settings: Settings) -> tuple[Shape, Shape]:
    return shape, (0,) if settings.get("over_batch") else tuple(range(1, len(shape)))


def _over_groups(shape: Shape, sizes: Settings, settings: Settings) -> tuple[Shape, Shape]:
    rows, channels, *positions = shape
    own: int = sizes["num_groups"]
    counts = {"channels": channels, "one": 1, "of as many": channels // own}
    groups = counts.get(settings.get("groups", ""), own)
    at = 1 if settings.get("interleaved") else 2  # the axis of the channels of a group
    split = [groups, channels // groups] if at == 2 else [channels // groups, groups]
    axes = (*([0] if settings.get("over_batch") else []), at, *range(3, 3 + len(positions)))
    return (rows, *split, *positions), axes


def _tracking(by_default: bool, blocks: Blocks, *own: Variant) -> Normalization:
    """A layer with running statistics, if asked for or ``by_default``."""
    flags = {"affine": by_default, "bias": True, "track_running_stats": by_default}
    return Normalization(
        {"num_features": 5},
        {"eps": 1e-5, "momentum": 0.1, **flags},
        blocks,
        (*_TRACKED, *_CENTRED, CHANNELS_LAST, *own),
        scaled_rows=False,
        counts=by_default,
    )


_OVER_BATCH = Variant(
    "normalized over the batch too",
    "torch takes the mean and the variance of each row by itself",
    {"over_batch": True},
)
_EVERYTHING = Variant(
    "normalized over all elements together",
    "torch takes the mean and the variance of each block by itself",
    {"everything": True},
)
_ROWS = Variant(
    "each row normalized by itself",
    "torch takes the mean and the variance of each channel over the batch",
    {"rows": True},
)
_ALL_CHANNELS = Variant(
    "all channels together",
    "torch takes the mean and the variance of each channel by itself",
    {"rows": True},
)
_BATCH_ALONE = Variant(
    "normalized over the batch alone",
    "torch takes the statistics over all positions of a channel, too",
    {"batch_alone": True},
)
_OVER_ROWS = Variant(
    "normalized over the batch",
    "torch takes the statistics along the last axes, of each row by itself",
    {"over_batch": True},
)
_LAYER_NORM = Normalization(
    {"normalized_shape": 5},
    {"eps": 1e-5, "elementwise_affine": True, "bias": True},
    _over_last,
    (*_CENTRED, _OVER_ROWS, _EVERYTHING),
    by_channel=False,
)
_RMS_NORM = Normalization(
    {"normalized_shape": 5},
    {"eps": None, "elementwise_affine": True},
    _over_last,
    (
        *_eps(1e-5, 1e-6, 1e-8, default="the machine epsilon of x's dtype"),
        Variant(
            "mean taken away",
            "torch divides by the root mean square; it is LayerNorm that takes the mean away",
            {"centred": True},
        ),
        Variant(
            "normalized by the sum, not the mean, of squares",
            "torch's is x/√(Σx²/n + eps)",
            {"unbiased": "sum"},
        ),
        *_AFFINE[:3],
        *_backward("root mean square", "var_term"),
        *_INPUT,
        *_GRADIENTS,
        _OVER_ROWS,
        _EVERYTHING,
    ),
    by_channel=False,
    centred=False,
)
_GROUP_NORM = Normalization(
    {"num_groups": 2, "num_channels": 6},
    {"eps": 1e-5, "affine": True, "bias": True},
    _over_groups,
    (
        *_CENTRED,
        CHANNELS_LAST,
        Variant(
            "channels of a group interleaved",
            "torch's groups are of channels side by side",
            {"interleaved": True},
        ),
        Variant(
            "each channel by itself",
            "torch takes the statistics over all channels of a group",
            {"groups": "channels"},
        ),
        Variant(
            "all channels together",
            "torch takes the statistics over the channels of one group",
            {"groups": "one"},
        ),
        Variant(
            "num_groups taken for the channels of a group",
            "torch's num_groups is how many groups there are",
            {"groups": "of as many"},
        ),
        _OVER_BATCH,
        _EVERYTHING,
    ),
)

#: By the statistics that a layer normalizes by, as the registry has them.
_BY = {
    "batch": _tracking(True, _over_batch, _ROWS, _BATCH_ALONE, _EVERYTHING),
    "instance": _tracking(False, _over_positions, _OVER_BATCH, _ALL_CHANNELS, _EVERYTHING),
    "layer": _LAYER_NORM,
    "group": _GROUP_NORM,
    "root mean square": _RMS_NORM,
}


def _with_inputs(norm: Normalization, inputs: Sequence[Shape]) -> Normalization:
    """The layer with its inputs; of two axes the last is the second, wherever its channels are."""
    variants = tuple(v for v in norm.variants if v is not CHANNELS_LAST or len(inputs[0]) > 1)
    return replace(norm, inputs=inputs, variants=variants)


NORMALIZATIONS: dict[str, Normalization] = {
    name: replace(_with_inputs(_BY[pair.statistics], pair.inputs), name=name)
    for name, pair in LAYERS.items()
    if pair.statistics
}
