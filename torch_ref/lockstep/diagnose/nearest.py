"""Which optimizer a candidate is, of all that the catalogue has.

Each is run with the settings that the candidate has under the same names, and most are told from it
by their first step. Those that come nearest are looked at again, with fitted values of their
settings, and with each of their variants. Only what agrees to rounding is named.
"""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch_ref.lockstep.diagnose.clips import clips
from torch_ref.lockstep.diagnose.numbers import fit
from torch_ref.lockstep.diagnose.rates import rates
from torch_ref.lockstep.diagnose.rules import FAMILIES, Settings, UpdateRule
from torch_ref.lockstep.diagnose.search import changes_of
from torch_ref.lockstep.diagnose.trial import Trial
from torch_ref.lockstep.finding import Finding, Likeness, Variant

#: How many of the nearest are tried with fitted numbers.
FITTED = 4
#: What every candidate has in its own way, whatever else it has.
_OF_ALL = ("lr", "weight_decay", "maximize")
#: What some call a setting, where it is not called so here.
_ALIASES = {
    "k": "sync_period",
    "trust_coeff": "trust_coefficient",
    "final_learning_rate": "final_lr",
    "initial_accumulator_value": "initial_accumulator",
    "estim_lr0": "d0",
}

Make = Callable[[Callable[..., UpdateRule]], Trial]
Way = Callable[[str, Trial], Iterator[Finding]]


class Nearest:
    """The catalogue beside a candidate.

    Args:
        make: gives the trial of a rule on what the candidate did.
        known: the candidate's settings and those asked for, by their names.
        but: a family that is not tried.
    """

    def __init__(self, make: Make, known: Settings, but: str = "") -> None:
        self._tried = [each for each in _trials(make, known) if each[0] != but]

    def same(self) -> list[Finding]:
        """What the candidate is, as it is; none or one."""
        return self._first(_plain, self._tried)

    def regular(self) -> list[Finding]:
        """What it is but for a rate that changes, or for gradients that are clipped."""
        return self._first(_rated, self._tried) or self._first(_clipped, self._by_likeness[:FITTED])

    def varied(self) -> list[Finding]:
        """What it is but for one variant: all such of the first family that has one."""
        return self._first(_varied, self._by_likeness)

    def fitted(self) -> list[Finding]:
        """What it is with fitted values of the settings; none or one."""
        return self._first(_fitted, self._by_likeness[:FITTED])

    def _first(self, way: Way, of: list[tuple[str, Trial]]) -> list[Finding]:
        found = (list(way(family, trial)) for family, trial in of)
        return next(filter(None, found), [])

    @functools.cached_property
    def _by_likeness(self) -> list[tuple[str, Trial]]:
        return sorted(self._tried, key=lambda each: -each[1].digits({}))


def _trials(make: Make, known: Settings) -> Iterator[tuple[str, Trial]]:
    """A trial of each family with the known settings, and one with its own defaults."""
    for family, cls in FAMILIES.items():
        if cls.AXES or cls.ROWS:
            continue
        named = _named(cls.DEFAULTS, known)
        own = {name: value for name, value in named.items() if name in _OF_ALL}
        for settings in (named, own) if own != named else (named,):
            yield family, make(functools.partial(cls, settings))


def _named(defaults: Settings, known: Settings) -> dict[str, Any]:
    """The settings of a family among the known ones."""
    known = {_ALIASES.get(name, name): value for name, value in known.items()} | dict(known)
    found = {name: known[name] for name in defaults if name in known}
    betas, most = known.get("betas", ()), len(defaults.get("betas", ()))
    if most == 3 and len(betas) == 2 and "b3" in known:
        found["betas"] = (*betas, known["b3"])
    elif most == 2 and len(betas) == 3 and "beta3" in defaults:
        found |= {"betas": tuple(betas[:2]), "beta3": betas[2]}
    return {name: value for name, value in found.items() if _is_like(value, defaults[name])}


def _is_like(value: Any, default: Any) -> bool:
    """Whether the value may be what the default is: a pair of numbers is no triple."""
    if isinstance(default, tuple):
        return isinstance(value, tuple | list) and len(value) == len(default)
    return default is None or isinstance(value, bool | float | int | str)


def _plain(family: str, trial: Trial) -> Iterator[Finding]:
    """Yield the family itself, or what its textbook has, where it agrees."""
    for chosen in ((), *((each,) for each in FAMILIES[family].TEXTBOOK)):
        if trial.distance(changes_of(chosen)) <= trial.tolerance:
            yield _likeness(family, trial, (), chosen)
            return


def _fitted(family: str, trial: Trial) -> Iterator[Finding]:
    """Yield the family with fitted values of its settings, if there are such."""
    if numbers := fit(trial, {}):
        yield _likeness(family, trial, numbers)


def _rated(family: str, trial: Trial) -> Iterator[Finding]:
    """Yield the family with a regular rate, if there is one."""
    for variant in rates(trial, {}):
        yield _likeness(family, trial, (), (variant,))


def _clipped(family: str, trial: Trial) -> Iterator[Finding]:
    """Yield the family with its gradients clipped, if that agrees."""
    for variant in clips(trial, {}):
        yield _likeness(family, trial, (), (variant,))


def _varied(family: str, trial: Trial) -> Iterator[Finding]:
    """Yield the family with each of its variants that agrees."""
    for variant in FAMILIES[family].VARIANTS:
        if trial.distance(variant.changes) <= trial.tolerance:
            yield _likeness(family, trial, (), (variant,))


def _likeness(
    family: str, trial: Trial, numbers: Iterable[Variant], variants: tuple[Variant, ...] = ()
) -> Finding:
    """The finding that the candidate is this optimizer, with these settings."""
    changes = changes_of((*numbers, *variants))
    rule = trial.rule(**changes)
    name = f"{family}{_with(rule.settings, rule.DEFAULTS)}"
    whole = Variant(name, "", changes, rule.PAPER)
    # A variant that is another value of a setting is told by that.
    told = tuple(each for each in variants if not each.changes.keys() <= rule.DEFAULTS.keys())
    theirs = "; ".join(each.instead(rule.settings) for each in told)
    home = rule.PAPER or f"torch has it as torch.optim.{family}"
    theirs = f"{family}{theirs.removeprefix('torch')}" if theirs else home
    return Likeness((whole, *told), trial.distance(changes), theirs, family=family)


def _with(settings: Mapping[str, Any], defaults: Settings) -> str:
    """The settings that say something: not those that are switched off.

    >>> _with({"lr": 1e-4, "betas": (0.9, 0.99), "weight_decay": 0.0}, {"weight_decay": 0.0})
    ' with lr 0.0001, betas (0.9, 0.99)'
    """
    nothing = {name for name, value in settings.items() if value in (0, None, math.inf)}
    off = {name for name in nothing if settings[name] == defaults.get(name)}
    told = [f"{name} {_short(value)}" for name, value in settings.items() if name not in off]
    return f" with {', '.join(told)}" if told else ""


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
