"""Section 6.1.3: the anisotropic bowl f(x, y) = x²/20 + y², on which SGD is slow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import new_figure
from experiments.engine.measurements import Measurements


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


def grid(seed: Seed, metric: str) -> np.ndarray:
    """A metric as a table, a row for each y."""
    return np.array([values for (_, name), values in seed.items() if name == metric])


def points_elsewhere(seed: Seed) -> tuple[bool, str]:
    """The angle between −∇f and the way to the minimum."""
    dx, dy = grid(seed, "df/dx"), grid(seed, "df/dy")
    x, y = 10 * dx, dy / 2  # the gradient's inverse, so that the claim needs nothing else
    with np.errstate(invalid="ignore"):
        cosine = (dx * x + dy * y) / (np.hypot(dx, dy) * np.hypot(x, y))
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    share = float(np.nanmean(angle > 30))
    return share > 0.5, f"{share:.0%} of the plane is more than 30° off"


def plot(by_backend: Mapping[str, Measurements], settings: Settings) -> Figure:
    """The surface, its contours, and the field of −∇f."""
    seed = next(iter(by_backend.values())).of_seed(0)
    x = np.linspace(-settings.x_limit, settings.x_limit, settings.points)
    y = np.linspace(-settings.y_limit, settings.y_limit, settings.points)
    figure, axes = new_figure(
        "f(x, y) = x²/20 + y²: steep in y, flat in x", 1, 3, figsize=(13, 4.2)
    )
    axes[0, 0].remove()
    surface = figure.add_subplot(1, 3, 1, projection="3d")
    surface.plot_surface(*np.meshgrid(x, y), grid(seed, "f"), cmap="viridis", lw=0)
    surface.set(xlabel="x", ylabel="y", title="the surface")
    surface.set_zlabel("f")
    fine = np.meshgrid(np.linspace(x[0], x[-1], 200), np.linspace(y[0], y[-1], 200))
    contours = axes[0, 1].contour(*fine, f(*fine), levels=[0.2, 1, 3, 6, 10, 16, 24])
    axes[0, 1].clabel(contours, fontsize=7)
    axes[0, 1].set(xlabel="x", ylabel="y", title="contours of f")
    few = slice(None, None, max(1, settings.points // 20))
    arrows = (-grid(seed, metric)[few, few] for metric in ("df/dx", "df/dy"))
    axes[0, 2].quiver(x[few], y[few], *arrows, angles="xy", color="#444444", width=0.003)
    axes[0, 2].plot(0, 0, "+", ms=12, mew=2, color="#D55E00", label="minimum")
    axes[0, 2].set(xlabel="x", ylabel="y", title="−∇f points at y = 0, not at the minimum")
    axes[0, 2].legend(loc="upper right")
    return figure


EXPERIMENT = Experiment(
    name="surface",
    section="6.1.3",
    title="the bowl x²/20 + y²: the gradient does not point at the minimum",
    settings=Settings(),
    quick=Settings(points=21),
    measure=measure,
    plot=plot,
    claims=(
        Claim(
            "in most places the gradient does not point at the minimum: it is more than 30° off",
            points_elsewhere,
        ),
    ),
)
