"""All that a layer computes on the same batches, and how far two layers are apart in it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from torch_ref.lockstep.compare.distance import Distance, Drift
from torch_ref.lockstep.compare.report import Divergence
from torch_ref.lockstep.diagnose.layers.norms import Normalization, Shape
from torch_ref.lockstep.frameworks.layers import Layer

#: (training, x, dy) each.
Batches = list[tuple[bool, np.ndarray, np.ndarray]]

#: What is computed, in the order in which one follows from another.
QUANTITIES = (
    ("training", "output"),
    ("", "running_mean"),
    ("", "running_var"),
    ("evaluation", "output"),
    ("training", "input gradient"),
    ("training", "weight's gradient"),
    ("training", "bias's gradient"),
)


class Seen(NamedTuple):
    """One quantity at one batch; ``None`` where a layer has it not."""

    step: int
    phase: str
    quantity: str
    array: np.ndarray | None

    def is_of(self, kind: tuple[str, str]) -> bool:
        """Whether it is one of ``QUANTITIES``, of any phase if that names none."""
        return self.quantity == kind[1] and kind[0] in ("", self.phase)


def batches(norm: Normalization, shapes: Iterable[Shape], dtype: np.dtype) -> Batches:
    """The batches of every shape, one after another."""
    return [batch for shape in shapes for batch in _batches_of(norm, shape, dtype)]


def trace(layer: Layer, given: Batches, written: list[str]) -> Iterator[Seen]:
    """All that a layer computes, in order, once its ``written`` parameters are set."""
    write(layer, written)
    for step, (training, x, dy) in enumerate(given, 1):
        phase = "training" if training else "evaluation"
        yield Seen(step, phase, "output", layer.forward(x.copy(), training))
        for name in ("running_mean", "running_var"):
            yield Seen(step, phase, name, layer.read(name))
        if training:
            yield Seen(step, phase, "input gradient", layer.backward(dy.copy()))
            for name in ("weight", "bias"):
                yield Seen(step, phase, f"{name}'s gradient", layer.read(name, gradient=True))


def write(layer: Layer, names: list[str]) -> None:
    """Set parameters to odd sixteenths of either sign: never 0 or 1, exact in half precision."""
    random = np.random.default_rng(0)
    for name, least in (("weight", 4), ("bias", 0)):
        held = layer.read(name) if name in names else None
        if held is not None:
            odd = 2 * random.integers(least, 16, held.size) + 1
            signed = odd * random.choice([-1.0, 1.0], held.size) / 16
            layer.write(name, signed.astype(held.dtype))


def compare(
    mine: Iterable[Seen],
    theirs: Iterable[Seen],
    tolerance: float,
    where: Callable[[Seen], bool] = lambda seen: True,
) -> tuple[Divergence | None, float]:
    """The first place where two traces differ, and the largest distance up to there."""
    worst = 0.0
    for a, b in zip(mine, theirs, strict=False):
        if a.array is None or b.array is None or not where(a):
            continue
        distance, at, values = _apart(a.array, b.array, a.quantity)
        worst = max(worst, distance.relative)
        if not distance.relative <= tolerance:
            place = f"the {a.phase} batch"
            return Divergence(a.step, place, a.quantity, at, *values, distance), np.inf
    return None, worst


def not_compared(mine: list[Seen], theirs: list[Seen]) -> list[str]:
    """Notes on what torch has and the candidate has not, by mode, or has of another size."""
    missing = {
        f"{a.quantity} in {a.phase}"
        for a, b in zip(mine, theirs, strict=True)
        if a.array is None and b.array is not None
    }
    shaped = {
        f"{a.quantity} is of {a.array.size} numbers, torch's of {b.array.size}"
        for a, b in zip(mine, theirs, strict=True)
        if a.array is not None and b.array is not None and a.array.size != b.array.size
    }
    return [
        *([f"not found, so not compared: {', '.join(sorted(missing))}"] if missing else []),
        *sorted(shaped),
    ]


def _apart(a: np.ndarray, b: np.ndarray, quantity: str) -> tuple[Distance, Any, tuple[Any, Any]]:
    if a.shape != b.shape:
        return Distance(np.inf, np.inf), (), (np.nan, np.nan)
    drift = Drift()
    # Sums near zero carry rounding errors of the size of their column, or of each other.
    summed = b.ndim > 1 or quantity.endswith("gradient")
    scale = np.broadcast_to(np.abs(b).max(axis=0), b.shape) if summed else b
    drift.add(scale, scale)
    distance, at = drift.add(np.asarray(a, b.dtype), b), drift.element
    return distance, at, (float(a[at]), float(b[at]))


def _batches_of(norm: Normalization, shape: Shape, dtype: np.dtype) -> Batches:
    """Features, or rows, of several scales, so that eps matters in some."""
    random = np.random.default_rng(0)
    axis = 0 if norm.scaled_rows else 1
    scales = np.resize([1.0, 1e-2, 3e-3, 10.0, 0.3], shape[axis])
    scales = scales.reshape(-1, *(1,) * (len(shape) - axis - 1))
    found: Batches = []
    for training in (True, True, True, True, False, False):
        z = random.standard_normal(shape)
        dy = 0.5 + 0.5 * z + random.standard_normal(shape)  # no gradient is near zero by chance
        found.append((training, ((z + 1.5) * scales).astype(dtype), dy.astype(dtype)))
    return found
