"""The normalization layers that there is a check for, and the known ways to differ from each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch_ref.lockstep.finding import Variant
from torch_ref.registry import LAYERS

Settings = dict[str, Any]
Shape = tuple[int, ...]
#: From an input's shape, the layer's sizes and its settings: the shape in which each statistic is
#: taken along whole axes, and these axes.
Blocks = Callable[[Shape, Settings, Settings], tuple[Shape, Shape]]

_VARIANCE = "torch feeds running_var the unbiased variance, σ²·n/(n − 1)"
_EPS = "torch adds eps inside the root: √(σ² + eps)"
_NORMALIZED = "torch normalizes by the biased variance, σ² = Σ(x − μ)²/n"
_EVALUATION = "torch normalizes by the running statistics in evaluation, and leaves them alone"
_BACKWARD = "torch differentiates through the mean and the variance, which depend on x too"
_RUNNING = "torch updates both running statistics in training: (1 − m)·running + m·batch"


def _eps(*values: float, default: str = "1e-5") -> tuple[Variant, ...]:
    theirs = f"torch takes the eps it is given, by default {default}"
    return (
        Variant("eps outside the root", _EPS, {"eps_outside": True}),
        Variant("eps forgotten", _EPS, {"eps": 0.0}),
        *(Variant(f"eps {eps:g}", theirs, {"eps": eps}) for eps in values),
    )


_CENTRED = (
    *_eps(1e-3, 1e-5, 1e-6, 1e-7, 1e-8),
    Variant("normalized by the unbiased variance", _NORMALIZED, {"unbiased": True}),
    Variant("backward takes the mean as constant", _BACKWARD, {"through_mean": False}),
    Variant("backward takes the variance as constant", _BACKWARD, {"through_var": False}),
)
_AVERAGED = Variant(
    "parameter gradients averaged over the batch",
    "torch sums them: ∂L/∂γ = Σ dy·x̂, ∂L/∂β = Σ dy",
    {"averaged": True},
)
_TRACKED = (
    Variant("running variance biased", _VARIANCE, {"unbiased_running": False}),
    Variant(
        "momentum inverted",
        "torch's momentum is the weight of the new batch: (1 − m)·running + m·batch",
        {"momentum_kept": True},
    ),
    Variant("running variance starts at zero", "torch's starts at ones", {"start": 0.0}),
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
    return shape, (0, *range(2, len(shape)))


def _over_positions(shape: Shape, sizes: Settings, settings: Settings) -> tuple[Shape, Shape]:
    return shape, (*([0] if settings.get("over_batch") else []), *range(2, len(shape)))


def _over_last(shape: Shape, sizes: Settings, settings: Settings) -> tuple[Shape, Shape]:
    return shape, (0,) if settings.get("over_batch") else tuple(range(1, len(shape)))


def _over_groups(shape: Shape, sizes: Settings, settings: Settings) -> tuple[Shape, Shape]:
    rows, channels, *positions = shape
    groups = channels if settings.get("alone") else sizes["num_groups"]
    at = 1 if settings.get("interleaved") else 2  # the axis of the channels of a group
    split = [groups, channels // groups] if at == 2 else [channels // groups, groups]
    axes = (at, *range(3, 3 + len(positions)))
    return (rows, *split, *positions), axes


def _tracking(by_default: bool, blocks: Blocks, *own: Variant) -> Normalization:
    """A layer with running statistics, if asked for or ``by_default``."""
    flags = {"affine": by_default, "bias": True, "track_running_stats": by_default}
    return Normalization(
        {"num_features": 5},
        {"eps": 1e-5, "momentum": 0.1, **flags},
        blocks,
        (*_TRACKED, *_CENTRED, _AVERAGED, *own),
        scaled_rows=False,
        counts=by_default,
    )


_OVER_BATCH = Variant(
    "normalized over the batch too",
    "torch takes the mean and the variance of each row by itself",
    {"over_batch": True},
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
    (*_CENTRED, _AVERAGED, _OVER_ROWS),
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
            "backward takes the root mean square as constant",
            "torch differentiates through the root mean square, which depends on x too",
            {"through_var": False},
        ),
        _AVERAGED,
        _OVER_ROWS,
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
        _AVERAGED,
        Variant(
            "channels of a group interleaved",
            "torch's groups are of channels side by side",
            {"interleaved": True},
        ),
        Variant(
            "each channel by itself",
            "torch takes the statistics over all channels of a group",
            {"alone": True},
        ),
    ),
)

#: By the statistics that a layer normalizes by, as the registry has them.
_BY = {
    "batch": _tracking(True, _over_batch),
    "instance": _tracking(False, _over_positions, _OVER_BATCH),
    "layer": _LAYER_NORM,
    "group": _GROUP_NORM,
    "root mean square": _RMS_NORM,
}
NORMALIZATIONS: dict[str, Normalization] = {
    name: replace(_BY[pair.statistics], name=name, inputs=pair.inputs)
    for name, pair in LAYERS.items()
    if pair.statistics
}
