"""The catalogue: the known ways to write an optimizer that is not quite torch's.

reference   a small implementation with dials
families    one for each of torch's classes; with no dial turned it does what torch does
variant     what a variant is: a name, the dials to turn, what torch does instead
adaptive    the variants of Adagrad, RMSprop, Adam and AdamW
common      the variants of momentum, of weight decay, and of the sign

>>> [v.name for v in variants_of("SGD")][0]
'lr inside the momentum buffer'
"""

from scratch import _check
from torch_ref.lockstep.catalogue import adaptive, common, families
from torch_ref.lockstep.catalogue.reference import NO_EFFECT, Reference, Settings
from torch_ref.lockstep.catalogue.variant import Variant
from torch_ref.lockstep.reference import Reference as Against

#: By torch's class, what does the same.
REFERENCES: dict[str, type[Reference]] = {
    cls.__name__: cls
    for cls in (families.SGD, families.Adagrad, families.RMSprop, families.Adam, families.AdamW)
}

#: In the order in which findings are listed.
VARIANTS: tuple[Variant, ...] = (
    *adaptive.EPSILON,
    *adaptive.MOMENTS,
    *adaptive.COUNTER,
    *adaptive.SQUARES,
    *common.SGD_MOMENTUM,
    *common.WEIGHT_DECAY,
    *common.SIGN,
)


def variants_of(family: str) -> list[Variant]:
    """The known variants of a class of torch, by its name."""
    return [variant for variant in VARIANTS if family in variant.families]


def reference(family: str, settings: Settings | None = None, *variants: Variant) -> Reference:
    """The family's reference, turned into the given variants at once.

    Raises:
        KeyError: there is no such family.
        TypeError: the family has no such setting.

    >>> reference("Adam", {"lr": 0.1}, variants_of("Adam")[0]).dials["eps_place"]
    'inside'
    """
    if not isinstance(family, str) or family not in REFERENCES:
        raise KeyError(f"family must be one of {', '.join(REFERENCES)}, got {_check.shown(family)}")
    dials = {dial: value for variant in variants for dial, value in variant.dials.items()}
    return REFERENCES[family](settings, **dials)


class Catalogue:
    """The known ways to differ from an optimizer, and it itself with some of them turned on.

    Args:
        against: what a candidate is checked against.
        settings: of that.

    Raises:
        KeyError: there is no catalogue for it.

    Attributes:
        variants: the known ones.

    The hand-written class of a pair may be a variant of torch's, as ``chapter.Adam`` is: its own
    dials are turned from the start then, and to turn them back is a variant of it.
    """

    def __init__(self, against: Against, settings: Settings) -> None:
        pair = against.optimizer
        if pair is None or not pair.family:
            raise KeyError(f"there is no catalogue of variants of {against.name}")
        family = pair.family
        self._owner, self._family = against.owner, family
        self._settings = against.torchs_settings(dict(settings))
        self.variants = variants_of(family)
        self._own: Variant | None = None
        if against.by_hand and pair.variant:
            [self._own] = (each for each in self.variants if each.name == pair.variant)
            back = {dial: REFERENCES[family].DIALS[dial] for dial in self._own.dials}
            torchs = Variant(f"torch's {family}", (family,), back, "")
            self.variants = [torchs, *(each for each in self.variants if each is not self._own)]

    def reference(self, *variants: Variant) -> Reference:
        """The optimizer, turned into the given variants at once."""
        own = (self._own,) if self._own else ()
        return reference(self._family, self._settings, *own, *variants)

    def instead_of(self, variant: Variant) -> str:
        """What the optimizer does where the variant does otherwise."""
        if self._own and self._own.dials.keys() & variant.dials.keys():
            return f'{self._owner} has "{self._own.name}"'
        return variant.sentence(self.reference().settings, self._owner)


__all__ = [
    "NO_EFFECT",
    "REFERENCES",
    "VARIANTS",
    "Catalogue",
    "Reference",
    "Settings",
    "Variant",
    "reference",
    "variants_of",
]
