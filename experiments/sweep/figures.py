"""The loss against the learning rate, and all of it as a map."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from experiments.engine.experiment import label
from experiments.engine.figures import ALONE, BESIDE, COLORS, new_figure
from experiments.sweep.plan import Settings, architectures
from experiments.sweep.report import Losses, best_of, capped


def best_lr(by_backend: Mapping[str, Losses], settings: Settings, classes: int) -> Figure:
    """A panel for each architecture, a curve for each optimizer with a band over the seeds."""
    columns = len(settings.inits)
    panels = architectures(settings)
    rows = len(panels) // columns
    figure, axes = new_figure(
        f"the loss after {settings.iterations} iterations against the learning rate",
        rows,
        columns,
        figsize=(max(6.5, 3.6 * columns), 2.3 * rows + 1.2),
        share=True,
    )
    for panel, architecture in zip(axes.flat, panels, strict=True):
        for optimizer, style in _styled(settings).items():
            for backend, losses in by_backend.items():
                stroke = BESIDE[backend] if len(by_backend) > 1 else ALONE
                curves = capped(losses[optimizer, architecture], classes)
                _draw(panel, settings, curves, style | stroke)
                best = best_of(settings.rates, curves.mean(axis=1), classes)
                if best.learns:
                    panel.plot(
                        best.lr, best.loss, "o", color=style["color"], ms=5, mec="white", mew=0.7
                    )
        panel.axhline(math.log(classes), color="gray", lw=0.8)
        panel.set_title(str(architecture), fontsize=9)
    lowest = min(
        capped(curves, classes).mean(axis=1).min()
        for losses in by_backend.values()
        for curves in losses.values()
    )
    axes[0, 0].set(xscale="log", yscale="log", ylim=(0.8 * lowest, 1.25 * math.log(classes)))
    _plain_ticks(axes[0, 0].yaxis)
    for panel in axes[-1]:
        panel.set_xlabel("learning rate")
    for panel in axes[:, 0]:
        panel.set_ylabel("training loss")
    figure.legend(handles=_handles(settings, by_backend), loc="outside lower center", ncols=4)
    return figure


def heat_map(losses: Losses, settings: Settings, classes: int) -> Figure:
    """A panel for each optimizer, a row for each architecture, a column for each rate."""
    rows = architectures(settings)
    means = np.array(
        [
            [capped(losses[optimizer, a], classes).mean(axis=1) for a in rows]
            for optimizer in settings.optimizers
        ]
    )
    figure, axes = new_figure(
        f"the loss after {settings.iterations} iterations (dark: learned, bright: guessing)",
        1,
        len(settings.optimizers),
        figsize=(3 + 2.6 * len(settings.optimizers), 1.8 + 0.27 * len(rows)),
    )
    scale = colors.LogNorm(min(means.min(), 0.9 * math.log(classes)), math.log(classes))
    for i, (panel, optimizer) in enumerate(zip(axes[0], settings.optimizers, strict=True)):
        image = panel.imshow(means[i], norm=scale, cmap="viridis", aspect="auto")
        panel.set(title=label(optimizer), xlabel="learning rate")
        panel.grid(visible=False)
        lost = [np.isnan(losses[optimizer, a]).any(axis=1) for a in rows]
        _mark(panel, settings, means[i], np.array(lost), classes)
        step = max(1, -(-len(settings.rates) // 5))
        places = range(0, len(settings.rates), step)
        names = [f"{settings.rates[k]:.2g}" for k in places]
        panel.set_xticks(list(places), names, rotation=45, ha="right")
        panel.set_yticks(range(len(rows)), [str(row) for row in rows] if i == 0 else [])
        panel.tick_params(labelsize=8, length=2)
    bar = figure.colorbar(image, ax=list(axes[0]), label="training loss", fraction=0.03, pad=0.01)
    _plain_ticks(bar.ax.yaxis)
    figure.legend(
        handles=[
            Line2D([], [], ls="", marker="o", mfc="white", mec="black", label="the row's best"),
            Line2D([], [], ls="", marker="x", color="black", label="a seed diverged"),
        ],
        loc="outside lower center",
        ncols=2,
    )
    return figure


def _plain_ticks(axis: Axis) -> None:
    """Ticks at 0.1, 0.2, 0.5, 1, 2, 5 …, written like that."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def _draw(panel: Axes, settings: Settings, curves: np.ndarray, stroke: Mapping[str, Any]) -> None:
    """The mean over the seeds, and a band from the lowest to the highest."""
    mean = curves.mean(axis=1)
    panel.plot(settings.rates, mean, **stroke)
    panel.fill_between(
        settings.rates,
        curves.min(axis=1),
        curves.max(axis=1),
        color=stroke["color"],
        alpha=0.15,
        lw=0,
    )


def _mark(
    panel: Axes, settings: Settings, means: np.ndarray, lost: np.ndarray, classes: int
) -> None:
    """A dot in each row that learns, at its best rate; a cross where a seed diverged."""
    y, x = lost.nonzero()
    panel.plot(x, y, "x", color="black", ms=3.5, mew=0.8)
    for row, losses in enumerate(means):
        best = best_of(settings.rates, losses, classes)
        if best.learns:
            at = settings.rates.index(best.lr)
            panel.plot(at, row, "o", mfc="white", mec="black", ms=4.5, mew=0.7)


def _styled(settings: Settings) -> dict[str, dict[str, str]]:
    """For each optimizer its colour; where they begin again, other dashes."""
    dashes = ("-", "--", ":")
    return {
        name: {"color": COLORS[i % len(COLORS)], "ls": dashes[i // len(COLORS) % len(dashes)]}
        for i, name in enumerate(settings.optimizers)
    }


def _handles(settings: Settings, by_backend: Mapping[str, Losses]) -> list[Line2D]:
    handles = [
        Line2D([], [], **style, lw=2.5, label=label(name))
        for name, style in _styled(settings).items()
    ]
    handles.append(Line2D([], [], ls="", marker="o", color="gray", label="the best rate"))
    handles.append(Line2D([], [], color="gray", lw=0.8, label="guessing"))
    if len(by_backend) > 1:
        handles += [
            Line2D([], [], color="black", label=name, **BESIDE[name]) for name in by_backend
        ]
    return handles
