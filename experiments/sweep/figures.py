"""The loss against the learning rate, and all of it as a map."""

import math
from collections.abc import Mapping

import numpy as np

from experiments.engine import figures
from experiments.engine.drawing import COLORS
from experiments.engine.experiment import label
from experiments.sweep.plan import Architecture, Sweep, architectures
from experiments.sweep.report import Losses, best_of, capped

TICKS = (0.1, 0.2, 0.5, 1, 2)


def best_lr(by_backend: Mapping[str, Losses], settings: Sweep, classes: int) -> figures.Figure:
    """A panel for each architecture, a curve for each optimizer with a band over the seeds."""
    guessing = math.log(classes)
    lowest = min(
        capped(curves, classes).mean(axis=1).min()
        for losses in by_backend.values()
        for curves in losses.values()
    )
    y = figures.Axis("training loss", log=True, range=(0.8 * lowest, 1.25 * guessing), ticks=TICKS)
    panels = [
        figures.Panel(
            figures.Axis("learning rate", log=True),
            y,
            [
                *_curves(by_backend, settings, classes, each),
                figures.Rule(y=guessing, text="guessing"),
            ],
            str(each),
        )
        for each in architectures(settings)
    ]
    columns = len(settings.inits)
    chart = figures.Chart("best-lr", "", panels=panels, columns=columns, size=(3.6, 2.5))
    title = f"the loss after {settings.iterations} iterations against the learning rate"
    return figures.Figure(title, [chart])


def _curves(
    by_backend: Mapping[str, Losses],
    settings: Sweep,
    classes: int,
    architecture: Architecture,
) -> list[figures.Mark]:
    marks: list[figures.Mark] = []
    palette = figures.colors([label(optimizer) for optimizer in settings.optimizers])
    rates = np.array(settings.rates)
    for optimizer in settings.optimizers:
        name, color = label(optimizer), palette[label(optimizer)]
        for backend, losses in by_backend.items():
            curves = capped(losses[optimizer, architecture], classes)
            best = best_of(settings.rates, curves.mean(axis=1), classes)
            again = color >= len(COLORS)  # where the colours begin again
            marks.append(figures.Line(name, color, rates, curves.T, backend, dash=again))
            if best.learns:
                marks.append(
                    figures.Points("the best rate", color, [best.lr], [best.loss], "circle")
                )
    return marks


def heat_map(losses: Losses, settings: Sweep, classes: int) -> figures.Figure:
    """A panel for each optimizer, a row for each architecture, a column for each rate."""
    rows, guessing = architectures(settings), math.log(classes)
    means = {
        optimizer: np.array([capped(losses[optimizer, a], classes).mean(axis=1) for a in rows])
        for optimizer in settings.optimizers
    }
    lowest = min(float(mean.min()) for mean in means.values())
    at = np.arange(len(settings.rates)), np.arange(len(rows))
    panels = []
    for optimizer, mean in means.items():
        lost = np.array([np.isnan(losses[optimizer, a]).any(axis=1) for a in rows])
        best = [best_of(settings.rates, each, classes) for each in mean]
        learning = [row for row, each in enumerate(best) if each.learns]
        places = [settings.rates.index(best[row].lr) for row in learning]
        limits = min(lowest, 0.9 * guessing), guessing
        map_ = figures.Heat(*at, mean, "training loss", log=True, range=limits)
        diverged = figures.Points("a seed diverged", -1, *reversed(lost.nonzero()), "x")
        marks = [map_, diverged, figures.Points("the row's best", -1, places, learning, "circle")]
        panels.append(
            figures.Panel(
                figures.Axis("learning rate"),
                figures.Axis(range=(len(rows) - 0.5, -0.5)),
                marks,
                label(optimizer),
                rows=[str(row) for row in rows],
                columns=[f"{rate:.2g}" for rate in settings.rates],
            )
        )
    size = (2.6 + 3 / len(panels), 1.8 + 0.27 * len(rows))
    chart = figures.Chart("heat-map", "", panels=panels, columns=len(panels), size=size)
    title = f"the loss after {settings.iterations} iterations (dark: learned, bright: guessing)"
    return figures.Figure(title, [chart])
