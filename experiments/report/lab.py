"""What flows through deep networks, forwards and backwards, from many kinds of initial weights.

Rows of N(0, 1) go in at the bottom, gradients of N(0, 1) at the top; ``scratch``'s own layers
compute what arrives at every layer. Packed for the page: histograms, and for each layer

    std            of all values
    small          the share that is of no use: activations within 5 % of an end (for ReLU: 0),
                   gradients below a thousandth of what was sent in
    dead           the share of units for which every row's value is as small as that
    identical      the share of units that another unit of the layer equals, to 1 % of the range,
                   in every row
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.activation_distributions import NAMES, RANGES
from experiments.engine.texts import say
from experiments.report.charts import encoded
from scratch import init, nn
from scratch.nn.activations import ACTIVATIONS
from scratch.random import Generator

ACTIVATIONS_SHOWN = tuple(RANGES)
STATISTICS = ("std", "small", "dead", "identical")
STDS = (0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.14, 0.2, 0.3, 0.5, 1.0, 2.0)
NAMED = {
    say("zeros"): "zeros",
    "Xavier √(1/n)": "xavier",
    "He √(2/n)": "he",
    say("orthogonal"): "orthogonal",
}
#: Of the gradients' histograms: of their magnitude, as a power of ten.
LOG_RANGE = (-12.0, 4.0)
SEEN_BY_IDENTICAL = 12  # rows, of which every pair of units is compared
VANISHED = 1e-3


@dataclass(frozen=True)
class Size:
    """How much to compute."""

    rows: int = 200
    units: int = 100
    depths: tuple[int, ...] = (3, 5, 10, 20)
    bins: int = 30


def as_dict(size: Size = Size()) -> dict[str, Any]:
    """All of it for the page's script."""
    kinds = [*STDS, *NAMED.values()]
    flows = [_flow(size, activation, kind) for activation in ACTIVATIONS_SHOWN for kind in kinds]
    return {
        "activations": [NAMES[a] for a in ACTIVATIONS_SHOWN],
        "ranges": [RANGES[a] for a in ACTIVATIONS_SHOWN],
        "stds": STDS,
        "named": list(NAMED),
        "depths": size.depths,
        "bins": size.bins,
        "logRange": LOG_RANGE,
        "statistics": STATISTICS,
        "histograms": encoded(np.array([flow[0] for flow in flows]) * (2**16 - 1), "u2"),
        "numbers": encoded([flow[1] for flow in flows], "f4"),
    }


@np.errstate(all="ignore")  # weights of std 2 in 20 layers of ReLU end beyond float32's numbers
def _flow(size: Size, activation: str, kind: float | str) -> tuple[np.ndarray, np.ndarray]:
    """Histograms (layers, bins) and numbers (layers, 4): forwards, then back for each depth."""
    generator, deepest = Generator(0), max(size.depths)
    x = generator.randn(size.rows, size.units)
    sent = generator.randn(size.rows, size.units)
    initializer = init.by_name(kind)
    layers: list[tuple[nn.Affine, nn.Layer]] = []
    forward = []
    for _ in range(deepest):
        weight = initializer((size.units, size.units), generator=generator)
        affine = nn.Affine(weight, np.zeros(size.units, weight.dtype))
        layers.append((affine, ACTIVATIONS[activation]()))
        x = layers[-1][1].forward(affine.forward(x))
        forward.append(_seen_forward(x, activation, size.bins))
    backward = []
    for depth in size.depths:
        dy, arriving = sent, [_seen_backward(sent, size.bins)]
        for affine, active in reversed(layers[1:depth]):
            dy = affine.backward(active.backward(dy))
            arriving.append(_seen_backward(dy, size.bins))
        backward += reversed(arriving)
    histograms, numbers = zip(*forward, *backward, strict=True)
    return np.array(histograms), np.array(numbers)


def _seen_forward(x: np.ndarray, activation: str, bins: int) -> tuple[np.ndarray, list[float]]:
    low, high = RANGES[activation]
    margin = 0.05 * (high - low)
    small = x <= 0 if activation == "relu" else (x < low + margin) | (x > high - margin)
    spread = high - low if activation != "relu" else float(np.max(x, initial=0))
    return _shares(x, low, high, bins), _numbers(x, small, spread)


def _seen_backward(dy: np.ndarray, bins: int) -> tuple[np.ndarray, list[float]]:
    size = np.abs(dy)
    powers = np.log10(np.maximum(size, np.finfo(dy.dtype).tiny))
    spread = float(size.max(initial=0))
    return _shares(powers, *LOG_RANGE, bins), _numbers(dy, ~(size >= VANISHED), spread)


def _shares(values: np.ndarray, low: float, high: float, bins: int) -> np.ndarray:
    """The share of all values in each of the bins; what is outside counts for none."""
    places = np.floor((values - low) / (high - low) * bins)
    places[values == high] = bins - 1
    inside = (places >= 0) & (places < bins)  # NaN is not
    return np.bincount(places[inside].astype(int), minlength=bins) / values.size


def _numbers(values: np.ndarray, small: np.ndarray, spread: float) -> list[float]:
    return [
        float(values.std(dtype=np.float64)),
        float(small.mean()),
        float(small.all(axis=0).mean()),
        _identical(values[:SEEN_BY_IDENTICAL], 0.01 * spread),
    ]


def _identical(values: np.ndarray, tolerance: float) -> float:
    """The share of columns that some other column equals to the tolerance, in every row."""
    apart = np.zeros((values.shape[1],) * 2, np.float32)
    for row in values:
        np.maximum(apart, np.abs(row[:, None] - row), out=apart)
    np.fill_diagonal(apart, np.inf)
    return float((apart.min(axis=0) <= tolerance).mean())
