"""A schedule and torch's at every step, and the cause where they differ."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from scratch import _check
from torch_ref.lockstep.candidates.candidate import CandidateError, name_of, parameters_of
from torch_ref.lockstep.candidates.reference import SCHEDULE, find
from torch_ref.lockstep.compare.report import PARAMETER, Compared, Report
from torch_ref.lockstep.diagnose.schedules.reference import (
    ReferenceSchedule,
    Settings,
    rates_there,
)
from torch_ref.lockstep.diagnose.schedules.variants import (
    ANEW,
    MOMENTUM,
    VARIANTS,
    changed,
    formula,
    shown,
)
from torch_ref.lockstep.diagnose.search import changes_of, closest, search
from torch_ref.lockstep.finding import Finding, Variant
from torch_ref.lockstep.frameworks.schedules import LR, Rates
from torch_ref.lockstep.result import Result

#: Relative to the largest lr so far. Torch computes some schedules, the cosine among them, each
#: step from the last, and so gathers rounding errors that a formula of the step does not have.
TOLERANCE = 1e-10


def tolerance_of(single: bool, steps: int) -> float:
    """How far rates may be apart, relative to the largest.

    In float32 a schedule rounds once or a few times a step, and a step from the last one carries
    that on; the argument of a cosine is off by its own size times the rounding: both grow with the
    step.

    >>> tolerance_of(True, 200) < 2e-5
    True
    """
    return (8 + steps) * 2.0**-24 if single else TOLERANCE


def check_schedule(
    candidate: Any,
    against: str | type | Callable[[Any], Any],
    *,
    lr: float = 0.1,
    steps: int = 200,
    dtype: np.typing.DTypeLike = np.float64,
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
        steps: how many are compared; at most as many as torch's has.
        dtype: float32 for a candidate that computes in it; one that gives numbers of float32 is
            taken for such a one.
        settings: of torch's class; the candidate is given those that it takes, and those that it
            alone takes.

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
    lr, single = _check.number("lr", lr, at_least=0), _check.floating(dtype) == np.float32
    own = _torchs(candidate, against, settings)
    theirs = ReferenceSchedule(against, own, lr, steps)
    _refuse_samples(candidate, theirs)
    named = against if isinstance(against, str) else ""
    asked = (named, lr, theirs.steps, own, settings, theirs.metrics)
    mine = Rates(*rates_there(candidate, *asked))
    if not mine.single and _is_single(mine.lr) and not _is_single(theirs.rates.lr):
        mine = mine._replace(single=True)
    tolerance = tolerance_of(single or mine.single, theirs.steps)
    report = _report(name_of(candidate), mine, theirs, tolerance)
    verdict = Result(
        report.mine,
        theirs.name,
        SCHEDULE,
        f"{report.mine} agrees with {theirs.name} at {theirs.steps:,} steps: at most "
        f"{report.worst.relative:.1e} of the largest lr",
        report.first,
        notes=_notes(mine, theirs, steps, single),
        steps=theirs.steps,
    )
    if not verdict.agrees:
        _explain(verdict, mine, theirs, lr, tolerance)
    return verdict


def _is_single(rates: np.ndarray) -> bool:
    """Whether all of many rates, or their parts of the first, are numbers of float32."""
    return any(map(_all_single, (rates, rates / rates[0]) if rates[0] else (rates,)))


def _all_single(values: np.ndarray) -> bool:
    single = values.astype(np.float32)
    near = np.abs(values - single) <= 1e-14 * np.abs(values)
    # What has few bits, as a power of two, is a number of any dtype.
    long = single[np.frexp(single)[0] * 2**12 % 1 != 0]
    return len(np.unique(long)) > 9 and bool(near.all())


def _report(name: str, mine: Rates, theirs: ReferenceSchedule, tolerance: float) -> Report:
    """Both sides' rates, and momentums where there are both, step by step."""
    report, rates = Report(name, theirs.name, tolerance), theirs.rates
    moves = _moves(mine) or _moves(rates)
    for step in range(theirs.steps):
        report.steps = step
        report.add(Compared("lr", PARAMETER, mine.lr[step : step + 1].reshape(()), rates.lr[step]))
        if moves and mine.momentum is not None and rates.momentum is not None:
            both = mine.momentum[step : step + 1].reshape(()), rates.momentum[step]
            report.add(Compared("momentum", PARAMETER, *both))
    return report


def _notes(mine: Rates, theirs: ReferenceSchedule, steps: int, single: bool) -> list[str]:
    notes = [f"at step 0 it raised {mine.error!r}"] if mine.error else []
    if theirs.steps < steps:
        notes.append(f"compared at {theirs.steps} steps, which is the length of torch's")
    if mine.single and not single:
        notes.append("its rates are numbers of float32: compared within the rounding of these")
    if mine.momentum is None and _moves(theirs.rates):
        notes.append("torch's moves the momentum too: that of a function of the step is not seen")
    if theirs.metrics and theirs.settings.get("eps") == 0:
        notes.append("torch was given eps=0, as yours has none: it ends torch's decay near 1e-8")
    named = {n: v for n, v in theirs.settings.items() if callable(v) or n == "schedulers"}
    notes += [f"torch was given {name}={_named(value)}" for name, value in named.items()]
    return notes


def _moves(rates: Rates) -> bool:
    return rates.momentum is not None and bool(np.ptp(rates.momentum) > 0)


def _named(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)


def _torchs(candidate: Any, against: Any, settings: Settings) -> Settings:
    """Those of the settings that torch's class takes, where it is known."""
    taken = _taken(against)
    if taken is None:
        return settings
    unknown = settings.keys() - taken.keys() - parameters_of(candidate).keys()
    if unknown:
        raise TypeError(
            f"neither side takes {', '.join(map(repr, sorted(unknown)))}; "
            f"torch's takes {', '.join(taken)}"
        )
    own = {name: value for name, value in settings.items() if name in taken}
    # An eps ends the decay near 1e-8: who has none goes on, and is to be compared until there.
    lacking = "patience" in taken and "eps" in taken and "eps" not in parameters_of(candidate)
    is_class = isinstance(candidate, type) or getattr(candidate, "is_class", False) is True
    return ({"eps": 0.0} if lacking and is_class else {}) | own


def _refuse_samples(candidate: Any, theirs: ReferenceSchedule) -> None:
    """Raise if torch's needs what no text can give, and the candidate does not take it."""
    taken = parameters_of(candidate)
    lacking = [n for n in theirs.samples if n not in taken and n not in ("milestones",)]
    if lacking and not hasattr(candidate, "step"):
        name = theirs.name.rpartition(".")[2]
        raise CandidateError(
            f"{theirs.name} needs {' and '.join(lacking)}, which your {name_of(candidate)} does "
            "not take. Give torch's in Python: check_schedule(candidate, lambda optimizer: "
            f"{name}(optimizer, …))"
        )


def _taken(against: Any) -> dict[str, Any] | None:
    if isinstance(against, str):
        try:
            return find(against).parameters()
        except CandidateError:
            return None
    return None


def _explain(
    verdict: Result, mine: Rates, theirs: ReferenceSchedule, lr: float, tolerance: float
) -> None:
    """Look for the variants that give the candidate's rates."""
    every = _defaults(verdict.theirs) | theirs.settings
    begun = [ANEW] if every.pop("last_epoch", -1) != -1 else []
    seen = list(shown(mine.lr, theirs.rates.lr, lr, every, tolerance))

    def fit(chosen: tuple[Variant, ...]) -> Finding | None:
        if len(chosen) == 2 and all(_is_setting(variant) for variant in chosen):
            return None
        changes = changes_of(chosen)
        rates = _with(theirs, changes, every, lr)
        if rates is None:
            return None
        apart = changed(mine.lr, rates.lr, lr, changes, tolerance)
        moves = _moves(mine) or _moves(rates)
        if moves and mine.momentum is not None and rates.momentum is not None:
            theirs_too = rates.momentum
            if changes.get("mirrored"):
                theirs_too = theirs_too.max() + theirs_too.min() - theirs_too
            near = np.abs(mine.momentum - theirs_too).max() <= tolerance
            apart = apart if near else np.inf
        return Finding.of(chosen, apart) if apart <= tolerance else None

    # What is known to happen comes before what some value of some setting would explain as well.
    turned = [MOMENTUM] if mine.momentum is not None and _moves(theirs.rates) else []
    known = [*begun, *VARIANTS, *turned]
    found = search(known, fit)[0] or search([*known, *seen], fit)[0]
    verdict.explain(closest(found), "alone or in pairs")


def _with(theirs: ReferenceSchedule, changes: Settings, every: Settings, lr: float) -> Rates | None:
    """Torch's rates with changed settings, if it takes them."""
    settings = {n.removeprefix("set "): v for n, v in changes.items() if n.startswith("set ")}
    other = formula(every | settings, lr, theirs.steps)
    if other is not None:
        return Rates(other)
    try:
        rates = theirs.run(settings)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return rates if rates.steps == theirs.steps else None


def _defaults(name: str) -> Settings:
    """The defaults of torch's class, where it is known."""
    taken = _taken(name) or {}
    kept = (*LR, "last_epoch")
    return {n: v for n, v in taken.items() if v is not inspect.Parameter.empty and n not in kept}


def _is_setting(variant: Variant) -> bool:
    return any(name.startswith("set ") for name in variant.changes)
