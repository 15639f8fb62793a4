"""Checks of orthogonal weights without their seed."""

import math

import numpy as np

from torch_ref.lockstep.finding import Finding, Variant
from torch_ref.lockstep.result import Result

#: How far the products of rows may be from those of orthogonal ones, by dtype.
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}

GAIN = Variant("gain forgotten", "torch multiplies by the gain", {"gain": 1.0})
TWICE = Variant("gain applied twice", "torch multiplies by the gain once", {"gain": "twice"})
SIGNS = Variant(
    "signs of R left out",
    "torch multiplies Q by the signs of R's diagonal, so that every rotation is equally likely",
    {"signs": False},
)
UNIFORM = Variant(
    "a matrix of uniform numbers from [0, 1) factorized",
    "torch factorizes a matrix of normal numbers: no direction is preferred",
    {"matrix": "uniform"},
)
VARIANTS = (GAIN, TWICE, SIGNS, UNIFORM)


def compare_rotations(
    verdict: Result, draws: list[np.ndarray], gain: float, different: float
) -> Result:
    """Fill in whether every draw is orthogonal of that gain, and no rotation is preferred."""
    found: list[Finding] = []
    gap, length = max(map(_gap_and_length, draws))
    if not gap <= TOLERANCE[draws[0].dtype.name]:
        verdict.first = f"weights that are not orthogonal: off by up to {gap:.2g} of their length"
    elif abs(length / abs(gain) - 1) > TOLERANCE[draws[0].dtype.name]:
        verdict.first = f"orthogonal weights of length {length:.4g} instead of {abs(gain):.4g}"
        for variant, of in ((GAIN, 1.0), (TWICE, gain**2)):
            if abs(length / of - 1) <= TOLERANCE[draws[0].dtype.name]:
                found = [Finding.of([variant], abs(length / of - 1))]
    else:
        found = _preferred(verdict, draws, gap, different)
    if verdict.first:
        verdict.explain(found, "alone or in pairs")
    return verdict


def _preferred(
    verdict: Result, draws: list[np.ndarray], gap: float, different: float
) -> list[Finding]:
    """Fill in which rotations are preferred, if any; the findings.

    LAPACK's Q has a negative first element wherever the signs are left out, for then R's is. Where
    the elements of the matrix have a mean, its first direction is near that of all ones.
    """
    negative = sum(bool(w.flat[0] < 0) for w in draws)
    p = math.ldexp(1.0, 1 - len(draws))
    at = f"{negative} of {len(draws)} draws have a negative first element"
    along = [_along_ones(w) for w in draws]
    mean, error = float(np.mean(along)), 1 / math.sqrt(len(draws))
    leans = math.erfc(abs(mean) / error / math.sqrt(2)) < different
    if leans:
        verdict.first = (
            f"rotations that are not equally likely: the first direction has a mean of {mean:.3g} "
            f"along (1, …, 1), in standard deviations of one of torch's ({len(draws)} draws)"
        )
        return _of_uniform(draws)
    if negative in (0, len(draws)) and p < different:
        verdict.first = f"rotations that are not equally likely: {at}, p = {p:.2g}"
        return [Finding.of([SIGNS], 0.0)] if negative else []
    verdict.seen = f"{verdict.mine} is orthogonal as {verdict.theirs}, to {gap:.1e}; {at}"
    verdict.notes.append("that every rotation is equally likely was not tested further")
    return []


def _of_uniform(draws: list[np.ndarray]) -> list[Finding]:
    """The finding, if the first directions are as those of matrices of uniform numbers.

    The cosine of n numbers from [0, 1) with (1, …, 1) is near √(3/4); its mean and its standard
    deviation are those of 4,000 such rows.
    """
    cosines = np.array([_along_ones(w, whole=True) for w in draws])
    n = max(draws[0].reshape(len(draws[0]), -1).shape)
    x = np.random.default_rng(0).random((4000, n))
    expected = x.sum(axis=1) / np.sqrt(n * (x**2).sum(axis=1))
    signed = abs(float(cosines.mean()))
    error = float(expected.std()) / math.sqrt(len(draws))
    p = math.erfc(abs(signed - expected.mean()) / error / math.sqrt(2))
    if p < 0.01:
        return []
    chosen = [UNIFORM] if cosines.mean() > 0 else [UNIFORM, SIGNS]
    off = abs(signed - float(expected.mean()))
    return [Finding.of(chosen, off, p, "the mean cosine is off by")]


def _along_ones(w: np.ndarray, whole: bool = False) -> float:
    """The first direction along (1, …, 1): in standard deviations of a random one's, or its cosine.

    Without the first element, whose sign is that of R's.
    """
    w = w.reshape(len(w), -1).astype(np.float64)
    first = w[0] if w.shape[0] <= w.shape[1] else w[:, 0]
    first = first / np.linalg.norm(first)
    if whole:
        return float(first.sum() / math.sqrt(first.size))
    rest = first[1:]
    return float(rest.sum() / math.sqrt(rest.size) * math.sqrt(first.size))


def _gap_and_length(w: np.ndarray) -> tuple[float, float]:
    """Return how far rows (columns if there are fewer) are from orthogonal, and their length."""
    w = w.reshape(len(w), -1).astype(np.float64)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    square = gram.trace() / len(gram)
    return float(np.abs(gram / square - np.eye(len(gram))).max()), math.sqrt(square)
