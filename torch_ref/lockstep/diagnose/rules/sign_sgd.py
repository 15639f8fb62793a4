"""signSGD with or without momentum, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import DECOUPLED_DECAY, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_AVERAGE = "averages: b = μb + (1 − μ)g, and steps by sign(b)"
_SIGNUM = (
    variant("momentum ignored", _AVERAGE, momentum=0.0),
    variant("the sign before the momentum", _AVERAGE, order="sign first"),
    variant("nesterov's look-ahead: the sign of μb + (1 − μ)g", _AVERAGE, order="ahead"),
)


class SignSGDRule(UpdateRule):
    """signSGD: w ← w − lr·sign(b) with b ← μb + (1 − μ)g, which is g at momentum 0.

    The form ``order`` may also be "sign first", b ← μb + (1 − μ)·sign(g), or "ahead",
    sign(μb + (1 − μ)g).
    """

    PAPER: ClassVar[str] = "Bernstein et al. 2018, arXiv:1802.04434"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_SIGNUM, *DECOUPLED_DECAY, *EVERYWHERE)
    DEFAULTS: ClassVar[Settings] = {**UpdateRule.DEFAULTS, "momentum": 0.0}
    FORMS: ClassVar[Settings] = {**UpdateRule.FORMS, "decay": "decoupled", "order": "average first"}

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"b": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        mu, order, b = self.settings["momentum"], self.form["order"], state["b"]
        b *= mu
        b += (1 - mu) * (np.sign(g) if order == "sign first" else g)
        if order == "sign first":
            return self.lr * b
        return self.lr * np.sign(mu * b + (1 - mu) * g if order == "ahead" else b)
