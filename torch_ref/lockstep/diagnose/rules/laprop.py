"""LaProp, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import EVERYWHERE
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.moments import COUNTER, FACTORS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_NORMALIZES = "averages lr·g/(√v̂ + eps): the gradient is normalized before it goes into m"
_ORDER = (
    variant("lr outside of the average", _NORMALIZES, lr_place="outside"),
    variant("normalized after the momentum, as in Adam", _NORMALIZES, "Adam", order="after"),
    variant("bias correction of m missing", "divides m by 1 − β₁ᵗ", correction="second"),
    variant("bias correction of v missing", "divides v by 1 − β₂ᵗ", correction="first"),
    variant(
        "bias correction of v summed up in float32",
        "computes 1 − β₂ᵗ in double precision",
        "timm",
        precision="float32 sum",
    ),
    variant("weight decay before the step", "decays w after it", decay="decoupled"),
    variant("weight decay coupled, in the gradient", "decays w after the step", decay="coupled"),
)


class LaPropRule(MomentsRule):
    """LaProp: m ← β₁m + (1 − β₁)·lr·g/(√v̂ + ε), w ← w − m/(1 − β₁ᵗ); the decay comes after.

    ============ ====================================================================
    ``lr_place`` "inside" of m, or "outside"
    ``order``    g is normalized "before" it goes into m, or m "after"
    ============ ====================================================================

    The correction of m follows a change of lr: it is the average of lr, by lr.
    """

    PAPER: ClassVar[str] = "Ziyin et al. 2020, arXiv:2002.04839"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_ORDER,
        *ADAMS_EPSILON,
        *FACTORS,
        *COUNTER,
        *EVERYWHERE,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "lr": 4e-4, "eps": 1e-15}
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "decay": "after",
        "lr_place": "inside",
        "order": "before",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {**super().init_state(w), "lr": 0.0}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1, beta2 = self.settings["betas"]
        v = self.average(state, "v", beta2, g * g, self.form["v_factor"])
        below = self.denominator(v, self._correction("second", beta2, t))
        inside, before = self.form["lr_place"] == "inside", self.form["order"] == "before"
        new = g / below if before else g
        m = self.average(state, "m", beta1, self.lr * new if inside else new, self.form["m_factor"])
        state["lr"] = beta1 * state["lr"] + (1 - beta1) * self.lr
        correct1 = self._correction("first", beta1, t)
        if inside and self.form["counter"] == "t" and self.form["correction"] != "second":
            correct1 = state["lr"] / self.lr
        step: np.ndarray = m / correct1 if before else m / correct1 / below
        return step if inside else self.lr * step
