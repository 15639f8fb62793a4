"""AdaBelief, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import DECOUPLED_DECAY, EVERYWHERE, MEMORY
from torch_ref.lockstep.diagnose.variants.epsilon import other_values
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_BELIEF = "has s = β₂s + (1 − β₂)(g − m)² + eps with the new m, and divides by √ŝ + eps"
_SURPRISE = (
    variant("epsilon not kept in s", _BELIEF, "tinygrad-style code", eps_kept=False),
    variant("epsilon in s alone, not beside the root", _BELIEF, eps_place="nowhere"),
    variant(
        "epsilon inside the root, and not beside it", _BELIEF, eps_kept=False, eps_place="inside"
    ),
    variant("g − m with the m of before", _BELIEF, order="old"),
    variant("Adam's square of the gradient", _BELIEF, "Adam", squares="gradient"),
    variant(
        "rectified as in RAdam, not asked for",
        "has rectify = {rectify}",
        "adabelief_pytorch, timm",
        rectify=True,
    ),
    variant("not rectified, though asked for", "has rectify = {rectify}", rectify=False),
    variant(
        "epsilon 1e-8, not the one asked for, and 1e-16 in s", _BELIEF, eps=1e-8, eps_kept="1e-16"
    ),
)


class AdaBeliefRule(MomentsRule):
    """AdaBelief: Adam whose v is of the surprise g − m; the decay is decoupled.

    ============ ====================================================================
    ``eps_kept`` whether s has ε added in every step; or "1e-16"
    ``order``    g − m with the "new" m or the "old"
    ``squares``  of the "surprise" g − m, or of the "gradient"
    ============ ====================================================================

    With ``rectify`` its step is that of RAdam.
    """

    PAPER: ClassVar[str] = "Zhuang et al. 2020, arXiv:2010.07468"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_SURPRISE,
        *other_values("1e-8", "1e-7"),
        *MOMENTS,
        *DECOUPLED_DECAY,
        *EVERYWHERE,
        *MEMORY,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "eps": 1e-16, "rectify": False}
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "decay": "decoupled",
        "eps_kept": True,
        "order": "new",
        "squares": "surprise",
    }

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1 = self.settings["betas"][0]
        m = state["m"]
        if self.form["order"] == "new":
            m = beta1 * m + (1 - beta1 if self.form["m_factor"] else 1.0) * g
        surprise = g if self.form["squares"] == "gradient" else g - m
        m, s, correct1, correct2 = self.moments(g, surprise * surprise, state, t)
        if kept := self.form["eps_kept"]:
            s += 1e-16 if kept == "1e-16" else self.settings["eps"]
        if self.settings["rectify"]:
            return self._rectified(m / correct1, s, correct2, t)
        return self.lr / correct1 * m / self.denominator(s, correct2)

    def _rectified(self, m: np.ndarray, s: np.ndarray, correct2: float, t: int) -> np.ndarray:
        beta2, t = self.settings["betas"][1], max(t, 1)
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        if length < 5:
            return self.lr * m
        ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        return self.lr * (correct2 * ratio) ** 0.5 * m / (np.sqrt(s) + self.settings["eps"])
