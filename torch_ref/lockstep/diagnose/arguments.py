"""Arguments that a candidate takes and makes nothing of: each is varied, asked for or not."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError
from torch_ref.lockstep.candidates.contract import ContractError, Monitored
from torch_ref.lockstep.candidates.reference import Reference
from torch_ref.lockstep.candidates.settings import THEIRS, Mapped, Match, match
from torch_ref.lockstep.diagnose.probe import Probe
from torch_ref.lockstep.diagnose.trial import Recorded

STEPS = 6
#: In double precision: what both sides may be apart by rounding, and what is none.
ROUNDING, FAR = 1e-12, 1e-6


def without_effect(
    candidate: Candidate, theirs: Reference, matched: Match, dtype: str
) -> tuple[list[str], list[str]]:
    """Sentences on arguments that, given another value, do not do what they do in torch.

    The first are faults: arguments that change torch's steps and not the candidate's. The others
    are notes: values with which the two differ, though they agree with those asked for, and
    arguments of the candidate's own that change nothing.

    Args:
        candidate: whose constructor takes them.
        theirs: what it is checked against.
        matched: the settings of both.
        dtype: to run in.
    """
    problem = Probe(np.dtype(dtype), STEPS, theirs.axes)
    asked = None if candidate.made else _run(candidate, theirs, matched, problem)
    faults, notes = list[str](), list[str]()
    if asked is None:
        return faults, notes
    for each in matched.mapped:
        for name, other, value in _others(each):
            varied = _varied(candidate, theirs, matched, name, other)
            now = _run(candidate, theirs, varied, problem) if varied else None
            said = f"with {name} = {other!r} in place of {value!r}"
            if now is None:
                continue
            if _same(now[0], asked[0]) and not _same(now[1], asked[1]):
                faults.append(
                    f"takes {name} and makes nothing of it: {said} it does the same, "
                    f"and {theirs.owner} does not"
                )
                break
            if not each.theirs and _same(now[0], asked[0]):
                notes.append(f"{name} changes nothing: {said} it does the same for {STEPS} steps")
            elif dtype == "float64" and _apart(*asked) < ROUNDING and _apart(*now) > FAR:
                notes.append(f"{said} the two differ: --arg {name}={other!r} says how")
                break
    return faults, notes


def _apart(mine: np.ndarray, theirs: np.ndarray) -> float:
    """The largest distance, relative to the size that an element has had."""
    sizes = np.maximum.accumulate(np.maximum(np.abs(mine), np.abs(theirs)))
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(np.abs(mine - theirs) / sizes, nan=0.0).max())


def _others(each: Mapped) -> Iterator[tuple[str, Any, Any]]:
    """Yield the candidate's argument, another value for it, and the value that it has."""
    names, value = each.mine.split(", "), each.value
    parts = value if isinstance(value, tuple) else (value,)
    if not all(map(str.isidentifier, names)) or len(names) not in (1, len(parts)):
        return
    if not (each.theirs.isidentifier() or (not each.theirs and type(value) is float)):
        return
    for i, part in enumerate(parts):
        other = _other(part)
        if other is None:
            continue
        if len(names) == len(parts):
            yield names[i], other, part
        else:
            yield names[0], (*parts[:i], other, *parts[i + 1 :]), value


def _other(value: Any) -> Any:
    """A value that is allowed where this one is, most often."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, float | int):
        return value / 2 if value else 0.1
    return None


def _varied(
    candidate: Candidate, theirs: Reference, matched: Match, name: str, value: Any
) -> Match | None:
    given = {**matched.mine, name: value}
    # What torch alone was given it is given again.
    given |= {THEIRS + e.theirs: e.value for e in matched.mapped if not (e.mine or e.unset)}
    try:
        return match(candidate, theirs, given)
    except CandidateError:
        return None


def _run(
    candidate: Candidate, theirs: Reference, matched: Match, problem: Probe
) -> tuple[np.ndarray, np.ndarray] | None:
    """What both sides do; nothing where one of them refuses the settings."""
    try:
        sides = (
            Recorded(Monitored(candidate, matched.mine)),
            Recorded(theirs.side(matched.theirs)),
        )
        for side in sides:
            side.start(problem.params)
            for grads in problem.stream:
                side.step({name: g.copy() for name, g in grads.items()})
    except (CandidateError, ContractError, TypeError, ValueError, RuntimeError):
        return None
    return np.array(sides[0].trajectory), np.array(sides[1].trajectory)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=True)
