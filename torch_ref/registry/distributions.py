"""The distributions that the functions of ``torch.nn.init`` draw from, by shape and settings."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scratch import _check
from scratch.init import calculate_gain, fans
from scratch.typing import Shape

Settings = dict[str, Any]


@dataclass(frozen=True)
class Distribution:
    """The distribution of a weight's elements.

    Attributes:
        kind: "normal", "uniform", "truncated" for a normal without what is outside ``bounds``, or
            "rescaled" for one of the whole variance; "orthogonal" is a whole matrix, and "constant"
            nothing random.
        mean: of the distribution.
        base: the standard deviation, or the gain where a fan divides it.
        fan: "in", "out", "mean", or "" for none.
        fans: (fan_in, fan_out).
        shape: of the weight whose fans these are.
        bounds: outside which a truncated one is cut off; ``None`` for ±2 standard deviations.
    """

    kind: str
    mean: float
    base: float
    fan: str = ""
    fans: tuple[int, int] = (1, 1)
    bounds: tuple[float, float] | None = None
    shape: Shape = ()


def constant(shape: Shape, settings: Settings) -> Distribution:
    """Nothing is drawn."""
    return Distribution("constant", 0.0, 0.0)


def normal(shape: Shape, settings: Settings) -> Distribution:
    """N(mean, std²)."""
    return Distribution("normal", settings.get("mean", 0.0), settings.get("std", 1.0))


def uniform(shape: Shape, settings: Settings) -> Distribution:
    """U(a, b), whose standard deviation is (b − a)/√12."""
    low, high = settings.get("a", 0.0), settings.get("b", 1.0)
    return Distribution("uniform", (low + high) / 2, (high - low) / math.sqrt(12))


def truncated(shape: Shape, settings: Settings) -> Distribution:
    """N(mean, std²) without what is outside [a, b]."""
    bounds = settings.get("a", -2.0), settings.get("b", 2.0)
    mean, std = settings.get("mean", 0.0), settings.get("std", 1.0)
    return Distribution("truncated", mean, std, bounds=bounds)


def orthogonal(shape: Shape, settings: Settings) -> Distribution:
    """Any rotation, times the gain."""
    return Distribution("orthogonal", 0.0, settings.get("gain", 1.0))


def _xavier(kind: str) -> Callable[[Shape, Settings], Distribution]:
    def scaled(shape: Shape, settings: Settings) -> Distribution:
        return Distribution(kind, 0.0, settings.get("gain", 1.0), "mean", fans(shape), shape=shape)

    return scaled


def _kaiming(kind: str) -> Callable[[Shape, Settings], Distribution]:
    def scaled(shape: Shape, settings: Settings) -> Distribution:
        gain = calculate_gain(settings.get("nonlinearity", "leaky_relu"), settings.get("a", 0.0))
        mode = str(settings.get("mode", "fan_in")).lower()  # as torch has it
        mode = _check.choice("mode", mode, ("fan_in", "fan_out"))
        return Distribution(kind, 0.0, gain, mode.removeprefix("fan_"), fans(shape), shape=shape)

    return scaled


xavier_normal, xavier_uniform = _xavier("normal"), _xavier("uniform")
kaiming_normal, kaiming_uniform = _kaiming("normal"), _kaiming("uniform")
