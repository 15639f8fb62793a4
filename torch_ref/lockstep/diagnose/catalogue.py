"""The known ways to differ from one optimizer, in the words of a check against it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from torch_ref.lockstep.candidates.reference import Reference
from torch_ref.lockstep.diagnose.rules import FAMILIES, VARIANTS, UpdateRule
from torch_ref.lockstep.diagnose.search import changes_of
from torch_ref.lockstep.finding import Variant

Settings = Mapping[str, Any]


class Catalogue:
    """The known ways to differ from an optimizer, and it itself with some of them made.

    Args:
        against: what a candidate is checked against.
        settings: of that.

    Raises:
        KeyError: there is no catalogue for it.
        TypeError: it has no such setting.

    Attributes:
        owner, family: of the optimizer; the former for a sentence.
        variants: the known ones.

    The hand-written class of a pair may be a variant of torch's, as ``chapter.Adam`` is: that is
    changed from the start then, and to have it as torch does is a variant of it.

    >>> from torch_ref.lockstep.candidates.reference import find
    >>> Catalogue(find("chapter.Adam"), {}).variants[0].name
    "torch's Adam"
    """

    def __init__(
        self, against: Reference, settings: Settings, dtype: np.typing.DTypeLike = np.float64
    ) -> None:
        pair = against.optimizer
        if pair is None or pair.family not in FAMILIES:
            raise KeyError(f"there is no catalogue of variants of {against.name}")
        self.owner, self.family, self._family = against.owner, pair.family, FAMILIES[pair.family]
        given = against.torchs_settings(dict(settings))
        self._settings = given | _of_precision(self._family, given, np.dtype(dtype))
        known = VARIANTS[pair.family]
        own = [each for each in known if against.by_hand and each.name == pair.variant]
        self._changes = changes_of(own)
        back = {form: self._family.FORMS[form] for form in self._changes}
        torchs = [Variant(f"torch's {pair.family}", "", back)] if own else []
        known = (*torchs, *(each for each in known if each not in own))
        self.variants = [replace(each, theirs=self._instead_of(each, own)) for each in known]

    def textbook(self, single: bool = False) -> UpdateRule:
        """The formula as it is written; with ``single``, its settings in single precision."""
        rule = self.rule(**self.textbooks)
        if not single:
            return rule
        settings = {name: _in_single(value) for name, value in rule.settings.items()}
        return self._family(settings, **rule.form)

    @property
    def textbooks(self) -> dict[str, Any]:
        """The changes that make it the formula as it is written."""
        return changes_of(self._family.TEXTBOOK)

    @property
    def torch_rounds(self) -> str:
        """What torch has in single precision in any case, after "it"; or nothing."""
        return "; ".join(each.theirs.removeprefix("torch ") for each in self._family.TEXTBOOK)

    @property
    def moves_alone(self) -> bool:
        """Whether the moves are compared, since torch rounds them to eight bits, as in Muon."""
        return "rounds" in self._family.FORMS

    def rule(self, **changes: Any) -> UpdateRule:
        """The optimizer, with these changes."""
        return self._family(self._settings, **self._changes | changes)

    def _instead_of(self, variant: Variant, own: list[Variant]) -> str:
        """Return a sentence on what the optimizer does instead of the variant."""
        for each in own:
            if each.changes.keys() & variant.changes.keys():
                return f'{self.owner} has "{each.name}"'
        sentence = variant.instead(self.rule().settings)
        return self.owner + sentence.removeprefix("torch")


def _of_precision(
    family: type[UpdateRule], settings: Settings, dtype: np.dtype
) -> dict[str, tuple[float, ...]]:
    """The ε of Adafactor that torch takes from the dtype."""
    eps = settings.get("eps", family.DEFAULTS.get("eps"))
    if not isinstance(eps, tuple):
        return {}
    return {"eps": tuple(float(np.finfo(dtype).eps) if each is None else each for each in eps)}


def _in_single(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_in_single, value))
    return float(np.float32(value)) if isinstance(value, float) else value
