"""What a check says: agrees, or where it diverges and which known variant it is."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from torch_ref.lockstep.report import Divergence, json_number


@dataclass(frozen=True)
class Variant:
    """One known way to differ from torch.

    Attributes:
        name: what it is called.
        theirs: one sentence on what torch does instead.
        dials: the settings of a reference that make it this variant; two variants that turn the
            same dial exclude each other.
    """

    name: str
    theirs: str
    dials: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """A variant, or several together, that the candidate agrees with.

    Attributes:
        names: of the variants.
        distance: from them; relative, or the Kolmogorov–Smirnov statistic of a distribution.
        theirs: what torch does instead.
        p: of a statistical test; ``None`` where numbers were compared one by one.
    """

    names: tuple[str, ...]
    distance: float
    theirs: str
    p: float | None = None

    def line(self, mine: str) -> str:
        """The finding in a sentence about ``mine``.

        >>> print(Finding(("eps forgotten",), 3e-16, "torch adds eps inside").line("Norm"))
        your Norm agrees with "eps forgotten" to 3e-16; torch adds eps inside
        """
        names = " and ".join(f'"{name}"' for name in self.names)
        if self.p is not None:
            seen = (
                f"cannot be told apart from {names} (KS D = {self.distance:.2g}, p = {self.p:.2g})"
            )
        else:
            to = "exactly" if self.distance == 0 else f"to {self.distance:.1g}"
            seen = f"agrees with {names} {to}"
        return f"your {mine} {seen}; {self.theirs}"


@dataclass
class Verdict:
    """What a check showed.

    Attributes:
        mine, theirs: what they are called.
        seen: how far they agree, in words; what was compared.
        first: where they diverged first, a place or a short text; ``None`` if they agree.
        findings: the variants that fit, the closest first; empty if none does, or if they agree.
        notes: what the reader must know: the settings of both sides, what was not compared.
        tried: what was tried in search of the cause, in words.
    """

    mine: str
    theirs: str
    seen: str
    first: Divergence | str | None = None
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tried: str = "alone or in pairs"

    @property
    def agrees(self) -> bool:
        """Whether no difference beyond rounding, or beyond chance, was found."""
        return self.first is None

    def raise_if_diverged(self) -> None:
        """Raise an AssertionError that says where and why, if the sides diverged."""
        if not self.agrees:
            raise AssertionError(str(self))

    def as_dict(self) -> dict[str, Any]:
        """The verdict in plain JSON values; a number that is not finite is a string."""
        first = self.first.as_dict() if isinstance(self.first, Divergence) else self.first
        return {
            "mine": self.mine,
            "theirs": self.theirs,
            "agrees": self.agrees,
            "seen": self.seen,
            "first": first,
            "findings": [
                {
                    "names": list(finding.names),
                    "distance": json_number(finding.distance),
                    "p": None if finding.p is None else json_number(finding.p),
                    "theirs": finding.theirs,
                }
                for finding in self.findings
            ],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        notes = [f"  ({note})" for note in self.notes]
        if self.agrees:
            return "\n".join([self.seen, *notes])
        lines = [f"{self.mine} diverges from {self.theirs}", f"  at {self.first}"]
        lines += [f"  {finding.line(self.mine)}" for finding in self.findings]
        if not self.findings:
            lines.append(f"  none of the known variants fits, {self.tried}: look there")
        return "\n".join([*lines, *notes])


def search(
    variants: Iterable[Variant],
    distance: Callable[[dict[str, Any]], float],
    tolerance: float,
    depth: int = 2,
) -> list[Finding]:
    """The fewest variants together that are within ``tolerance``, the closest first.

    Args:
        variants: to choose from.
        distance: from the candidate to the reference with these dials.
        tolerance: the distance up to which it fits.
        depth: how many variants may come together.

    >>> half = Variant("half", "torch takes the whole", {"factor": 0.5})
    >>> [found.names for found in search([half], lambda dials: abs(dials["factor"] - 0.5), 0)]
    [('half',)]
    """
    for together in combined(variants, depth):
        found = []
        for chosen in together:
            apart = distance(dials_of(chosen))
            if apart <= tolerance:
                found.append(finding(chosen, apart))
        if found:
            return sorted(found, key=lambda one: one.distance)
    return []


def combined(variants: Iterable[Variant], depth: int) -> Iterable[list[tuple[Variant, ...]]]:
    """The variants one by one, then in pairs, and so on, but for those that exclude each other."""
    variants = list(variants)
    for size in range(1, depth + 1):
        together = combinations(variants, size)
        yield [c for c in together if len(dials_of(c)) == sum(len(v.dials) for v in c)]


def dials_of(chosen: Sequence[Variant]) -> dict[str, Any]:
    """The dials of several variants together."""
    return {dial: value for variant in chosen for dial, value in variant.dials.items()}


def finding(chosen: Sequence[Variant], distance: float, p: float | None = None) -> Finding:
    """The finding that the candidate is these variants together."""
    names = tuple(variant.name for variant in chosen)
    theirs = "; ".join(dict.fromkeys(variant.theirs for variant in chosen))
    return Finding(names, float(distance), theirs, None if p is None else float(p))


def name_of(candidate: Any) -> str:
    """What a candidate is called: a function or class by its name, an object by its class's."""
    return getattr(candidate, "__name__", None) or type(candidate).__name__


def parameters_of(candidate: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a function or class; none of a builtin's."""
    try:
        return dict(inspect.signature(candidate).parameters)
    except (TypeError, ValueError):
        return {}
