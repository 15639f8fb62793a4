"""Sections 6.1.3 to 6.1.7: the way each optimizer takes down the bowl x²/20 + y²."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.engine.experiment import Claim, Context, Experiment, Seed, label
from experiments.engine.figures import COLORS, backend_handles, new_figure, strokes
from experiments.engine.measurements import Measurements
from experiments.surface import f, gradient


def _optimizers() -> dict[str, dict[str, Any]]:
    """The chapter's four with its learning rates, and two more to compare them with."""
    return {
        "SGD": {"lr": 0.95},
        "Momentum": {"lr": 0.1},
        "AdaGrad": {"lr": 1.5},
        "chapter.Adam": {"lr": 0.3},
        "RMSProp": {"lr": 0.3, "decay_rate": 0.9},
        "Nesterov": {"lr": 0.1},
    }


LEVELS = (0.1, 0.5, 1, 2, 4, 7, 11, 16)


@dataclass(frozen=True)
class Settings:
    """The chapter's start and number of steps."""

    start: tuple[float, float] = (-7.0, 2.0)
    steps: int = 30
    optimizers: dict[str, dict[str, Any]] = field(default_factory=_optimizers)


def measure(context: Context) -> Measurements:
    """x, y and f after every step."""
    settings, measurements = context.settings, Measurements()
    for name, options in settings.optimizers.items():
        optimizer = context.backend.optimizer(name, **options)
        params = {k: context.backend.number(v) for k, v in zip("xy", settings.start, strict=True)}
        path = [settings.start]
        for _ in range(settings.steps):
            grads = dict(zip("xy", gradient(params["x"], params["y"]), strict=True))
            optimizer.update(params, grads)
            path.append((float(params["x"]), float(params["y"])))
        x, y = np.array(path).T
        for metric, values in (("x", x), ("y", y), ("f", f(x, y))):
            repeated = np.tile(values, (len(context.seeds), 1))
            measurements.add(label(name), metric, range(len(path)), repeated)
            if context.watched:
                context.watched.add(label(name), f"path/{metric}", range(len(path)), repeated)
    return measurements


def turns(seed: Seed, run: str) -> int:
    """How often y changes its direction: a zigzag's corners."""
    steps = np.sign(np.diff(seed[run, "y"]))
    steps = steps[steps != 0]
    return int(np.sum(steps[1:] != steps[:-1]))


def sway(seed: Seed, run: str) -> float:
    """How far y goes in all, up and down."""
    return float(np.abs(np.diff(seed[run, "y"])).sum())


def length(seed: Seed, run: str) -> float:
    """How long the path is."""
    return float(np.hypot(np.diff(seed[run, "x"]), np.diff(seed[run, "y"])).sum())


def sgd_zigzags(seed: Seed) -> tuple[bool, str]:
    count = turns(seed, "SGD")
    return count >= 25, f"{count} turns"


def momentum_zigzags_less(seed: Seed) -> tuple[bool, str]:
    sgd, momentum = turns(seed, "SGD"), turns(seed, "Momentum")
    return momentum < sgd / 2, f"turns: SGD {sgd}, Momentum {momentum}"


def adagrad_is_direct(seed: Seed) -> tuple[bool, str]:
    lengths = {run: length(seed, run) for run in ("SGD", "Momentum", "AdaGrad", "Adam")}
    shown = ", ".join(f"{run} {value:.1f}" for run, value in lengths.items())
    down = float(seed["AdaGrad", "f"][-1] / seed["AdaGrad", "f"][0])
    holds = min(lengths, key=lengths.get) == "AdaGrad" and down < 0.01
    return holds, f"path lengths: {shown}; AdaGrad ends at {down:.1g} of the first f"


def adam_sways_less(seed: Seed) -> tuple[bool, str]:
    momentum, adam = sway(seed, "Momentum"), sway(seed, "Adam")
    return adam < momentum, f"way in y: Momentum {momentum:.1f}, Adam {adam:.1f}"


def plot(by_backend: Mapping[str, Measurements], settings: Settings) -> Figure:
    """A panel for each optimizer: its path over the contours."""
    figure, axes = new_figure(
        f"The first {settings.steps} steps from ({settings.start[0]:g}, {settings.start[1]:g}) "
        "down f(x, y) = x²/20 + y²",
        2,
        3,
        figsize=(12, 6.4),
        share=True,
    )
    grid = np.meshgrid(np.linspace(-10, 10, 200), np.linspace(-4, 4, 120))
    runs = settings.optimizers.items()
    for panel, (name, options), color in zip(axes.flat, runs, COLORS, strict=False):
        run = label(name)
        panel.contour(*grid, f(*grid), levels=LEVELS, colors="#cccccc", linewidths=0.8)
        for backend, stroke in strokes(by_backend).items():
            x, y = (by_backend[backend][run, axis].values[0] for axis in "xy")
            panel.plot(x, y, color=color, marker="o", ms=2 + stroke["lw"] / 2, mew=0, **stroke)
        panel.plot(0, 0, "+", ms=12, mew=2, color="black")
        panel.set_title(f"{run}, " + ", ".join(f"{k} {v:g}" for k, v in options.items()))
    for panel in axes[1]:
        panel.set_xlabel("x")
    for panel in axes[:, 0]:
        panel.set_ylabel("y")
    if handles := backend_handles(by_backend):
        axes[0, 0].legend(handles=handles, loc="upper right")
    return figure


EXPERIMENT = Experiment(
    name="optimizer-paths",
    section="6.1.3–6.1.7",
    title="the way each optimizer takes down the bowl",
    settings=Settings(),
    quick=Settings(),
    measure=measure,
    plot=plot,
    claims=(
        Claim("SGD zigzags: it turns in y at least 25 times in 30 steps", sgd_zigzags),
        Claim("Momentum zigzags less: it turns less than half as often", momentum_zigzags_less),
        Claim(
            "AdaGrad goes most directly: it gets down to 1 % of f on the shortest path of four",
            adagrad_is_direct,
        ),
        Claim("Adam sways less in y than Momentum", adam_sways_less),
    ),
)
