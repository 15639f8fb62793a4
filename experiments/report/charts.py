"""A chart as the page's script draws it with Plotly, and as a table says it in numbers.

A colour is written ``@3``, the fourth of the palette, ``@3/0.2`` with 20 % of it, ``@text`` and
``@muted``: the page has light and dark ones.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.engine.figures import smoothed
from experiments.engine.measurements import Curve
from experiments.report.texts import Text

Trace = dict[str, Any]
MOST = 400  # points of a curve: more than a screen shows
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")


@dataclass(frozen=True)
class Axis:
    """What is along an axis; ``ticks`` are where Plotly's own would be hard to read."""

    title: str = ""
    log: bool = False
    range: tuple[float, float] | None = None
    ticks: tuple[float, ...] = ()


@dataclass
class Panel:
    """One set of axes.

    Attributes:
        rows: what stands at y = 0, 1, 2 …, from the top, in place of numbers.
    """

    x: Axis
    y: Axis
    title: str = ""
    traces: list[Trace] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """Numbers in rows, the first cell of each naming it."""

    header: tuple[Text | str, ...]
    rows: list[tuple[Text | str, ...]]


@dataclass
class Chart:
    """Panels that share their controls.

    Attributes:
        name: unique on the page.
        title: what is shown.
        finding: what is to be seen in it, for those who do not see it, too.
        table: the same in numbers.
        groups: the names of what can be switched on and off; a trace's ``group`` is its index.
        sides: the backends; a trace's ``side`` is one of them.
        choices: of which one is shown at a time; a trace's ``choice`` is its index.
        columns: of panels, at most.
        height: of a panel, in pixels.
    """

    name: str
    title: Text
    finding: Text
    table: Table
    panels: list[Panel]
    groups: list[str] = field(default_factory=list)
    sides: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    chooses: str = ""
    columns: int = 2
    height: int = 340

    def as_dict(self) -> dict[str, Any]:
        """For the script."""
        return {
            "panels": [
                {
                    "title": panel.title,
                    "x": vars(panel.x),
                    "y": vars(panel.y),
                    "traces": panel.traces,
                    "rows": panel.rows,
                }
                for panel in self.panels
            ],
            "groups": self.groups,
            "sides": self.sides,
            "choices": self.choices,
            "columns": self.columns,
            "height": self.height,
        }

    def words(self) -> list[str]:
        """All that the script writes into the chart and may translate."""
        axes = [a.title for panel in self.panels for a in (panel.x, panel.y)]
        names = [trace["name"] for panel in self.panels for trace in panel.traces]
        rows = [row for panel in self.panels for row in panel.rows]
        titles = [panel.title for panel in self.panels]
        return [*axes, *names, *rows, *titles, *self.groups, *self.choices]


def pack(values: Any, dtype: str = "f4") -> dict[str, str]:
    """Numbers as Plotly takes them in base64: half the size of text, and NaN is a gap."""
    array = np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<"))
    packed = {"dtype": dtype, "bdata": base64.b64encode(array.tobytes()).decode()}
    return packed | ({"shape": ",".join(map(str, array.shape))} if array.ndim > 1 else {})


def thinned(values: np.ndarray, most: int = MOST) -> np.ndarray:
    """Indices of at most ``most`` points that keep the lowest and the highest of each stretch.

    >>> thinned(np.array([0.0, 9.0, 1.0, 2.0, -5.0, 3.0, 0.0, 0.0]), most=4)
    array([0, 1, 4, 7])
    """
    if len(values) <= most:
        return np.arange(len(values))
    kept = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), max(1, (most - 2) // 2)):
        finite = part[np.isfinite(values[part])]
        if finite.size:
            kept |= {int(finite[values[finite].argmin()]), int(finite[values[finite].argmax()])}
    return np.array(sorted(kept))


def curve_traces(
    curve: Curve,
    run: str,
    group: int,
    side: str,
    beside: bool,
    *,
    smooth: bool = False,
    least: float | None = None,
    choice: int | None = None,
) -> list[Trace]:
    """The mean over the seeds as a line, and the lowest to the highest seed as a band.

    Args:
        beside: whether the other backend is in the chart: then torch's thin line lies on
            scratch's broad one, so that both are always seen.
        least: what is less is drawn there; for a logarithmic axis.
    """
    values = smoothed(curve.values) if smooth else curve.values
    if least is not None:
        values = np.maximum(values, least)
    finite = np.where(np.isfinite(values), values, np.nan)
    with np.errstate(all="ignore"):
        counts = np.isfinite(finite).sum(axis=0)
        mean = np.where(counts > 0, np.nansum(finite, axis=0) / counts, np.nan)
    at = np.unique(np.linspace(0, len(mean) - 1, MOST).astype(int)) if smooth else thinned(mean)
    shared = {"type": "scatter", "name": run, "group": group, "side": side, "choice": choice}
    line = {"color": f"@{group}", "dash": DASHES[group % len(DASHES)], "width": 2}
    if beside and side == "scratch":
        line |= {"width": 6, "color": f"@{group}/0.4", "dash": "solid"}
    x = pack(curve.x[at])
    drawn = [shared | {"mode": "lines", "x": x, "y": pack(mean[at]), "line": line}]
    if len(values) > 1 and np.isfinite(mean).any():
        drawn.insert(0, shared | _band(curve.x[at], finite[:, at], group))
    return drawn


def _band(x: np.ndarray, values: np.ndarray, group: int) -> Trace:
    some = np.isfinite(values).any(axis=0)
    x, values = x[some], values[:, some]
    outline = np.concatenate([np.nanmax(values, axis=0), np.nanmin(values, axis=0)[::-1]])
    return {
        "mode": "lines",
        "x": pack(np.concatenate([x, x[::-1]])),
        "y": pack(outline),
        "fill": "toself",
        "fillcolor": f"@{group}/0.15",
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def spaced(count: int, most: int = 11) -> list[int]:
    """Indices of at most ``most`` of ``count`` rows, the first and the last among them.

    >>> spaced(5, 3)
    [0, 2, 4]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def contour(x: Sequence[float], y: Sequence[float], z: np.ndarray) -> Trace:
    """Contour lines of z (len(y), len(x)), as a map has them."""
    return {
        "type": "contour",
        "name": "",
        "x": pack(x),
        "y": pack(y),
        "z": pack(z),
        "showscale": False,
        "contours": {"coloring": "lines"},
        "colorscale": [[0, "@muted"], [1, "@muted"]],
        "line": {"width": 0.7},
        "ncontours": 14,
        "hoverinfo": "skip",
    }
