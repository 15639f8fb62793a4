"""Sections 6.2.2 and 6.2.3: what flows through five layers, from four kinds of weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import COLORS, new_figure
from experiments.engine.measurements import Curve, Measurements
from experiments.engine.verdicts import listed

STDS = {
    "std 1": lambda n: 1.0,
    "std 0.01": lambda n: 0.01,
    "Xavier √(1/n)": lambda n: math.sqrt(1 / n),
    "He √(2/n)": lambda n: math.sqrt(2 / n),
}
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, 1.0)}
TOPS = {"relu": 0.07}  # as in the chapter; the bar at 0, half of all, is cut off
NAMES = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU"}
XAVIER, HE = list(STDS)[2:]


@dataclass(frozen=True)
class Settings:
    """The chapter's: 1,000 rows of N(0, 1) through five layers of 100 units."""

    rows: int = 1000
    units: int = 100
    layers: int = 5
    bins: int = 30


def measure(context: Context) -> Measurements:
    """For each activation and weight scale, the distribution of every layer's activations."""
    measurements = Measurements()
    combinations = [(activation, scale) for activation in RANGES for scale in STDS]
    for done, (activation, scale) in enumerate(combinations, start=1):
        flows = [_flow(context, seed, activation, scale) for seed in context.seeds]
        _add(measurements, context.settings, activation, scale, np.array(flows))
        context.report("activation × std", done, len(combinations), None)
    return measurements


def _flow(context: Context, seed: int, activation: str, scale: str) -> list[np.ndarray]:
    """The activations of every layer; the same seed has the same input for every combination."""
    settings, backend = context.settings, context.backend
    generator = backend.generator(seed)
    x = backend.randn(generator, settings.rows, settings.units)
    activations = []
    for _ in range(settings.layers):
        weight = backend.randn(generator, settings.units, settings.units)
        x = backend.activation(activation)(x @ (weight * STDS[scale](settings.units)))
        activations.append(backend.numpy(x))
    return activations


def _add(
    measurements: Measurements,
    settings: Settings,
    activation: str,
    scale: str,
    flows: np.ndarray,
) -> None:
    """Histograms and summaries of ``flows``, (seeds, layers, rows, units)."""
    run, layers = f"{NAMES[activation]}, {scale}", np.arange(1, settings.layers + 1)
    low, high = RANGES[activation]
    edges = np.linspace(low, high, settings.bins + 1)
    for layer in layers:
        counts = [np.histogram(flow[layer - 1], edges)[0] for flow in flows]
        shares = np.array(counts) / flows[0, 0].size
        measurements.add(run, f"share in layer {layer}", (edges[:-1] + edges[1:]) / 2, shares)
    margin = 0.05 * (high - low)
    saturated = (flows < low + margin) | (flows > high - margin)
    measurements.add(run, "mean", layers, flows.mean(axis=(2, 3)))
    measurements.add(run, "std", layers, flows.std(axis=(2, 3)))
    measurements.add(run, "near an end", layers, saturated.mean(axis=(2, 3)))


def at_the_ends(seed: Seed) -> tuple[bool, str]:
    share = float(seed["sigmoid, std 1", "near an end"].min())
    return share > 0.5, f"at least {share:.0%} in every layer"


def in_the_middle(seed: Seed) -> tuple[bool, str]:
    std = float(seed["sigmoid, std 0.01", "std"].max())
    mean = float(np.abs(seed["sigmoid, std 0.01", "mean"] - 0.5).max())
    return std < 0.05 and mean < 0.05, f"std at most {std:.3f}, mean within {mean:.3f} of 0.5"


def xavier_spreads(seed: Seed) -> tuple[bool, str]:
    stds = {scale: float(seed[f"sigmoid, {scale}", "std"][-1]) for scale in ("std 0.01", XAVIER)}
    share = float(seed[f"sigmoid, {XAVIER}", "near an end"].max())
    holds = stds[XAVIER] > 3 * stds["std 0.01"] and share < 0.1
    return holds, f"std in the last layer: {listed(stds)}; near an end {share:.0%}"


def tanh_is_symmetric(seed: Seed) -> tuple[bool, str]:
    means = np.abs(seed[f"tanh, {XAVIER}", "mean"])
    stds = {name: float(seed[f"{name}, {XAVIER}", "std"][-1]) for name in ("sigmoid", "tanh")}
    holds = means.max() < 0.05 and stds["tanh"] > stds["sigmoid"]
    return holds, f"|mean| at most {means.max():.3f}; std in the last layer: {listed(stds)}"


def relu_dies_out(seed: Seed) -> tuple[bool, str]:
    last = float(seed["ReLU, std 0.01", "std"][-1])
    return last < 1e-3, f"std in the last layer {last:.1g}"


def _decay(seed: Seed, scale: str) -> float:
    stds = seed[f"ReLU, {scale}", "std"]
    return float(stds[-1] / stds[0])


def relu_xavier_shrinks(seed: Seed) -> tuple[bool, str]:
    ratio = _decay(seed, XAVIER)
    return ratio < 0.5, f"std of the last layer / of the first = {ratio:.2f}"


def relu_he_keeps(seed: Seed) -> tuple[bool, str]:
    ratio = _decay(seed, HE)
    return 0.5 < ratio < 2, f"std of the last layer / of the first = {ratio:.2f}"


def plot(by_backend: Mapping[str, Measurements], settings: Settings) -> Figure:
    """A row for each activation and std, a histogram for each layer; means over the seeds."""
    combinations = [(activation, scale) for activation in RANGES for scale in STDS]
    figure, axes = new_figure(
        f"Activations of {settings.layers} layers of {settings.units} units, input N(0, 1) "
        "(ReLU: the bar at 0 is cut off, values above 1 are not shown)",
        len(combinations),
        settings.layers,
        figsize=(11, 1.25 * len(combinations)),
    )
    for layer, panel in enumerate(axes[0], start=1):
        panel.set_title(f"layer {layer}")
    colors = dict(zip(RANGES, COLORS, strict=False))
    for row, (activation, scale) in zip(axes, combinations, strict=True):
        run = f"{NAMES[activation]}, {scale}"
        for layer, panel in enumerate(row, start=1):
            for i, measurements in enumerate(by_backend.values()):
                curve = measurements[run, f"share in layer {layer}"]
                _draw(panel, curve, None if i else colors[activation])
            panel.set(yticks=[], ylim=(0, TOPS.get(activation)), xlim=RANGES[activation])
            panel.grid(visible=False)
            if scale != list(STDS)[-1]:
                panel.set_xticklabels([])
        row[0].set_ylabel(run.replace(", ", "\n"), rotation=0, ha="right", va="center")
    if len(by_backend) > 1:
        handles = [Patch(color="gray", alpha=0.45, label="scratch")]
        handles += [Line2D([], [], color="black", lw=0.9, label="torch")]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def _draw(panel: Axes, curve: Curve, color: str | None) -> None:
    """A histogram, filled with ``color``; ``None`` for its outline alone, over the first one."""
    step = curve.x[1] - curve.x[0]
    edges = np.append(curve.x - step / 2, curve.x[-1] + step / 2)
    shares = curve.values.mean(axis=0)
    if color:
        panel.stairs(shares, edges, fill=True, color=color, alpha=0.45)
    else:
        panel.stairs(shares, edges, color="black", lw=0.9)


EXPERIMENT = Experiment(
    name="activation-distributions",
    section="6.2.2–6.2.3",
    title="what flows through five layers, from four kinds of weights",
    settings=Settings(),
    quick=replace(Settings(), rows=200),
    measure=measure,
    plot=plot,
    claims=(
        Claim(
            "sigmoid, std 1: over half of every layer's activations are within 0.05 of 0 or 1",
            at_the_ends,
        ),
        Claim("sigmoid, std 0.01: all are near 0.5, with a std below 0.05", in_the_middle),
        Claim(
            "sigmoid, Xavier: over 3 times as spread as with 0.01, and under 10 % within 0.05 "
            "of an end",
            xavier_spreads,
        ),
        Claim(
            "tanh, Xavier: the mean stays within 0.05 of 0, and more spread than sigmoid",
            tanh_is_symmetric,
        ),
        Claim("ReLU, std 0.01: almost nothing arrives, with a std below 0.001", relu_dies_out),
        Claim("ReLU, Xavier: the std shrinks to less than half in 5 layers", relu_xavier_shrinks),
        Claim("ReLU, He: the std stays within a factor of 2", relu_he_keeps),
    ),
)
