"""``torch.optim.NAdam``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE, MEMORY
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.moments import (
    COUNTER,
    FACTORS,
    OF_AVERAGES,
    SECOND_CORRECTION,
)
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_SCHEDULE = "has the momentum μₜ = β₁(1 − ½·0.96^(tψ)) and corrects with the product of all μ"
_AHEAD = "has lr·((1 − μₜ)/(1 − Πₜ)·g + μₜ₊₁/(1 − Πₜ₊₁)·m)/(√v̂ + eps)"
_PRODUCT = variant(
    "the textbook's product of momenta, in double precision",
    "keeps the product Π of all μ in float32, whatever the parameters are",
    "the paper, timm, Keras",
    product="double",
)
_LOOKAHEAD = (
    variant("momentum without its schedule, β₁ throughout", _SCHEDULE, "optax", schedule=False),
    variant(
        "momentum without its schedule, and Π in double precision",
        _SCHEDULE,
        "optax's nadam",
        schedule=False,
        product="double",
    ),
    variant(
        "momentum without its schedule, both corrected with t",
        _AHEAD,
        "timm's NAdamW",
        schedule=False,
        product="double",
        next_correction="now",
    ),
    variant(
        "momentum_decay 1, not the one asked for, and Π in double precision",
        "has the one it is given, here ψ = {momentum_decay:g}",
        "Keras's Nadam",
        momentum_decay=1.0,
        product="double",
    ),
    variant(
        "momentum_decay 1, not the one asked for",
        "has the one it is given, here ψ = {momentum_decay:g}",
        "Keras's Nadam in float32",
        momentum_decay=1.0,
    ),
    variant("momentum of the next step with this step's product", _AHEAD, next_correction="now"),
    variant("no look-ahead: the schedule's momentum, Adam's step", _AHEAD, ahead=False),
    variant("the look-ahead's momentum of this step, not the next", _AHEAD, next_momentum="now"),
    variant(
        "powers of β₁ in place of the product of momenta",
        "corrects with Π, the product of all μ",
        product="power",
    ),
)


class NAdamRule(MomentsRule):
    """``torch.optim.NAdam``.

    =================== ============================================================
    ``schedule``        whether μ follows 1 − ½·0.96^(tψ), or is β₁
    ``product``         Π in "float32", as torch keeps it, in "double", or the
                        "power" β₁ᵗ
    ``next_correction`` of m with Π of the "next" step, or of "now"
    ``next_momentum``   of m with μ of the "next" step, or of "now"
    ``ahead``           whether the gradient has a part of its own
    =================== ============================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        _PRODUCT,
        *_LOOKAHEAD,
        *ADAMS_EPSILON,
        *FACTORS,
        *OF_AVERAGES,
        *SECOND_CORRECTION,
        *COUNTER,
        *COUPLED,
        *EVERYWHERE,
        *MEMORY,
    )
    TEXTBOOK: ClassVar[tuple[Variant, ...]] = (_PRODUCT,)
    DEFAULTS: ClassVar[Settings] = {
        **MomentsRule.DEFAULTS,
        "lr": 2e-3,
        "momentum_decay": 4e-3,
        "decoupled_weight_decay": False,
    }
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "correction": "second",
        "schedule": True,
        "product": "float32",
        "next_correction": "next",
        "next_momentum": "next",
        "ahead": True,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {**super().init_state(w), "product": 1.0}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        m, v, _, correct2 = self.moments(g, self.squared(g), state, t)
        mu, following = self._mu(t), self._mu(t + 1)
        product = state["product"] = self._product(state["product"], mu, t)
        if self.form["next_momentum"] == "now":
            following = mu
        below = self.denominator(v, correct2)
        if not self.form["ahead"]:
            return self.lr * m / (1 - product) / below
        late = product if self.form["next_correction"] == "now" else product * following
        step: np.ndarray = self.lr * (1 - mu) / (1 - product) * g / below
        return step + self.lr * following / (1 - late) * m / below

    def _mu(self, t: int) -> float:
        beta1: float = self.settings["betas"][0]
        if not self.form["schedule"]:
            return beta1
        return float(beta1 * (1 - 0.5 * 0.96 ** (t * self.settings["momentum_decay"])))

    def _product(self, before: float, mu: float, t: int) -> float:
        if self.form["product"] == "power":
            return float(self.settings["betas"][0] ** t)
        single = self.form["product"] == "float32"
        return float(np.float32(before) * np.float32(mu)) if single else before * mu
