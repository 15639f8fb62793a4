"""Optimizers by hand, each with its known variants: a file for each family.

A rule that is given no change does what the optimizer of its name does; a variant is a change.
A family is added by a file with its rule and its table of variants, and its name here.
"""

from torch_ref.lockstep.diagnose.rules.adabelief import AdaBeliefRule
from torch_ref.lockstep.diagnose.rules.adabound import AdaBoundRule
from torch_ref.lockstep.diagnose.rules.adadelta import AdadeltaRule
from torch_ref.lockstep.diagnose.rules.adafactor import AdafactorRule
from torch_ref.lockstep.diagnose.rules.adagrad import AdagradRule
from torch_ref.lockstep.diagnose.rules.adam import AdamRule, AdamWRule
from torch_ref.lockstep.diagnose.rules.adamax import AdamaxRule
from torch_ref.lockstep.diagnose.rules.adamod import AdaModRule
from torch_ref.lockstep.diagnose.rules.adan import AdanRule
from torch_ref.lockstep.diagnose.rules.adanorm import AdaNormRule
from torch_ref.lockstep.diagnose.rules.adopt import ADOPTRule
from torch_ref.lockstep.diagnose.rules.asgd import ASGDRule
from torch_ref.lockstep.diagnose.rules.base import NO_EFFECT, Arrays, Settings, UpdateRule
from torch_ref.lockstep.diagnose.rules.d_adaptation import (
    DAdaptAdamRule,
    DAdaptSGDRule,
    ProdigyRule,
)
from torch_ref.lockstep.diagnose.rules.diffgrad import DiffGradRule
from torch_ref.lockstep.diagnose.rules.lamb import LAMBRule
from torch_ref.lockstep.diagnose.rules.laprop import LaPropRule
from torch_ref.lockstep.diagnose.rules.lars import LARSRule
from torch_ref.lockstep.diagnose.rules.lion import LionRule
from torch_ref.lockstep.diagnose.rules.lookahead import around
from torch_ref.lockstep.diagnose.rules.madgrad import MADGRADRule
from torch_ref.lockstep.diagnose.rules.muon import MuonRule
from torch_ref.lockstep.diagnose.rules.nadam import NAdamRule
from torch_ref.lockstep.diagnose.rules.novograd import NovoGradRule
from torch_ref.lockstep.diagnose.rules.qhm import QHAdamRule, QHMRule
from torch_ref.lockstep.diagnose.rules.radam import RAdamRule
from torch_ref.lockstep.diagnose.rules.rmsprop import RMSpropRule
from torch_ref.lockstep.diagnose.rules.rprop import RpropRule
from torch_ref.lockstep.diagnose.rules.schedule_free import (
    ScheduleFreeAdamWRule,
    ScheduleFreeSGDRule,
)
from torch_ref.lockstep.diagnose.rules.sgd import SGDRule, SGDWRule
from torch_ref.lockstep.diagnose.rules.sign_sgd import SignSGDRule
from torch_ref.lockstep.diagnose.rules.sparse_adam import SparseAdamRule
from torch_ref.lockstep.diagnose.rules.stable_adamw import StableAdamWRule
from torch_ref.lockstep.diagnose.rules.yogi import YogiRule
from torch_ref.lockstep.finding import Variant

_TORCHS: tuple[type[UpdateRule], ...] = (
    SGDRule,
    AdagradRule,
    RMSpropRule,
    AdamRule,
    AdamWRule,
    AdadeltaRule,
    AdamaxRule,
    NAdamRule,
    RAdamRule,
    ASGDRule,
    RpropRule,
    AdafactorRule,
    MuonRule,
    SparseAdamRule,
)
_BEYOND: tuple[type[UpdateRule], ...] = (
    SGDWRule,
    LionRule,
    SignSGDRule,
    LAMBRule,
    LARSRule,
    AdaBeliefRule,
    YogiRule,
    NovoGradRule,
    AdanRule,
    LaPropRule,
    ADOPTRule,
    MADGRADRule,
    AdaModRule,
    QHMRule,
    QHAdamRule,
    AdaBoundRule,
    ScheduleFreeSGDRule,
    ScheduleFreeAdamWRule,
    DAdaptSGDRule,
    DAdaptAdamRule,
    ProdigyRule,
    AdaNormRule,
    DiffGradRule,
    StableAdamWRule,
    around(SGDRule),
    around(AdamRule),
)
#: By the name of a family, what does the same as that optimizer until it is changed.
FAMILIES: dict[str, type[UpdateRule]] = {
    cls.__name__.removesuffix("Rule"): cls for cls in (*_TORCHS, *_BEYOND)
}
#: Those of torch's classes.
OF_TORCH = tuple(FAMILIES)[: len(_TORCHS)]
#: By family, the known variants.
VARIANTS: dict[str, tuple[Variant, ...]] = {name: cls.VARIANTS for name, cls in FAMILIES.items()}

__all__ = [
    "FAMILIES",
    "NO_EFFECT",
    "OF_TORCH",
    "VARIANTS",
    "Arrays",
    "Settings",
    "UpdateRule",
    "around",
]
