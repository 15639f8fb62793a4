"""Sections 6.2.2 and 6.2.3: what flows through five layers, from weights of six kinds."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.engine import figures
from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.measurements import Measurements
from experiments.engine.texts import Text, named, number, say
from experiments.engine.verdicts import listed

XAVIER, HE, ORTHOGONAL, LSUV = "Xavier √(1/n)", "He √(2/n)", say("orthogonal"), "LSUV"
#: Weights → ``MultiLayerNet(init=…)``; LSUV scales its orthogonal ones by data.
WEIGHTS: dict[str, str | float] = {
    say("std 1"): 1.0,
    say("std 0.01"): 0.01,
    XAVIER: "xavier",
    HE: "he",
    ORTHOGONAL: "orthogonal",
    LSUV: "orthogonal",
}
BEFORE = say("std before the activation")
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, 1.0)}
TOPS = {"relu": 0.07}  # as in the chapter; the bar at 0, half of all, is cut off
NAMES = {"sigmoid": say("sigmoid"), "tanh": "tanh", "relu": "ReLU"}


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
        from scratch import nn
    else:
        from torch_ref import nn
    nn.lsuv(net, rows, start=None)


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


def at_the_ends(seed: Seed) -> tuple[bool, Text]:
    share = float(seed["sigmoid, std 1", "near an end"].min())
    return share > 0.5, say("at least {share} in every layer", share=f"{share:.0%}")


def in_the_middle(seed: Seed) -> tuple[bool, Text]:
    std = float(seed["sigmoid, std 0.01", "std"].max())
    mean = float(np.abs(seed["sigmoid, std 0.01", "mean"] - 0.5).max())
    return std < 0.05 and mean < 0.05, say(
        "std at most {std}, mean within {mean} of 0.5", std=f"{std:.3f}", mean=f"{mean:.3f}"
    )


def xavier_spreads(seed: Seed) -> tuple[bool, Text]:
    stds = {scale: float(seed[f"sigmoid, {scale}", "std"][-1]) for scale in ("std 0.01", XAVIER)}
    share = float(seed[f"sigmoid, {XAVIER}", "near an end"].max())
    holds = stds[XAVIER] > 3 * stds["std 0.01"] and share < 0.1
    return holds, say(
        "std in the last layer: std 0.01 {small}, Xavier √(1/n) {xavier}; near an end {share}",
        small=f"{stds['std 0.01']:.3g}",
        xavier=f"{stds[XAVIER]:.3g}",
        share=f"{share:.0%}",
    )


def tanh_is_symmetric(seed: Seed) -> tuple[bool, Text]:
    means = np.abs(seed[f"tanh, {XAVIER}", "mean"])
    stds = {name: float(seed[f"{name}, {XAVIER}", "std"][-1]) for name in ("sigmoid", "tanh")}
    holds = means.max() < 0.05 and stds["tanh"] > stds["sigmoid"]
    return holds, say(
        "|mean| at most {mean}; std in the last layer: {stds}",
        mean=f"{means.max():.3f}",
        stds=listed(stds),
    )


def relu_dies_out(seed: Seed) -> tuple[bool, Text]:
    last = float(seed["ReLU, std 0.01", "std"][-1])
    return last < 1e-3, say("std in the last layer {last}", last=f"{last:.1g}")


def _decay(seed: Seed, scale: str) -> float:
    stds = seed[f"ReLU, {scale}", "std"]
    return float(stds[-1] / stds[0])


def _shrunk(ratio: float) -> Text:
    return say("std of the last layer / of the first = {ratio}", ratio=f"{ratio:.2f}")


def relu_xavier_shrinks(seed: Seed) -> tuple[bool, Text]:
    ratio = _decay(seed, XAVIER)
    return ratio < 0.5, _shrunk(ratio)


def relu_he_keeps(seed: Seed) -> tuple[bool, Text]:
    ratio = _decay(seed, HE)
    return 0.5 < ratio < 2, _shrunk(ratio)


def _worst(seed: Seed, weights: str) -> float:
    """How far from 1 the std before an activation comes, at its farthest."""
    stds = [seed[f"{name}, {weights}", BEFORE] for name in NAMES.values()]
    return float(np.abs(np.array(stds) - 1).max())


def lsuv_keeps_1(seed: Seed) -> tuple[bool, Text]:
    worst = _worst(seed, LSUV)
    return worst < 0.05, say("at most {worst} from 1", worst=f"{worst:.1%}")


def no_other_keeps_1(seed: Seed) -> tuple[bool, Text]:
    worst = {weights: _worst(seed, weights) for weights in WEIGHTS if weights != LSUV}
    return min(worst.values()) > 0.05, say("farthest from 1: {worst}", worst=listed(worst))


def figure(by_backend: figures.ByBackend, settings: Settings) -> figures.Figure:
    """A row for each activation and kind of weights, a histogram for each layer; means over seeds.

    Below them, what the layers make of the standard deviation.
    """
    runs = [(activation, weights) for activation in RANGES for weights in WEIGHTS]
    layers = range(1, settings.layers + 1)
    histograms = figures.Chart(
        "histograms",
        say("The activations of every layer"),
        say(
            "With std 1 sigmoid's values lie at 0 and 1, with 0.01 in the middle; with Xavier's "
            "weights they spread. For ReLU the bar at 0 is cut off, and what is above 1 is not "
            "shown."
        ),
        _ends(figures.first(by_backend), settings),
        [_histogram(by_backend, *run, layer) for run in runs for layer in layers],
        columns=settings.layers,
        size=(2.1, 0.85),
        height=220,
        chooses=say("activation, weights"),
    )
    title = (
        f"Activations of {settings.layers} layers of {settings.units} units, input N(0, 1) "
        "(ReLU: the bar at 0 is cut off, values above 1 are not shown)"
    )
    return figures.Figure(title, [histograms, _stds(by_backend)], stacked=True)


def _histogram(
    by_backend: figures.ByBackend, activation: str, weights: str, layer: int
) -> figures.Panel:
    run, color = f"{NAMES[activation]}, {weights}", [*RANGES].index(activation)
    bars = []
    for backend, measured in by_backend.items():
        curve = measured[run, f"share in layer {layer}"]
        bars.append(figures.Bars(run, color, curve.x, curve.values.mean(axis=0), backend))
    top = TOPS.get(activation) or 1.1 * max(float(bar.heights.max()) for bar in bars)
    x, y = figures.Axis(range=RANGES[activation]), figures.Axis(say("share"), range=(0, top))
    return figures.Panel(x, y, bars, say("layer {layer}", layer=layer), row=named(run))


def _ends(measured: Measurements, settings: Settings) -> figures.Table:
    """The mean, the std and the share at the ends in the first and the last layer."""
    metrics = say("mean"), say("std"), say("near an end")
    outer = {1: 0, settings.layers: -1}.items()
    header = [say("{metric}, layer {layer}", metric=m, layer=n) for m in metrics for n, _ in outer]
    rows = []
    for run in measured.runs("mean"):
        means = [figures.mean(measured[run, metric]) for metric in metrics]
        rows.append((named(run), *(number(values[i]) for values in means for _, i in outer)))
    return figures.Table([say("activation, weights"), *header], rows)


def _stds(by_backend: figures.ByBackend) -> figures.Chart:
    """The std before the activation, a panel for each activation."""
    panels, palette = [], figures.colors([*WEIGHTS])
    for name in NAMES.values():
        lines = figures.lines(by_backend, BEFORE, {w: f"{name}, {w}" for w in WEIGHTS}, palette)
        # Orthogonal weights do nearly what Xavier's do: dashed, they leave those to be seen.
        lines = [replace(line, dash=line.name == ORTHOGONAL) for line in lines]
        x = figures.Axis(say("layer"), ticks=tuple(lines[0].x.tolist()))
        panels.append(figures.Panel(x, figures.Axis(BEFORE, log=True), lines, named(name)))
    measured = figures.first(by_backend)
    relu = {w: float(figures.mean(measured[f"ReLU, {w}", BEFORE])[-1]) for w in WEIGHTS}
    finding = say(
        "ReLU: before the last activation the std is smallest with {low} ({at_low}), largest with "
        "{high} ({at_high})."
    )
    return figures.Chart(
        "std",
        say("What the layers make of the standard deviation"),
        figures.lowest_and_highest(finding, dict(sorted(relu.items(), key=lambda item: item[1]))),
        figures.table(by_backend, BEFORE, say("layer")),
        panels,
        columns=3,
        size=(3.5, 3.2),
        height=300,
    )


EXPERIMENT = Experiment(
    name="activation-distributions",
    section="6.2.2–6.2.3",
    title=say("what flows through five layers, from six kinds of weights"),
    settings=Settings(),
    quick=replace(Settings(), rows=200),
    measure=measure,
    figure=figure,
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
            ours=True,
        ),
        Claim(
            "every other kind of weights leaves 1 by more than 5 % in some layer, for some "
            "activation",
            no_other_keeps_1,
            ours=True,
        ),
    ),
)
