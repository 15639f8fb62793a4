"""The fewest causes that make a rule do what a candidate does: variants, and numbers that fit."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from torch_ref.lockstep.diagnose.clips import clips
from torch_ref.lockstep.diagnose.nearest import Nearest
from torch_ref.lockstep.diagnose.numbers import Fit, fit
from torch_ref.lockstep.diagnose.rates import rates
from torch_ref.lockstep.diagnose.search import changes_of, nearest_sets, search, within
from torch_ref.lockstep.diagnose.trial import Trial
from torch_ref.lockstep.finding import Finding, Variant

#: Of one variant, of two and of three together, how many sets are tried with fitted numbers.
FITTED = (12, 6, 3)
#: Of three or more, how many sets are tried.
NEAREST = 400
#: How many of the nearest are looked at with their numbers about right.
LIKELY = 40


def causes(
    variants: Iterable[Variant],
    trial: Trial,
    others: Nearest | None = None,
) -> tuple[list[Finding], int]:
    """The findings, and how many sets of variants were tried.

    First each variant, then which of the ``others`` does the same; then a number; a rate that
    changes from step to step, or gradients that are clipped, alone or with a variant, and another
    with them or with a variant; two of these together, or another with fitted numbers, and last
    more. Sets of three and four are tried in the order of how near they come.
    """
    known = [each for each in variants if changes_something(each, trial.rule)]
    fits = within(trial.distance, trial.tolerance)
    found, tried = search(known, fits, depth=1)
    if found := found or (others.same() if others else []):
        return found, tried
    fitted = list(_with_numbers([()], trial))
    if any(len(finding.variants) == 1 for finding in fitted):
        return fitted, tried
    if found := list(_regular(known, trial)):
        return found, tried
    if others and (found := others.regular() or others.varied()):
        return found, tried
    likely = _Likely(trial)
    found, more = search(known, fits, least=2)
    tried += more
    if not (found or fitted) and others and (likeness := others.fitted()):
        return likeness, tried
    for sets, how_many in zip(nearest_sets(known, trial.digits), FITTED, strict=False):
        if len(sets[0]) > 2 and not found:
            found = [finding for each in sets[:NEAREST] if (finding := fits(each))]
            tried += len(sets[:NEAREST])
        if not found:
            fitted += _with_numbers(likely.of(sets)[:how_many], trial)
        fewest = _fewest([*found, *fitted])
        if fewest and len(fewest[0].variants) <= len(sets[0]) + 1:
            return fewest, tried
    return _fewest(fitted), tried


def changes_something(variant: Variant, rule: Callable[..., Any]) -> bool:
    """Whether it is something else than what is asked for, the rule without changes."""
    asked, changed = rule(), rule(**variant.changes)
    return asked.settings != changed.settings or asked.form != changed.form


def _regular(known: list[Variant], trial: Trial) -> Iterator[Finding]:
    """Yield what agrees with a regular rate, or with gradients clipped; alone, else with one."""
    for chosen in ((), *((each,) for each in known)):
        changes = changes_of(chosen)
        ways = rates(trial, changes) if chosen else chain(rates(trial, {}), clips(trial, {}))
        for way in ways:
            every = (way, *chosen)
            yield Finding.of(every, trial.distance(changes_of(every)))
            if not chosen:
                return


class _Likely:
    """Which sets of variants are the nearest once their numbers are about right.

    Of those that come equally near one is enough, and none if fewer variants come as near: what
    makes no difference, as a form of the weight decay without one, is no cause.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial, self._start = trial, Fit(trial, {}).more({})
        self._seen = {self._profiled(())}

    def of(self, sets: list[tuple[Variant, ...]]) -> list[tuple[Variant, ...]]:
        """Those of the sets that are new, the nearest first."""
        found: dict[float, tuple[Variant, ...]] = {}
        for chosen in sets[:LIKELY]:
            size = self._profiled(chosen)
            if size not in self._seen:
                self._seen.add(size)
                found[size] = chosen
        return [found[size] for size in sorted(found)]

    def _profiled(self, chosen: tuple[Variant, ...]) -> float:
        fit = Fit(self._trial, changes_of(chosen))
        # What one number makes up for without a variant is far off beside it.
        return min(fit.profiled(start) for start in (self._start, {}))


def _with_numbers(sets: Iterable[tuple[Variant, ...]], trial: Trial) -> Iterator[Finding]:
    """Yield what agrees once its numbers are fitted."""
    for chosen in sets:
        if trial.exhausted:
            return
        numbers = fit(trial, changes_of(chosen))
        if numbers:
            every = (*chosen, *numbers)
            yield Finding.of(every, trial.distance(changes_of(every)))


def _fewest(findings: list[Finding]) -> list[Finding]:
    fewest = min((len(finding.variants) for finding in findings), default=0)
    return [finding for finding in findings if len(finding.variants) == fewest]
