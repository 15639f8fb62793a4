"""A known variant, in a line."""

from typing import Any

from torch_ref.lockstep.finding import Variant


def variant(name: str, torch_does: str, seen_in: str = "", **changes: Any) -> Variant:
    """The variant of that name; ``torch_does`` is what torch does instead.

    >>> variant("no epsilon", "adds eps = {eps:g}", eps_place="nowhere").theirs
    'torch adds eps = {eps:g}'
    """
    return Variant(name, f"torch {torch_does}", changes, seen_in)
