"""How the figures look: one style, two backends in one picture, bands over seeds."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.engine.measurements import Curve, Measurements

#: Okabe and Ito's colours, told apart by the colour-blind too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Side by side, torch's thin line lies on scratch's broad one, so that both are always seen.
ALONE = {"lw": 1.4}
BESIDE = {"scratch": {"lw": 3.4, "alpha": 0.4}, "torch": {"lw": 0.9}}

_STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.dpi": 130,
    "font.size": 10,
    "grid.alpha": 0.25,
}


def new_figure(
    title: str,
    rows: int = 1,
    columns: int = 1,
    *,
    figsize: tuple[float, float],
    share: bool = False,
) -> tuple[Figure, np.ndarray]:
    """A figure with axes as an array of (rows, columns), drawn without a display.

    Args:
        figsize: width and height in inches.
        share: whether all panels have the same axes.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=figsize)
        axes = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    figure.suptitle(title, fontsize=12)
    return figure, axes


def save(figure: Figure, path: Path) -> None:
    """Write the figure as its name's ending says; the same picture is the same file.

    The first file decides where everything stands, and the others of the figure have it there too.
    """
    with mpl.rc_context({"svg.hashsalt": "lockstep"}):
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(path, facecolor="white", metadata=metadata)
    figure.set_layout_engine("none")


def subject(by_backend: Mapping[str, Measurements]) -> str:
    """What the images are called, for a title."""
    return next(iter(by_backend.values())).subject


def strokes(by_backend: Mapping[str, Measurements]) -> dict[str, dict[str, float]]:
    """For each backend, how broad and how pale its lines are."""
    return BESIDE if len(by_backend) > 1 else dict.fromkeys(by_backend, ALONE)


def smoothed(values: np.ndarray, window: int = 21) -> np.ndarray:
    """A centred moving mean along the last axis; shorter towards the ends.

    >>> smoothed(np.array([0.0, 3.0, 0.0]), window=3)
    array([1.5, 1. , 1.5])
    """
    ones = np.ones(min(window, values.shape[-1]))
    counts = np.convolve(np.ones(values.shape[-1]), ones, "same")
    sums = np.apply_along_axis(np.convolve, -1, values, ones, "same")
    return sums / counts


def draw_curve(
    axes: Axes, curve: Curve, color: str, stroke: Mapping[str, float], smooth: bool = False
) -> None:
    """The mean over seeds as a line, with a band from the lowest to the highest seed.

    A seed that has diverged counts up to there.
    """
    values = np.ma.masked_invalid(smoothed(curve.values) if smooth else curve.values)
    axes.plot(curve.x, values.mean(axis=0), color=color, **stroke)
    if len(values) > 1:
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(curve.x, low, high, color=color, alpha=0.12, lw=0)


def draw_metric(
    axes: Axes, by_backend: Mapping[str, Measurements], metric: str, smooth: bool = False
) -> None:
    """A curve for each run that has the metric, in each backend, with the legends for both."""
    runs = next(iter(by_backend.values())).runs(metric)
    colors = dict(zip(runs, COLORS, strict=False))
    for backend, stroke in strokes(by_backend).items():
        for run in runs:
            curve = by_backend[backend][run, metric]
            draw_curve(axes, curve, colors[run], stroke, smooth)
    handles = [Line2D([], [], color=colors[run], lw=2.5, label=run) for run in runs]
    axes.legend(handles=handles + backend_handles(by_backend))


def backend_handles(by_backend: Mapping[str, Measurements]) -> list[Line2D]:
    """Legend entries that tell the backends apart, where there are two."""
    if len(by_backend) < 2:
        return []
    return [
        Line2D([], [], color="black", label=backend, **stroke)
        for backend, stroke in strokes(by_backend).items()
    ]
