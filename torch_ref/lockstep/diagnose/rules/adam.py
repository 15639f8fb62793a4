"""``torch.optim.Adam`` and ``AdamW``, and the known ways to write them otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import ScaledRule, Settings
from torch_ref.lockstep.diagnose.variants.decay import (
    COUPLED_DECAY,
    DECOUPLED,
    DECOUPLED_DECAY,
    EVERYWHERE,
)
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS
from torch_ref.lockstep.finding import Variant


class AdamRule(ScaledRule):
    """``torch.optim.Adam``; its setting ``amsgrad`` may also be "corrected".

    That is the maximum of v̂, not of v.

    ============== =================================================================
    ``m_factor``   whether g is multiplied by 1 − β₁
    ``v_factor``   whether g² is multiplied by 1 − β₂
    ``correction`` "both" moments, "first" only, "second" only, "none"
    ============== =================================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *ADAMS_EPSILON,
        *MOMENTS,
        DECOUPLED,
        *COUPLED_DECAY,
        *EVERYWHERE,
    )
    DEFAULTS: ClassVar[Settings] = {
        **ScaledRule.DEFAULTS,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "amsgrad": False,
        "decoupled_weight_decay": False,
    }
    FORMS: ClassVar[Settings] = {
        **ScaledRule.FORMS,
        "m_factor": True,
        "v_factor": True,
        "correction": "both",
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.zeros_like(w) for name in ("m", "v", "largest")}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1, beta2 = self.settings["betas"]
        m, v, largest = state["m"], state["v"], state["largest"]
        m *= beta1
        m += (1 - beta1 if self.form["m_factor"] else 1.0) * g
        v *= beta2
        v += (1 - beta2 if self.form["v_factor"] else 1.0) * g * g
        correct1 = self._correction("first", beta1, t)
        correct2 = self._correction("second", beta2, t)
        if self.settings["amsgrad"]:
            if self.settings["amsgrad"] == "corrected":
                v, correct2 = v / correct2, 1.0
            v = np.maximum(largest, v, out=largest)
        return self.lr / correct1 * m / self.denominator(v, correct2)

    def _correction(self, moment: str, beta: float, t: int) -> float:
        # With a counter from zero, 1 − β⁰ = 0: who writes that guards against it.
        if t == 0 or self.form["correction"] not in ("both", moment):
            return 1.0
        return 1 - beta**t


class AdamWRule(AdamRule):
    """``torch.optim.AdamW``: Adam with the decoupled decay."""

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *ADAMS_EPSILON,
        *MOMENTS,
        *DECOUPLED_DECAY,
        *EVERYWHERE,
    )
    DEFAULTS: ClassVar[Settings] = {
        **AdamRule.DEFAULTS,
        "weight_decay": 1e-2,
        "decoupled_weight_decay": True,
    }
