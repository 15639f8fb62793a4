"""Figures on paper: matplotlib draws what ``figures`` describes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Paper
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from experiments.engine import figures

#: Okabe and Ito's colours, told apart by the colour-blind too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
NARROWEST = (8.0, 3.0)  # inches: a title has room
SYMBOLS = {"": "o", "circle": "o", "cross": "+", "x": "x"}
#: Side by side, torch's thin line lies on scratch's broad one, so that both are always seen.
ALONE = {"lw": 1.4}
BESIDE = {"scratch": {"lw": 3.4, "alpha": 0.4}, "torch": {"lw": 0.9}}

_STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "figure.dpi": 130,
    "font.size": 10,
    "grid.alpha": 0.25,
}


def save(paper: Paper, path: Path) -> None:
    """Write the figure as its name's ending says; the same picture is the same file.

    The first file decides where everything stands, and the others of the figure have it there too.
    """
    with mpl.rc_context({"svg.hashsalt": "lockstep"}):
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        paper.savefig(path, facecolor="white", metadata=metadata)
    paper.set_layout_engine("none")


def draw(figure: figures.Figure) -> Paper:
    """The charts beside or below each other, drawn without a display."""
    charts = figure.charts
    sizes = np.array([np.multiply(_shape(chart)[::-1], chart.size) for chart in charts])
    along = 1 if figure.stacked else 0  # the direction in which the charts follow each other
    size = sizes.max(axis=0)
    size[along] = sizes[:, along].sum()
    with mpl.rc_context(_STYLE):
        paper = Paper(figsize=np.maximum(size, NARROWEST))
        paper.suptitle(figure.title, fontsize=12)
        if figure.stacked:
            parts = paper.subfigures(len(charts), 1, squeeze=False, height_ratios=sizes[:, 1])
        else:
            parts = paper.subfigures(1, len(charts), squeeze=False, width_ratios=sizes[:, 0])
        told: list[list[str]] = []
        for part, chart in zip(parts.flat, charts, strict=True):
            _chart(part, chart, told)
    return paper


def _shape(chart: figures.Chart) -> tuple[int, int]:
    return -(-len(chart.panels) // chart.columns), chart.columns


def _chart(part: SubFigure, chart: figures.Chart, told: list[list[str]]) -> None:
    places, every = part.add_gridspec(*_shape(chart)), []
    shared = [name for name in "xy" if _common(name, chart.panels)]
    for i, panel in enumerate(chart.panels):
        share = {f"share{name}": every[0] for name in shared if every}
        share |= {"projection": "3d"} if panel.solid else {}
        every.append(part.add_subplot(places[i], **share))
        _panel(every[i], chart, i)
    _color_bar(part, chart, every)
    handles = [*_handles(chart)]
    if (labels := [handle.get_label() for handle in handles]) and labels not in told:
        told.append(labels)  # beside a chart that tells the same, it is told once
        if len(every) == 1:
            every[0].legend(handles=handles)
        else:
            columns = min(4, 2 * chart.columns)
            part.legend(handles=handles, loc="outside lower center", ncols=columns)


def _panel(axes: Axes, chart: figures.Chart, i: int) -> None:
    panel, columns = chart.panels[i], chart.columns
    below = chart.panels[i + columns] if i + columns < len(chart.panels) else None
    left = chart.panels[i - 1] if i % columns else None
    for mark in panel.marks:
        _draw(mark, axes, _stroke(chart, mark))
    _axis(axes, "x", panel, below)
    _axis(axes, "y", panel, left)
    _categories(axes, panel, left is None)
    if not panel.row or i < columns:
        axes.set_title(panel.title)
    for line, (text, color) in enumerate(panel.notes):
        place = {"transform": axes.transAxes, "ha": "center", "fontsize": 8}
        axes.text(0.5, 0.9 - 0.12 * line, text, color=_color(color), **place)


def _axis(axes: Axes, name: str, panel: figures.Panel, beside: figures.Panel | None) -> None:
    """Scale, range and ticks; what is written where the panel beside does not say the same."""
    axis = getattr(panel, name)
    if beside is None or getattr(beside, name).title != axis.title:
        axes.set(**{f"{name}label": axis.title})
    if beside is not None and _common(name, [panel, beside]):
        axes.tick_params(**{"labelbottom" if name == "x" else "labelleft": False})
    axes.set(**{f"{name}scale": "log"} if axis.log else {})
    axes.set(**{f"{name}lim": axis.range} if axis.range else {})
    if axis.ticks:
        _at(axes, name, axis.ticks, [f"{tick:g}" for tick in axis.ticks])


def _common(name: str, panels: Sequence[figures.Panel]) -> bool:
    """Whether they have one axis: x wherever it is the same, y only where its range is given."""
    axes = [getattr(panel, name) for panel in panels]
    same = axes.count(axes[0]) == len(axes) and not any(panel.solid for panel in panels)
    return same and (name == "x" or axes[0].range is not None)


def _categories(axes: Axes, panel: figures.Panel, first: bool) -> None:
    """Names in place of numbers: of the row, of what is at y = 0, 1, 2 … and at x likewise."""
    if panel.row or panel.rows:
        axes.grid(visible=False)
    if panel.row or (panel.rows and first):  # the others have the first one's axis
        _at(axes, "y", range(len(panel.rows)), panel.rows)
    if panel.row and first:
        axes.set_ylabel(panel.row.replace(", ", "\n"), rotation=0, ha="right", va="center")
    if panel.columns:
        few = range(0, len(panel.columns), -(-len(panel.columns) // 5))
        _at(axes, "x", few, [panel.columns[k] for k in few])
        axes.tick_params(axis="x", labelrotation=45)


def _at(axes: Axes, name: str, places: Sequence[float], labels: Sequence[str]) -> None:
    """Ticks at the places and nowhere else."""
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_minor_locator(NullLocator())
    axis.set_ticks(list(places), list(labels), fontsize=8)


def _stroke(chart: figures.Chart, mark: figures.Mark) -> Mapping[str, Any]:
    """How broad and how pale a backend's lines are."""
    backend = getattr(mark, "backend", "")
    return BESIDE[backend] if backend and len(chart.backends) > 1 else ALONE


def _color(index: int) -> str:
    return COLORS[index % len(COLORS)] if index >= 0 else "black"


def _draw(mark: figures.Mark, axes: Axes, stroke: Mapping[str, Any]) -> None:
    match mark:
        case figures.Line():
            _line(mark, axes, stroke)
        case figures.Points():
            axes.plot(mark.x, mark.y, **_marker(mark.symbol, mark.color))
        case figures.Bars():
            _bars(mark, axes, outlined=stroke is BESIDE["torch"])
        case figures.Surface3D():
            axes.plot_surface(*np.meshgrid(mark.x, mark.y), mark.z, cmap="viridis", lw=0)
            axes.set_zlabel(mark.title)
        case figures.Contours():
            axes.contour(mark.x, mark.y, mark.z, 12, colors="#cccccc", linewidths=0.8)
        case figures.Heat():
            axes.grid(visible=False)
            norm = LogNorm() if mark.log else None
            axes.pcolormesh(mark.x, mark.y, mark.z, norm=norm, cmap="viridis", rasterized=True)
        case figures.Arrows():
            arrows = mark.x, mark.y, mark.dx, mark.dy
            axes.quiver(*arrows, angles="xy", color="#444444", width=0.003)
        case figures.Rule(x=None):
            axes.axhline(mark.y, color="gray", lw=0.8)
        case figures.Rule():
            axes.axvline(mark.x, color="gray", lw=0.8)
        case _:
            raise TypeError(f"{type(mark).__name__} is not a mark of a panel")


def _line(mark: figures.Line, axes: Axes, stroke: Mapping[str, Any]) -> None:
    style = {"color": _color(mark.color), "ls": "--" if mark.dash else "-", **stroke}
    if mark.markers:
        style |= {"marker": "o", "ms": 2 + stroke["lw"] / 2, "mew": 0}
    axes.plot(mark.x, mark.mean, **style)
    if len(mark.values) > 1:
        axes.fill_between(mark.x, *mark.band, color=style["color"], alpha=0.12, lw=0)


def _marker(symbol: str, color: int) -> dict[str, Any]:
    """A point in a colour; in none it is white with a dark edge, and lines are dark."""
    size = {"cross": {"ms": 12, "mew": 2}, "x": {"ms": 3.5, "mew": 0.8}}.get(symbol, {"ms": 5})
    filled = symbol not in ("cross", "x")
    face, edge = (_color(color), "white") if color >= 0 else ("white", "black")
    edge = edge if filled else _color(color)
    return {"ls": "", "marker": SYMBOLS[symbol], "mfc": face, "mec": edge, **size}


def _bars(mark: figures.Bars, axes: Axes, outlined: bool) -> None:
    """Filled; torch's, beside scratch's, as their outline."""
    step = mark.x[1] - mark.x[0]
    edges = np.append(mark.x - step / 2, mark.x[-1] + step / 2)
    if outlined:
        axes.stairs(mark.heights, edges, color="black", lw=0.9)
    else:
        axes.stairs(mark.heights, edges, fill=True, color=_color(mark.color), alpha=0.45)


def _color_bar(part: SubFigure, chart: figures.Chart, every: Sequence[Axes]) -> None:
    """One scale for all the heat maps of a chart."""
    if not (heats := list(chart.marks(figures.Heat))):
        return
    meshes = [m for axes in every for m in axes.collections if isinstance(m, QuadMesh)]
    values = np.concatenate([heat.z.ravel() for heat in heats])
    for mesh in meshes:
        mesh.set_clim(*(heats[0].range or (np.nanmin(values), np.nanmax(values))))
    bar = part.colorbar(meshes[-1], ax=[m.axes for m in meshes], label=heats[0].title, pad=0.01)
    if heats[0].log:
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_major_formatter("{x:g}")
        bar.ax.yaxis.set_minor_locator(NullLocator())


def _handles(chart: figures.Chart) -> Iterator[Line2D | Patch]:
    """The legend: the runs, unless each panel's title names its own, other marks, the backends."""
    lines = {mark.name: mark for mark in chart.marks(figures.Line)}
    names = [{m.name for m in panel.marks if isinstance(m, figures.Line)} for panel in chart.panels]
    if len(names) == 1 or any(mine == next_ones for mine, next_ones in pairwise(names)):
        for name, line in lines.items():
            dashes = "--" if line.dash else "-"
            yield Line2D([], [], color=_color(line.color), ls=dashes, lw=2.5, label=name)
    for name, mark in {mark.name: mark for mark in chart.marks(figures.Points)}.items():
        several = len({m.color for m in chart.marks(figures.Points) if m.name == name}) > 1
        color = {"mfc": "gray"} if several else {}
        yield Line2D([], [], label=name, **_marker(mark.symbol, mark.color) | color)
    for text in {mark.text: None for mark in chart.marks(figures.Rule) if mark.text}:
        yield Line2D([], [], color="gray", lw=0.8, label=text)
    for backend in chart.backends if len(chart.backends) > 1 else ():
        if backend == "scratch" and any(chart.marks(figures.Bars)):
            yield Patch(color="gray", alpha=0.45, label=backend)
        else:
            yield Line2D([], [], color="black", label=backend, **BESIDE[backend])
