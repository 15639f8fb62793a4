"""Two sides, step by step from the same start, compared as they go."""

from typing import Any

import numpy as np

from scratch import _check
from torch_ref.lockstep.compare.problems import (
    SHAPES,
    Arrays,
    GradientStream,
    Landscape,
    Problem,
    Rosenbrock,
)
from torch_ref.lockstep.compare.report import GRADIENT, PARAMETER, Compared, Report
from torch_ref.lockstep.compare.sides import named_adapter
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, gradients_of
from torch_ref.registry import OPTIMIZERS, SAME_GRADIENTS, OptimizerPair


def lockstep(
    mine: Any,
    theirs: Any,
    problem: Problem | Landscape | None = None,
    *,
    steps: int = 200,
    dtype: np.typing.DTypeLike = np.float64,
    tolerance: float | None = None,
    every: int = 1,
    **settings: Any,
) -> Report:
    """Run both sides and compare parameters and state after ``every`` steps.

    Args:
        mine: an object with ``update(params, grads)``, a subclass of ``torch.optim.Optimizer``, or
            a pair of ``init`` and ``update`` in optax's style.
        theirs: the same; most often a class of ``torch.optim``.
        problem: what gives the gradients; a stream of random, awkward ones if left out. For an
            optimizer that takes a closure it is a landscape; the valley of Rosenbrock.
        steps: how many.
        dtype: of that stream.
        tolerance: the relative distance that is still rounding; the registry's for the problem's
            dtype if left out.
        settings: of ``theirs``, where it is a class of torch.

    >>> import torch
    >>> from scratch.optim import Adam
    >>> lockstep(Adam(lr=0.01), torch.optim.Adam, lr=0.01).agrees
    True
    >>> lockstep(Adam(lr=0.01, eps=1e-7), torch.optim.Adam, lr=0.01).first.quantity
    'parameter'
    """
    steps = _check.integer("steps", steps, at_least=1)
    every, dtype = _check.integer("every", every, at_least=1), _check.floating(dtype)
    if tolerance is not None:
        tolerance = _check.number("tolerance", tolerance, at_least=0)
    if problem is not None:
        _check_problem(problem)
    sides = named_adapter("mine", mine, {}), named_adapter("theirs", theirs, settings)
    pairs = [pair for side in sides if (pair := getattr(side, "pair", None))]
    problem = problem or _default_problem(pairs, dtype)
    if tolerance is None:
        tolerances = pairs[0].tolerance if pairs else SAME_GRADIENTS
        tolerance = tolerances[next(iter(problem.params.values())).dtype.name]
    report = Report(sides[0].name, sides[1].name, tolerance)
    report.start({n: w for n, w in problem.params.items() if n not in problem.undetermined})
    for side in sides:
        side.start(problem.params)
    for step in range(1, steps + 1):
        grads = _step(sides, problem)
        report.steps = step
        if step % every == 0 or step == steps:
            _compare(*sides, problem, grads, report)
    return report


def _check_problem(problem: Problem | Landscape) -> None:
    gives = callable(getattr(problem, "gradients", None) or getattr(problem, "evaluate", None))
    params = getattr(problem, "params", None)
    if not (gives and isinstance(params, dict) and params and hasattr(problem, "undetermined")):
        raise TypeError(
            "problem must have params, undetermined and gradients(mine, theirs), or "
            f"evaluate(params), got {_check.shown(problem)}"
        )


def _step(sides: tuple[Adapter, Adapter], problem: Problem | Landscape) -> tuple[Arrays, Arrays]:
    """Let both sides take a step; returns the gradients that they were given."""
    if "closure" in map(gradients_of, sides):
        if not hasattr(problem, "evaluate"):
            raise TypeError(
                f"problem must be a landscape, with evaluate(params), for {sides[1].name}, which "
                f"takes a closure; got {type(problem).__name__}"
            )
        for side in sides:
            side.minimize(problem.evaluate)
        return {}, {}
    if not hasattr(problem, "gradients"):
        raise TypeError(
            f"problem must have gradients(mine, theirs), as {sides[0].name} and {sides[1].name} "
            f"take them; got {type(problem).__name__}"
        )
    grads: tuple[Arrays, Arrays] = problem.gradients(*(side.params() for side in sides))
    for side, g in zip(sides, grads, strict=True):
        side.step(g)
    return grads


def _default_problem(pairs: list[OptimizerPair], dtype: np.typing.DTypeLike) -> Problem | Landscape:
    """Return a problem that both sides take, given their pairs."""
    gradients = {pair.gradients for pair in pairs}
    if "closure" in gradients:
        return Rosenbrock(dtype=dtype)
    shapes = min((pair.shapes for pair in pairs), key=len, default=SHAPES)
    return GradientStream(shapes, dtype=dtype, awkward=True)


def _compare(
    mine: Adapter,
    theirs: Adapter,
    problem: Problem | Landscape,
    grads: tuple[Arrays, Arrays],
    report: Report,
) -> None:
    """Compare in the order in which a step computes: gradients, buffers, parameters."""
    names = [name for name in problem.params if name not in problem.undetermined]
    my_params, their_params = mine.params(), theirs.params()
    my_state, their_state = mine.state(), theirs.state()
    compared = []
    for name in names:
        if grads[0].get(name) is not None:
            compared.append(Compared(name, GRADIENT, grads[0][name], grads[1][name]))
    for name in names:
        for key, buffer in their_state[name].items():
            found = _counterpart(my_state.get(name, {}), key, mine, theirs)
            # A stranger's buffer is a hint: under one name there may be something else.
            if found is not None and (mine.strict or np.shape(found) == np.shape(buffer)):
                compared.append(Compared(name, key, found, buffer, certain=mine.strict))
    for name in names:
        compared.append(Compared(name, PARAMETER, my_params[name], their_params[name]))
    report.add(*compared)
    with np.errstate(all="ignore"):
        difference = _norm({n: my_params[n] - their_params[n] for n in names})
        size = _norm({n: their_params[n] for n in names})
    report.norm.append(difference / size if size > 0 else 0.0)


def _norm(arrays: Arrays) -> float:
    """The Euclidean norm of all arrays together, in float64: squares overflow in float32."""
    return float(sum(np.square(a, dtype=np.float64).sum() for a in arrays.values())) ** 0.5


def _counterpart(state: Arrays, key: str, mine: Adapter, theirs: Adapter) -> np.ndarray | None:
    """My buffer for torch's ``key``, under torch's name or one that people give it."""
    if mine.strict:
        return state.get(key)
    # A class of one's own may be torch's under its name.
    pair = getattr(theirs, "pair", None) or OPTIMIZERS.get(theirs.name.rpartition(".")[2])
    for alias in (key, *(pair.aliases.get(key, ()) if pair else ())):
        if alias in state:
            return state[alias]
    return None
