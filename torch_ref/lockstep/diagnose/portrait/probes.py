"""The properties, each with how it is read off; and the rows of those that differ."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from torch_ref.lockstep.diagnose.portrait.experiment import (
    HALF,
    LATE,
    SCALES,
    SLOW,
    STEPS,
    Measurement,
)
from torch_ref.lockstep.diagnose.portrait.fits import (
    dampening,
    epsilon,
    moments,
    narrowest,
    power,
    series,
    short,
)
from torch_ref.lockstep.result import Row

#: Reads a property off an experiment.
Reading = Callable[[Measurement], str]


def _first_step(run: Measurement) -> str:
    return short(run.moves["steady"][0, 0])


def _steady(run: Measurement) -> str:
    moves = run.moves["steady"][:, 0]
    return series(moves / moves[0]) if moves[0] else "no step"


def _impulse(run: Measurement) -> str:
    return moments(run.moves["impulse"][:, 0])


def _late(run: Measurement) -> str:
    first, late = run.moves["steady"][0, 0], run.moves["late"][LATE - 1, 0]
    return short(late / first) + " times the first step" if first else "no step"


def _lr_inside(run: Measurement) -> str:
    """What a step after the impulse is, if lr is halved in the meantime."""
    if run.halved is None:
        return "lr cannot be changed"
    whole, halved = (moves["impulse"][HALF - 1, 0] for moves in (run.moves, run.halved))
    return f"{short(halved / whole)} times the step" if whole else "no step"


def _scale(run: Measurement) -> str:
    moves = run.moves["scaled"][0]
    return power(moves[-3], moves[-1], 100.0)


def _epsilon(step: int) -> Reading:
    def read(run: Measurement) -> str:
        moves = run.moves["scaled"][step]
        if not moves[-1] or moves[-1] > 2 * moves[-3]:
            return "no scale to hold it against"
        return epsilon(SCALES, moves)

    return read


def _decay(name: str) -> Reading:
    def read(run: Measurement) -> str:
        sizes, moves = run.start[name].ravel(), run.moves[name][0]
        if not moves.any():
            return "stay"
        shares = moves / sizes
        if np.ptp(shares) < 1e-3 * np.abs(shares).max():
            return (
                f"{'shrink' if shares[0] > 0 else 'grow'} by {short(abs(shares[0]))} of themselves"
            )
        return f"move by {series(moves)}, whatever their size"

    return read


def _together(run: Measurement) -> str:
    """What one element's gradient changes in the first step, beside its own move."""
    changed = run.moves["uneven"][0] != run.moves["one changed"][0]
    at = np.argwhere(changed.reshape(3, 4))
    others = [(int(i), int(j)) for i, j in at if (i, j) != (0, 0)]
    if not others:
        return "that element's step alone"
    if len(others) == 3 and all(i == 0 for i, _ in others):
        return "its row's steps"
    return "the steps of the whole matrix" if len(others) > 5 else "its row's and column's steps"


def _dampening(run: Measurement) -> str:
    moves = run.moves["scaled"][0]
    if abs(moves[-1] / moves[-3] - 100.0) > 1e-3:
        return "no momentum of one decay"
    return dampening(run.moves["impulse"][:, 0], run.moves["steady"][:, 0])


def _precision(run: Measurement) -> str:
    narrow = narrowest(run.moves["odd"][0])
    named = {"float64": "double precision", "float32": "no more than single precision"}
    return named.get(narrow, f"no more than {narrow}")


def _repeats(run: Measurement) -> str:
    if run.repeats:
        return "yes"
    narrow = narrowest(run.moves["odd"][0])
    # From zero a move is a weight.
    return "no" if narrow == "float64" else f"no: it is rounded to {narrow}, as if at random"


def _missing(run: Measurement) -> str:
    two = {name: np.ones(run.shape((2,))) for name in ("a", "b")}
    after = run.after(two, {"a": np.ones(run.shape((2,))), "b": None})  # type: ignore[dict-item]
    if after is None:
        return "refused"
    return "the parameter stays" if np.array_equal(after["b"], two["b"]) else "the parameter moves"


def _infinite(run: Measurement) -> str:
    w, g = np.ones(run.shape((2,))), np.ones(run.shape((2,)))
    g.flat[0] = np.inf
    after = run.after({"w": w}, {"w": g})
    if after is None:
        return "refused"
    return f"the weight becomes {after['w'].flat[0]:.3g}"


def _takes(shape: tuple[int, ...]) -> Reading:
    def read(run: Measurement) -> str:
        after = run.after({"w": np.ones(shape)}, {"w": np.ones(shape)})
        return "refused" if after is None or after["w"].shape != shape else "taken"

    return read


#: What is measured, in words, and how.
PROBES: tuple[tuple[str, Reading], ...] = (
    ("the first step, of a gradient of 1", _first_step),
    ("steps under a constant gradient, in first steps", _steady),
    ("after one gradient, then zeros", _impulse),
    ("the dampening of later gradients", _dampening),
    (f"a first gradient at step {LATE}", _late),
    ("a step after an impulse, if lr is halved before it", _lr_inside),
    ("for a gradient 100 times as large, a step is", _scale),
    ("ε at the first step", _epsilon(0)),
    (f"ε at step {STEPS}", _epsilon(-1)),
    ("matrices without a gradient", _decay("matrix")),
    ("vectors without a gradient", _decay("vector")),
    ("one element's larger gradient changes", _together),
    ("computed in", _precision),
    ("the same input gives the same output", _repeats),
    ("a missing gradient", _missing),
    ("an infinite gradient", _infinite),
    ("a parameter of no elements", _takes((0,))),
    ("a parameter without axes", _takes(())),
)


#: How many of them, the last, need a run of their own.
OTHER_RUNS = 4


class Portrait(NamedTuple):
    """What was measured.

    Attributes:
        rows: in which two sides differ.
        left_out: a sentence on what was not measured, and why; or nothing.
    """

    rows: list[Row]
    left_out: str


def portrait(mine: Any, theirs: Any, axes: int = 0) -> Portrait:
    """The rows in which two sides differ, as measured.

    Args:
        mine, theirs: sides of a run.
        axes: that a parameter must have; 0 for any number.

    >>> from scratch.optim import Adam
    >>> from torch_ref.lockstep.compare.sides import as_adapter
    >>> sides = (as_adapter(Adam(betas=(0.9, beta))) for beta in (0.99, 0.999))
    >>> for row in portrait(*sides).rows:
    ...     print(row.property, "|", row.mine, "|", row.theirs)
    after one gradient, then zeros | as two averages do: β₁ = 0.9, β₂ = 0.99 | as ... β₂ = 0.999
    a first gradient at step 6 | 0.5163 times the first step | 0.5221 times the first step
    """
    with np.errstate(all="ignore"):
        sides = Measurement(mine, axes), Measurement(theirs, axes)
        slow = any(side.slow for side in sides)
        probes = PROBES[:-OTHER_RUNS] if slow else PROBES
        read = ((name, *(probe(side) for side in sides)) for name, probe in probes)
        rows = [Row(name, mine, theirs) for name, mine, theirs in read if mine != theirs]
    return Portrait(rows, _left_out() if slow else "")


def _left_out() -> str:
    names = ", ".join(name for name, _ in PROBES[-OTHER_RUNS:])
    return f"not measured, since {STEPS} steps took more than {SLOW:g} s of computing: {names}"
