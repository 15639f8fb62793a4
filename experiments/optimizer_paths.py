"""Sections 6.1.3 to 6.1.7: the path each optimizer takes down the bowl x²/20 + y²."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.engine import figures
from experiments.engine.experiment import Claim, Context, Experiment, Seed, label
from experiments.engine.measurements import Measurements
from experiments.engine.texts import Text, joined, named, say
from experiments.engine.verdicts import listed
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


def sgd_zigzags(seed: Seed) -> tuple[bool, Text]:
    count = turns(seed, "SGD")
    return count >= 25, say("{count} turns", count=count)


def momentum_zigzags_less(seed: Seed) -> tuple[bool, Text]:
    sgd, momentum = turns(seed, "SGD"), turns(seed, "Momentum")
    return momentum < sgd / 2, say(
        "turns: SGD {sgd}, Momentum {momentum}", sgd=sgd, momentum=momentum
    )


def adagrad_is_direct(seed: Seed) -> tuple[bool, Text]:
    lengths = {run: length(seed, run) for run in ("SGD", "Momentum", "AdaGrad", "Adam")}
    down = float(seed["AdaGrad", "f"][-1] / seed["AdaGrad", "f"][0])
    holds = min(lengths, key=lengths.get) == "AdaGrad" and down < 0.01
    return holds, say(
        "path lengths: {lengths}; AdaGrad ends at {down} of the first f",
        lengths=listed(lengths, ".1f"),
        down=f"{down:.1g}",
    )


def adam_sways_less(seed: Seed) -> tuple[bool, Text]:
    momentum, adam = sway(seed, "Momentum"), sway(seed, "Adam")
    return adam < momentum, say(
        "way in y: {ways}", ways=listed({"Momentum": momentum, "Adam": adam}, ".1f")
    )


def figure(by_backend: figures.ByBackend, settings: Settings) -> figures.Figure:
    """A panel for each optimizer: its path over the contours."""
    x, y = np.linspace(-10, 10, 60), np.linspace(-4, 4, 40)
    # Of the root, so that they lie closer where f is small.
    contours = figures.Contours(x, y, np.sqrt(f(*np.meshgrid(x, y))))
    minimum = figures.Points(say("minimum"), -1, [0], [0], "cross")
    across, up = figures.Axis("x", range=(-10, 10)), figures.Axis("y", range=(-4, 4))
    panels = []
    for name, options in settings.optimizers.items():
        run, paths = label(name), []
        for backend, measured in by_backend.items():
            xs, ys = (measured.table([run], axis) for axis in "xy")
            color = figures.colors([run])[run]
            paths.append(figures.Line(run, color, xs[0], ys, backend, markers=True))
        title = joined([named(run), *(f"{k} {v:g}" for k, v in options.items())], ", ")
        panels.append(figures.Panel(across, up, [contours, *paths, minimum], title))
    ending = say(
        "After the last step f is lowest with {low} ({at_low}), highest with {high} ({at_high})."
    )
    chart = figures.Chart(
        "",
        say("The paths from (−7, 2) down f(x, y) = x²/20 + y²"),
        figures.lowest_and_highest(ending, figures.ends(by_backend, "f")),
        figures.table(by_backend, "f", say("step")),
        panels,
        columns=3,
        size=(4.0, 3.0),
        height=230,
    )
    start = ", ".join(f"{value:g}" for value in settings.start)
    title = f"The first {settings.steps} steps from ({start}) down f(x, y) = x²/20 + y²"
    return figures.Figure(title, [chart])


EXPERIMENT = Experiment(
    name="optimizer-paths",
    section="6.1.3–6.1.7",
    title=say("the path each optimizer takes down the bowl"),
    settings=Settings(),
    quick=Settings(),
    measure=measure,
    figure=figure,
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
