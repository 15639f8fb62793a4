"""StableAdamW, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import ANY_DECAY, SIGN
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_CLIPS = "divides lr by max(1, RMS of g/√v), of each parameter, and that is the decay's rate, too"
_STABLE = (
    variant("not divided by the RMS: AdamW", _CLIPS, "AdamW", clips="never"),
    variant("weight decay at lr", _CLIPS, clips="step"),
    variant("eps 1e-6, not the one asked for", "has the one it is given, {eps:g}", eps=1e-6),
    variant(
        "betas (0.9, 0.999), not those asked for",
        "has those it is given, {betas}",
        betas=(0.9, 0.999),
    ),
)


class StableAdamWRule(MomentsRule):
    """StableAdamW: AdamW whose lr is divided by max(1, RMS(g/√v)), as Adafactor's update is.

    The corrections are in the averages: β̂ₜ = (βᵗ − β)/(βᵗ − 1). The form ``clips`` is the "rate" of
    step and decay, that of the "step" alone, or "never".
    """

    PAPER: ClassVar[str] = "Wortsman et al. 2023, arXiv:2304.13013"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_STABLE, *ANY_DECAY, *SIGN)
    DEFAULTS: ClassVar[Settings] = {
        **MomentsRule.DEFAULTS,
        "betas": (0.9, 0.99),
        "weight_decay": 0.01,
    }
    FORMS: ClassVar[Settings] = {**MomentsRule.FORMS, "decay": "in the step", "clips": "rate"}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        kept1, kept2 = ((b**t - b) / (b**t - 1) for b in self.settings["betas"])
        m = state["m"] = kept1 * state["m"] + (1 - kept1) * g
        v = state["v"] = kept2 * state["v"] + (1 - kept2) * g * g
        eps, clips = self.settings["eps"], self.form["clips"]
        rms = float(np.sqrt(np.mean(g * g / np.maximum(v, eps * eps))))
        rate = self.lr if clips == "never" else self.lr / max(1.0, rms)
        kept = 1 - (self.lr if clips == "step" else rate) * self.decay_of(w)
        return w - kept * w + rate * m / (np.sqrt(v) + eps)
