"""``torch.optim.Adamax``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants import conventions
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE, MEMORY, SCALE
from torch_ref.lockstep.diagnose.variants.epsilon import other_values
from torch_ref.lockstep.diagnose.variants.moments import COUNTER, FIRST_MOMENT
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_LARGEST = "has u = max(β₂u, |g| + eps) and divides by u"
_NORM = (
    variant(
        "epsilon added to the largest gradient, not to the new one",
        _LARGEST,
        "Keras, MLX",
        eps_place="outside",
    ),
    variant("epsilon kept in the largest gradient", _LARGEST, eps_place="kept"),
    variant("the maximum of u and epsilon", _LARGEST, eps_place="maximum"),
    variant("no epsilon", _LARGEST, "the paper", eps_place="nowhere"),
    variant("the largest gradient never forgotten", _LARGEST, decayed=False),
    variant("bias correction missing", "corrects m: m̂ = m/(1 − β₁ᵗ)", "MLX", correction="none"),
    variant(
        "bias correction of the largest gradient, too",
        "corrects m alone: u does not start at zero in effect",
        correction="both",
    ),
    variant(
        "bias correction with β₂",
        "has β₁ in it: m̂ = m/(1 − β₁ᵗ)",
        correction_betas="swapped",
    ),
)


class AdamaxRule(MomentsRule):
    """``torch.optim.Adamax``; its v is not an average, but the largest gradient u.

    =============== ================================================================
    ``eps_place``   u = max(β₂u, |g| + ε), with the "gradient"; m/(u + ε), "outside";
                    u = max(β₂u, |g|) + ε, "kept"; m/max(u, ε), "maximum"; "nowhere"
    ``decayed``     whether u is multiplied by β₂
    =============== ================================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_NORM,
        *conventions.ADAMAX,
        *other_values("1e-7", "1e-10"),
        *FIRST_MOMENT,
        *COUNTER,
        *COUPLED,
        *EVERYWHERE,
        *SCALE,
        *MEMORY,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "lr": 2e-3}
    FORMS: ClassVar[Settings] = {
        **{k: v for k, v in MomentsRule.FORMS.items() if k not in ("root", "v_factor")},
        "eps_place": "gradient",
        "decayed": True,
        "correction": "first",
    }

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1, beta2 = self.settings["betas"]
        m = self.average(state, "m", beta1, g, self.form["m_factor"])
        below = self._largest(np.abs(g), beta2 if self.form["decayed"] else 1.0, state["v"])
        correct1, correct2 = self.corrections(t)
        if self.form["corrected"] == "m in place":
            m /= correct1
            correct1 = 1.0
        return self.lr / correct1 * m / (below / correct2)

    def _largest(self, size: np.ndarray, beta2: float, u: np.ndarray) -> np.ndarray:
        eps, place = self.settings["eps"], self.form["eps_place"]
        np.maximum(beta2 * u, size + eps if place == "gradient" else size, out=u)
        if place == "kept":
            u += eps
        if place == "maximum":
            return np.maximum(u, eps)
        return u + eps if place == "outside" else u
