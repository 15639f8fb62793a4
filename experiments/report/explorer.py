"""Every path that the explorer can show, computed by ``scratch`` and packed for the page.

A path is 100 steps from the surface's start. It is kept as 16-bit numbers between its own lowest
and highest x and y, so that what is shown is exact to a hundred-thousandth of its extent; where it
comes farther than a hundred pictures away it has diverged, and ends.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments import optimizer_paths
from experiments.engine.experiment import label
from experiments.report.charts import encoded, pack
from experiments.report.surfaces import SURFACES, Surface
from scratch import optim
from torch_ref.registry import OPTIMIZERS

STEPS = 100
RATES = (
    *(1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1),
    *(0.2, 0.3, 0.5, 0.7, 0.95, 1.2, 1.5, 2.0, 3.0),
)
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
FAR = 100  # pictures
HIGHEST = 2**16 - 1


@dataclass(frozen=True)
class Path:
    """One path.

    Attributes:
        points: (steps + 1, 2), the start among them; fewer where it diverged.
    """

    points: np.ndarray

    @property
    def diverged(self) -> bool:
        return len(self.points) <= STEPS


def names() -> list[str]:
    """The optimizers that the experiment ``optimizer-paths`` has."""
    return list(optimizer_paths.EXPERIMENT.settings.optimizers)


def optimizer(name: str, rates: float | np.ndarray, momentum: float) -> optim.Optimizer:
    """One of them, by hand, with its learning rates."""
    pair = OPTIMIZERS[name]
    settings = {pair.momentum: momentum} if pair.momentum else {}
    return pair.scratch(lr=rates, **settings)


def paths(name: str, momentum: float) -> list[list[Path]]:
    """For each surface, a path for each of the rates; all are walked at once."""
    rates = np.array(RATES)
    stepper = optimizer(name, rates, momentum)
    # An optimizer takes every number alone: (rates, x and y of every surface) is one parameter.
    starts = [value for surface in SURFACES for value in surface.start]
    params = {"w": np.tile(np.array(starts), (len(rates), 1))}
    far = FAR * np.array([max(s.x[1] - s.x[0], s.y[1] - s.y[0]) for s in SURFACES])
    alive = np.ones((len(rates), len(SURFACES)), bool)
    points, lengths = [params["w"].copy()], alive.astype(int)
    for _ in range(STEPS):
        # A path that has ended is not to stop the others: an optimizer refuses inf.
        grads = np.where(np.repeat(alive, 2, axis=1), _gradients(params["w"]), 0)
        stepper.update(params, {"w": grads})
        points.append(params["w"].copy())
        alive &= np.abs(params["w"]).reshape(len(rates), -1, 2).max(axis=2) < far
        lengths += alive
    every = np.stack(points, axis=1)
    return [
        [Path(every[i, : lengths[i, k], 2 * k : 2 * k + 2]) for i in range(len(rates))]
        for k in range(len(SURFACES))
    ]


@np.errstate(all="ignore")  # where one has diverged
def _gradients(w: np.ndarray) -> np.ndarray:
    columns = []
    for k, surface in enumerate(SURFACES):
        columns += surface.gradient(w[:, 2 * k], w[:, 2 * k + 1])
    return np.stack(columns, axis=1)


def as_dict() -> dict[str, Any]:
    """All of it for the page's script."""
    found = {
        name: {momentum: paths(name, momentum) for momentum in momenta(name)} for name in names()
    }
    return {
        "steps": STEPS,
        "rates": RATES,
        "momenta": MOMENTA,
        "optimizers": [
            {"name": label(name), "momentum": OPTIMIZERS[name].momentum} for name in names()
        ],
        "surfaces": [
            _surface(surface, {o: {m: p[k] for m, p in by.items()} for o, by in found.items()})
            for k, surface in enumerate(SURFACES)
        ],
    }


def momenta(name: str) -> tuple[float, ...]:
    """The values of what plays momentum's part; one if there is nothing like it."""
    return MOMENTA if OPTIMIZERS[name].momentum else MOMENTA[:1]


def _surface(surface: Surface, found: dict[str, dict[float, list[Path]]]) -> dict[str, Any]:
    x, y = (np.linspace(*limits, 61) for limits in (surface.x, surface.y))
    z = surface.f(*np.meshgrid(x, y))
    return {
        "name": surface.name,
        "title": surface.title,
        "formula": surface.formula,
        "start": surface.start,
        "minima": surface.minima,
        "limits": {"x": surface.x, "y": surface.y},
        "suggested": [_suggested(surface, name, by) for name, by in found.items()],
        "contour": {"x": pack(x), "y": pack(y), "z": pack(surface.sharpen(z - z.min()))},
        **_packed([path for by in found.values() for of in by.values() for path in of]),
    }


def _suggested(surface: Surface, name: str, found: dict[float, list[Path]]) -> tuple[int, int]:
    """Indices of the rate and the momentum to begin with: the chapter's, on its bowl.

    Elsewhere the rate that comes lowest, with the momentum that the chapter has.
    """
    chapters = optimizer_paths.EXPERIMENT.settings.optimizers[name]
    known = OPTIMIZERS[name].momentum
    momentum = chapters.get(known, 0.9) if known else MOMENTA[0]
    if surface.name == "bowl":
        return RATES.index(chapters["lr"]), MOMENTA.index(momentum)
    ends = [
        np.inf if path.diverged else float(surface.f(*path.points[-1])) for path in found[momentum]
    ]
    return int(np.argmin(ends)), MOMENTA.index(momentum)


def _packed(found: list[Path]) -> dict[str, Any]:
    """Points as unsigned 16-bit numbers within each path's own frame, and the frames."""
    points = np.zeros((len(found), STEPS + 1, 2), np.uint16)
    frames = np.zeros((len(found), 4), np.float32)
    for i, path in enumerate(found):
        low, high = path.points.min(axis=0), path.points.max(axis=0)
        scale = np.where(high > low, high - low, 1)
        quantized = np.round((path.points - low) / scale * HIGHEST)
        points[i, : len(path.points)] = quantized
        frames[i] = low[0], scale[0], low[1], scale[1]
    return {
        "points": encoded(points, "u2"),
        "frames": encoded(frames, "f4"),
        "counts": [len(path.points) for path in found],
    }
