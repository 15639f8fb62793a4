"""``torch.optim.Adagrad``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import ScaledRule, Settings
from torch_ref.lockstep.diagnose.variants import conventions
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE, SCALE
from torch_ref.lockstep.diagnose.variants.epsilon import ROOTS_EPSILON
from torch_ref.lockstep.diagnose.variants.squares import OLD_SUM, SQUARES
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

SUM_OF_SQUARES = (
    variant(
        "lr_decay counted from one",
        "counts it from zero: lr/(1 + (t − 1)·lr_decay)",
        counter="ahead",
    ),
    variant("lr_decay ignored", "has lr/(1 + (t − 1)·lr_decay)", lr_decay=0.0),
    variant(
        "accumulator started at 0.1",
        "starts it at initial_accumulator_value = {initial_accumulator_value:g}",
        "TensorFlow, Keras",
        initial_accumulator_value=0.1,
    ),
    variant(
        "initial_accumulator_value ignored",
        "starts the sum at initial_accumulator_value = {initial_accumulator_value:g}",
        initial_accumulator_value=0.0,
    ),
)


class AdagradRule(ScaledRule):
    """``torch.optim.Adagrad``.

    =========== =====================================================================
    ``step_by`` the "new" sum of squares, or the "old h" of before this gradient
    =========== =====================================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *ROOTS_EPSILON,
        *SUM_OF_SQUARES,
        *SQUARES,
        OLD_SUM,
        *conventions.ADAGRAD,
        *COUPLED,
        *EVERYWHERE,
        *SCALE,
    )
    DEFAULTS: ClassVar[Settings] = {
        **ScaledRule.DEFAULTS,
        "lr": 1e-2,
        "lr_decay": 0.0,
        "initial_accumulator_value": 0.0,
        "eps": 1e-10,
    }
    FORMS: ClassVar[Settings] = {**ScaledRule.FORMS, "step_by": "new"}

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        return {"h": np.full_like(w, self.settings["initial_accumulator_value"])}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        h = state["h"]
        before = h.copy()
        h += self.squared(g)
        lr = self.lr / (1 + (t - 1) * self.settings["lr_decay"])
        return lr * g / self.denominator(before if self.form["step_by"] == "old h" else h)
