"""Lion, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import DECOUPLED_DECAY, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_INTERPOLATES = "steps by sign(β₁m + (1 − β₁)g), with the m of before, and then m = β₂m + (1 − β₂)g"
_SIGNS = (
    variant("momentum updated before the step", _INTERPOLATES, order="new"),
    variant("the sign of the momentum alone", _INTERPOLATES, "signum", along="momentum"),
    variant("beta1 and beta2 swapped", _INTERPOLATES, betas=lambda betas: (betas[1], betas[0])),
    variant("β₁ for both averages", _INTERPOLATES, betas=lambda betas: (betas[0], betas[0])),
    variant("no sign: the average itself", _INTERPOLATES, signed=False),
    variant("tanh in place of the sign", _INTERPOLATES, "optax with mode smooth", signed="tanh"),
    variant(
        "betas (0.9, 0.99), not those asked for",
        "has those it is given, {betas}",
        betas=(0.9, 0.99),
    ),
)


class LionRule(UpdateRule):
    """Lion: w ← w − lr·sign(β₁m + (1 − β₁)g), then m ← β₂m + (1 − β₂)g; the decay is decoupled.

    ========== ======================================================================
    ``order``  the step has the "old" m or the "new" one
    ``along``  the "average" with the gradient, or the "momentum" alone
    ``signed`` whether the sign is taken, or its "tanh"
    ========== ======================================================================
    """

    PAPER: ClassVar[str] = "Chen et al. 2023, arXiv:2302.06675"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_SIGNS, *DECOUPLED_DECAY, *EVERYWHERE)
    DEFAULTS: ClassVar[Settings] = {**UpdateRule.DEFAULTS, "lr": 1e-4, "betas": (0.9, 0.99)}
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "decay": "decoupled",
        "order": "old",
        "along": "average",
        "signed": True,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"m": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        (beta1, beta2), m = self.settings["betas"], state["m"]
        old = m.copy()
        m *= beta2
        m += (1 - beta2) * g
        used = m if self.form["order"] == "new" else old
        along = used if self.form["along"] == "momentum" else beta1 * used + (1 - beta1) * g
        signs: dict[Any, Any] = {True: np.sign, "tanh": np.tanh, False: np.asarray}
        step: np.ndarray = self.lr * signs[self.form["signed"]](along)
        return step
