"""Functions of two variables to walk down: the chapter's bowl, and three that are harder."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from experiments import surface
from experiments.engine.texts import say

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]
Gradient = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Surface:
    """A function with its gradient.

    Attributes:
        name: in the page's script.
        title, formula: for people.
        start: where every path begins.
        minima: what it should come to.
        x, y: the picture.
        sharpen: applied to f − min f before contours are drawn, so that they show the valley.
    """

    name: str
    title: str
    formula: str
    f: Field
    gradient: Gradient
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    x: tuple[float, float]
    y: tuple[float, float]
    sharpen: Callable[[np.ndarray], np.ndarray] = np.sqrt


def rosenbrock(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(1 − x)² + 100·(y − x²)², a valley that bends (Rosenbrock 1960)."""
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def rosenbrock_gradient(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rise = y - x * x
    return -2 * (1 - x) - 400 * x * rise, 200 * rise


def beale(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A plain between walls, with the minimum at (3, 0.5) (Beale 1958)."""
    return sum((c - x + x * y**k) ** 2 for k, c in _BEALE)


def beale_gradient(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    terms = [(c - x + x * y**k, y**k - 1, k * x * y ** (k - 1)) for k, c in _BEALE]
    return (
        sum(2 * value * by_x for value, by_x, _ in terms),
        sum(2 * value * by_y for value, _, by_y in terms),
    )


_BEALE = ((1, 1.5), (2, 2.25), (3, 2.625))


def saddle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x²/2 − y²/2 + y⁴/4: flat at the saddle point (0, 0), lowest at (0, ±1)."""
    return x**2 / 2 - y**2 / 2 + y**4 / 4


def saddle_gradient(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x + 0 * y, y**3 - y + 0 * x


SURFACES = (
    Surface(
        "bowl",
        say("the chapter's bowl"),
        "x²/20 + y²",
        surface.f,
        surface.gradient,
        (-7.0, 2.0),
        ((0.0, 0.0),),
        (-10.0, 10.0),
        (-5.0, 5.0),
    ),
    Surface(
        "rosenbrock",
        say("Rosenbrock's valley"),
        "(1 − x)² + 100·(y − x²)²",
        rosenbrock,
        rosenbrock_gradient,
        (-1.2, 1.0),
        ((1.0, 1.0),),
        (-2.0, 2.0),
        (-1.0, 3.0),
        lambda z: np.log(z + 0.1),
    ),
    Surface(
        "beale",
        say("Beale's plain"),
        "(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
        beale,
        beale_gradient,
        (-1.0, 1.5),
        ((3.0, 0.5),),
        (-4.5, 4.5),
        (-4.5, 4.5),
        lambda z: np.log(z + 0.1),
    ),
    Surface(
        "saddle",
        say("a saddle"),
        "x²/2 − y²/2 + y⁴/4",
        saddle,
        saddle_gradient,
        (-1.5, 0.001),
        ((0.0, 1.0), (0.0, -1.0)),
        (-2.0, 2.0),
        (-2.0, 2.0),
    ),
)
