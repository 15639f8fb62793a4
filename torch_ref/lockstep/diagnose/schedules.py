"""Checking a learning rate schedule against one of ``torch.optim.lr_scheduler``, step by step."""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from scratch import _check
from scratch.optim import SGD
from torch_ref import registry
from torch_ref.extras import has_torch
from torch_ref.lockstep.candidates.candidate import name_of, parameters_of
from torch_ref.lockstep.candidates.reference import SCHEDULE, find
from torch_ref.lockstep.compare.report import PARAMETER, Compared, Report
from torch_ref.lockstep.compare.sides import is_torchs
from torch_ref.lockstep.diagnose.search import closest, search, within
from torch_ref.lockstep.finding import Variant
from torch_ref.lockstep.result import Result
from torch_ref.registry import SchedulePair

#: Relative to the largest lr so far. Torch computes some schedules, the cosine among them, each
#: step from the last, and so gathers rounding errors that a formula of the step does not have.
TOLERANCE = 1e-10

VARIANTS = (
    Variant(
        "one step ahead",
        "torch's lr before the first scheduler.step() is that of step 0",
        {"shift": 1},
    ),
    Variant(
        "one step behind",
        "torch's lr after k calls of scheduler.step() is that of step k, not k − 1",
        {"shift": -1},
    ),
    Variant(
        "steps counted from 1",
        "torch counts the steps from 0: the first lr is that of step 0",
        {"shift": "from 1"},
    ),
    Variant(
        "a factor instead of the lr",
        "torch's lr is the factor times the base lr, as LambdaLR multiplies",
        {"factor": True},
    ),
)


def check_schedule(
    candidate: Any,
    against: str | type | Callable[[Any], Any],
    *,
    lr: float = 0.1,
    steps: int = 200,
    **settings: Any,
) -> Result:
    """Compare a schedule with torch's at every step, and name the cause if they diverge.

    Args:
        candidate: a function of the step, counted from 0, that returns the lr; or an object with
            ``step()`` and ``lr`` or ``get_last_lr()``, or its class. A class or function that has
            parameters called ``lr`` (or ``base_lr``, ``initial_lr``) or as in ``settings`` is
            given these; one whose first parameter is ``optimizer`` is given an optimizer. An
            object is copied, but for a scheduler of torch, which is stepped.
        against: the name of a class of ``torch.optim.lr_scheduler``, the class, or a function
            that makes a scheduler for an optimizer.
        lr: the base lr.
        steps: how many are compared.
        settings: of torch's class.

    Returns:
        A result whose ``first`` counts steps from 0.

    Raises:
        TypeError: the candidate is neither of these.
        ValueError: torch has no such scheduler.

    >>> check_schedule(lambda step: 0.1 * 0.9**step, "ExponentialLR", gamma=0.9).agrees
    True
    >>> early = check_schedule(lambda step: 0.1 * 0.9 ** (step + 1), "ExponentialLR", gamma=0.9)
    >>> early.findings[0].names
    ('one step ahead',)
    """
    steps = _check.integer("steps", steps, at_least=1)
    lr = _check.number("lr", lr, at_least=0)
    factory, theirs_name = _torch_factory(against, settings)
    theirs = _take(_stepped(factory(_optimizer(lr))), steps)
    mine, error = _mine(candidate, lr, steps, settings)
    tolerance = TOLERANCE
    report = Report(name_of(candidate), theirs_name, tolerance)
    for step in range(steps):
        report.steps = step
        report.add(Compared("lr", PARAMETER, mine[step : step + 1].reshape(()), theirs[step]))
    verdict = Result(
        report.mine,
        theirs_name,
        SCHEDULE,
        f"{report.mine} agrees with {theirs_name} at {steps:,} steps: at most "
        f"{report.worst.relative:.1e} of the largest lr",
        report.first,
        notes=[f"at step 0 it raised {error!r}"] if error else [],
    )
    if not verdict.agrees:
        fit = within(lambda changes: _distance(mine, theirs, lr, tolerance, **changes), tolerance)
        verdict.explain(closest(search(VARIANTS, fit)[0]), "alone or in pairs")
    return verdict


def _distance(
    mine: np.ndarray,
    theirs: np.ndarray,
    lr: float,
    tolerance: float,
    shift: int | str = 0,
    factor: bool = False,
) -> float:
    """Return how far my lrs are from torch's, read with a shift or divided by the base lr."""
    theirs = theirs / lr if factor else theirs
    if len(theirs) < 3:
        return math.inf  # too few to tell a shift by
    scale = np.abs(theirs).max()
    if shift == 1:
        apart = mine[:-1] - theirs[1:]
    elif shift == -1:
        apart = mine - np.concatenate([theirs[:1], theirs[:-1]])
    elif shift == "from 1":
        if abs(mine[0] - theirs[0]) <= tolerance * scale:
            return math.inf  # step 0 is known to it
        apart = mine[1:] - theirs[:-1]
    else:
        apart = mine - theirs
    distance = float(np.abs(apart).max() / scale)
    return math.inf if math.isnan(distance) else distance


def _mine(
    candidate: Any, lr: float, steps: int, settings: dict[str, Any]
) -> tuple[np.ndarray, Exception | None]:
    """The candidate's lrs; and its error at step 0, where a count from 1 may not be defined."""
    known = {**settings, "lr": lr, "base_lr": lr, "initial_lr": lr, "learning_rate": lr}
    if isinstance(candidate, type) or _takes_optimizer(candidate):
        taken = {name: known[name] for name in parameters_of(candidate) if name in known}
        first = [_optimizer(lr)] if _takes_optimizer(candidate) else []
        candidate = candidate(*first, **taken)
    elif hasattr(candidate, "step") and not hasattr(candidate, "optimizer"):
        candidate = copy.deepcopy(candidate)
    if hasattr(candidate, "step"):
        return _take(_stepped(candidate), steps), None
    if not callable(candidate):
        raise TypeError(
            "candidate must be a function of the step, or an object with step() and lr or "
            f"get_last_lr(); got {_check.shown(candidate)}"
        )
    taken = {name: known[name] for name in list(parameters_of(candidate))[1:] if name in known}
    values, error = np.full(steps, math.nan), None
    for step in range(steps):
        try:
            values[step] = float(candidate(step, **taken))
        except (ArithmeticError, ValueError) as raised:
            if step > 0:
                raise
            error = raised
    return values, error


def _stepped(scheduler: Any) -> Iterator[float]:
    """The lr of an object with ``step()``, before each step."""
    optimizer: Any = getattr(scheduler, "optimizer", None)
    while True:
        yield float(
            scheduler.get_last_lr()[0] if hasattr(scheduler, "get_last_lr") else scheduler.lr
        )
        if is_torchs(type(optimizer)):
            optimizer.step()  # torch warns if the scheduler steps first
        scheduler.step()


def _take(values: Iterator[float], steps: int) -> np.ndarray:
    """The first ``steps`` values; nothing is stepped beyond the last."""
    return np.array([next(values) for _ in range(steps)])


def _optimizer(lr: float) -> Any:
    """Torch's SGD, or the hand-written one where torch is not installed."""
    if not has_torch():
        return SGD(lr=lr, momentum=0.9)
    weight = registry.resolve("torch.zeros")(1, dtype=registry.resolve("torch.float64"))
    return registry.resolve("torch.optim.SGD")([weight], lr=lr, momentum=0.9)


def _torch_factory(against: Any, settings: dict[str, Any]) -> tuple[Callable[..., Any], str]:
    """A function from an optimizer to torch's scheduler, and what it is called."""
    if isinstance(against, str):
        entry = registry.find(against)
        if entry is None or not isinstance(entry.pair, SchedulePair):
            shown = _check.shown(against)
            raise ValueError(f"against must be of torch.optim.lr_scheduler, which has no {shown}")
        theirs = find(entry.pair.torch)
        return lambda optimizer: theirs.target(optimizer, **settings), theirs.name
    if isinstance(against, type):
        name = f"torch.optim.lr_scheduler.{against.__name__}"
        return lambda optimizer: against(optimizer, **settings), name
    return _check.function("against", against), name_of(against)


def _takes_optimizer(candidate: Any) -> bool:
    return callable(candidate) and list(parameters_of(candidate))[:1] in (["optimizer"], ["opt"])
