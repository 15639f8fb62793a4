"""Adan, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import EVERYWHERE, MEMORY
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_TAKES = "has betas = (β₁, β₂, β₃), the parts that are kept, and n of g + β₂(g − g′)"
_CORRECTS = "corrects each of the three with its own β"
_NESTEROV = (
    variant("1 − β₂ where β₂ belongs", _TAKES, "optax's adan", share="left"),
    variant(
        "1 − β₂ where β₂ belongs, the decay in the step",
        _TAKES,
        "optax's adan with weight decay",
        share="left",
        decay="decoupled",
    ),
    variant(
        "1 − β₂ where β₂ belongs, epsilon inside the root and beside it",
        _TAKES,
        "optax's adan with its eps_root",
        share="left",
        eps_place="both",
    ),
    variant("g + (g − g′) in n", _TAKES, share="whole"),
    variant("n of the gradient alone", _TAKES, share="none"),
    variant("no difference of gradients in the step", "steps along m̂ + β₂v̂", ahead=False),
    variant(
        "the first difference is the gradient, not 0",
        "starts g′ with the first gradient",
        first="gradient",
    ),
    variant("bias corrections missing", _CORRECTS, correction="none"),
    variant("bias corrections with β₁ for all three", _CORRECTS, correction="first"),
    variant(
        "weight decay before the step",
        "divides w by 1 + lr·λ after it",
        "no_prox",
        decay="decoupled",
    ),
    variant(
        "weight decay coupled, in the gradient",
        "divides w by 1 + lr·λ after the step",
        decay="coupled",
    ),
    variant("weight decay after the step", "divides w by 1 + lr·λ after it", decay="after"),
)


class AdanRule(MomentsRule):
    """Adan: w ← w − lr·(m̂ + β₂v̂)/(√n̂ + ε) with v of the differences of gradients.

    ============== =================================================================
    ``share``      n is of g + β₂·diff, "kept"; g + (1 − β₂)·diff, "left" (in the
                   step, too); g + diff, "whole"; or g, "none"
    ``ahead``      whether v is in the step
    ``first``      the difference in the first step: "zero", or the "gradient"
    ``correction`` of all with its "own" β, "none", or with the "first"
    ============== =================================================================

    The decay is proximal.
    """

    PAPER: ClassVar[str] = "Xie et al. 2022, arXiv:2208.06677"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_NESTEROV,
        *ADAMS_EPSILON,
        *EVERYWHERE,
        *MEMORY[:1],
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "betas": (0.98, 0.92, 0.99)}
    FORMS: ClassVar[Settings] = {
        **{k: v for k, v in MomentsRule.FORMS.items() if k not in ("m_factor", "v_factor")},
        "correction": "own",
        "decay": "proximal",
        "share": "kept",
        "ahead": True,
        "first": "zero",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {**{name: np.zeros_like(w) for name in "mvn"}, "before": None}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1, beta2, beta3 = self.settings["betas"]
        starts = g if self.form["first"] == "zero" else np.zeros_like(g)
        diff = g - (starts if state["before"] is None else state["before"])
        state["before"] = g.copy()
        share = {"kept": beta2, "left": 1 - beta2, "whole": 1.0, "none": 0.0}[self.form["share"]]
        ahead = g + share * diff
        m = self.average(state, "m", beta1, g)
        v = self.average(state, "v", beta2, diff)
        n = self.average(state, "n", beta3, ahead * ahead)
        correct1, correct2, correct3 = (self._corrects(b, t) for b in self.settings["betas"])
        part = 1 - beta2 if self.form["share"] == "left" else beta2
        along = m / correct1 + (part * v / correct2 if self.form["ahead"] else 0)
        return self.lr * along / self.denominator(n, correct3)

    def _corrects(self, beta: float, t: int) -> float:
        if self.form["correction"] == "none":
            return 1.0
        return 1 - (beta if self.form["correction"] == "own" else self.settings["betas"][0]) ** t
