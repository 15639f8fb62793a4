"""AdaMod, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import DECOUPLED_DECAY, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.epsilon import PLACES, other_values
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_BOUND = "takes the smaller of a step size and its average: min(η, s), s = β₃s + (1 − β₃)η"
_SMOOTHED = (
    variant("the average of step sizes itself", _BOUND, bound="average"),
    variant("no bound: Adam", _BOUND, bound="none"),
    variant("the larger of a step size and its average", _BOUND, bound="maximum"),
    variant("the average of step sizes corrected for its start", _BOUND, size_corrected=True),
    variant(
        "epsilon after the bias correction",
        "adds it to √v: √(1 − β₂ᵗ)/(√v + eps)",
        eps_place="outside",
    ),
    variant(
        "beta3 0.9999, not the one asked for",
        "has the one it is given, {beta3:g}",
        "pytorch_optimizer",
        beta3=0.9999,
    ),
)


class AdaModRule(MomentsRule):
    """AdaMod: Adam's step sizes η = lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ)/(√v + ε), none above its own average.

    ================== ==============================================================
    ``bound``          the "minimum" of η and its average, the "average", "none", or
                       the "maximum"
    ``size_corrected`` whether the average is divided by 1 − β₃ᵗ
    ================== ==============================================================

    The decay is decoupled. ``betas`` may have β₃ in it, or it is ``beta3``.
    """

    PAPER: ClassVar[str] = "Ding et al. 2019, arXiv:1910.12249"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_SMOOTHED,
        *PLACES[1:],
        *other_values("1e-7", "1e-6"),
        *MOMENTS,
        *DECOUPLED_DECAY,
        *EVERYWHERE,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "beta3": 0.999}
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "decay": "decoupled",
        "eps_place": "before correction",
        "bound": "minimum",
        "size_corrected": False,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {**super().init_state(w), "size": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        m, v, correct1, correct2 = self.moments(g, g * g, state, t)
        beta3 = (*self.settings["betas"], self.settings["beta3"])[2]
        size = self.lr / correct1 / self.denominator(v, correct2)
        state["size"] = beta3 * state["size"] + (1 - beta3) * size
        average = state["size"] / (1 - beta3**t if self.form["size_corrected"] else 1.0)
        bounds = {
            "minimum": np.minimum(size, average),
            "maximum": np.maximum(size, average),
            "average": average,
            "none": size,
        }
        step: np.ndarray = bounds[self.form["bound"]] * m
        return step
