"""``torch.optim.ASGD``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_RATE = "has ηₜ₊₁ = lr/(1 + lambd·lr·t)^alpha, and η = lr in the first step"
_SHRINK = "has w ← (1 − lambd·η)w − ηg"
_DOUBLE = variant(
    "the textbook's rate η, in double precision",
    "keeps η in float32, whatever the parameters are",
    "whoever writes the formula",
    eta="double",
)
_RATES = (
    variant("alpha the power of t alone", _RATE, "torch's foreach path once", power="of t"),
    variant("alpha the power of t alone, η in double precision", _RATE, power="of t", eta="double"),
    variant("rate of the next step in this one", _RATE, rate="now"),
    variant(
        "rate of the next step in this one, in double precision", _RATE, rate="now", eta="double"
    ),
    variant("constant rate", _RATE, rate="constant"),
    variant("alpha ignored", _RATE, alpha=1.0, eta="double"),
    variant("lambd without effect on the weights", _SHRINK, shrinks="never"),
    variant(
        "lambd without effect on the weights, η in double precision",
        _SHRINK,
        shrinks="never",
        eta="double",
    ),
    variant("weights shrunk after the step", _SHRINK, shrinks="after"),
    variant("lambd in the gradient of the rate lr", _SHRINK, shrinks="at lr"),
)


class ASGDRule(UpdateRule):
    """``torch.optim.ASGD``; the average that it keeps beside w changes no step.

    ============== =================================================================
    ``eta``        ηₜ in "float32", as torch keeps it, or in "double"
    ``power``      alpha is one of the "bracket" 1 + λ·lr·t, or "of t"
    ``rate``       of the step "before", "now", or "constant"
    ``shrinks``    w by λη "before" the step, "after" it, "at lr" by λ·lr, or "never"
    ============== =================================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (_DOUBLE, *_RATES, *COUPLED, *EVERYWHERE)
    TEXTBOOK: ClassVar[tuple[Variant, ...]] = (_DOUBLE,)
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1e-2,
        "lambd": 1e-4,
        "alpha": 0.75,
        "t0": 1e6,
    }
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "eta": "float32",
        "power": "bracket",
        "rate": "before",
        "shrinks": "before",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"eta": self._rounded(self.lr)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        now, following = state["eta"], self._rounded(self._rate(t))
        state["eta"] = following
        eta = {"before": now, "now": following, "constant": self.lr}[self.form["rate"]]
        shrinks, lambd = self.form["shrinks"], self.settings["lambd"]
        if shrinks == "before":
            w *= 1 - lambd * eta
        elif shrinks == "at lr":
            w *= 1 - lambd * self.lr
        step = eta * g
        return step + lambd * eta * (w - step) if shrinks == "after" else step

    def _rate(self, t: int) -> float:
        lambd, alpha = self.settings["lambd"], self.settings["alpha"]
        if self.form["power"] == "of t":
            return float(self.lr / (1 + lambd * self.lr * t**alpha))
        return float(self.lr / (1 + lambd * self.lr * t) ** alpha)

    def _rounded(self, eta: float) -> float:
        return float(np.float32(eta)) if self.form["eta"] == "float32" else eta
