"""A known way to differ from torch, and the finding that a candidate differs in it."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple


class _Filled(string.Formatter):
    """A format in which what is no number, where one is expected, is shown as it is."""

    def format_field(self, value: Any, spec: str) -> Any:
        return super().format_field(value, spec if isinstance(value, Real) else "")


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

    def instead(self, settings: Mapping[str, Any]) -> str:
        """The sentence on what is done instead, with these settings in it.

        >>> Variant("no eps", "torch adds {eps:g}", {}).instead({"eps": 1e-8})
        'torch adds 1e-08'
        """
        return _Filled().vformat(self.theirs, (), settings)


class Place(NamedTuple):
    """A line of the user's file.

    >>> print(Place("my_adam.py", 14, "return m / (v**0.5 + eps)"))
    my_adam.py:14: return m / (v**0.5 + eps)
    """

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Finding:
    """A variant, or several together, that the candidate agrees with.

    Attributes:
        variants: one, or several.
        distance: from them; relative, or the Kolmogorov–Smirnov statistic of a distribution.
        theirs: what the reference does instead.
        p: of a statistical test; ``None`` where numbers were compared one by one.
        places: in the user's file, where they stand, as far as that was found.
        statistic: what the distance of a test is.
    """

    variants: tuple[Variant, ...]
    distance: float
    theirs: str
    p: float | None = None
    places: tuple[Place, ...] = ()
    statistic: str = "KS D"

    @classmethod
    def of(
        cls,
        variants: Sequence[Variant],
        distance: float,
        p: float | None = None,
        statistic: str = "KS D",
    ) -> "Finding":
        """The finding that the candidate is these variants together."""
        theirs = "; ".join(dict.fromkeys(variant.theirs for variant in variants))
        given = None if p is None else float(p)
        return cls(tuple(variants), float(distance), theirs, given, statistic=statistic)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variants."""
        return tuple(variant.name for variant in self.variants)

    def line(self, mine: str, joined: str = "and", exactly: str = "exactly") -> str:
        """The finding in a sentence about ``mine``.

        >>> print(Finding.of([Variant("no eps", "torch adds it", {})], 3e-16).line("Norm"))
        your Norm agrees with "no eps" to 3e-16; torch adds it
        """
        return f"{self.seen(mine, joined, exactly)}; {self.theirs}"

    def lines(self, mine: str, joined: str = "and", exactly: str = "exactly") -> list[str]:
        """The same, a line for each: what ``mine`` does, what the reference does, and where."""
        theirs = list(dict.fromkeys(variant.theirs for variant in self.variants))
        whole = "; ".join(theirs) == self.theirs
        return [
            self.seen(mine, joined, exactly),
            *(theirs if whole else [self.theirs]),
            *map(str, self.places),
        ]

    def seen(self, mine: str, joined: str = "and", exactly: str = "exactly") -> str:
        """The first half of it, on what ``mine`` does."""
        names = f" {joined} ".join(f'"{name}"' for name in self.names)
        if self.p is not None:
            apart = f"({self.statistic} = {self.distance:.2g}, p = {self.p:.2g})"
            return f"your {mine} cannot be told apart from {names} {apart}"
        to = exactly if self.distance == 0 else f"to {self.distance:.0e}"
        return f"your {mine} agrees with {names} {to}"


@dataclass(frozen=True)
class Likeness(Finding):
    """That the candidate is another optimizer, the first of the variants; perhaps with others.

    Attributes:
        family: of that optimizer in the catalogue.

    >>> lion = Likeness((Variant("Lion with lr 0.1", "", {}),), 0.0, "Chen et al. 2023")
    >>> print(lion.line("Mine"))
    your Mine is Lion with lr 0.1, exactly; Chen et al. 2023
    """

    family: str = ""

    def seen(self, mine: str, joined: str = "and", exactly: str = "exactly") -> str:
        """The first half of it, on what ``mine`` is."""
        but = f" {joined} ".join(f'"{name}"' for name in self.names[1:])
        to = exactly if self.distance == 0 else f"to {self.distance:.0e}"
        return f"your {mine} is {self.names[0]}{f', but {but}' if but else ''}, {to}"
