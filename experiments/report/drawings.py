"""The chapter's figures as charts, one function for each experiment."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments import activation_distributions, batchnorm_effect
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
from experiments.report.results import Result
from experiments.report.texts import Text, known, number, say
from experiments.surface import f

LOSS = Axis("training loss (mean of 21 batches)", log=True)
ITERATION, EPOCH, LAYER = Axis("iteration"), Axis("epoch"), Axis("layer")
TEST, TRAINING = Axis("accuracy on test images"), Axis("accuracy on training images")
WIDE = (-10.0, 10.0)


def drawings(result: Result) -> list[Chart]:
    """The charts of a result.

    Raises:
        KeyError, IndexError, ValueError: it lacks a curve that the figure needs.
    """
    return DRAWN[result.name](result)


def runs(result: Result, metric: str) -> list[str]:
    """The runs that have the metric."""
    return next(iter(result.sides.values())).runs(metric)


def over_x(
    result: Result, metric: str, x: Axis, y: Axis, *, smooth: bool = False, least: float = 0.0
) -> Panel:
    """A curve for each run in each backend."""
    panel, beside = Panel(x, y), len(result.sides) > 1
    for group, run in enumerate(runs(result, metric)):
        for side, measurements in result.sides.items():
            panel.traces += curve_traces(
                measurements[run, metric],
                run,
                group,
                side,
                beside,
                smooth=smooth,
                least=least or None,
            )
    return panel


def means(result: Result, run: str, metric: str) -> Curve:
    """The first backend's curve, its mean over the seeds that have not diverged."""
    curve = next(iter(result.sides.values()))[run, metric]
    some = np.isfinite(curve.values)
    total = np.where(some, curve.values, 0).sum(axis=0)
    with np.errstate(all="ignore"):
        return Curve(curve.x, np.where(some.any(axis=0), total / some.sum(axis=0), np.nan))


def ends(result: Result, metric: str) -> dict[str, float]:
    """Each run's mean over the last twentieth, lowest first."""
    found = {}
    for run in runs(result, metric):
        values = means(result, run, metric).values
        found[run] = float(values[-max(1, len(values) // 20) :].mean())
    return dict(sorted(found.items(), key=lambda item: item[1]))


def table(result: Result, metric: str, x: str, of: Sequence[str] | None = None) -> Table:
    """Means over the seeds at some x, a column for each run and backend."""
    columns = [(run, side) for run in of or runs(result, metric) for side in result.sides]
    header = (known(x), *(say("{run}, {side}", run=known(r), side=s) for r, s in columns))
    values = []
    for run, side in columns:
        values.append(means(Result("", {}, {side: result.sides[side]}), run, metric).values)
    first = means(result, columns[0][0], metric)
    rows = [(number(first.x[i]), *(number(v[i]) for v in values)) for i in spaced(len(first.x))]
    return Table(header, rows)


def lowest_and_highest(template: str, found: Mapping[str, float]) -> Text:
    """A sentence on the first and last of some runs."""
    (low, at_low), *_, (high, at_high) = found.items()
    return say(
        template,
        low=known(low),
        at_low=number(at_low),
        high=known(high),
        at_high=number(at_high),
    )


LOSS_ENDS = (
    "In the end the training loss is lowest with {low} ({at_low}), highest with {high} ({at_high})."
)
ACCURACY_ENDS = (
    "In the end the accuracy is lowest with {low} ({at_low}), highest with {high} ({at_high})."
)


def of_metric(result: Result, metric: str, title: str, finding: str, panel: Panel, x: str) -> Chart:
    """A chart of one metric, over steps."""
    return Chart(
        f"{result.name}-{metric.replace(' ', '-')}",
        say(title),
        lowest_and_highest(finding, ends(result, metric)),
        table(result, metric, x),
        [panel],
        groups=runs(result, metric),
        sides=list(result.sides),
        columns=1,
        height=400,
    )


def losses(result: Result) -> Chart:
    panel = over_x(result, "loss", ITERATION, LOSS, smooth=True)
    return of_metric(result, "loss", "Training loss", LOSS_ENDS, panel, "iteration")


def losses_and_accuracies(result: Result) -> list[Chart]:
    panel = over_x(result, "test accuracy", ITERATION, TEST)
    title = "Accuracy on test images"
    return [
        losses(result),
        of_metric(result, "test accuracy", title, ACCURACY_ENDS, panel, "iteration"),
    ]


def zero_init(result: Result) -> list[Chart]:
    y = Axis("difference of the hidden units (0 is drawn at 1e-9)", log=True)
    panel = over_x(result, "difference of units", ITERATION, y, least=1e-9)
    finding = (
        "In the end the units differ least with {low} ({at_low}), most with {high} ({at_high})."
    )
    difference = of_metric(
        result, "difference of units", "How different the units are", finding, panel, "iteration"
    )
    return [difference, losses(result)]


def batchnorm_one(result: Result) -> list[Chart]:
    panel = over_x(result, "accuracy", EPOCH, TRAINING)
    title = "Accuracy on training images"
    return [of_metric(result, "accuracy", title, ACCURACY_ENDS, panel, "epoch")]


def batchnorm_scales(result: Result) -> list[Chart]:
    """A panel for each scale, and the last epoch over the scales."""
    names = list(batchnorm_effect.RUNS)
    by_scale: dict[str, list[str]] = {}
    for run in runs(result, "accuracy"):
        by_scale.setdefault(run.rpartition(", w ")[2], []).append(run)
    panels = []
    for scale, both in by_scale.items():
        panel = Panel(EPOCH, Axis("accuracy", range=(0, 1)), f"w = {scale}")
        for run in both:
            name = run.rpartition(", w ")[0]
            for side, measurements in result.sides.items():
                curve = measurements[run, "accuracy"]
                beside = len(result.sides) > 1
                panel.traces += curve_traces(curve, name, names.index(name), side, beside)
        panels.append(panel)
    final = _final(result, names, by_scale)
    finding = say(
        "The last epoch's accuracy over all scales: {plain} without BatchNorm, {bn} with it, on "
        "average; from {low} to {high} with it.",
        plain=number(np.mean(final[names[0]])),
        bn=number(np.mean(final[names[1]])),
        low=number(min(final[names[1]])),
        high=number(max(final[names[1]])),
    )
    header = (known("scale w"), *map(known, names))
    rows = [
        (scale, *(number(final[name][i]) for name in names)) for i, scale in enumerate(by_scale)
    ]
    title = say("Accuracy on training images, for weights from N(0, w²)")
    sides, shown = list(result.sides), Table(header, rows)
    every = Chart(
        "batchnorm-scales-all", title, finding, shown, panels, names, sides, columns=4, height=190
    )
    return [_over_scales(result, names, by_scale, finding, shown), every]


def _final(
    result: Result, names: list[str], by_scale: Mapping[str, list[str]], side: str = ""
) -> dict[str, list[float]]:
    """The mean accuracy after the last epoch, by run, in the order of the scales."""
    one = Result("", {}, {side: result.sides[side]}) if side else result
    return {
        name: [
            float(np.nan_to_num(means(one, f"{name}, w {scale}", "accuracy").values[-1]))
            for scale in by_scale
        ]
        for name in names
    }


def _over_scales(
    result: Result,
    names: list[str],
    by_scale: Mapping[str, list[str]],
    finding: Text,
    shown: Table,
) -> Chart:
    panel = Panel(Axis("scale w", log=True), Axis("accuracy after the last epoch", range=(0, 1)))
    scales = np.array([float(scale) for scale in by_scale])
    for side in result.sides:
        for group, (name, values) in enumerate(_final(result, names, by_scale, side).items()):
            stroke = {"width": 2, "color": f"@{group}"}
            if side == "scratch" and len(result.sides) > 1:
                stroke = {"width": 6, "color": f"@{group}/0.4"}
            panel.traces.append(
                _points(scales, values, name, group, side)
                | {"line": stroke, "mode": "lines+markers"}
            )
    title = say("The last epoch's accuracy over the scale of the initial weights")
    return Chart(
        "batchnorm-scales-final",
        title,
        finding,
        shown,
        [panel],
        names,
        list(result.sides),
        columns=1,
        height=380,
    )


def _points(
    x: np.ndarray, y: Sequence[float] | np.ndarray, name: str, group: int, side: str | None
) -> Trace:
    return {
        "type": "scatter",
        "name": name,
        "group": group,
        "side": side,
        "choice": None,
        "x": pack(x),
        "y": pack(y),
        "marker": {"color": f"@{group}", "size": 6, "symbol": group},
    }


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
                _points(*place, run, group, side)
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
    finding = say("With std 1 sigmoid's values lie at 0 and 1, with Xavier's weights they spread.")
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
    trace |= {"x": pack(curve.x), "y": pack(curve.values.mean(axis=0))}
    if side == "torch" and beside:
        line = {"shape": "hvh", "color": "@text", "width": 1}
        return trace | {"type": "scatter", "mode": "lines", "line": line}
    return trace | {"type": "bar", "marker": {"color": "@0/0.6"}}


def _of_layers(
    result: Result, every: Sequence[str], layers: Sequence[int], metrics: Sequence[str]
) -> Table:
    """The mean, the std and the share at the ends in the first and the last layer."""
    ends_ = (layers[0], layers[-1])
    header = [known("activation, weights")]
    header += [
        say("{metric}, layer {layer}", metric=known(metric), layer=layer)
        for metric in metrics
        for layer in ends_
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


DRAWN: dict[str, Callable[[Result], list[Chart]]] = {
    "surface": surface,
    "optimizer-paths": paths,
    "learning-rate-decay": losses_and_accuracies,
    "optimizer-comparison": losses_and_accuracies,
    "zero-init": zero_init,
    "activation-distributions": activations,
    "init-comparison": lambda result: [losses(result)],
    "batchnorm-effect": batchnorm_one,
    "batchnorm-scales": batchnorm_scales,
}
