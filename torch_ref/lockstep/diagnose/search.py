"""The one search for a cause: which known variants, alone or together, do what a candidate does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

from torch_ref.lockstep.finding import Finding, Variant


def search(
    variants: Iterable[Variant],
    fit: Callable[[tuple[Variant, ...]], Finding | None],
    depth: int = 2,
    least: int = 1,
) -> tuple[list[Finding], int]:
    """The fewest variants together that fit, and how many sets of them were tried.

    Args:
        variants: to choose from.
        fit: the finding that the candidate is these variants, or ``None`` where it is not.
        depth: how many may come together.
        least: how many do.

    >>> half = Variant("half", "torch takes the whole", {"factor": 0.5})
    >>> found, tried = search([half], within(lambda changes: abs(changes["factor"] - 0.5), 0))
    >>> [each.names for each in found], tried
    ([('half',)], 1)
    """
    variants, tried = list(variants), 0
    for size in range(least, depth + 1):
        found = []
        for chosen in combinations(variants, size):
            if not together(chosen):
                continue
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


def nearest_sets(
    variants: Iterable[Variant],
    score: Callable[[dict[str, Any]], float],
    depth: int = 3,
    width: int = 6,
) -> Iterator[list[tuple[Variant, ...]]]:
    """Yield the sets of one variant, of two, and so on, the highest score first.

    A set is one of the ``width`` best of one less, and one variant more. So several causes at once
    are come upon without trying all sets, if each of them makes the score higher.

    >>> a, b = Variant("a", "", {"a": 1}), Variant("b", "", {"b": 2})
    >>> sets = list(nearest_sets([a, b], lambda changes: sum(changes.values()), depth=2))
    >>> [[variant.name for variant in each[0]] for each in sets]
    [['b'], ['b', 'a']]
    """
    variants = list(variants)
    best: list[tuple[Variant, ...]] = [()]
    for _ in range(depth):
        larger = {
            frozenset(variant.name for variant in (*chosen, one)): (*chosen, one)
            for chosen in reversed(best[:width])
            for one in variants
            if one not in chosen and together((*chosen, one))
        }
        best = sorted(larger.values(), key=lambda chosen: -score(changes_of(chosen)))
        yield best


def together(chosen: Sequence[Variant]) -> bool:
    """Whether the variants do not exclude each other: no two of them change the same."""
    return len(changes_of(chosen)) == sum(len(variant.changes) for variant in chosen)


def closest(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, the closest first."""
    return sorted(findings, key=lambda finding: finding.distance)


def changes_of(chosen: Sequence[Variant]) -> dict[str, Any]:
    """The changes of several variants together."""
    return {name: change for variant in chosen for name, change in variant.changes.items()}
