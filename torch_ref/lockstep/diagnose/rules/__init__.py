"""Optimizers by hand, each with its known variants: a file for each family.

A rule that is given no change does what the optimizer of its name does; a variant is a change.
"""

from torch_ref.lockstep.diagnose.rules.adagrad import AdagradRule
from torch_ref.lockstep.diagnose.rules.adam import AdamRule, AdamWRule
from torch_ref.lockstep.diagnose.rules.base import NO_EFFECT, Arrays, Settings, UpdateRule
from torch_ref.lockstep.diagnose.rules.rmsprop import RMSpropRule
from torch_ref.lockstep.diagnose.rules.sgd import SGDRule
from torch_ref.lockstep.finding import Variant

#: By the name of a family, what does the same as torch's class until it is changed.
FAMILIES: dict[str, type[UpdateRule]] = {
    cls.__name__.removesuffix("Rule"): cls
    for cls in (SGDRule, AdagradRule, RMSpropRule, AdamRule, AdamWRule)
}
#: By family, the known variants.
VARIANTS: dict[str, tuple[Variant, ...]] = {name: cls.VARIANTS for name, cls in FAMILIES.items()}

__all__ = ["FAMILIES", "NO_EFFECT", "VARIANTS", "Arrays", "Settings", "UpdateRule"]
