"""AdaNorm, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import DECOUPLED_DECAY, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.moments import COUNTER, FACTORS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_NORM = "takes into m the gradient at the average norm, where that is larger than its own"
_NORMED = (
    variant("the gradient as it is: Adam", _NORM, "Adam", normed="never"),
    variant("always at the average norm", _NORM, normed="always"),
    variant("in v, too", _NORM, normed="both"),
)


class AdaNormRule(MomentsRule):
    """AdaNorm: Adam whose m takes gradients at the average of their norms, if they are shorter.

    The form ``normed`` is "shorter", "never", "always", or "both": in v, too.
    """

    PAPER: ClassVar[str] = "Dubey et al. 2022, arXiv:2210.06364"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_NORMED,
        *ADAMS_EPSILON,
        *FACTORS,
        *COUNTER,
        *DECOUPLED_DECAY,
        *EVERYWHERE,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "betas": (0.9, 0.99), "r": 0.95}
    FORMS: ClassVar[Settings] = {**MomentsRule.FORMS, "decay": "decoupled", "normed": "shorter"}

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {**super().init_state(w), "norm": 0.0}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        norm, r, normed = float(np.sqrt(np.sum(g * g))), self.settings["r"], self.form["normed"]
        average = state["norm"] = r * state["norm"] + (1 - r) * norm
        scales = norm > 0 and (average > norm or normed == "always") and normed != "never"
        scaled = g * (average / norm) if scales else g
        squares = scaled * scaled if normed == "both" else g * g
        m, v, correct1, correct2 = self.moments(scaled, squares, state, t)
        return self.lr / correct1 * m / self.denominator(v, correct2)
