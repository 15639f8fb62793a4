"""The cause of a difference from torch: which known variant does what the candidate does.

The candidate runs once, on gradients that tell the variants apart, and what it does with the
parameters is kept. Then each variant of the catalogue runs on the same gradients, and, where none
does the same, each pair, and those that come near with other values of their settings. A finding
agrees with the candidate to rounding at every step; what is merely near is not named.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from scratch import _check
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.candidates.reference import Reference, find
from torch_ref.lockstep.compare.problems import RecordedGradients
from torch_ref.lockstep.compare.report import Report
from torch_ref.lockstep.compare.run import lockstep
from torch_ref.lockstep.compare.sides import as_adapter
from torch_ref.lockstep.diagnose import moves
from torch_ref.lockstep.diagnose.catalogue import Catalogue, Settings
from torch_ref.lockstep.diagnose.causes import causes
from torch_ref.lockstep.diagnose.lbfgs import diagnose_lbfgs
from torch_ref.lockstep.diagnose.nearest import Nearest
from torch_ref.lockstep.diagnose.probe import Probe
from torch_ref.lockstep.diagnose.rounding import rounding
from torch_ref.lockstep.diagnose.search import changes_of
from torch_ref.lockstep.diagnose.trial import Recorded, Trial
from torch_ref.lockstep.finding import Finding
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.result import Result

STEPS = 40


def diagnose(
    candidate: Any,
    against: Any,
    settings: Settings | None = None,
    *,
    dtype: np.typing.DTypeLike = np.float64,
    steps: int = STEPS,
    own: Settings | None = None,
) -> Result:
    """Find what a candidate does that the optimizer it is checked ``against`` does not.

    Args:
        candidate: what :func:`lockstep` takes; a class of torch is given ``settings``.
        against: an optimizer of the registry, or its name.
        settings: of that, those that the candidate has too.
        dtype: float32 or float64; the latter tells more variants apart.
        steps: how many; halfway the learning rate is halved, where the candidate's can be
            assigned: only then is it seen whether it is inside of a momentum buffer.
        own: the candidate's settings of which the optimizer has none, by their names.

    Raises:
        KeyError: there is no catalogue of variants of it.
        TypeError: the candidate is nothing that optimizes, or there is no such setting.
        ValueError: there is no such optimizer.

    >>> from scratch.optim import chapter
    >>> diagnosis = diagnose(chapter.Adam(eps=1e-8), "Adam")
    >>> diagnosis.findings[0].names
    ('epsilon before the bias correction',)
    >>> print(*diagnosis.cause)
    your Adam agrees with "epsilon before the bias correction" ...; torch adds it after: denom = ...
    """
    dtype, steps = _check.floating(dtype), _check.integer("steps", steps, at_least=1)
    for name, named in (("settings", settings), ("own", own)):
        if named is not None:
            _check.mapping(name, named)
    theirs, given = _reference(against), settings or {}
    if theirs.optimizer and theirs.optimizer.gradients == "closure":
        sides = as_adapter(candidate, **given), theirs.side(dict(given))
        return diagnose_lbfgs(*sides, given, own or {})
    catalogue = Catalogue(theirs, given, dtype)
    problem = Probe(dtype, steps, theirs.axes)
    mine = as_adapter(candidate, **given)
    # Candidates divide by zero where torch does not, and the report says it better.
    with np.errstate(all="ignore"):
        report, run, other = _run(mine, theirs.side(dict(given)), problem, steps)
    result = Result.of_run(report, dtype.name, settings=catalogue.rule().settings)
    result.lr_halved_at = run.half
    excuse = excused(report, run, other, catalogue, problem)
    result.first = report.first
    if report.agrees:
        result.rounding, result.notes = bool(excuse), [excuse] if excuse else []
        return result
    if result.after_lr_changed:
        result.notes = [f"until lr was halved at step {run.half}, the two agreed"]
    settings = {**result.settings, **(own or {})}
    _explain(result, run, *_causes(run, problem, catalogue, report.tolerance, settings))
    return result


def excused(
    report: Report,
    mine: Recorded,
    theirs: Recorded,
    catalogue: Catalogue,
    problem: RecordedGradients,
) -> str:
    """Take a divergence back that is rounding; returns a sentence on it, or nothing."""
    if catalogue.moves_alone:
        part = moves.judge(report, mine, theirs, catalogue, problem)
        return f"its moves were compared: up to {part:.0%} of one is rounding to bfloat16"
    if report.agrees:
        return ""
    near = rounding(mine, theirs, catalogue.textbook, problem, report.tolerance)
    if not near.agrees:
        return ""
    report.first = None
    return near.sentence(catalogue)


def _causes(
    run: Recorded, problem: Probe, catalogue: Catalogue, tolerance: float, settings: Settings
) -> tuple[list[Finding], int]:
    if catalogue.moves_alone:
        return moves.causes(catalogue, moves.MovesTrial(catalogue, run, problem))
    trial = Trial(catalogue.rule, run, problem, tolerance)
    return causes(catalogue.variants, trial, Nearest(trial.of, settings, catalogue.family))


def _explain(result: Result, run: Recorded, found: list[Finding], tried: int) -> None:
    """Say the cause."""
    result.findings = list(_simplest(found))
    result.cause = [
        each.line(result.mine, "together with", "bit for bit") for each in result.findings
    ]
    if len(result.cause) > 1:
        result.cause.append(
            f"in this run these {len(result.cause)} are one and the same: it may be any of them"
        )
    if not found:
        result.cause = [_nothing(run, tried)]


def _nothing(run: Recorded, tried: int) -> str:
    if np.isfinite(run.trajectory).all():
        return (
            f"no known variant does the same: {tried} sets were tried, and other values of the "
            "settings"
        )
    all_at_once = ", all of them in the first step: does 1 − βᵗ, or another divisor, begin at 0?"
    when = "" if np.isfinite(run.trajectory[0]).any() else all_at_once
    return f"no known variant does the same: its parameters become inf or NaN{when}"


def _reference(against: Any) -> Reference:
    try:
        return against if isinstance(against, Reference) else find(against)
    except CandidateError as error:
        raise ValueError(f"against must be an optimizer of the registry: {error}") from error


Run = tuple[Report, Recorded, Recorded]


def _run(mine: Adapter, theirs: Adapter, problem: Probe, steps: int) -> Run:
    """The candidate beside torch; with a change of lr, if it makes the candidate do otherwise."""

    def run(half: int | None) -> Run:
        sides = Recorded(mine, half), Recorded(theirs, half)
        return lockstep(*sides, problem, steps=steps), *sides

    constant, changed = run(None), run(steps // 2 + 1)
    # An lr that is read once, at the start, is no lr that can be assigned.
    before, after = constant[1].trajectory, changed[1].trajectory
    moved = not np.array_equal(before, after, equal_nan=True)
    return changed if changed[1].lr_assigned and moved else constant


def _simplest(found: list[Finding]) -> Iterator[Finding]:
    """Yield the findings whose changes do not include those of another finding, each once."""
    changes = [changes_of(finding.variants) for finding in found]
    for i, (finding, own) in enumerate(zip(found, changes, strict=True)):
        # A value that was fitted may also be one that has a name.
        if not any(other.items() < own.items() for other in changes) and own not in changes[:i]:
            yield finding
