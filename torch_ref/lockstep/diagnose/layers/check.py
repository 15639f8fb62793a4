"""A candidate and torch's module on the same batches, compared step by step."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scratch import _check
from torch_ref.lockstep.candidates.candidate import name_of
from torch_ref.lockstep.candidates.reference import NORM, find
from torch_ref.lockstep.compare.precision import LOW
from torch_ref.lockstep.diagnose.layers.causes import Causing, fitted
from torch_ref.lockstep.diagnose.layers.half import check_norm_in_half, in_half_too
from torch_ref.lockstep.diagnose.layers.norms import (
    CHANNELS_LAST,
    NORMALIZATIONS,
    Normalization,
    Settings,
    Shape,
)
from torch_ref.lockstep.diagnose.layers.reference import reference
from torch_ref.lockstep.diagnose.layers.rule import NormRule
from torch_ref.lockstep.diagnose.layers.trace import (
    Batches,
    Seen,
    batches,
    compare,
    not_compared,
    trace,
    write,
)
from torch_ref.lockstep.finding import Finding, Variant
from torch_ref.lockstep.frameworks.away import where_it_is
from torch_ref.lockstep.frameworks.layers import Construction, Wanted, construction
from torch_ref.lockstep.frameworks.layers.layout import Flattened
from torch_ref.lockstep.result import Result
from torch_ref.registry import SAME_GRADIENTS

LAYOUTS = ("channels_first", "channels_last")
_FLAT = Variant(
    "each position of a channel taken for a feature",
    "torch's γ, β and statistics are one a channel, over all its positions",
    {"flattened": True},
)


@np.errstate(all="ignore")  # what divides by zero is found by its values
def check_norm(
    candidate: Any,
    against: str = "BatchNorm1d",
    *,
    dtype: np.typing.DTypeLike = np.float64,
    layout: str = "",
    **settings: Any,
) -> Result:
    """Compare a normalization layer with torch's, and name the cause if they diverge.

    Four training batches, then two of evaluation, and for BatchNorm1d the same again of (N, C, L)
    after those of (N, C), unless the candidate refuses it; the verdict says which were tried. Each
    compares the output, the running mean and variance, and in training the gradients of the input,
    weight and bias, in that order; γ and β are neither ones nor zeros.

    Args:
        candidate: a class or function, called with the sizes and those of the settings
            that it takes (``gamma`` and ``beta`` are given as arrays); or an instance, which is
            copied. A layer of torch, Keras, flax (linen and nnx), Haiku, MLX, tinygrad or
            equinox; or ``forward(x)`` and ``backward(dy)`` on arrays; or a function of x, γ and β.
            Training and evaluation are chosen by an argument (``training``, ``train_flg``, …), by
            ``train()`` and ``eval()``, or by an attribute.
        against: a name of ``NORMALIZATIONS``: "BatchNorm1d", "LayerNorm", ….
        dtype: float32 or float64; float32 if the candidate computes in nothing else. Or "float16"
            or "bfloat16", for arrays and torch's modules: see ``half.py`` there.
        layout: "channels_last" for a layer of (N, …, C). Keras's, flax's, Haiku's and MLX's are
            known to be; another is said to be where it takes nothing else.
        settings: of both sides, by torch's names: the sizes (``num_features=5``,
            ``normalized_shape=5``, or ``num_groups=2`` and ``num_channels=6``) and the rest; what
            is left out has the candidate's own default on both.

    Raises:
        ValueError: ``against`` is another layer, or the sizes leave one value to be normalized.
        TypeError: the candidate is no layer.

    >>> from scratch.nn import BatchNorm1d, GroupNorm, LayerNorm
    >>> check_norm(BatchNorm1d, eps=1e-3).agrees, check_norm(GroupNorm, "GroupNorm").agrees
    (True, True)
    >>> class Biased(BatchNorm1d):
    ...     def running_variance(self, var, n):
    ...         return var
    >>> check_norm(Biased).findings[0].names
    ('running variance biased',)
    >>> check_norm(LayerNorm, "RMSNorm", eps=1e-4).findings[0].names
    ('mean taken away',)
    """
    norm = NORMALIZATIONS.get(_check.instance("against", against, str).rpartition(".")[2])
    if norm is None:
        raise ValueError(
            f"against must be one of {', '.join(NORMALIZATIONS)}, got {_check.shown(against)}"
        )
    low = dtype if isinstance(dtype, str) and dtype in LOW else ""
    dtype = np.dtype(np.float64) if low else _check.floating(dtype)
    if _check.instance("layout", layout, str):
        _check.choice("layout", layout, LAYOUTS)
    made = _made(candidate, norm, layout, settings)
    try:
        sides = _sides(norm, made, dtype)
        verdict = _checked(candidate, sides, dtype, explain=not low)
    except Exception:  # of the candidate's: whatever its code makes of channels on another axis
        if layout or not norm.by_channel:
            raise
        other = _made(candidate, norm, "channels_last", settings)
        otherwise = _in_other_layout(candidate, norm, other, dtype)
        otherwise = otherwise or _flattened(candidate, norm, settings, dtype)
        if otherwise is None:
            raise
        return otherwise
    if not low:
        return verdict
    halved = check_norm_in_half(candidate, norm, made, sides.settings, sides.written, low, verdict)
    halved.notes = sides.notes + halved.notes
    return halved


def _made(
    candidate: Any, norm: Normalization, layout: str, asked: Settings, by_channel: bool = True
) -> Construction:
    return Construction(*made_there(candidate, norm.name, layout, asked, by_channel))


@where_it_is
def made_there(
    candidate: Any, name: str, layout: str, asked: Settings, by_channel: bool
) -> tuple[Any, Settings, Settings]:
    """The parts of a construction, found in the process that the candidate is in."""
    norm = NORMALIZATIONS[name]
    by_channel = by_channel and norm.by_channel
    wanted = Wanted(norm.sizes, norm.defaults, norm.parameter_shape, by_channel, layout)
    found = construction(candidate, wanted, asked)
    return in_half_too(found.make), dict(found.sizes), dict(found.settings)


def _in_other_layout(
    candidate: Any, norm: Normalization, made: Construction, dtype: np.dtype
) -> Result | None:
    """The verdict on a layer that cannot be run on torch's layout, but with its channels last."""
    if all(len(shape) < 3 for shape in norm.input_shapes(made.sizes)):
        return None
    try:
        verdict = _checked(candidate, _sides(norm, made, dtype), dtype)
    except Exception:  # it cannot be run so, either: what it raised at first is said
        return None
    if verdict.first is None:
        verdict.findings = [Finding.of([CHANNELS_LAST], 0.0)]
        verdict.first = "inputs (N, C, …), which it cannot take: its channels are the last axis"
        verdict.cause = [
            f'your {verdict.mine} agrees with "{CHANNELS_LAST.name}": given (N, …, C), it does '
            f"what torch's does; {CHANNELS_LAST.theirs} (--layout channels_last checks it so)"
        ]
    return verdict


def _flattened(
    candidate: Any, norm: Normalization, settings: Settings, dtype: np.dtype
) -> Result | None:
    """The verdict on a layer that has C·H·W features where torch's has C, as the chapter's has."""
    flat = NORMALIZATIONS["BatchNorm1d"]
    if norm.blocks is not flat.blocks or len(norm.inputs[0]) < 2:
        return None
    (rows, *shape), *_ = norm.input_shapes({**norm.sizes, **settings})
    size = {"num_features": math.prod(shape)}
    made = _made(candidate, flat, "", {**settings, **size}, by_channel=False)

    def make(dtype: np.dtype, _: Shape) -> Flattened:
        return Flattened(made.make(dtype, (rows, *shape)), tuple(shape))

    try:
        sides = _sides(replace(flat, inputs=[(rows,)]), replace(made, make=make), dtype)
        verdict = _checked(candidate, sides, dtype)
    except Exception:  # it cannot be run so, either
        return None
    verdict.theirs = find(norm.name).name
    own = verdict.findings or ([] if verdict.first else [Finding.of([], 0.0)])
    verdict.first = "inputs (N, C, …), which it flattens: it has a γ for each position"
    if own:
        found = [Finding.of([_FLAT, *each.variants], each.distance) for each in own]
        verdict.explain(found, "quantity by quantity")
    else:
        verdict.cause = [f"{_FLAT.name}: {_FLAT.theirs}", *verdict.cause]
    return verdict


@dataclass(frozen=True)
class _Sides:
    """A candidate and torch's module, with all that both are given.

    Attributes:
        norm: which layer it is.
        made: how the candidate is made.
        settings: of torch's module.
        shapes: of the inputs.
        written: the parameters of the candidate that can be set.
        notes: on what both are given.
    """

    norm: Normalization
    made: Construction
    settings: Settings
    shapes: list[Shape]
    written: list[str]
    notes: list[str]

    def given(self, dtype: np.dtype) -> Batches:
        return batches(self.norm, self.shapes, dtype)

    def mine(self, dtype: np.dtype, given: Batches) -> list[Seen]:
        return list(trace(self.made.make(dtype, self.shapes[0]), given, self.written))

    def theirs(self, dtype: np.dtype) -> list[Seen]:
        module = reference(self.norm, self.made.sizes, self.settings, dtype)
        return list(trace(module, self.given(dtype), self.written))

    def rule(self, dtype: np.dtype, changes: Settings) -> NormRule:
        return NormRule(self.norm, self.made.sizes, dtype, self.settings | changes)

    def in_single(self, mine: list[Seen]) -> bool:
        """Whether the candidate computes in float32, whatever the dtype of what it gives."""
        if any(seen.array is not None and seen.array.dtype == np.float32 for seen in mine):
            return True
        own, y = self.rule(np.dtype(np.float64), {}), mine[0].array
        write(own, self.written)
        return y is not None and any(map(_is_single, (y, own.normalized(y))))


def _is_single(values: np.ndarray) -> bool:
    """Whether all are numbers of float32, but for the last bits of float64."""
    single = values.astype(np.float32)
    apart = np.abs(values - single) <= 1e-14 * np.maximum(np.abs(values), 1)
    return bool(apart.all()) and len(np.unique(single)) > 9


def _checked(candidate: Any, sides: _Sides, dtype: np.dtype, explain: bool = True) -> Result:
    notes = [*sides.notes]
    mine, theirs = sides.mine(dtype, sides.given(dtype)), sides.theirs(dtype)
    first, apart = compare(mine, theirs, SAME_GRADIENTS[dtype.name])
    if first is not None and dtype == np.float64 and sides.in_single(mine):
        dtype = np.dtype(np.float32)
        mine, theirs = sides.mine(dtype, sides.given(dtype)), sides.theirs(dtype)
        first, apart = compare(mine, theirs, SAME_GRADIENTS[dtype.name])
        notes.append("compared in float32, which it computes in")
    notes += not_compared(mine, theirs)
    name, torchs = name_of(candidate), find(sides.norm.name).name
    seen = f"{name} agrees with {torchs} in training and evaluation: at most {apart:.1e} relative"
    verdict = Result(name, torchs, NORM, seen, first, notes=notes)
    if first is not None and explain:
        _explain(verdict, sides, mine, dtype)
    return verdict


def _sides(norm: Normalization, made: Construction, dtype: np.dtype) -> _Sides:
    settings, layer = made.settings, made.make(dtype, norm.input_shapes(made.sizes)[0])
    taken = ("weight", "bias") if "bias" in norm.defaults else ("weight",)
    written = [name for name in taken if layer.read(name) is not None]
    for held, flag in (("weight", "affine"), ("running_mean", "track_running_stats")):
        if norm.defaults.get(flag) is False and layer.read(held) is not None:
            settings = {flag: True} | settings
    shapes, tried = _shapes(made, norm, dtype)
    notes = [f"torch was given {_listed(settings) or 'its own defaults'}", *tried]
    notes += _unset([name for name in taken if name not in written], norm, settings)
    if layer.layout and any(len(shape) > 2 for shape in shapes):
        notes.append(layer.layout)
    return _Sides(norm, made, settings, shapes, written, notes)


def _unset(names: list[str], norm: Normalization, settings: Settings) -> list[str]:
    """A note on parameters that torch has and the candidate hides: at their start much is alike."""
    given = {**norm.defaults, **settings}
    has = given.get("affine", given.get("elementwise_affine"))
    hidden = [name for name in names if has and (name != "bias" or given["bias"])]
    if not hidden:
        return []
    return [
        f"could not be set, so stayed at the start on both sides: {' and '.join(hidden)} "
        "(attributes called weight and bias, or gamma and beta, are found)"
    ]


def _explain(verdict: Result, sides: _Sides, mine: list[Seen], dtype: np.dtype) -> None:
    """Fill in the cause, or what each quantity by itself agrees with."""
    given, own = sides.given(dtype), sides.rule(dtype, {})
    write(own, sides.written)
    shown = fitted(mine, given[0][1], own, {**sides.norm.defaults, **sides.settings})
    variants = {variant.name: variant for variant in (*sides.norm.variants, *shown)}

    def changed(changes: Settings) -> Iterator[Seen]:
        return trace(sides.rule(dtype, changes), given, sides.written)

    causes = Causing(mine, changed, variants.values(), SAME_GRADIENTS[dtype.name]).found()
    verdict.explain(causes.findings, "quantity by quantity")
    if not causes.findings:
        verdict.cause += _parts(causes.parts)


def _parts(parts: dict[str, str]) -> list[str]:
    """Lines on the quantities that could be explained by themselves."""
    return [
        f"its {quantity} {'agrees with ' + what if what else 'agrees with none of them'}"
        for quantity, what in parts.items()
    ]


def _listed(settings: Settings) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


def _shapes(
    made: Construction, norm: Normalization, dtype: np.dtype
) -> tuple[list[Shape], list[str]]:
    """The shapes of the inputs that the candidate takes, and notes on which those are."""
    first, *others = norm.input_shapes(made.sizes)
    block, axes = norm.blocks(first, made.sizes, {})
    if norm.centred and math.prod(block[axis] for axis in axes) < 2:
        *_, (name, value) = made.sizes.items()
        raise ValueError(f"{name} must leave more than one value to be normalized, got {value!r}")
    taken, notes = [first], []
    for shape in others:
        x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
        layer = made.make(dtype, first)
        try:
            layer.forward(x.copy(), True)
            layer.backward(x.copy())
        except Exception as error:
            said = str(error).partition("\n")[0]
            notes.append(f"it refuses {shape}, which torch takes: {type(error).__name__}: {said}")
        else:
            taken.append(shape)
    return taken, [f"tried with inputs of shape {' and '.join(map(str, taken))}", *notes]
