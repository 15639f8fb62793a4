"""The figures that are no training curves: the surface, the paths, the activations."""

from collections.abc import Sequence

import numpy as np

from experiments import activation_distributions
from experiments.engine.experiment import label
from experiments.engine.measurements import Curve
from experiments.report.charts import (
    Axis,
    Chart,
    Panel,
    Table,
    Trace,
    contour,
    curve_traces,
    pack,
    spaced,
)
from experiments.report.curves import (
    LAYER,
    ends,
    lowest_and_highest,
    means,
    points,
    runs,
    table,
)
from experiments.report.results import Result
from experiments.report.texts import known, number, say
from experiments.surface import f

WIDE = (-10.0, 10.0)


def surface(result: Result) -> list[Chart]:
    """Contours with −∇f on a grid of arrows, and the surface itself."""
    measured = next(iter(result.sides.values()))
    ys = np.array([float(run.removeprefix("y=")) for run in measured.runs("f")])
    x = measured[f"y={ys[0]:g}", "f"].x
    z, dx, dy = (
        np.array([measured[run, metric].values[0] for run in measured.runs(metric)])
        for metric in ("f", "df/dx", "df/dy")
    )
    grid, angle = np.meshgrid(x, ys), _off(x, ys, dx, dy)
    few = slice(None, None, max(1, len(x) // 16))
    here = tuple(axis[few, few].ravel() for axis in (*grid, dx, dy))
    ways = Panel(Axis("x", range=WIDE), Axis("y", range=(-5, 5)), "contours and −∇f")
    ways.traces = [contour(x, ys, z), *_arrows(*here), _cross(0, 0)]
    off = Panel(Axis("x", range=WIDE), Axis("y", range=(-5, 5)), "degrees off the minimum")
    off.traces = [
        {
            "type": "heatmap",
            "name": "",
            "x": pack(x),
            "y": pack(ys),
            "z": pack(angle),
            "colorscale": "Cividis",
            "hovertemplate": "x %{x}, y %{y}: %{z:.0f}°<extra></extra>",
        }
    ]
    rows = [
        (f"{x[j]:g}, {ys[i]:g}", number(z[i, j]), number(angle[i, j]))
        for i in spaced(len(ys), 3)
        for j in spaced(len(x), 4)
        if np.isfinite(angle[i, j])
    ]
    header = (say("x, y"), say("f"), say("degrees off the minimum"))
    finding = say(
        "The arrows point at the line y = 0 and not at the minimum: on average {angle}° off.",
        angle=f"{np.nanmean(angle):.0f}",
    )
    title = say("f(x, y) = x²/20 + y², and where −∇f points")
    return [Chart("surface-field", title, finding, Table(header, rows), [ways, off], height=320)]


def _off(x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """By how many degrees −∇f misses the minimum."""
    x, y = np.meshgrid(x, y)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (dx * x + dy * y) / (np.hypot(dx, dy) * np.hypot(x, y))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def _arrows(x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> list[Trace]:
    """Lines that end in arrowheads, as long as the gradient is large."""
    scale = 1.1 / max(float(np.hypot(dx, dy).max()), 1e-12)
    to_x, to_y = x - scale * dx, y - scale * dy
    gap = np.full_like(x, np.nan)
    shared = {"type": "scatter", "name": "−∇f", "hoverinfo": "skip"}
    lines = shared | {
        "mode": "lines",
        "x": pack(np.stack([x, to_x, gap], 1).ravel()),
        "y": pack(np.stack([y, to_y, gap], 1).ravel()),
        "line": {"color": "@text", "width": 1},
    }
    heads = shared | {
        "mode": "markers",
        "x": pack(to_x),
        "y": pack(to_y),
        "marker": {
            "symbol": "arrow",
            "size": 6,
            "color": "@text",
            "angle": pack(np.degrees(np.arctan2(-dx, -dy))),
        },
    }
    return [lines, heads]


def _cross(x: float, y: float) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "minimum",
        "x": [x],
        "y": [y],
        "marker": {"symbol": "cross-thin-open", "size": 13, "color": "@1", "line": {"width": 2.5}},
    }


def paths(result: Result) -> list[Chart]:
    """A panel for each optimizer: its path over the contours."""
    x, y = np.linspace(*WIDE, 60), np.linspace(-4, 4, 40)
    z = np.sqrt(f(*np.meshgrid(x, y)))  # contours lie closer where f is small
    names, panels = runs(result, "f"), []
    settings = {label(k): v for k, v in result.info["settings"].get("optimizers", {}).items()}
    for group, run in enumerate(names):
        given = ", ".join(f"{k} {v:g}" for k, v in settings.get(run, {}).items())
        panel = Panel(Axis("x", range=WIDE), Axis("y", range=(-4, 4)), f"{run}, {given}")
        panel.traces = [contour(x, y, z)]
        for side, measured in result.sides.items():
            place = (measured[run, axis].values[0] for axis in "xy")
            broad = side == "scratch" and len(result.sides) > 1
            line = {
                "width": 6 if broad else 1.5,
                "color": f"@{group}/0.4" if broad else f"@{group}",
            }
            panel.traces.append(
                points(*place, run, group, side)
                | {"mode": "lines+markers", "line": line}
                | {"marker": {"size": 7 if broad else 4, "color": line["color"]}}
            )
        panel.traces.append(_cross(0, 0))
        panels.append(panel)
    finding = lowest_and_highest(
        "After the last step f is lowest with {low} ({at_low}), highest with {high} ({at_high}).",
        ends(result, "f"),
    )
    title = say("The paths from (−7, 2) down f(x, y) = x²/20 + y²")
    sides = list(result.sides)
    shown = table(result, "f", "step")
    return [
        Chart("optimizer-paths", title, finding, shown, panels, names, sides, columns=3, height=230)
    ]


def activations(result: Result) -> list[Chart]:
    """Histograms of every layer for one run at a time, and the std over the layers for all."""
    every, beside = runs(result, "mean"), len(result.sides) > 1
    first = next(iter(result.sides.values()))
    layers = [int(layer) for layer in first[every[0], "mean"].x]
    panels = [Panel(Axis(), Axis("share"), f"layer {layer}") for layer in layers]
    for choice, run in enumerate(every):
        for panel, layer in zip(panels, layers, strict=True):
            for side, measured in result.sides.items():
                curve = measured[run, f"share in layer {layer}"]
                panel.traces.append(_histogram(curve, run, side, choice, beside))
    names = ("mean", "std", "near an end")
    finding = say(
        "With std 1 sigmoid's values lie at 0 and 1, with 0.01 in the middle; with Xavier's "
        "weights they spread. For ReLU the bar at 0 is cut off, and what is above 1 is not shown."
    )
    histograms = Chart(
        "activation-distributions-histograms",
        say("The activations of every layer"),
        finding,
        _of_layers(result, every, layers, names),
        panels,
        sides=list(result.sides),
        choices=every,
        chooses="activation, weights",
        columns=5,
        height=220,
    )
    return [histograms, _before(result)]


def _histogram(curve: Curve, run: str, side: str, choice: int, beside: bool) -> Trace:
    """Bars; torch's, beside scratch's, as their outline."""
    trace = {"name": run, "side": side, "choice": choice, "group": None}
    shares = curve.values.mean(axis=0)
    trace |= {"x": pack(curve.x), "y": pack(shares)}
    # ReLU's bar at 0, half of all, would leave nothing of the others.
    trace["top"] = round(1.1 * float(shares[1 if run.startswith("ReLU") else 0 :].max()), 4)
    if side == "torch" and beside:
        line = {"shape": "hvh", "color": "@text", "width": 1}
        return trace | {"type": "scatter", "mode": "lines", "line": line}
    return trace | {"type": "bar", "marker": {"color": "@0/0.6"}}


def _of_layers(
    result: Result, every: Sequence[str], layers: Sequence[int], metrics: Sequence[str]
) -> Table:
    """The mean, the std and the share at the ends in the first and the last layer."""
    outer = (layers[0], layers[-1])
    header = [known("activation, weights")]
    header += [
        say("{metric}, layer {layer}", metric=known(metric), layer=layer)
        for metric in metrics
        for layer in outer
    ]
    rows = []
    for run in every:
        values = [means(result, run, metric).values for metric in metrics]
        rows.append((known(run), *(number(v[i]) for v in values for i in (0, -1))))
    return Table(tuple(header), rows)


def _before(result: Result) -> Chart:
    """The std before the activation, a panel for each activation."""
    metric = activation_distributions.BEFORE
    groups = list(activation_distributions.WEIGHTS)
    panels: dict[str, Panel] = {}
    for run in runs(result, metric):
        name, _, weights = run.partition(", ")
        panel = panels.setdefault(name, Panel(LAYER, Axis(metric, log=True), name))
        for side, measured in result.sides.items():
            beside = len(result.sides) > 1
            curve = measured[run, metric]
            panel.traces += curve_traces(curve, weights, groups.index(weights), side, beside)
    every = {run: float(means(result, run, metric).values[-1]) for run in runs(result, metric)}
    relu = {r.partition(", ")[2]: v for r, v in every.items() if r.startswith("ReLU, ")}
    finding = lowest_and_highest(
        "ReLU: before the last activation the std is smallest with {low} ({at_low}), largest with "
        "{high} ({at_high}).",
        dict(sorted(relu.items(), key=lambda item: item[1])),
    )
    return Chart(
        "activation-distributions-std",
        say("What the layers make of the standard deviation"),
        finding,
        table(result, metric, "layer"),
        list(panels.values()),
        groups,
        list(result.sides),
        columns=3,
        height=300,
    )
