"""DiffGrad, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import DECOUPLED_DECAY, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.epsilon import PLACES, other_values
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_FRICTION = "multiplies m̂ by the sigmoid of |g′ − g|, with the gradient g′ of the step before"
_CHANGED = (
    variant("no friction: Adam", _FRICTION, "Adam", friction="none"),
    variant("sigmoid of g′ − g, not of its size", _FRICTION, friction="signed"),
    variant("sigmoid of |m − g|", _FRICTION, friction="moment"),
    variant("epsilon after the bias correction", "adds it to √v", eps_place="outside"),
    variant("1e-15 inside the root", "has √v + eps", "pytorch_optimizer", eps_place="1e-15 inside"),
)


class DiffGradRule(MomentsRule):
    """DiffGrad: Adam's step times the sigmoid of |g′ − g|, with the gradient g′ of before.

    The form ``friction`` is of the "size" of g′ − g, "signed", of |m − g|, "moment", or "none".
    """

    PAPER: ClassVar[str] = "Dubey et al. 2019, arXiv:1909.11015"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_CHANGED,
        *PLACES[1:],
        *other_values("1e-7", "1e-6"),
        *DECOUPLED_DECAY,
        *EVERYWHERE,
    )
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "decay": "decoupled",
        "eps_place": "before correction",
        "friction": "size",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {**super().init_state(w), "before": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        m, v, correct1, correct2 = self.moments(g, g * g, state, t)
        of = {"size": np.abs(state["before"] - g), "signed": state["before"] - g}
        change = of.get(self.form["friction"], np.abs(m - g))
        friction = 1.0 if self.form["friction"] == "none" else 1 / (1 + np.exp(-change))
        state["before"] = g.copy()
        return self.lr / correct1 * friction * m / self.denominator(v, correct2)
