"""Sections 6.2.2 and 6.2.3: what flows through five layers, from weights of six kinds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import COLORS, draw_curve, new_figure, strokes
from experiments.engine.measurements import Curve, Measurements
from experiments.engine.verdicts import listed

XAVIER, HE, ORTHOGONAL, LSUV = "Xavier √(1/n)", "He √(2/n)", "orthogonal", "LSUV"
#: Weights → ``MultiLayerNet(init=…)``; LSUV scales its orthogonal ones by data.
WEIGHTS: dict[str, str | float] = {
    "std 1": 1.0,
    "std 0.01": 0.01,
    XAVIER: "xavier",
    HE: "he",
    ORTHOGONAL: "orthogonal",
    LSUV: "orthogonal",
}
#: Orthogonal weights are in the curves alone: their histograms are like Xavier's.
SHOWN = [weights for weights in WEIGHTS if weights != ORTHOGONAL]
BEFORE = "std before the activation"
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, 1.0)}
TOPS = {"relu": 0.07}  # as in the chapter; the bar at 0, half of all, is cut off
NAMES = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU"}


@dataclass(frozen=True)
class Settings:
    """The chapter's: 1,000 rows of N(0, 1) through five layers of 100 units."""

    rows: int = 1000
    units: int = 100
    layers: int = 5
    bins: int = 30


def measure(context: Context) -> Measurements:
    """For each activation and kind of weights, the distribution of every layer's activations."""
    measurements = Measurements()
    combinations = [(activation, weights) for activation in RANGES for weights in WEIGHTS]
    for done, (activation, weights) in enumerate(combinations, start=1):
        flows = [_flow(context, seed, activation, weights) for seed in context.seeds]
        before, after = (np.array(values) for values in zip(*flows, strict=True))
        _add(measurements, context.settings, activation, weights, after)
        run, layers = f"{NAMES[activation]}, {weights}", np.arange(1, len(before[0]) + 1)
        measurements.add(run, BEFORE, layers, before)
        if context.watched:
            for layer in layers:
                context.watched.histogram(run, f"activations/layer{layer}", after[:, layer - 1])
        context.report("activation × weights", done, len(combinations), None)
    return measurements


def _flow(
    context: Context, seed: int, activation: str, weights: str
) -> tuple[list[float], list[np.ndarray]]:
    """Every layer's std before its activation, and its activations.

    The same seed has the same input for every combination.
    """
    settings, backend = context.settings, context.backend
    generator = backend.generator(seed)
    x = backend.randn(generator, settings.rows, settings.units)
    before, after = [], []
    for weight in _weights(context, generator, seed, activation, weights):
        z = x @ weight
        x = backend.activation(activation)(z)
        before.append(float(backend.numpy(z).std(dtype=np.float64)))
        after.append(backend.numpy(x))
    return before, after


def _weights(
    context: Context, generator: Any, seed: int, activation: str, weights: str
) -> list[Any]:
    """Every layer's weights, from a stream of their own, as a network of that many layers has."""
    settings, backend = context.settings, context.backend
    sizes = settings.units, [settings.units] * (settings.layers - 1), settings.units
    init = WEIGHTS[weights]
    net = backend.network(*sizes, activation=activation, init=init, seed=-1 - seed)
    if weights == LSUV:
        # Scaled on rows of the same distribution that are not those measured.
        rows = backend.randn(generator, settings.rows, settings.units)
        _lsuv(backend.name, net, rows)
    return [net.params[f"W{i}"] for i in range(1, settings.layers + 1)]


def _lsuv(backend: str, net: Any, rows: Any) -> None:
    """Scale the weights that ``net`` has, by ``rows``."""
    if backend == "scratch":
        from scratch import init
    else:
        from torch_ref import init
    init.lsuv(net, rows, start=None)


def _add(
    measurements: Measurements,
    settings: Settings,
    activation: str,
    weights: str,
    flows: np.ndarray,
) -> None:
    """Histograms and summaries of ``flows``, (seeds, layers, rows, units)."""
    run, layers = f"{NAMES[activation]}, {weights}", np.arange(1, settings.layers + 1)
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


def _worst(seed: Seed, weights: str) -> float:
    """How far from 1 the std before an activation comes, at its farthest."""
    stds = [seed[f"{name}, {weights}", BEFORE] for name in NAMES.values()]
    return float(np.abs(np.array(stds) - 1).max())


def lsuv_keeps_1(seed: Seed) -> tuple[bool, str]:
    worst = _worst(seed, LSUV)
    return worst < 0.05, f"at most {worst:.1%} from 1"


def no_other_keeps_1(seed: Seed) -> tuple[bool, str]:
    worst = {weights: _worst(seed, weights) for weights in WEIGHTS if weights != LSUV}
    return min(worst.values()) > 0.05, f"farthest from 1: {listed(worst)}"


def plot(by_backend: Mapping[str, Measurements], settings: Settings) -> Figure:
    """A row for each activation and kind of weights, a histogram for each layer; means over seeds.

    Beside the rows of an activation, what its layers make of the standard deviation.
    """
    combinations = [(activation, weights) for activation in RANGES for weights in SHOWN]
    figure, axes = new_figure(
        f"Activations of {settings.layers} layers of {settings.units} units, input N(0, 1) "
        "(ReLU: the bar at 0 is cut off, values above 1 are not shown)",
        len(combinations),
        settings.layers + 2,
        figsize=(14, 1.15 * len(combinations)),
    )
    for layer, panel in enumerate(axes[0, :-2], start=1):
        panel.set_title(f"layer {layer}")
    colors = dict(zip(RANGES, COLORS, strict=False))
    for row, (activation, weights) in zip(axes[:, :-2], combinations, strict=True):
        run = f"{NAMES[activation]}, {weights}"
        for layer, panel in enumerate(row, start=1):
            for i, measurements in enumerate(by_backend.values()):
                curve = measurements[run, f"share in layer {layer}"]
                _draw(panel, curve, None if i else colors[activation])
            panel.set(yticks=[], ylim=(0, TOPS.get(activation)), xlim=RANGES[activation])
            panel.grid(visible=False)
            if weights != SHOWN[-1]:
                panel.set_xticklabels([])
        row[0].set_ylabel(run.replace(", ", "\n"), rotation=0, ha="right", va="center")
    _draw_stds(figure, axes, by_backend)
    if len(by_backend) > 1:
        handles = [Patch(color="gray", alpha=0.45, label="scratch")]
        handles += [Line2D([], [], color="black", lw=0.9, label="torch")]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def _draw_stds(figure: Figure, axes: np.ndarray, by_backend: Mapping[str, Measurements]) -> None:
    """In place of the last two columns, a panel for each activation: its std over the layers."""
    for panel in axes[:, -2:].flat:
        panel.remove()
    grid, rows = axes[0, 0].get_gridspec(), len(SHOWN)
    # Orthogonal weights do nearly what Xavier's do: dashed, they leave those to be seen.
    styles = {
        weights: {"color": color, "ls": "--" if weights == ORTHOGONAL else "-"}
        for weights, color in zip(WEIGHTS, COLORS, strict=False)
    }
    for i, name in enumerate(NAMES.values()):
        panel = figure.add_subplot(grid[i * rows : (i + 1) * rows, -2:])
        for weights, style in styles.items():
            for backend, stroke in strokes(by_backend).items():
                curve = by_backend[backend][f"{name}, {weights}", BEFORE]
                draw_curve(panel, curve, style["color"], stroke | {"ls": style["ls"]})
        panel.set(title=f"{name}: {BEFORE}", yscale="log", xticks=curve.x)
        panel.grid(visible=True, alpha=0.25)
        if i == 0:
            low, high = panel.get_ylim()
            panel.set_ylim(low * (low / high) ** 0.4, high)  # room for the legend
            handles = [Line2D([], [], lw=2, label=weights, **styles[weights]) for weights in styles]
            panel.legend(handles=handles, loc="lower left")
    panel.set_xlabel("layer")


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
    title="what flows through five layers, from six kinds of weights",
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
        Claim(
            "LSUV: the std before every activation of all three is within 5 % of 1, on rows that "
            "it has not seen",
            lsuv_keeps_1,
        ),
        Claim(
            "every other kind of weights leaves 1 by more than 5 % in some layer, for some "
            "activation",
            no_other_keeps_1,
        ),
    ),
)
