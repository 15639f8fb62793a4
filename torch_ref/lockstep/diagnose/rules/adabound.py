"""AdaBound, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE, MEMORY
from torch_ref.lockstep.diagnose.variants.epsilon import PLACES, other_values
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_BOUNDS = "cuts the step sizes into final_lr·(1 − 1/(γt + 1)) … final_lr·(1 + 1/(γt))"
_CUT = (
    variant("no bounds: Adam", _BOUNDS, bounds="none"),
    variant("an upper bound alone", _BOUNDS, bounds="upper"),
    variant("bounds counted from zero", _BOUNDS, bounds="zero"),
    variant("bounds of lr, not of final_lr", _BOUNDS, bounds="lr"),
    variant(
        "final bounds that do not follow lr", "scales them by lr/(lr at the start)", bounds="fixed"
    ),
    variant("step sizes cut before lr is in them", _BOUNDS, bounds="outside"),
    variant(
        "epsilon after the bias correction",
        "adds it to √v: √(1 − β₂ᵗ)/(√v + eps)",
        eps_place="outside",
    ),
    variant("1e-15 inside the root", "has √v + eps", "pytorch_optimizer", eps_place="1e-15 inside"),
    variant(
        "1e-15 inside the root, the decay decoupled",
        "has √v + eps, and λw in the gradient",
        "pytorch_optimizer's default",
        eps_place="1e-15 inside",
        decay="decoupled",
    ),
)


class AdaBoundRule(MomentsRule):
    """AdaBound: Adam whose step sizes are cut into bounds that close on ``final_lr``.

    ========== ======================================================================
    ``bounds`` "both", "none", the "upper" one; t from "zero"; of "lr"; "fixed", that
               do not follow lr; or of what lr is multiplied by, "outside"
    ========== ======================================================================
    """

    PAPER: ClassVar[str] = "Luo et al. 2019, arXiv:1902.09843"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_CUT,
        *PLACES[1:],
        *other_values("1e-7", "1e-6"),
        *MOMENTS,
        *COUPLED,
        *EVERYWHERE,
        *MEMORY,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "final_lr": 0.1, "gamma": 1e-3}
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "eps_place": "before correction",
        "bounds": "both",
    }

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        m, v, correct1, correct2 = self.moments(g, g * g, state, t)
        bounds, size = self.form["bounds"], 1 / correct1 / self.denominator(v, correct2)
        size = size if bounds == "outside" else self.lr * size
        if bounds != "none":
            size = np.clip(size, *self._bounds(t))
        return (self.lr if bounds == "outside" else 1.0) * size * m

    def _bounds(self, t: int) -> tuple[float, float]:
        kind, gamma = self.form["bounds"], self.settings["gamma"]
        t = t - 1 if kind == "zero" else t
        follows = 1.0 if kind == "fixed" else self.lr / self.settings["lr"]
        final = self.lr if kind == "lr" else self.settings["final_lr"] * follows
        upper = final * (1 + 1 / (gamma * t)) if t else np.inf
        return 0.0 if kind == "upper" else final * (1 - 1 / (gamma * t + 1)), upper
