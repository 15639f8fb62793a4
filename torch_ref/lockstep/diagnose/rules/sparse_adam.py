"""``torch.optim.SparseAdam``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import SIGN
from torch_ref.lockstep.diagnose.variants.epsilon import PLACES, other_values
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_BESIDE = "adds it to √v, before the correction: lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + eps)"
_LAZY = (
    variant(
        "rows without a gradient move too, as in Adam",
        "leaves the rows alone that the gradient does not have",
        "Adam on dense gradients",
        rows="all",
    ),
    variant(
        "moments of rows without a gradient decay",
        "leaves their moments alone, too",
        rows="moments",
    ),
    variant("epsilon after the bias correction", _BESIDE, "Adam", eps_place="outside"),
    variant("epsilon inside the square root", _BESIDE, eps_place="inside"),
)


class SparseAdamRule(MomentsRule):
    """``torch.optim.SparseAdam`` on dense arrays: a row of zeros is one the gradient lacks.

    ======== ========================================================================
    ``rows`` that change: the "given" ones, "all" as in Adam, or all "moments" and
             the parameter in the given rows
    ======== ========================================================================
    """

    ROWS: ClassVar[bool] = True
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_LAZY,
        *PLACES[1:],
        *other_values("1e-7", "1e-6"),
        *MOMENTS,
        *SIGN,
    )
    DEFAULTS: ClassVar[Settings] = {
        k: v for k, v in MomentsRule.DEFAULTS.items() if k != "weight_decay"
    }
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "eps_place": "before correction",
        "rows": "given",
    }

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        m, v = state["m"].copy(), state["v"].copy()
        new_m, new_v, correct1, correct2 = self.moments(g, g * g, state, t)
        step = self.lr / correct1 * new_m / self.denominator(new_v, correct2)
        rows = np.any(g != 0, axis=tuple(range(1, g.ndim)))
        missing = ~rows.reshape(rows.shape + (1,) * (g.ndim - 1)) & np.ones_like(g, bool)
        if self.form["rows"] == "given":
            new_m[missing], new_v[missing] = m[missing], v[missing]
        return step if self.form["rows"] == "all" else np.where(missing, 0, step)
