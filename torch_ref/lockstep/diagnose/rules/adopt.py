"""ADOPT, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.epsilon import other_values
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_BEFORE = "divides by the root of the v of the step before; the first step only starts v"
_CLIP = "cuts g/max(√v, eps) at ±(t − 1)^¼"
_NORMALIZED = (
    variant("v of this step, as in Adam", _BEFORE, order="new"),
    variant("not clipped", _CLIP, "the first version of the paper", clip=None),
    variant("clipped at ±(t − 1)^0.333", _CLIP, "timm", clip=0.333),
    variant("clipped at ±t^¼", _CLIP, "pytorch_optimizer", clip_from="t"),
    variant("clipped at ±1", _CLIP, clip=0.0),
    variant("epsilon added to the root", _CLIP, eps_place="outside"),
    variant("epsilon inside the root", _CLIP, eps_place="inside"),
    variant("v started at zero", _BEFORE, start="zero"),
    variant(
        "betas (0.9, 0.999), not those asked for",
        "has those it is given, {betas}",
        "Adam's",
        betas=(0.9, 0.999),
    ),
    variant("bias corrections", "has none", correction="both"),
    variant(
        "beta1 and beta2 swapped",
        "has β₁ for m, β₂ for v",
        betas=lambda betas: (betas[1], betas[0]),
    ),
)


class ADOPTRule(MomentsRule):
    """ADOPT: m ← β₁m + (1 − β₁)·clip(g/max(√v, ε)) with the v of before; w ← w − lr·m.

    ============= ==================================================================
    ``order``     the "old" v or the "new" one
    ``clip``      the power of t − 1 at which g/√v is cut, or ``None``
    ``clip_from`` the count that is raised to it, from "zero" or from "t" = 1
    ``start``     of v, the first "squares", or "zero"
    ============= ==================================================================
    """

    PAPER: ClassVar[str] = "Taniguchi et al. 2024, arXiv:2411.02853"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_NORMALIZED,
        *other_values("1e-7", "1e-8"),
        *COUPLED,
        *EVERYWHERE,
    )
    DEFAULTS: ClassVar[Settings] = {
        **MomentsRule.DEFAULTS,
        "betas": (0.9, 0.9999),
        "eps": 1e-6,
        "decoupled_weight_decay": False,
    }
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "eps_place": "maximum",
        "correction": "none",
        "start": "squares",
        "order": "old",
        "clip": 0.25,
        "clip_from": "zero",
    }

    def decay_of(self, w: np.ndarray) -> float:
        # The first step is none, nor does it decay anything.
        return 0.0 if self._first else super().decay_of(w)

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        decoupled = self.settings["decoupled_weight_decay"] or self.form["decay"] != "torch"
        self._first = decoupled and state["step"] == 0 and self.form["start"] != "zero"
        super()._update(w, g, state)

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1, beta2 = self.settings["betas"]
        m, v, start = state["m"], state["v"], self.form["start"]
        if state["step"] == 1 and start != "zero":
            v += g * g
            return np.zeros_like(g)
        if self.form["order"] == "new":
            self.average(state, "v", beta2, g * g)
        new = g / self.denominator(v, self._correction("second", beta2, t))
        if (power := self.form["clip"]) is not None:
            bound = max(t - (self.form["clip_from"] == "zero"), 0) ** power
            new = np.clip(new, -bound, bound)
        self.average(state, "m", beta1, new)
        if self.form["order"] == "old":
            self.average(state, "v", beta2, g * g)
        return self.lr / self._correction("first", beta1, t) * m
