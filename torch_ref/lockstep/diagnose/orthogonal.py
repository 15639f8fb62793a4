"""Checks of orthogonal weights without their seed."""

import math

import numpy as np

from torch_ref.lockstep.finding import Finding, Variant
from torch_ref.lockstep.result import Result

#: How far the products of rows may be from those of orthogonal ones, by dtype.
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}

GAIN = Variant("gain forgotten", "torch multiplies by the gain", {"gain": 1.0})
SIGNS = Variant(
    "signs of R left out",
    "torch multiplies Q by the signs of R's diagonal, so that every rotation is equally likely",
    {"signs": False},
)
VARIANTS = (GAIN, SIGNS)


def compare_rotations(
    verdict: Result, draws: list[np.ndarray], gain: float, different: float
) -> Result:
    """Fill in whether every draw is orthogonal of that gain, and its first element of both signs.

    LAPACK's Q has a negative first element wherever the signs are left out, for then R's is.
    """
    found: list[Finding] = []
    gap, length = max(map(_gap_and_length, draws))
    if not gap <= TOLERANCE[draws[0].dtype.name]:
        verdict.first = f"weights that are not orthogonal: off by up to {gap:.2g} of their length"
    elif abs(length / abs(gain) - 1) > TOLERANCE[draws[0].dtype.name]:
        verdict.first = f"orthogonal weights of length {length:.4g} instead of {abs(gain):.4g}"
        if abs(length - 1) <= TOLERANCE[draws[0].dtype.name]:
            found = [Finding.of([GAIN], abs(length - 1))]
    else:
        negative = sum(bool(w.flat[0] < 0) for w in draws)
        p = math.ldexp(1.0, 1 - len(draws))
        alike = negative in (0, len(draws))
        at = f"{negative} of {len(draws)} draws have a negative first element"
        if alike and p < different:
            verdict.first = f"rotations that are not equally likely: {at}, p = {p:.2g}"
            found = [Finding.of([SIGNS], 0.0)]
        else:
            verdict.seen = f"{verdict.mine} is orthogonal as {verdict.theirs}, to {gap:.1e}; {at}"
            verdict.notes.append("that every rotation is equally likely was not tested further")
    if verdict.first:
        verdict.explain(found, "alone or in pairs")
    return verdict


def _gap_and_length(w: np.ndarray) -> tuple[float, float]:
    """Return how far rows (columns if there are fewer) are from orthogonal, and their length."""
    w = w.reshape(len(w), -1).astype(np.float64)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    square = gram.trace() / len(gram)
    return float(np.abs(gram / square - np.eye(len(gram))).max()), math.sqrt(square)
