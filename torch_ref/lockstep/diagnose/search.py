"""The one search for a cause: which known variants, alone or together, do what a candidate does."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

from torch_ref.lockstep.finding import Finding, Variant


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
    >>> found, tried = search([half], within(lambda changes: abs(changes["factor"] - 0.5), 0))
    >>> [each.names for each in found], tried
    ([('half',)], 1)
    """
    variants, tried = list(variants), 0
    for size in range(1, depth + 1):
        found = []
        for chosen in combinations(variants, size):
            if len(changes_of(chosen)) < sum(len(variant.changes) for variant in chosen):
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
        apart = distance(changes_of(chosen))
        return Finding.of(chosen, apart) if apart <= tolerance else None

    return fit


def closest(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, the closest first."""
    return sorted(findings, key=lambda finding: finding.distance)


def changes_of(chosen: Sequence[Variant]) -> dict[str, Any]:
    """The changes of several variants together."""
    return {name: change for variant in chosen for name, change in variant.changes.items()}
