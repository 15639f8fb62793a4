"""The one search for a cause: which known variants, alone or together, do what a candidate does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any


@dataclass(frozen=True)
class Variant:
    """One known way to differ from torch.

    Attributes:
        name: short, and the only one of its name in a family.
        theirs: a sentence on what torch does instead; it may name settings in braces.
        dials: the settings of a hand-written reference that make it this variant; two variants that
            turn the same dial exclude each other.
        families: the references that it is a variant of, where it is not of all.
        seen_in: where it is known from, where it is.
        shows_with: settings that it needs to make a difference.
    """

    name: str
    theirs: str
    dials: Mapping[str, Any]
    families: tuple[str, ...] = ()
    seen_in: str = ""
    shows_with: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A variant, or several together, that the candidate agrees with.

    Attributes:
        variants: one, or several.
        distance: from them; relative, or the Kolmogorov–Smirnov statistic of a distribution.
        theirs: what the reference does instead.
        p: of a statistical test; ``None`` where numbers were compared one by one.
    """

    variants: tuple[Variant, ...]
    distance: float
    theirs: str
    p: float | None = None

    @classmethod
    def of(cls, variants: Sequence[Variant], distance: float, p: float | None = None) -> "Finding":
        """The finding that the candidate is these variants together."""
        theirs = "; ".join(dict.fromkeys(variant.theirs for variant in variants))
        return cls(tuple(variants), float(distance), theirs, None if p is None else float(p))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variants."""
        return tuple(variant.name for variant in self.variants)

    def line(self, mine: str, joined: str = "and", exactly: str = "exactly") -> str:
        """The finding in a sentence about ``mine``.

        >>> print(Finding.of([Variant("no eps", "torch adds it", {})], 3e-16).line("Norm"))
        your Norm agrees with "no eps" to 3e-16; torch adds it
        """
        names = f" {joined} ".join(f'"{name}"' for name in self.names)
        if self.p is not None:
            seen = (
                f"cannot be told apart from {names} (KS D = {self.distance:.2g}, p = {self.p:.2g})"
            )
        else:
            to = exactly if self.distance == 0 else f"to {self.distance:.0e}"
            seen = f"agrees with {names} {to}"
        return f"your {mine} {seen}; {self.theirs}"


def search(
    variants: Iterable[Variant],
    fit: Callable[[tuple[Variant, ...]], Finding | None],
    depth: int = 2,
) -> tuple[list[Finding], int]:
    """The fewest variants together that fit, and how many sets of them were tried.

    Args:
        variants: to choose from.
        fit: the finding that the candidate is these variants, or ``None`` where it is not.
        depth: how many may come together.

    >>> half = Variant("half", "torch takes the whole", {"factor": 0.5})
    >>> found, tried = search([half], within(lambda dials: abs(dials["factor"] - 0.5), 0))
    >>> [each.names for each in found], tried
    ([('half',)], 1)
    """
    variants, tried = list(variants), 0
    for size in range(1, depth + 1):
        found = []
        for chosen in combinations(variants, size):
            if len(dials_of(chosen)) < sum(len(variant.dials) for variant in chosen):
                continue  # they exclude each other
            tried += 1
            if finding := fit(chosen):
                found.append(finding)
        if found:
            return found, tried
    return [], tried


def within(
    distance: Callable[[dict[str, Any]], float], tolerance: float
) -> Callable[[tuple[Variant, ...]], Finding | None]:
    """Return a ``fit`` for :func:`search`: the ``distance`` is within ``tolerance``."""

    def fit(chosen: tuple[Variant, ...]) -> Finding | None:
        apart = distance(dials_of(chosen))
        return Finding.of(chosen, apart) if apart <= tolerance else None

    return fit


def closest(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, the closest first."""
    return sorted(findings, key=lambda finding: finding.distance)


def dials_of(chosen: Sequence[Variant]) -> dict[str, Any]:
    """The dials of several variants together."""
    return {dial: value for variant in chosen for dial, value in variant.dials.items()}
