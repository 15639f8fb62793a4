"""The cause of a difference from torch: which known variant does what the candidate does.

The candidate runs once, on gradients that tell the variants apart, and what it does with the
parameters is kept. Then each variant of the catalogue runs on the same gradients, and, where none
does the same, each pair, and those that come near with other values of their settings. A finding
agrees with the candidate to rounding at every step; what is merely near is not named.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from scratch import _check
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.candidates.reference import Reference, find
from torch_ref.lockstep.compare.report import Report
from torch_ref.lockstep.compare.run import lockstep
from torch_ref.lockstep.compare.sides import as_adapter
from torch_ref.lockstep.diagnose.causes import causes
from torch_ref.lockstep.diagnose.nearest import Nearest
from torch_ref.lockstep.diagnose.probe import Probe
from torch_ref.lockstep.diagnose.rules import FAMILIES, VARIANTS, UpdateRule
from torch_ref.lockstep.diagnose.search import changes_of
from torch_ref.lockstep.diagnose.trial import Recorded, Trial
from torch_ref.lockstep.finding import Finding, Variant
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.result import Result

Settings = Mapping[str, Any]
STEPS = 40


class Catalogue:
    """The known ways to differ from an optimizer, and it itself with some of them made.

    Args:
        against: what a candidate is checked against.
        settings: of that.

    Raises:
        KeyError: there is no catalogue for it.
        TypeError: it has no such setting.

    Attributes:
        family: of the optimizer.
        variants: the known ones.

    The hand-written class of a pair may be a variant of torch's, as ``chapter.Adam`` is: that is
    changed from the start then, and to have it as torch does is a variant of it.

    >>> Catalogue(find("chapter.Adam"), {}).variants[0].name
    "torch's Adam"
    """

    def __init__(self, against: Reference, settings: Settings) -> None:
        pair = against.optimizer
        if pair is None or pair.family not in FAMILIES:
            raise KeyError(f"there is no catalogue of variants of {against.name}")
        self._owner, self.family, self._family = against.owner, pair.family, FAMILIES[pair.family]
        self._settings = against.torchs_settings(dict(settings))
        known = VARIANTS[pair.family]
        own = [each for each in known if against.by_hand and each.name == pair.variant]
        self._changes = changes_of(own)
        back = {form: self._family.FORMS[form] for form in self._changes}
        torchs = [Variant(f"torch's {pair.family}", "", back)] if own else []
        known = (*torchs, *(each for each in known if each not in own))
        self.variants = [replace(each, theirs=self._instead_of(each, own)) for each in known]

    def rule(self, **changes: Any) -> UpdateRule:
        """The optimizer, with these changes."""
        return self._family(self._settings, **self._changes | changes)

    def _instead_of(self, variant: Variant, own: list[Variant]) -> str:
        """Return a sentence on what the optimizer does instead of the variant."""
        for each in own:
            if each.changes.keys() & variant.changes.keys():
                return f'{self._owner} has "{each.name}"'
        sentence = variant.instead(self.rule().settings)
        return self._owner + sentence.removeprefix("torch")


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
    if settings is not None:
        _check.mapping("settings", settings)
    theirs, given = _reference(against), settings or {}
    catalogue = Catalogue(theirs, given)
    problem = Probe(dtype, steps, theirs.optimizer.axes if theirs.optimizer else 0)
    mine = as_adapter(candidate, **given)
    # Candidates divide by zero where torch does not, and the report says it better.
    with np.errstate(all="ignore"):
        report, run = _run(mine, theirs.side(dict(given)), problem, steps)
    result = Result.of_run(report, dtype.name, settings=catalogue.rule().settings)
    result.lr_halved_at = run.half
    if report.agrees:
        return result
    if result.after_lr_changed:
        result.notes = [f"until lr was halved at step {run.half}, the two agreed"]
    _explain(result, Trial(catalogue.rule, run, problem, report.tolerance), run, catalogue, own)
    return result


def _explain(
    result: Result, trial: Trial, run: Recorded, catalogue: Catalogue, own: Settings | None
) -> None:
    """Look for the cause."""
    # Were this not asked first, every variant that changes nothing here would be a finding.
    if trial.distance({}) <= trial.tolerance:
        result.rounding = True
        result.cause = ["torch's formula in NumPy does too: these settings amplify rounding errors"]
        return
    others = Nearest(trial.of, {**result.settings, **(own or {})}, catalogue.family)
    found, tried = causes(catalogue.variants, trial, others)
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
    return "no known variant does the same: its parameters become inf or NaN"


def _reference(against: Any) -> Reference:
    try:
        return against if isinstance(against, Reference) else find(against)
    except CandidateError as error:
        raise ValueError(f"against must be an optimizer of the registry: {error}") from error


def _run(mine: Adapter, theirs: Adapter, problem: Probe, steps: int) -> tuple[Report, Recorded]:
    """The candidate beside torch; with a change of lr, if it makes the candidate do otherwise."""

    def run(half: int | None) -> tuple[Report, Recorded]:
        recorded = Recorded(mine, half)
        report = lockstep(recorded, Recorded(theirs, half), problem, steps=steps)
        return report, recorded

    constant, changed = run(None), run(steps // 2 + 1)
    # An lr that is read once, at the start, is no lr that can be assigned.
    before, after = constant[1].trajectory, changed[1].trajectory
    moved = not np.array_equal(before, after, equal_nan=True)
    return changed if changed[1].lr_assigned and moved else constant


def _simplest(found: list[Finding]) -> Iterator[Finding]:
    """Yield the findings whose changes do not include those of another finding."""
    changes = [changes_of(finding.variants) for finding in found]
    for finding, own in zip(found, changes, strict=True):
        if not any(other.items() < own.items() for other in changes):
            yield finding
