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


__all__ = [
    "NO_EFFECT",
    "REFERENCES",
    "VARIANTS",
    "Reference",
    "Settings",
    "Variant",
    "reference",
    "variants_of",
]
