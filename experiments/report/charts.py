"""Charts on the page: Plotly draws what ``figures`` describes.

A colour is written ``@3``, the fourth of the palette, ``@3/0.2`` with 20 % of it, ``@text`` and
``@muted``: the page has light and dark ones.
"""

import base64
from collections.abc import Iterator
from functools import singledispatch
from typing import Any

import numpy as np

from experiments.engine import figures

Trace = dict[str, Any]
MOST = 400  # points of a curve: more than a screen shows
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
OTHER = {"scratch": "torch", "torch": "scratch"}
HOVER = "x %{x}, y %{y}: %{z:.3g}<extra></extra>"
SYMBOLS = {"cross": "cross-thin-open", "x": "x-thin-open", "goal": "line-ns-open"}


def as_dict(chart: figures.Chart) -> dict[str, Any]:
    """For the script."""
    choices = choices_of(chart)
    return {
        "panels": [
            {
                "title": panel.title,
                "x": {name: value for name, value in vars(panel.x).items() if value},
                "y": {name: value for name, value in vars(panel.y).items() if value},
                "traces": list(_traces(panel, chart)),
                "rows": list(panel.rows),
                "choice": choices.index(panel.row) if panel.row else None,
                "notes": [{"text": text, "color": f"@{color}"} for text, color in panel.notes],
            }
            for panel in chart.panels
        ],
        "columns": chart.columns,
        "height": chart.height,
    }


def choices_of(chart: figures.Chart) -> list[str]:
    """The rows of panels, of which one is shown at a time."""
    return list(dict.fromkeys(panel.row for panel in chart.panels if panel.row))


def words(chart: figures.Chart) -> list[str]:
    """All that the script writes into the chart and may translate."""
    found = [*chart.groups, *(mark.name for mark in chart.marks() if hasattr(mark, "name"))]
    for panel in chart.panels:
        notes = (text for text, _ in panel.notes)
        found += [panel.title, panel.row, panel.x.title, panel.y.title, *panel.rows, *notes]
    return [*found, *(mark.text for mark in chart.marks(figures.Rule))]


def _traces(panel: figures.Panel, chart: figures.Chart) -> Iterator[Trace]:
    """Plotly's, with the group and the backend by which each is switched off and on."""
    groups = list(chart.groups.values())
    lines = {(m.name, m.backend): m for m in panel.marks if isinstance(m, figures.Line)}
    for mark in panel.marks:
        name, backend = getattr(mark, "name", ""), getattr(mark, "backend", "")
        shared = {"name": name} | ({"backend": backend} if backend else {})
        if getattr(mark, "color", -1) in groups:
            shared["group"] = groups.index(mark.color)
        other = lines.get((name, OTHER.get(backend, "")))
        if other and isinstance(mark, figures.Line) and len(other.mean) == len(mark.mean):
            shared["other"] = pack(other.mean[places(mark)])
        for trace in _drawn(mark, backend if len(chart.backends) > 1 else ""):
            yield shared | trace


def pack(values: Any) -> dict[str, str]:
    """Numbers as Plotly takes them in base64: half the size of text, and NaN is a gap."""
    array = np.asarray(values).astype("<f4")  # the lowest byte of each first
    packed = {"dtype": "f4", "bdata": base64.b64encode(array.tobytes()).decode()}
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


def places(mark: figures.Line) -> np.ndarray:
    """Indices of the points of a curve that are drawn."""
    if mark.smooth:
        return np.unique(np.linspace(0, len(mark.mean) - 1, MOST).astype(int))
    return thinned(mark.mean)


@singledispatch
def _drawn(mark: figures.Mark, beside: str) -> list[Trace]:
    """A mark's traces; ``beside`` is its backend where there are two."""
    raise TypeError(f"{type(mark).__name__} is not a mark of a panel")


@_drawn.register
def _(mark: figures.Line, beside: str) -> list[Trace]:
    """Torch's thin line lies on scratch's broad one, so that both are always seen."""
    mean, broad, at = mark.mean, beside == "scratch", places(mark)
    color = f"@{mark.color}/0.4" if broad else f"@{mark.color}"
    dash = "solid" if broad or mark.markers else DASHES[mark.color % len(DASHES)]
    trace = {
        "type": "scatter",
        "mode": "lines+markers" if mark.markers else "lines",
        "x": pack(mark.x[at]),
        "y": pack(mean[at]),
        "line": {"color": color, "dash": dash, "width": 6 if broad else 2},
    }
    if mark.markers:
        trace["marker"] = {"color": color, "symbol": mark.color, "size": 7 if broad else 5}
    band = _band(mark, at)
    return [band, trace] if band else [trace]


def _band(mark: figures.Line, at: np.ndarray) -> Trace | None:
    some = at[np.isfinite(mark.mean[at])]
    if len(mark.values) < 2 or not some.size:
        return None
    (low, high), x = (end[some] for end in mark.band), mark.x[some]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": pack(np.concatenate([x, x[::-1]])),
        "y": pack(np.concatenate([high, low[::-1]])),
        "fill": "toself",
        "fillcolor": f"@{mark.color}/0.15",
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


@_drawn.register
def _(mark: figures.Points, beside: str) -> list[Trace]:
    color = f"@{mark.color}" if mark.color >= 0 else "@text"
    large = mark.symbol in SYMBOLS
    marker = {"color": color, "size": 13 if large else 9}
    marker["symbol"] = SYMBOLS.get(mark.symbol, max(mark.color, 0))
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": pack(mark.x),
        "y": pack(mark.y),
        "marker": marker | ({"line": {"width": 2.5, "color": color}} if large else {}),
    }
    if mark.texts:
        trace["text"] = list(mark.texts)
    if mark.spread:
        low, high = mark.spread
        trace["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": pack(np.subtract(high, mark.x)),
            "arrayminus": pack(np.subtract(mark.x, low)),
            "color": color,
            "thickness": 1.5,
        }
    return [trace]


@_drawn.register
def _(mark: figures.Bars, beside: str) -> list[Trace]:
    """Filled; torch's, beside scratch's, as their outline."""
    trace = {"x": pack(mark.x), "y": pack(mark.heights)}
    if beside == "torch":
        line = {"shape": "hvh", "color": "@text", "width": 1}
        return [trace | {"type": "scatter", "mode": "lines", "line": line}]
    return [trace | {"type": "bar", "marker": {"color": f"@{mark.color}/0.6"}}]


def _grid(mark: figures.Grid, **shown: Any) -> list[Trace]:
    return [{"x": pack(mark.x), "y": pack(mark.y), "z": pack(mark.z), "showscale": False} | shown]


@_drawn.register
def _(mark: figures.Contours, beside: str) -> list[Trace]:
    """Lines as a map has them."""
    scale = [[0, "@muted"], [1, "@muted"]]
    look = {"contours": {"coloring": "lines"}, "line": {"width": 0.7}, "ncontours": 14}
    return _grid(mark, type="contour", colorscale=scale, hoverinfo="skip", **look)


@_drawn.register
def _(mark: figures.Surface3D, beside: str) -> list[Trace]:
    return _grid(mark, type="heatmap", colorscale="Viridis", zsmooth="best", hovertemplate=HOVER)


@_drawn.register
def _(mark: figures.Heat, beside: str) -> list[Trace]:
    return _grid(mark, type="heatmap", colorscale="Cividis", zsmooth="best", hovertemplate=HOVER)


@_drawn.register
def _(mark: figures.Arrows, beside: str) -> list[Trace]:
    """Lines that end in arrowheads."""
    to_x, to_y, gap = mark.x + mark.dx, mark.y + mark.dy, np.full_like(mark.x, np.nan)
    shared = {"type": "scatter", "hoverinfo": "skip"}
    lines = shared | {
        "mode": "lines",
        "x": pack(np.stack([mark.x, to_x, gap], 1).ravel()),
        "y": pack(np.stack([mark.y, to_y, gap], 1).ravel()),
        "line": {"color": "@text", "width": 1},
    }
    angle = pack(np.degrees(np.arctan2(mark.dx, mark.dy)))
    marker = {"symbol": "arrow", "size": 6, "color": "@text", "angle": angle}
    return [lines, shared | {"mode": "markers", "x": pack(to_x), "y": pack(to_y), "marker": marker}]


@_drawn.register
def _(mark: figures.Rule, beside: str) -> list[Trace]:
    """The script draws it across the panel, however far that goes."""
    place = {"x": mark.x, "y": mark.y}
    return [{"type": "rule", "name": mark.text, "text": mark.text, **place}]
