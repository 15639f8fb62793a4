"""The search for a cause, one quantity after another: what the outputs show is settled first."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from torch_ref.lockstep.diagnose.layers.norms import Settings
from torch_ref.lockstep.diagnose.layers.trace import QUANTITIES, Seen, compare
from torch_ref.lockstep.diagnose.search import changes_of, closest, search, together
from torch_ref.lockstep.finding import Finding, Variant

Chosen = tuple[Variant, ...]
Kind = tuple[str, str]
#: Sets of variants that are followed at once.
_MOST = 6


class Causes(NamedTuple):
    """What was found: variants that fit in everything, else those of single quantities.

    Attributes:
        findings: of the whole layer, the closest first.
        parts: by the quantity, what it alone agrees with; where that is nothing, torch's own.
    """

    findings: list[Finding]
    parts: dict[str, str]


class Causing:
    """The search with a layer's trace and the rule that makes one with changes.

    Args:
        mine: the candidate's.
        trace_of: the rule's with changes.
        variants: to choose from.
        tolerance: within which numbers are equal.
    """

    def __init__(
        self,
        mine: list[Seen],
        trace_of: Callable[[Settings], Iterable[Seen]],
        variants: Iterable[Variant],
        tolerance: float,
    ) -> None:
        self._mine, self._trace_of, self._tolerance = mine, trace_of, tolerance
        self._variants = list(variants)
        held = {seen.quantity for seen in mine if seen.array is not None}
        self._kinds = [kind for kind in QUANTITIES if kind[1] in held]

    def found(self) -> Causes:
        """Follow the sets of variants that fit from quantity to quantity."""
        followed: list[Chosen] = [()]
        parts: dict[str, str] = {}
        for kind in self._kinds:
            grown = [more for chosen in followed for more in self._grown(chosen, kind)]
            parts[" ".join(kind).strip()] = _said(grown)
            different = {frozenset(v.name for v in chosen): chosen for chosen in grown}
            followed = list(different.values())[:_MOST] or followed
        whole = [
            Finding.of(chosen, apart)
            for chosen in followed
            if chosen and (apart := self._distance(chosen)) <= self._tolerance
        ]
        fewest = min((len(each.variants) for each in whole), default=0)
        return Causes(closest(f for f in whole if len(f.variants) == fewest), parts)

    def _grown(self, chosen: Chosen, kind: Kind) -> list[Chosen]:
        """The set itself if it fits in this quantity, else with the fewest more that make it."""
        if self._distance(chosen, kind) <= self._tolerance:
            return [chosen]

        def fit(more: Chosen) -> Finding | None:
            both = chosen + more
            if not together(both):
                return None
            apart = self._distance(both, kind)
            return Finding.of(more, apart) if apart <= self._tolerance else None

        found, _ = search(self._variants, fit, depth=1)
        if not found:  # of more at once, those that change it at all
            found, _ = search(self._touching(kind), fit)
        return [chosen + finding.variants for finding in closest(found)]

    def _touching(self, kind: Kind) -> list[Variant]:
        """The variants that change this quantity at all."""
        return [
            v for v, touched in zip(self._variants, self._touched, strict=True) if kind in touched
        ]

    @cached_property
    def _touched(self) -> list[set[Kind]]:
        """By variant, the quantities in which it is not torch's layer."""
        plain = list(self._trace_of({}))
        return [self._differences(plain, dict(variant.changes)) for variant in self._variants]

    def _differences(self, plain: list[Seen], changes: Settings) -> set[Kind]:
        try:
            changed = list(self._trace_of(changes))
        except ValueError:  # its channels are of another number
            return set()
        return {
            kind
            for a, b in zip(plain, changed, strict=True)
            for kind in self._kinds
            if a.is_of(kind) and not _same(a.array, b.array)
        }

    def _distance(self, chosen: Chosen, kind: Kind | None = None) -> float:
        try:
            return compare(
                self._mine,
                self._trace_of(changes_of(chosen)),
                self._tolerance,
                lambda seen: kind is None or seen.is_of(kind),
            )[1]
        except ValueError:
            return np.inf


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b)


def fitted(mine: list[Seen], x: np.ndarray, rule: Any, asked: Settings) -> list[Variant]:
    """Variants with the values of ε and the momentum that the first batch shows.

    Where y = γ·(x − μ)·s + β, ε is 1/s² − σ²; and the running mean is m·μ after one batch.
    """
    found = []
    y, mean = (
        next((s.array for s in mine if s.quantity == q and s.step == 1), None)
        for q in ("output", "running_mean")
    )
    theirs = rule.forward(x, True)
    with np.errstate(all="ignore"):
        if y is not None and y.shape == theirs.shape:
            found = _fitted_eps(rule.scale_of(y), asked)
        if mean is not None and rule.read("running_mean") is not None:
            m = np.median(mean / rule.read("running_mean")) * (asked.get("momentum") or 0.0)
            if np.isfinite(m) and 0 < m <= 1:
                found.append(_momentum(float(f"{m:.6g}")))
    return [v for v in found if next(iter(v.changes.values())) not in _known(asked)]


def _known(asked: Settings) -> tuple[Any, ...]:
    momentum = asked.get("momentum")
    rest = () if momentum is None else (momentum, float(f"{1 - momentum:.6g}"))
    return (asked.get("eps"), *rest)


def _fitted_eps(scale_and_var: tuple[float, float], asked: Settings) -> list[Variant]:
    s, var = scale_and_var
    values = (1 / s**2 - var, 1 / s - np.sqrt(var))
    rounded = dict.fromkeys(float(f"{eps:.5g}") for eps in values if np.isfinite(eps) and eps > 0)
    theirs, half = "torch takes the eps it is given", float(np.float16(asked.get("eps") or 0.0))
    return [
        *(Variant(f"eps {eps:g}", theirs, {"eps": eps}) for eps in rounded),
        Variant("eps rounded to float16", theirs, {"eps": half}),
    ]


def _momentum(m: float) -> Variant:
    return Variant(
        f"momentum {m:g}",
        "torch takes the momentum it is given, the weight of the new batch, by default 0.1",
        {"momentum": m},
    )


def _said(grown: list[Chosen]) -> str:
    """The names of what fits, or torch's own."""
    if not grown:
        return ""
    return " and ".join(f'"{variant.name}"' for variant in grown[0]) or "torch"
