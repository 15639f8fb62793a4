"""Section 6.1.3: the anisotropic bowl f(x, y) = x²/20 + y², on which SGD is slow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.engine import figures
from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.measurements import Key, Measurements
from experiments.engine.texts import Text, number, say


def f(x: Any, y: Any) -> Any:
    """The chapter's function; its minimum is at (0, 0)."""
    return x**2 / 20 + y**2


def gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """(∂f/∂x, ∂f/∂y), by hand."""
    return x / 10, 2 * y


@dataclass(frozen=True)
class Settings:
    """The chapter's window, and how fine to look."""

    x_limit: float = 10.0
    y_limit: float = 5.0
    points: int = 41


def measure(context: Context) -> Measurements:
    """f and its gradient on a grid: a run for each y, values over x."""
    settings, measurements = context.settings, Measurements()
    xs = np.linspace(-settings.x_limit, settings.x_limit, settings.points)
    for y in np.linspace(-settings.y_limit, settings.y_limit, settings.points):
        ys = np.full_like(xs, y)
        dx, dy = context.backend.derivative(f, gradient, xs, ys)
        for metric, values in (("f", f(xs, ys)), ("df/dx", dx), ("df/dy", dy)):
            measurements.add(f"y={y:g}", metric, xs, np.tile(values, (len(context.seeds), 1)))
    return measurements


def grid(measurements: Mapping[Key, Any], metric: str) -> np.ndarray:
    """A metric as a table, a row for each y."""
    return np.array([values for (_, name), values in measurements.items() if name == metric])


def off(x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """By how many degrees −∇f misses the minimum."""
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (dx * x + dy * y) / (np.hypot(dx, dy) * np.hypot(x, y))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def points_elsewhere(seed: Seed) -> tuple[bool, Text]:
    """The angle between −∇f and the way to the minimum."""
    dx, dy = grid(seed, "df/dx"), grid(seed, "df/dy")
    x, y = 10 * dx, dy / 2  # the gradient's inverse, so that the claim needs nothing else
    share = float(np.nanmean(off(x, y, dx, dy) > 30))
    return share > 0.5, say("{share} of the plane is more than 30° off", share=f"{share:.0%}")


def figure(by_backend: figures.ByBackend, settings: Settings) -> figures.Figure:
    """The surface, its contours with the field of −∇f, and how far that is off."""
    measured = figures.first(by_backend)
    runs = measured.runs("f")
    x = measured[runs[0], "f"].x
    y = np.linspace(-settings.y_limit, settings.y_limit, len(runs))
    z, dx, dy = (measured.table(runs, metric) for metric in ("f", "df/dx", "df/dy"))
    xs, ys = np.meshgrid(x, y)
    angle, degrees = off(xs, ys, dx, dy), say("degrees off the minimum")
    few = slice(None, None, max(1, len(x) // 16))
    length = 1.1 / max(float(np.hypot(dx, dy).max()), 1e-12)
    arrows = (values[few, few].ravel() for values in (xs, ys, -length * dx, -length * dy))
    field = [
        figures.Contours(x, y, np.sqrt(z)),
        figures.Arrows("−∇f", *arrows),
        figures.Points(say("minimum"), -1, [0], [0], "cross"),
    ]
    across = figures.Axis("x", range=(-settings.x_limit, settings.x_limit))
    up = figures.Axis("y", range=(-settings.y_limit, settings.y_limit))
    shown = {
        say("the surface"): [figures.Surface3D(x, y, z, "f")],
        say("contours and −∇f"): field,
        degrees: [figures.Heat(x, y, angle, degrees)],
    }
    rows = [
        (f"{x[j]:g}, {y[i]:g}", number(z[i, j]), number(angle[i, j]))
        for i in figures.spaced(len(y), 3)
        for j in figures.spaced(len(x), 4)
        if np.isfinite(angle[i, j])
    ]
    chart = figures.Chart(
        "field",
        say("f(x, y) = x²/20 + y², and where −∇f points"),
        say(
            "The arrows point at the line y = 0 and not at the minimum: on average {angle}° off.",
            angle=f"{np.nanmean(angle):.0f}",
        ),
        figures.Table((say("x, y"), say("f"), degrees), rows),
        [figures.Panel(across, up, marks, title) for title, marks in shown.items()],
        columns=3,
        size=(4.4, 4.0),
        height=320,
    )
    return figures.Figure("f(x, y) = x²/20 + y²: steep in y, flat in x", [chart])


EXPERIMENT = Experiment(
    name="surface",
    section="6.1.3",
    title=say("the bowl x²/20 + y²: the gradient does not point at the minimum"),
    settings=Settings(),
    quick=Settings(points=21),
    measure=measure,
    figure=figure,
    claims=(
        Claim(
            "in most places the gradient does not point at the minimum: it is more than 30° off",
            points_elsewhere,
        ),
    ),
)
