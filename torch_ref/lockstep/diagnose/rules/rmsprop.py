"""``torch.optim.RMSprop``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import ScaledRule, Settings
from torch_ref.lockstep.diagnose.variants import conventions
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE, SCALE
from torch_ref.lockstep.diagnose.variants.epsilon import ROOTS_EPSILON
from torch_ref.lockstep.diagnose.variants.squares import OLD_SUM, SQUARES
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

MEAN_OF_SQUARES = (
    variant("square_avg started at one", "starts it at zero", "TensorFlow 1", start=1.0),
    variant(
        "an average that starts with the first gradient",
        "starts it at zero: h = (1 − α)g² at the first step",
        start="gradient",
    ),
    variant(
        "TensorFlow's RMSprop: square_avg from one, epsilon inside the root, lr in the buffer",
        "has h = 0 at the start, √h + eps, b = μb + g/denom and w −= lr·b",
        "tf.compat.v1.train.RMSPropOptimizer",
        start=1.0,
        eps_place="inside",
        lr_place="inside",
    ),
    variant(
        "alpha inverted",
        "keeps the part alpha = {alpha:g}: h = αh + (1 − α)g²",
        alpha=lambda alpha: 1 - alpha,
    ),
    variant("factor 1 − alpha missing", "averages: h = αh + (1 − α)g²", v_factor=False),
    variant(
        "bias correction added",
        "has none in RMSprop: denom = √h + eps",
        "optax with bias_correction",
        correction="added",
    ),
    variant(
        "centered ignored",
        "subtracts the mean's square: denom = √(h − m²) + eps",
        centered=False,
    ),
    variant("centered, not asked for", "divides by √h + eps without centered", centered=True),
    variant("momentum ignored", "has b = μb + g/denom and w −= lr·b", momentum=0.0),
    variant(
        "lr inside the momentum buffer",
        "keeps it outside: b = μb + g/denom, w −= lr·b; the two are equal until lr changes",
        "TensorFlow, Keras",
        lr_place="inside",
    ),
)


class RMSpropRule(ScaledRule):
    """``torch.optim.RMSprop``.

    ============== =================================================================
    ``v_factor``   whether g² is multiplied by 1 − α
    ``start``      what the average of squares starts from, or the first "gradient"
    ``correction`` "none", or "added": h/(1 − αᵗ)
    ``lr_place``   "outside" of the momentum buffer or "inside"
    ``step_by``    the "new" average of squares, or the "old h" of before this gradient
    ============== =================================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *ROOTS_EPSILON,
        *MEAN_OF_SQUARES,
        *SQUARES,
        OLD_SUM,
        *conventions.RMSPROP,
        *COUPLED,
        *EVERYWHERE,
        *SCALE,
    )
    DEFAULTS: ClassVar[Settings] = {
        **ScaledRule.DEFAULTS,
        "lr": 1e-2,
        "alpha": 0.99,
        "eps": 1e-8,
        "momentum": 0.0,
        "centered": False,
    }
    FORMS: ClassVar[Settings] = {
        **ScaledRule.FORMS,
        "v_factor": True,
        "start": 0.0,
        "correction": "none",
        "lr_place": "outside",
        "step_by": "new",
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        start = self.form["start"]
        h = np.full_like(w, 0.0 if start == "gradient" else start)
        return {"h": h, "m": np.zeros_like(w), "b": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        alpha, mu = self.settings["alpha"], self.settings["momentum"]
        h, m, b = state["h"], state["m"], state["b"]
        first = state["step"] == 1 and self.form["start"] == "gradient"
        before = h.copy()
        h *= alpha
        h += (1 - alpha if self.form["v_factor"] and not first else 1.0) * self.squared(g)
        if self.settings["centered"]:
            m += (1 - alpha) * (g - m)
            h = h - m * m
        correction = 1 - alpha**t if self.form["correction"] == "added" else 1.0
        by = before if self.form["step_by"] == "old h" else h
        step = g / self.denominator(by, correction)
        if not mu:
            return self.lr * step
        inside = self.form["lr_place"] == "inside"
        b *= mu
        b += self.lr * step if inside else step
        return b if inside else self.lr * b
