"""The low precisions: float16 and bfloat16, and how much two sides may differ by in them."""

from dataclasses import replace
from typing import Any

import numpy as np

from torch_ref.errors import LockstepError
from torch_ref.lockstep.compare.distance import Distance
from torch_ref.lockstep.compare.problems import RecordedGradients
from torch_ref.lockstep.compare.report import Report
from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays, Evaluate

#: By dtype, the significant bits; rounding to n of them changes a number by at most 2⁻ⁿ of it.
LOW = {"float16": 11, "bfloat16": 8}
#: After so many steps no more than this is certain, were all roundings in one direction.
STEPS = 20
#: Another order of the same operations may be so many times as far from the exact run as torch is.
AS_GOOD = 4
#: Of a candidate that agrees in float64.
ROUNDS_ELSEWHERE = (
    "in float64 it agrees: what differs is where it rounds, or what it keeps in float32"
)
#: Operations of a step whose results are rounded before they are added to a weight.
_ROUNDED = 10


def dtype_of(name: str) -> np.dtype:
    """The NumPy dtype; ``bfloat16`` is that of the package ``ml_dtypes``.

    >>> dtype_of("float16")
    dtype('float16')
    """
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes
    except ModuleNotFoundError as error:
        raise LockstepError(
            "NumPy's bfloat16 is that of the package ml_dtypes, which is not installed: "
            "pip install ml_dtypes"
        ) from error
    return np.dtype(ml_dtypes.bfloat16)


def rounding(name: str, steps: int) -> float:
    r"""The relative distance up to which two sides may differ by rounding after ``steps``.

    .. math::
        2u \left(t + k\right), \qquad u = 2^{-n}

    At each of the t steps either side rounds the new weight, by at most u of it; and the step
    itself has been rounded k times, by u of its own size, which is not more than the largest that
    the weight has been.

    >>> rounding("float16", 20), rounding("bfloat16", 20)
    (0.029296875, 0.234375)
    """
    return float(2 * 2.0 ** -LOW[name] * (steps + _ROUNDED))


def bound(name: str, steps: int, torchs: float) -> float:
    """How far two sides may differ: by rounding, or by a few times what torch's own is off by.

    >>> bound("float16", 20, 0.0) == rounding("float16", 20), bound("float16", 20, 0.5)
    (True, 2.0)
    """
    return max(rounding(name, steps), AS_GOOD * torchs)


def gradients(name: str, shapes: tuple[tuple[int, ...], ...], steps: int) -> RecordedGradients:
    """A stream whose numbers the dtype has, and whose squares it has too, small shares of them.

    Most are between 0.5 and 20: in float16, 0.001·g² has all of its bits only where |g| > 0.25.
    """
    random, dtype = np.random.default_rng(0), dtype_of(name)

    def exactly(values: Any) -> np.ndarray:
        return np.asarray(values, np.float32).astype(dtype).astype(np.float32)

    params = {f"w{i}": exactly(random.standard_normal(s)) for i, s in enumerate(shapes)}
    sizes = {key: random.uniform(2, 8, w.shape) for key, w in params.items()}
    stream = [
        {key: exactly(random.normal(0.5, 1, s.shape) * s) for key, s in sizes.items()}
        for _ in range(steps)
    ]
    return RecordedGradients(params, stream)


def count_ulps(report: Report, name: str) -> None:
    """Let the units in the last place be those of the dtype, where they were float32's."""
    for drift in report.drifts.values():
        drift.worst = in_ulps_of(name, drift.worst, bits=24)
    if report.first is not None:
        apart = in_ulps_of(name, report.first.distance, bits=24)
        report.first = replace(report.first, distance=apart)


def in_ulps_of(name: str, apart: Distance, bits: int) -> Distance:
    """A distance in units in the last place of the dtype, where they were those of ``bits``."""
    return replace(apart, ulp=apart.ulp * 2.0 ** (LOW[name] - bits))


class InPrecision:
    """A side that computes in a dtype, and is looked at in float32, which has all its numbers.

    What a run in float64 comes to is rounded to float32 for that.
    """

    def __init__(self, side: Any, dtype: str) -> None:
        self._side, self._dtype = side, dtype_of(dtype)
        self.name, self.strict = side.name, side.strict
        self.pair = getattr(side, "pair", None)

    def start(self, params: Arrays) -> None:
        self._side.start({name: w.astype(self._dtype) for name, w in params.items()})

    def step(self, grads: Arrays) -> None:
        self._side.step({n: g if g is None else g.astype(self._dtype) for n, g in grads.items()})

    def minimize(self, evaluate: Evaluate) -> None:
        raise TypeError(f"{self.name} takes a closure; there is no check of it in {self._dtype}")

    def add(self, name: str, w: np.ndarray) -> None:
        self._side.add(name, w.astype(self._dtype))

    def kept(self, grads: Arrays) -> Arrays:
        return grads

    def params(self) -> Arrays:
        return _in_float32(self._side.params())

    def state(self) -> dict[str, Arrays]:
        return {name: _in_float32(state) for name, state in self._side.state().items()}

    def scale_lr(self, factor: float) -> bool:
        return self._side.scale_lr(factor)


def _in_float32(arrays: Arrays) -> Arrays:
    return {name: np.asarray(a).astype(np.float32) for name, a in arrays.items()}
