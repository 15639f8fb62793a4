"""A known way to differ from torch, and the finding that a candidate differs in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variant:
    """One known way to differ from torch.

    Attributes:
        name: short, and the only one of its name in a family.
        theirs: a sentence on what torch does instead; it may name settings in braces.
        changes: of a hand-written rule that make it this variant: of a setting or of its form; two
            variants that change the same exclude each other.
        seen_in: where it is known from, where it is.
    """

    name: str
    theirs: str
    changes: Mapping[str, Any]
    seen_in: str = ""


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
