"""A figure as data: panels, and the marks in them. ``drawing`` and the page draw it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from experiments.engine.measurements import Curve, Measurements
from experiments.engine.texts import Text, named, number, say

ByBackend = Mapping[str, Measurements]

#: Each has its colour, the same in every figure.
OPTIMIZERS = ("SGD", say("Momentum"), "AdaGrad", "Adam", "RMSProp", say("Nesterov"))


@dataclass(frozen=True)
class Axis:
    """What is along an axis; ``ticks`` are where the renderer's own would be hard to read."""

    title: str = ""
    log: bool = False
    range: tuple[float, float] | None = None
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Line:
    """A curve: the mean over the seeds, with a band from the lowest to the highest of them.

    Attributes:
        name: by which it is switched off and on, with all of its name.
        values: (seeds, X); NaN where a seed has diverged.
        backend: whose values they are.
        markers: whether its points are marked.
        dash: whether it is dashed on paper; on the page the colour decides.
        smooth: whether it is a moving mean, which any points of it show as well as others.
    """

    name: str
    color: int
    x: np.ndarray
    values: np.ndarray
    backend: str = ""
    markers: bool = False
    dash: bool = False
    smooth: bool = False

    @property
    def mean(self) -> np.ndarray:
        """(X,), over the seeds that have not diverged; NaN where all have."""
        return np.ma.masked_invalid(self.values).mean(axis=0).filled(np.nan)

    @property
    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest of them, (X,) each."""
        some = np.ma.masked_invalid(self.values)
        return some.min(axis=0).filled(np.nan), some.max(axis=0).filled(np.nan)


@dataclass(frozen=True)
class Points:
    """Marks without a line between them.

    Attributes:
        symbol: circle, cross, x or goal; the colour's own if it is empty.
        texts: what each is, to be read at it.
        spread: the lower and upper ends of a bar along x through each.
        color: −1 for that of the text.
    """

    name: str
    color: int
    x: Sequence[float]
    y: Sequence[float]
    symbol: str = ""
    texts: Sequence[str] = ()
    spread: tuple[Sequence[float], Sequence[float]] | None = None
    backend: str = ""


@dataclass(frozen=True)
class Bars:
    """A histogram: the middles of its bins and their heights."""

    name: str
    color: int
    x: np.ndarray
    heights: np.ndarray
    backend: str = ""


@dataclass(frozen=True)
class Grid:
    """A function of two variables, z (Y, X)."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    title: str = ""


@dataclass(frozen=True)
class Contours(Grid):
    """Its contour lines."""


@dataclass(frozen=True)
class Surface3D(Grid):
    """It in space; on the page from above."""


@dataclass(frozen=True)
class Heat(Grid):
    """Colours that go from the lowest to the highest value, or over the ``range``."""

    log: bool = False
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Arrows:
    """From (x, y) by (dx, dy)."""

    name: str
    x: np.ndarray
    y: np.ndarray
    dx: np.ndarray
    dy: np.ndarray


@dataclass(frozen=True)
class Rule:
    """A line across the whole panel, at some x or y."""

    x: float | None = None
    y: float | None = None
    text: str = ""


Mark = Line | Points | Bars | Grid | Arrows | Rule


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    Attributes:
        row: what the panels beside it share; on the page one row is shown at a time.
        rows: what stands at y = 0, 1, 2 …, from the top, in place of numbers.
        columns: likewise at x.
        notes: what is written into it, with the colours.
    """

    x: Axis
    y: Axis
    marks: Sequence[Mark]
    title: str = ""
    row: str = ""
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    notes: Sequence[tuple[str, int]] = ()

    @property
    def solid(self) -> bool:
        """Whether it has three axes."""
        return any(isinstance(mark, Surface3D) for mark in self.marks)


@dataclass(frozen=True)
class Table:
    """Numbers in rows, the first cell of each naming it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Chart:
    """Panels that share their controls.

    Attributes:
        name: unique on the page, after the experiment's.
        title: what is shown.
        finding: what is to be seen in it, for those who do not see it, too.
        table: the same in numbers.
        columns: of panels, at most.
        size: of a panel on paper, (width, height) in inches;
        height: and its height on the page, in pixels.
        chooses: what its rows are, if it has any.
    """

    name: str
    title: str
    finding: str = ""
    table: Table = Table((), ())
    panels: Sequence[Panel] = ()
    columns: int = 1
    size: tuple[float, float] = (6.0, 4.6)
    height: int = 400
    chooses: str = ""

    def marks(self, kind: Any = object) -> Iterator[Any]:
        """Those of all panels, of one kind."""
        return (m for panel in self.panels for m in panel.marks if isinstance(m, kind))

    @property
    def groups(self) -> dict[str, int]:
        """The names of what can be switched off and on, and their colours."""
        marks = self.marks(Line | Points)
        return {mark.name: mark.color for mark in marks if not getattr(mark, "symbol", "")}

    @property
    def backends(self) -> list[str]:
        """The backends in it."""
        found = dict.fromkeys(getattr(mark, "backend", "") for mark in self.marks())
        return [backend for backend in found if backend]


@dataclass(frozen=True)
class Figure:
    """What an experiment shows.

    Attributes:
        title: on paper, with the settings in it; the page has those beside it.
        stacked: whether the charts stand below each other on paper.
    """

    title: str
    charts: Sequence[Chart]
    stacked: bool = False


def colors(runs: Sequence[str]) -> dict[str, int]:
    """A colour for each run: an optimizer's own, and the others' in turn.

    >>> colors(["Adam", "SGD"]), colors(["Xavier", "He"])
    ({'Adam': 3, 'SGD': 0}, {'Xavier': 0, 'He': 1})
    """
    own = {run: OPTIMIZERS.index(run) for run in runs if run in OPTIMIZERS}
    free = (color for color in count() if color not in own.values())
    return {run: own[run] if run in own else next(free) for run in runs}


def first(by_backend: ByBackend) -> Measurements:
    """Those of the first backend."""
    return next(iter(by_backend.values()))


def subject(by_backend: ByBackend) -> str:
    """What the images are called, for a title."""
    return first(by_backend).subject


def smoothed(values: np.ndarray, window: int = 21) -> np.ndarray:
    """A centred moving mean along the last axis; shorter towards the ends.

    >>> smoothed(np.array([0.0, 3.0, 0.0]), window=3)
    array([1.5, 1. , 1.5])
    """
    ones = np.ones(min(window, values.shape[-1]))
    counts = np.convolve(np.ones(values.shape[-1]), ones, "same")
    sums = np.apply_along_axis(np.convolve, -1, values, ones, "same")
    return sums / counts


def mean(curve: Curve) -> np.ndarray:
    """(X,), over the seeds that have not diverged."""
    return Line("", 0, curve.x, curve.values).mean


def lines(
    by_backend: ByBackend,
    metric: str,
    runs: Mapping[str, str],
    palette: Mapping[str, int],
    *,
    smooth: bool = False,
    least: float = -np.inf,
    dashed: Collection[str] = (),
) -> list[Line]:
    """A curve in each backend for each of the runs, which are by their names in the figure."""
    drawn = []
    for name, run in runs.items():
        for backend, measurements in by_backend.items():
            curve = measurements[run, metric]
            values = np.maximum(smoothed(curve.values) if smooth else curve.values, least)
            dash = name in dashed
            line = Line(name, palette[name], curve.x, values, backend, dash=dash, smooth=smooth)
            drawn.append(line)
    return drawn


def ends(by_backend: ByBackend, metric: str) -> dict[str, float]:
    """Each run's mean over the last twentieth in the first backend, lowest first."""
    values = {run: mean(first(by_backend)[run, metric]) for run in first(by_backend).runs(metric)}
    found = {run: float(v[-max(1, len(v) // 20) :].mean()) for run, v in values.items()}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def table(by_backend: ByBackend, metric: str, x: str) -> Table:
    """Means over the seeds at eleven x at most, a column for each run and backend."""
    columns = [(run, backend) for run in first(by_backend).runs(metric) for backend in by_backend]
    curves = [by_backend[backend][run, metric] for run, backend in columns]
    values = [dict(zip(curve.x.tolist(), mean(curve), strict=True)) for curve in curves]
    at = curves[0].x[spaced(len(curves[0].x))].tolist()
    header = [Text(x), *(say("{run}, {backend}", run=named(r), backend=b) for r, b in columns)]
    return Table(header, [[number(i), *(number(v.get(i, np.nan)) for v in values)] for i in at])


def spaced(count: int, most: int = 11) -> list[int]:
    """Indices of at most ``most`` of ``count`` rows, the first and the last among them.

    >>> spaced(5, 3)
    [0, 2, 4]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def lowest_and_highest(template: str, found: Mapping[str, float]) -> Text:
    """A sentence on the first and last of some runs."""
    low, *_, high = [*found, *found]  # one may be both
    shown = {"low": named(low), "at_low": number(found[low])}
    return say(template, **shown, high=named(high), at_high=number(found[high]))


_HIGHEST = say(
    "In the end the accuracy is highest for: {high} ({at_high}); lowest for: {low} ({at_low})."
)
#: A metric's title, what stands at its axis, and what is said of the runs' ends.
METRICS = {
    "loss": (
        say("Training loss"),
        say("training loss (mean of 21 batches)"),
        say(
            "In the end the training loss is lowest for: {low} ({at_low}); highest for: {high} "
            "({at_high})."
        ),
    ),
    "test accuracy": (say("Accuracy on test images"), say("accuracy on test images"), _HIGHEST),
    "accuracy": (say("Accuracy on training images"), say("accuracy on training images"), _HIGHEST),
}
_ENDS = say("In the end it is lowest for: {low} ({at_low}); highest for: {high} ({at_high}).")


def curves(
    by_backend: ByBackend,
    metric: str,
    x: str = say("iteration"),
    *,
    title: str = "",
    axis: str = "",
    finding: str = "",
    smooth: bool = False,
    least: float = -np.inf,
    palette: Mapping[str, int] | None = None,
    dashed: Collection[str] = (),
    marks: Sequence[Mark] = (),
    **y: Any,
) -> Chart:
    """A metric over x, a curve for each run.

    Args:
        title, axis: of the chart and of its y; ``METRICS`` has those of the usual metrics.
        finding: what is to be seen; if nothing, which run ends lowest and which highest.
        smooth: whether to draw means of 21 values.
        least: what is less is drawn there; for a logarithmic axis.
        palette: the runs' colours.
        dashed: the runs whose curves are, on paper.
        marks: what else is in the panel.
        **y: what its y axis is to be.
    """
    usual, along, ending = METRICS.get(metric, (metric, metric, _ENDS))
    runs = first(by_backend).runs(metric)
    names, palette = {run: run for run in runs}, palette or colors(runs)
    drawn = lines(by_backend, metric, names, palette, smooth=smooth, least=least, dashed=dashed)
    return Chart(
        metric.replace(" ", "-"),
        title or usual,
        finding or lowest_and_highest(ending, ends(by_backend, metric)),
        table(by_backend, metric, x),
        [Panel(Axis(x), Axis(axis or along, **y), [*drawn, *marks])],
    )
