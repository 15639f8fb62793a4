"""``torch.optim.RAdam``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE, MEMORY
from torch_ref.lockstep.diagnose.variants.epsilon import PLACES, other_values
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS, ONE_MOMENT
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_BESIDE = "adds it to √v, before the correction: √(1 − β₂ᵗ)/(√v + eps)"
_THRESHOLD = "rectifies where ρₜ > 5, and takes m̂ alone before"
_RECTIFIER = "has r = √((ρₜ − 4)(ρₜ − 2)ρ∞/((ρ∞ − 4)(ρ∞ − 2)ρₜ))"
_RECTIFIED = (
    variant("epsilon after the bias correction", _BESIDE, "optax", eps_place="outside"),
    variant("epsilon inside the square root", _BESIDE, eps_place="inside"),
    variant(
        "epsilon inside the square root, before the bias correction",
        _BESIDE,
        eps_place="inside, before correction",
    ),
    variant("rectified from ρ > 4", _THRESHOLD, "the paper", threshold=4.0),
    variant("rectified from ρ > 6", _THRESHOLD, threshold=6.0),
    variant("no step before it is rectified", _THRESHOLD, below="nothing"),
    variant("the gradient before it is rectified", _THRESHOLD, below="gradient"),
    variant("the uncorrected m before it is rectified", _THRESHOLD, below="uncorrected"),
    variant(
        "never rectified: Adam's step from the start",
        _THRESHOLD,
        threshold=-np.inf,
        rectified=False,
    ),
    variant("no rectifier once ρ > 5", _RECTIFIER, rectified=False),
    variant("the rectifier without its root", _RECTIFIER, rectified="square"),
    variant(
        "ρ and the rectifier in float32", "computes them in double precision", scalars="float32"
    ),
    variant("ρ∞ without − 1", "has ρ∞ = 2/(1 − β₂) − 1", longest=0.0),
)


class RAdamRule(MomentsRule):
    """``torch.optim.RAdam``.

    ============== =================================================================
    ``threshold``  the ρ above which the step is Adam's, rectified
    ``below``      it, the step is along "m̂", "uncorrected" m, the "gradient", or
                   "nothing" is done
    ``rectified``  whether Adam's step is multiplied by r; or by its "square"
    ``scalars``    ρ and r in "double" or in "float32"
    ``longest``    ρ∞ = 2/(1 − β₂) − this
    ============== =================================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_RECTIFIED,
        *PLACES[1:],
        *other_values("1e-7", "1e-6"),
        *MOMENTS,
        *ONE_MOMENT,
        *COUPLED,
        *EVERYWHERE,
        *MEMORY,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "decoupled_weight_decay": False}
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "eps_place": "before correction",
        "threshold": 5.0,
        "below": "m̂",
        "rectified": True,
        "scalars": "double",
        "longest": 1.0,
    }

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        m, v, correct1, correct2 = self.moments(g, self.squared(g), state, t)
        length, rectifier = self._rectifier(self.settings["betas"][1], t)
        if length > self.form["threshold"]:
            return self.lr / correct1 * m * rectifier / self.denominator(v, correct2)
        along = {"m̂": m / correct1, "uncorrected": m, "gradient": g, "nothing": 0 * g}
        return self.lr * along[self.form["below"]]

    def _rectifier(self, beta2: float, t: int) -> tuple[float, float]:
        """ρₜ, and what Adam's step is multiplied by."""
        number = np.float32 if self.form["scalars"] == "float32" else float
        beta, one, steps = number(beta2), number(1), number(max(t, 1))
        longest = number(2) / (one - beta) - number(self.form["longest"])
        length = longest - number(2) * steps * beta**steps / (one - beta**steps)
        rectified = (length - 4) * (length - 2) * longest
        rectified = rectified / ((longest - 4) * (longest - 2) * length)
        factors = {True: rectified**0.5 if rectified > 0 else 1.0, False: 1.0, "square": rectified}
        return float(length), float(factors[self.form["rectified"]])
