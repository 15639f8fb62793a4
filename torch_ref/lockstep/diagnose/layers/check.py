"""A candidate and torch's module on the same batches, compared step by step."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from scratch import _check
from torch_ref.extras import has_torch, imported
from torch_ref.lockstep.candidates.candidate import name_of
from torch_ref.lockstep.candidates.reference import NORM, find
from torch_ref.lockstep.compare.distance import Distance, Drift
from torch_ref.lockstep.compare.report import Divergence
from torch_ref.lockstep.diagnose.layers.adapters import (
    ArrayAdapter,
    Construction,
    LayerAdapter,
    construction,
    module_adapter,
)
from torch_ref.lockstep.diagnose.layers.norms import NORMALIZATIONS, Normalization, Settings, Shape
from torch_ref.lockstep.diagnose.layers.rule import NormRule
from torch_ref.lockstep.diagnose.search import closest, search, within
from torch_ref.lockstep.result import Result
from torch_ref.registry import LAYERS, SAME_GRADIENTS

Batches = list[tuple[bool, np.ndarray, np.ndarray]]
Trace = Iterator[tuple[int, str, str, np.ndarray | None]]


@np.errstate(all="ignore")  # what divides by zero is found by its values
def check_norm(
    candidate: Any,
    against: str = "BatchNorm1d",
    *,
    dtype: np.typing.DTypeLike = np.float64,
    **settings: Any,
) -> Result:
    """Compare a normalization layer with torch's, and name the cause if they diverge.

    Four training batches, then two of evaluation, and for BatchNorm1d the same again of (N, C, L)
    after those of (N, C), unless the candidate refuses it; the verdict says which were tried. Each
    compares the output, the running mean and
    variance, and in training the gradients of the input, weight and bias, in that order.

    Args:
        candidate: a class or function, called with the sizes and those of the settings
            that it takes (``gamma`` and ``beta`` are given as arrays); or an instance, which is
            copied. Either a ``torch.nn.Module``, or ``forward(x)`` and ``backward(dy)`` on
            arrays. Training and evaluation are chosen by an argument of ``forward``
            (``training``, ``train_flg``, …), by ``train()`` and ``eval()``, or by an attribute.
        against: a name of ``NORMALIZATIONS``: "BatchNorm1d", "LayerNorm", ….
        dtype: float32 or float64; float32 if the candidate computes in nothing else.
        settings: of both sides, by torch's names: the sizes (``num_features=5``,
            ``normalized_shape=5``, or ``num_groups=2`` and ``num_channels=6``) and the rest; what
            is left out has the candidate's own default on both.

    Raises:
        ValueError: ``against`` is another layer, or the sizes leave one value to be normalized.
        TypeError: the candidate has no ``forward``.

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
    dtype = _check.floating(dtype)
    made = construction(candidate, norm, settings)
    sizes, shared, layer = made.sizes, made.settings, made.make(dtype)
    taken = ("weight", "bias") if "bias" in norm.defaults else ("weight",)
    found = [name for name in taken if layer.read(name) is not None]
    for held, flag in (("weight", "affine"), ("running_mean", "track_running_stats")):
        if norm.defaults.get(flag) is False and layer.read(held) is not None:
            shared = {flag: True} | shared
    given = ", ".join(f"{setting}={value!r}" for setting, value in shared.items())
    shapes, tried = _shapes(made, norm, dtype)
    notes = [f"torch was given {given or 'its own defaults'}", *tried]
    mine = list(_trace(layer, _batches(norm, shapes, dtype), found))
    if dtype == np.float64 and any(a is not None and a.dtype == np.float32 for *_, a in mine):
        dtype = np.dtype(np.float32)
        mine = list(_trace(made.make(dtype), _batches(norm, shapes, dtype), found))
        notes.append("compared in float32, which it computes in")
    tolerance, batches = SAME_GRADIENTS[dtype.name], _batches(norm, shapes, dtype)

    def distance(changes: Settings) -> float:
        rule = NormRule(norm, sizes, dtype, shared | changes)
        return _compare(mine, _trace(rule, batches, found), tolerance)[1]

    theirs = list(_trace(_reference(norm, sizes, shared, dtype), batches, found))
    first, apart = _compare(mine, theirs, tolerance)
    notes += _not_compared(mine, theirs)
    name, torchs = name_of(candidate), find(norm.name).name
    seen = f"{name} agrees with {torchs} in training and evaluation: at most {apart:.1e} relative"
    verdict = Result(name, torchs, NORM, seen, first, notes=notes)
    if first is not None:
        findings, _ = search(norm.variants, within(distance, tolerance), depth=3)
        verdict.explain(closest(findings), "alone, in pairs or in threes")
    return verdict


def _reference(
    norm: Normalization, sizes: Settings, settings: Settings, dtype: np.dtype
) -> LayerAdapter:
    """Torch's module, or the hand-written layer where torch is not installed."""
    if has_torch():
        module = imported(f"{__package__}.torchs").module_of(norm, sizes, settings)
        return module_adapter(module, dtype)
    return ArrayAdapter(LAYERS[norm.name].scratch(**sizes, **settings, dtype=dtype))


def _not_compared(mine: list[Any], theirs: list[Any]) -> list[str]:
    """A note on what torch has and the candidate has not, by mode."""
    missing = {
        f"{quantity} in {phase}"
        for (_, phase, quantity, a), (*_, b) in zip(mine, theirs, strict=True)
        if a is None and b is not None
    }
    return [f"not found, so not compared: {', '.join(sorted(missing))}"] if missing else []


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
        layer = made.make(dtype)
        try:
            layer.forward(x.copy(), True)
            layer.backward(x.copy())
        except Exception as error:
            notes.append(f"it refuses {shape}, which torch takes: {type(error).__name__}: {error}")
        else:
            taken.append(shape)
    return taken, [f"tried with inputs of shape {' and '.join(map(str, taken))}", *notes]


def _batches(norm: Normalization, shapes: list[Shape], dtype: np.dtype) -> Batches:
    """Return the batches of every shape, one after another."""
    return [batch for shape in shapes for batch in _batches_of(norm, shape, dtype)]


def _batches_of(norm: Normalization, shape: Shape, dtype: np.dtype) -> Batches:
    """(training, x, dy): features, or rows, of several scales, so that eps matters in some."""
    random = np.random.default_rng(0)
    axis = 0 if norm.scaled_rows else 1
    scales = np.resize([1.0, 1e-2, 3e-3, 10.0, 0.3], shape[axis])
    scales = scales.reshape(-1, *(1,) * (len(shape) - axis - 1))
    batches = []
    for training in (True, True, True, True, False, False):
        z = random.standard_normal(shape)
        dy = 0.5 + 0.5 * z + random.standard_normal(shape)  # no gradient is near zero by chance
        batches.append((training, ((z + 1.5) * scales).astype(dtype), dy.astype(dtype)))
    return batches


def _trace(layer: LayerAdapter, batches: Batches, written: list[str]) -> Trace:
    """All that a layer computes, in order; ``None`` for what it has not.

    The ``written`` parameters are set to values other than ones and zeros, exact in float32.
    """
    for name, start in (("weight", 1.25), ("bias", -0.5)):
        held = layer.read(name) if name in written else None
        if held is not None:
            layer.write(name, start + 0.25 * np.arange(held.size))
    for step, (training, x, dy) in enumerate(batches, 1):
        phase = "training" if training else "evaluation"
        yield step, phase, "output", layer.forward(x.copy(), training)
        for name in ("running_mean", "running_var"):
            yield step, phase, name, layer.read(name)
        if training:
            yield step, phase, "input gradient", layer.backward(dy.copy())
            for name in ("weight", "bias"):
                yield step, phase, f"{name}'s gradient", layer.read(name, gradient=True)


def _compare(mine: Any, theirs: Any, tolerance: float) -> tuple[Divergence | None, float]:
    """The first place where two traces differ, and the largest distance up to there."""
    worst = 0.0
    for (step, phase, quantity, a), (*_, b) in zip(mine, theirs, strict=False):
        if a is None or b is None:
            continue
        drift = Drift()
        if a.shape == b.shape:
            # Sums near zero carry rounding errors of the size of their column, or of each other.
            summed = b.ndim > 1 or quantity.endswith("gradient")
            scale = np.broadcast_to(np.abs(b).max(axis=0), b.shape) if summed else b
            drift.add(scale, scale)
            distance, at = drift.add(np.asarray(a, b.dtype), b), drift.element
            values = (float(a[at]), float(b[at]))
        else:
            distance, at, values = Distance(np.inf, np.inf), (), (np.nan, np.nan)
        worst = max(worst, distance.relative)
        if not distance.relative <= tolerance:
            return Divergence(step, f"the {phase} batch", quantity, at, *values, distance), np.inf
    return None, worst
