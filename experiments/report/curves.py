"""The training curves of the chapter as charts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from experiments import batchnorm_effect
from experiments import zero_init as zeros
from experiments.engine.measurements import Curve
from experiments.report.charts import (
    Axis,
    Chart,
    Panel,
    Table,
    Trace,
    curve_traces,
    pack,
    spaced,
)
from experiments.report.results import Result
from experiments.report.texts import Text, joined, known, number, say

LOSS = Axis("training loss (mean of 21 batches)", log=True)
ITERATION, EPOCH, LAYER = Axis("iteration"), Axis("epoch"), Axis("layer")
TEST, TRAINING = Axis("accuracy on test images"), Axis("accuracy on training images")


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


def of_metric(
    result: Result, metric: str, title: str, finding: Text, panel: Panel, x: str
) -> Chart:
    """A chart of one metric, over steps."""
    return Chart(
        f"{result.name}-{metric.replace(' ', '-')}",
        say(title),
        finding,
        table(result, metric, x),
        [panel],
        groups=runs(result, metric),
        sides=list(result.sides),
        columns=1,
        height=400,
    )


def losses(result: Result) -> Chart:
    panel = over_x(result, "loss", ITERATION, LOSS, smooth=True)
    finding = lowest_and_highest(LOSS_ENDS, ends(result, "loss"))
    return of_metric(result, "loss", "Training loss", finding, panel, "iteration")


def losses_and_accuracies(result: Result) -> list[Chart]:
    # As in the chapter's figure: before the first step it is a tenth, and that is not the question.
    least = 0.7 if result.name == "learning-rate-decay" else 0.8
    panel = over_x(result, "test accuracy", ITERATION, replace(TEST, range=(least, 1.0)))
    title = "Accuracy on test images"
    finding = lowest_and_highest(ACCURACY_ENDS, ends(result, "test accuracy"))
    return [
        losses(result),
        of_metric(result, "test accuracy", title, finding, panel, "iteration"),
    ]


def zero_init(result: Result) -> list[Chart]:
    y = Axis("difference of the hidden units (0 is drawn at 1e-9)", log=True)
    panel = over_x(result, "difference of units", ITERATION, y, least=1e-9)
    title = "How different the units are"
    difference = of_metric(
        result, "difference of units", title, _parting(result), panel, "iteration"
    )
    return [difference, losses(result)]


def _parting(result: Result) -> Text:
    """When the units parted in each backend, which is a measurement of this machine."""
    sentences = []
    for side, measurements in result.sides.items():
        curve = measurements[zeros.ZEROS, "difference of units"]
        if (at := zeros.parted(curve)) is None:
            sentences.append(say("With {side} the zeros' units have not parted.", side=side))
        else:
            sentences.append(
                say("With {side} the zeros' units have parted at iteration {at}.", side=side, at=at)
            )
    exact = means(result, zeros.EXACT, "difference of units").values.max()
    sentences.append(
        say(
            "How soon depends on the library, the processor and the number of units; without "
            "rounding they differ by {exact}.",
            exact=number(exact),
        )
    )
    return joined(sentences)


def batchnorm_one(result: Result) -> list[Chart]:
    panel = over_x(result, "accuracy", EPOCH, TRAINING)
    title = "Accuracy on training images"
    finding = lowest_and_highest(ACCURACY_ENDS, ends(result, "accuracy"))
    return [of_metric(result, "accuracy", title, finding, panel, "epoch")]


def batchnorm_scales(result: Result) -> list[Chart]:
    """The last epoch over the scales, and a panel for each scale."""
    names, by_scale = list(batchnorm_effect.RUNS), {}
    for run in runs(result, "accuracy"):
        by_scale.setdefault(run.rpartition(", w ")[2], []).append(run)
    final = {side: _final(result, names, list(by_scale), side) for side in result.sides}
    first = next(iter(final.values()))
    plain, normalized = (sum(v >= 0.8 for v in first[name]) for name in names)
    finding = say(
        "After the last epoch the accuracy is at least 80 % in {plain} of {count} scales without "
        "BatchNorm, in {normalized} with it. Where a curve is missing, the training diverges.",
        plain=plain,
        normalized=normalized,
        count=len(by_scale),
    )
    columns = [(name, side) for name in names for side in result.sides]
    header = (known("scale w"), *(say("{run}, {side}", run=known(n), side=s) for n, s in columns))
    rows = [
        (scale, *(_or_diverges(final[side][name][i]) for name, side in columns))
        for i, scale in enumerate(by_scale)
    ]
    shown, sides = Table(header, rows), list(result.sides)
    return [
        Chart(
            "batchnorm-scales-final",
            say("The last epoch's accuracy over the scale of the initial weights"),
            finding,
            shown,
            [_over_scales(final, [float(scale) for scale in by_scale])],
            names,
            sides,
            columns=1,
            height=380,
        ),
        Chart(
            "batchnorm-scales-all",
            say("Accuracy on training images, for weights from N(0, w²)"),
            finding,
            shown,
            [_of_scale(result, scale, both, names) for scale, both in by_scale.items()],
            names,
            sides,
            columns=4,
            height=190,
        ),
    ]


def _final(
    result: Result, names: list[str], scales: list[str], side: str
) -> dict[str, list[float]]:
    """A backend's mean accuracy after the last epoch, by run; NaN where all seeds diverge."""
    one = Result("", {}, {side: result.sides[side]})
    return {
        name: [float(means(one, f"{name}, w {s}", "accuracy").values[-1]) for s in scales]
        for name in names
    }


def _or_diverges(value: float) -> Text | str:
    return number(value) if np.isfinite(value) else say("diverges")


def _over_scales(final: Mapping[str, Mapping[str, list[float]]], scales: list[float]) -> Panel:
    panel = Panel(Axis("scale w", log=True), Axis("accuracy after the last epoch", range=(0, 1)))
    for side, by_run in final.items():
        for group, (name, values) in enumerate(by_run.items()):
            broad = side == "scratch" and len(final) > 1
            line = {"width": 6 if broad else 2, "color": f"@{group}/0.4" if broad else f"@{group}"}
            stroke = {"line": line, "mode": "lines+markers"}
            panel.traces.append(points(scales, values, name, group, side) | stroke)
    return panel


def _of_scale(result: Result, scale: str, both: list[str], names: list[str]) -> Panel:
    panel = Panel(EPOCH, Axis("accuracy", range=(0, 1)), f"w = {scale}")
    for run in both:
        name = run.rpartition(", w ")[0]
        for side, measurements in result.sides.items():
            curve, beside = measurements[run, "accuracy"], len(result.sides) > 1
            panel.traces += curve_traces(curve, name, names.index(name), side, beside)
    return panel


def points(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    name: str,
    group: int,
    side: str | None,
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
