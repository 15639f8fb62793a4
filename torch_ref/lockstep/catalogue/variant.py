"""What a known variant is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch_ref.lockstep.catalogue.reference import Settings


@dataclass(frozen=True)
class Variant:
    """One known way to differ from torch.

    Attributes:
        name: short, and the only one of its name in a family.
        families: torch's classes that it is a variant of.
        dials: how a family's reference is turned into it.
        theirs: what torch does instead, to follow "torch"; may name settings in braces.
        seen_in: where it is known from, where it is.
        shows_with: settings that it needs to make a difference.
    """

    name: str
    families: tuple[str, ...]
    dials: Mapping[str, Any]
    theirs: str
    seen_in: str = ""
    shows_with: Settings = field(default_factory=dict)

    def sentence(self, settings: Settings, owner: str = "torch") -> str:
        """What ``owner``'s rule does instead, with the values of ``settings`` in it.

        >>> Variant("eps 1e-7", ("Adam",), {}, "has eps = {eps:g}").sentence({"eps": 1e-8})
        'torch has eps = 1e-08'
        """
        return f"{owner} {self.theirs.format(**settings)}"
