"""``torch.optim.Adam`` and ``AdamW``, and the known ways to write them otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants import conventions
from torch_ref.lockstep.diagnose.variants.decay import (
    COUPLED,
    DECOUPLED_DECAY,
    EVERYWHERE,
    MEMORY,
    SCALE,
)
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.moments import (
    AMSGRAD,
    CORRECTED_DECAY,
    MOMENTS,
    ONE_MOMENT,
)
from torch_ref.lockstep.diagnose.variants.squares import SQUARES
from torch_ref.lockstep.finding import Variant


class AdamRule(MomentsRule):
    """``torch.optim.Adam``; its setting ``amsgrad`` may also be "corrected".

    That is the maximum of v̂, not of v.
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *ADAMS_EPSILON,
        *MOMENTS,
        *ONE_MOMENT,
        *AMSGRAD,
        *conventions.ADAM,
        *COUPLED,
        *CORRECTED_DECAY,
        *EVERYWHERE,
        *SCALE,
        *SQUARES,
        *MEMORY,
    )
    DEFAULTS: ClassVar[Settings] = {
        **MomentsRule.DEFAULTS,
        "amsgrad": False,
        "decoupled_weight_decay": False,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {**super().init_state(w), "largest": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        m, v, correct1, correct2 = self.moments(g, self.squared(g), state, t)
        if self.settings["amsgrad"]:
            if self.settings["amsgrad"] == "corrected":
                v, correct2 = v / correct2, 1.0
            v = np.maximum(state["largest"], v, out=state["largest"])
        return self.lr / correct1 * m / self.denominator(v, correct2)


class AdamWRule(AdamRule):
    """``torch.optim.AdamW``: Adam with the decoupled decay."""

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *ADAMS_EPSILON,
        *MOMENTS,
        *ONE_MOMENT,
        *AMSGRAD,
        *conventions.ADAM,
        *DECOUPLED_DECAY,
        *CORRECTED_DECAY,
        *EVERYWHERE,
        *SCALE,
        *SQUARES,
        *MEMORY,
    )
    DEFAULTS: ClassVar[Settings] = {
        **AdamRule.DEFAULTS,
        "weight_decay": 1e-2,
        "decoupled_weight_decay": True,
    }
