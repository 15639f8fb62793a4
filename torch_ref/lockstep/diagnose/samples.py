"""The distributions that initializers draw from, and the test of a sample against one."""

import math
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from torch_ref.registry.distributions import Distribution

#: Where a normal is cut off if nothing else is said, in its own standard deviations.
TWO_STDS = (-2.0, 2.0)
#: To which power the standard deviation is taken.
_POWERS = {"squared": 2.0, "root": 0.5, "inverse": -1.0}
#: By so much of an end a number in single precision may be beside it.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Continuous:
    """A continuous distribution.

    Attributes:
        kind: "normal", "uniform", "truncated", a normal without what is outside ``cut``, or
            "clipped", one that has it piled up at the two ends.
        mean, std: of the distribution, after the cut; of a clipped one, before it.
        cut: in standard deviations from the mean before the cut.
    """

    kind: str
    mean: float
    std: float
    cut: tuple[float, float] = TWO_STDS

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """P(X ≤ x)."""
        z = (x - self.mean) / self.std
        if self.kind == "uniform":
            return np.clip((z / math.sqrt(3) + 1) / 2, 0, 1)
        if self.kind == "normal":
            return _phi(z)
        mean, std, _ = self._moments
        below, above = map(_phi_at, self.cut)
        return np.clip((_phi(mean + std * z) - below) / (above - below), 0, 1)

    def spread(self, x: np.ndarray) -> np.ndarray:
        """P(X ≤ x) of a clipped sample, with what is piled up spread evenly: uniform, if it fits.

        >>> Continuous("clipped", 0.0, 1.0).spread(np.array([-2.0, 0.0, 2.0])).round(2)
        array([0.01, 0.5 , 0.99])
        """
        z = np.sort((x - self.mean) / self.std)
        found, (low, high) = _phi(z), self.cut
        for piled in (z <= low + _ROUNDING * abs(low), z >= high - _ROUNDING * abs(high)):
            ends = (0.0, _phi_at(low)) if piled[0] else (_phi_at(high), 1.0)
            found[piled] = np.interp(np.arange(piled.sum()) + 0.5, (0, piled.sum()), ends)
        return found

    def outside(self, x: np.ndarray) -> float:
        """The share of a sample that lies outside of the cut, where nothing may.

        >>> Continuous("clipped", 0.0, 1.0).outside(np.array([-2.0, 0.0, 2.0, 2.1]))
        0.25
        """
        z, (low, high) = (x - self.mean) / self.std, self.cut
        beyond = (z < low - _ROUNDING * abs(low)) | (z > high + _ROUNDING * abs(high))
        return float(beyond.mean())

    def std_error(self, n: int) -> float:
        """The relative standard error of the standard deviation of ``n`` numbers."""
        kurtosis = {"uniform": 1.8, "normal": 3.0}.get(self.kind) or self._moments[2]
        return math.sqrt((kurtosis - 1) / (4 * n))

    @cached_property
    def _moments(self) -> tuple[float, float, float]:
        return truncated_moments(*self.cut)

    def __str__(self) -> str:
        return f"{self.kind} with mean {self.mean:.4g} and std {self.std:.4g}"


def drawn_from(
    drawn: Distribution,
    *,
    swapped: bool = False,
    gain: str = "",
    std: str = "",
    in_stds: bool = False,
    fans_of: str = "",
    **changed: Any,
) -> Continuous:
    """The continuous distribution of what an initializer draws, with the changes of its variants.

    Args:
        drawn: as the registry has it.
        swapped: whether fan_in and fan_out are.
        gain: "none", "relu" for its √2, or "1 + a" for that of a leaky slope that is not squared.
        std: "squared", "root", "inverse", "times", "half width", "as half width" or "after the
            cut".
        fans_of: "channels" for those without the kernel, "one side" for those with one of its, the
            "kernel" alone, or "last axes" for (*kernel, in, out).
        in_stds: whether the bounds are in units of the standard deviation.
        changed: the kind or the fan.
    """
    drawn, scale = replace(drawn, **changed), drawn.base
    if drawn.fan:
        slope = math.sqrt(max(2 / scale**2 - 1, 0))  # a, for gain² is 2/(1 + a²)
        unsquared = math.sqrt(2 / (1 + slope)) if slope else scale
        gains = {"none": 1.0, "relu": math.sqrt(2), "1 + a": unsquared}
        scale = times = gains.get(gain, scale)
        fans = _fans(drawn, fans_of)
        fan_in, fan_out = fans[::-1] if swapped else fans
        both, size = fan_in + fan_out, math.prod(drawn.shape)
        known = {"in": fan_in, "out": fan_out, "mean": both / 2, "sum": both, "size": size}
        scale /= math.sqrt(known[drawn.fan])
        scale = times**2 / scale if std == "times" else scale
    if std in _POWERS:
        scale = scale ** _POWERS[std]
    elif std == "half width" and drawn.kind != "uniform":
        scale *= math.sqrt(3)
    elif std == "as half width" and drawn.kind in ("uniform", "positive"):
        scale /= math.sqrt(3)
    if drawn.kind in ("positive", "unit"):
        width = 1.0 if drawn.kind == "unit" else scale * math.sqrt(3)
        return Continuous("uniform", width / 2, width / math.sqrt(12))
    if drawn.kind in ("normal", "uniform"):
        return Continuous(drawn.kind, drawn.mean, scale)
    cut = drawn.bounds or TWO_STDS
    if drawn.bounds and not in_stds:
        low, high = drawn.bounds
        cut = (low - drawn.mean) / scale, (high - drawn.mean) / scale
    if drawn.kind == "clipped":
        return Continuous("clipped", drawn.mean, scale, cut)
    moved, narrowed, _ = truncated_moments(*cut)
    if drawn.kind == "rescaled" or std == "after the cut":
        narrowed = 1.0
    return Continuous("truncated", drawn.mean + scale * moved, scale * narrowed, cut)


def _fans(drawn: Distribution, of: str) -> tuple[int, int]:
    """(fan_in, fan_out) as some count them."""
    kernel = drawn.shape[2:]
    if of in ("channels", "one side"):
        side = kernel[0] if of == "one side" else 1
        return drawn.shape[1] * side, drawn.shape[0] * side
    if of == "kernel":
        return math.prod(kernel), math.prod(kernel)
    if of == "last axes":
        *first, fan_in, fan_out = drawn.shape
        return fan_in * math.prod(first), fan_out * math.prod(first)
    return drawn.fans


def truncated_moments(low: float, high: float) -> tuple[float, float, float]:
    """The mean, the standard deviation and the kurtosis of N(0, 1) without what is outside.

    By parts, E[xᵏ] = (k−1)·E[xᵏ⁻²] − (hᵏ⁻¹·φ(h) − lᵏ⁻¹·φ(l))/(Φ(h) − Φ(l)).

    >>> [round(moment, 4) for moment in truncated_moments(-2, 2)]
    [0.0, 0.8796, 2.3655]
    """
    below, above = _phi_at(low), _phi_at(high)

    def end(x: float, k: int) -> float:
        return x**k * math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) if math.isfinite(x) else 0.0

    raw = [1.0]
    for k in range(1, 5):
        before = (k - 1) * raw[k - 2] if k > 1 else 0.0
        raw.append(before - (end(high, k - 1) - end(low, k - 1)) / (above - below))
    _, mean, second, third, fourth = raw
    variance = second - mean**2
    central = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
    return mean, math.sqrt(variance), central / variance**2


def fit_test(x: np.ndarray, expected: Continuous) -> tuple[float, float]:
    """The Kolmogorov–Smirnov statistic of a sample, and the p-value of three tests together.

    Of the mean, of the standard deviation, and Kolmogorov and Smirnov's, all two-sided: three
    times the smallest (Bonferroni). The last is the asymptotic one with Stephens' (1970)
    correction, 2·Σ (−1)^(k−1)·exp(−2k²λ²) where λ = (√n + 0.12 + 0.11/√n)·D.
    """
    if expected.kind == "clipped":
        if outside := expected.outside(x):
            return outside, 0.0
        return fit_test(expected.spread(x), Continuous("uniform", 0.5, math.sqrt(1 / 12)))
    n = x.size
    below = expected.cdf(np.sort(x))
    d = float(max((np.arange(1, n + 1) / n - below).max(), (below - np.arange(n) / n).max()))
    root = math.sqrt(n)
    exponent = -2 * ((root + 0.12 + 0.11 / root) * d) ** 2
    p = 2 * sum((-1) ** (k - 1) * math.exp(exponent * k**2) for k in range(1, 101))
    z_mean = (x.mean() - expected.mean) / (expected.std / root)
    z_std = (x.std() / expected.std - 1) / expected.std_error(n)
    tails = (math.erfc(abs(z) / math.sqrt(2)) for z in (z_mean, z_std))
    # The alternating series is 1, but slow, for the smallest distances.
    return d, min(1.0, max(0.0, 3 * min(p if exponent < -0.05 else 1.0, *tails)))


def _phi(z: np.ndarray) -> np.ndarray:
    """Φ of many numbers, to 1e-12: cubic between the knots of a table of Φ and its slope φ."""
    knots, values, slopes = _table()
    step = knots[1] - knots[0]
    at = (np.clip(z, knots[0], knots[-1]) - knots[0]) / step
    i = np.minimum(at.astype(np.intp), len(knots) - 2)
    t = at - i
    rise, first, second = values[i + 1] - values[i], step * slopes[i], step * slopes[i + 1]
    return values[i] + t * (
        first + t * (3 * rise - 2 * first - second + t * (first + second - 2 * rise))
    )


@cache
def _table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Knots from −9 to 9, beyond which Φ is 0 or 1 to 1e-18, and Φ and φ at them."""
    knots = np.linspace(-9, 9, 4609)
    return (
        knots,
        np.array([_phi_at(z) for z in knots]),
        np.exp(-(knots**2) / 2) / math.sqrt(2 * math.pi),
    )


def _phi_at(z: float) -> float:
    """The standard normal's distribution function."""
    return math.erfc(-z / math.sqrt(2)) / 2
