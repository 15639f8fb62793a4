"""Yogi, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import DECOUPLED_DECAY, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_ADDS = "has v = v − (1 − β₂)·sign(v − g²)·g²"
_STARTS = "starts both m and v at initial_accumulator = {initial_accumulator:g}"
_ADDITIVE = (
    variant("Adam's average of squares", _ADDS, "Adam", additive=False),
    variant("m started at zero", _STARTS, m_starts="zero"),
    variant("m and v started at zero", _STARTS, initial_accumulator=0.0),
    variant("v started with the first g²", _STARTS, m_starts="zero", v_starts="squares"),
)


class YogiRule(MomentsRule):
    """Yogi: Adam whose v moves by at most (1 − β₂)g²; the decay is decoupled.

    ============ ====================================================================
    ``additive`` v ← v − (1 − β₂)·sign(v − g²)·g²; ``False`` for Adam's average
    ``m_starts`` at the "same" as v, or at "zero"
    ``v_starts`` at the "same" as m, or at the first "squares"
    ============ ====================================================================
    """

    PAPER: ClassVar[str] = "Zaheer et al. 2018, NeurIPS"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_ADDITIVE,
        *ADAMS_EPSILON,
        *(each for each in MOMENTS if "v_factor" not in each.changes),
        *DECOUPLED_DECAY,
        *EVERYWHERE,
    )
    DEFAULTS: ClassVar[Settings] = {
        **MomentsRule.DEFAULTS,
        "lr": 1e-2,
        "eps": 1e-3,
        "initial_accumulator": 1e-6,
    }
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "decay": "decoupled",
        "additive": True,
        "m_starts": "same",
        "v_starts": "same",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        start = np.full_like(w, self.settings["initial_accumulator"])
        return {"m": 0 * start if self.form["m_starts"] == "zero" else start.copy(), "v": start}

    def average(
        self, state: dict[str, Any], name: str, beta: float, new: np.ndarray, factor: bool = True
    ) -> np.ndarray:
        v: np.ndarray = state[name]
        if name == "v" and state["step"] == 1 and self.form["v_starts"] == "squares":
            v[...] = new
        if name == "m" or not self.form["additive"] or self.form["start"] == "gradient":
            return super().average(state, name, beta, new, factor)
        v -= (1 - beta) * np.sign(v - new) * new
        return v

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        m, v, correct1, correct2 = self.moments(g, g * g, state, t)
        return self.lr / correct1 * m / self.denominator(v, correct2)
