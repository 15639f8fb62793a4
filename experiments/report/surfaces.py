"""Functions of two variables to walk down: the chapter's bowl, and seven that are harder."""

from dataclasses import dataclass

from experiments.engine.texts import Text, say

Place = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """A function.

    Attributes:
        name: in links.
        title: for people.
        formula: as it is shown, and as the page reads it; the gradient follows from it.
        start: where every path begins.
        minima: what it should come to.
        x, y: what the picture must have in it.
    """

    name: str
    title: Text
    formula: str
    start: Place
    minima: tuple[Place, ...]
    x: Place
    y: Place


SURFACES = (
    Surface(
        "bowl",
        say("the chapter's bowl"),
        "x²/20 + y²",
        (-7.0, 2.0),
        ((0.0, 0.0),),
        (-10.0, 10.0),
        (-5.0, 5.0),
    ),
    Surface(
        "rosenbrock",
        say("Rosenbrock's valley"),
        "(1 − x)² + 100·(y − x²)²",
        (-1.2, 1.0),
        ((1.0, 1.0),),
        (-2.0, 2.0),
        (-1.0, 2.0),
    ),
    Surface(
        "beale",
        say("Beale's plain"),
        "(1.5 − x + x·y)² + (2.25 − x + x·y²)² + (2.625 − x + x·y³)²",
        (-1.0, 1.5),
        ((3.0, 0.5),),
        (-4.5, 4.5),
        (-2.5, 2.5),
    ),
    Surface(
        "saddle",
        say("a saddle"),
        "x²/2 − y²/2 + y⁴/4",
        (-1.5, 0.001),
        ((0.0, 1.0), (0.0, -1.0)),
        (-2.0, 2.0),
        (-1.6, 1.6),
    ),
    Surface(
        "himmelblau",
        say("Himmelblau's four minima"),
        "(x² + y − 11)² + (x + y² − 7)²",
        (-0.5, -0.5),
        (
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        (-6.0, 6.0),
        (-5.0, 5.0),
    ),
    Surface(
        "rastrigin",
        say("many hollows, as Rastrigin's"),
        "(x² + y²)/10 + 2 − cos(3·x) − cos(3·y)",
        (3.4, -2.6),
        ((0.0, 0.0),),
        (-5.0, 5.0),
        (-3.5, 3.5),
    ),
    Surface(
        "camel",
        say("a camel with three humps"),
        "2·x² − 1.05·x⁴ + x⁶/6 + x·y + y²",
        (-1.8, 1.6),
        ((0.0, 0.0),),
        (-2.4, 2.4),
        (-2.0, 2.0),
    ),
    Surface(
        "plateau",
        say("a plateau, where gradients vanish"),
        "1 − exp(−(x² + 4·y²)/6)",
        (4.0, 1.4),
        ((0.0, 0.0),),
        (-5.0, 5.0),
        (-3.0, 3.0),
    ),
)
