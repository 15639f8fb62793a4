"""``torch.optim.Adadelta``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE, MEMORY
from torch_ref.lockstep.diagnose.variants.epsilon import other_values
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_RATIO = "has Δ = √(u + eps)/√(v + eps)·g with the u of the steps before"
_UNITS = (
    variant("epsilon outside of both roots", _RATIO, eps_place="outside"),
    variant("epsilon outside of the denominator's root alone", _RATIO, eps_place="below"),
    variant("no numerator, as RMSprop with epsilon inside the root", _RATIO, numerator="one"),
    variant("numerator with the step in it already", _RATIO, numerator="new"),
    variant(
        "the average of squared steps taken of lr·Δ",
        "takes it of Δ: u = ρu + (1 − ρ)Δ²",
        accumulated="scaled",
    ),
    variant(
        "rho inverted", "keeps the part rho = {rho:g}: v = ρv + (1 − ρ)g²", rho=lambda rho: 1 - rho
    ),
    variant("rho 0.95, not the one asked for", "has the one it is given, {rho:g}", rho=0.95),
    variant("factor 1 − rho missing", "averages: v = ρv + (1 − ρ)g²", v_factor=False),
    variant("lr ignored, as in the paper", "has w −= lr·Δ, here lr = {lr:g}", "the paper", lr=1.0),
)


class AdadeltaRule(UpdateRule):
    """``torch.optim.Adadelta``.

    =============== ================================================================
    ``eps_place``   "inside" of both roots, "outside" of both, or outside of the one
                    "below" alone
    ``numerator``   √(u + ε) with the "old" u, the "new" one, or "one"
    ``accumulated`` the square of Δ "alone", or of lr·Δ, "scaled"
    ``v_factor``    whether g² is multiplied by 1 − ρ
    =============== ================================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_UNITS,
        *other_values("1e-7", "1e-8"),
        *COUPLED,
        *EVERYWHERE,
        *MEMORY[:1],
    )
    DEFAULTS: ClassVar[Settings] = {**UpdateRule.DEFAULTS, "lr": 1.0, "rho": 0.9, "eps": 1e-6}
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "eps_place": "inside",
        "numerator": "old",
        "accumulated": "alone",
        "v_factor": True,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"v": np.zeros_like(w), "u": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        rho, v, u = self.settings["rho"], state["v"], state["u"]
        v *= rho
        v += (1 - rho if self.form["v_factor"] else 1.0) * g * g
        below = self._root(v, self.form["eps_place"] in ("outside", "below"))
        delta = self._numerator(u) / below * g
        counted = self.lr * delta if self.form["accumulated"] == "scaled" else delta
        u *= rho
        u += (1 - rho) * counted * counted
        if self.form["numerator"] == "new":
            delta = self._numerator(u) / below * g
        return self.lr * delta

    def _numerator(self, u: np.ndarray) -> np.ndarray:
        if self.form["numerator"] == "one":
            return np.ones_like(u)
        return self._root(u, self.form["eps_place"] == "outside")

    def _root(self, h: np.ndarray, outside: bool) -> np.ndarray:
        eps = self.settings["eps"]
        return np.sqrt(h) + eps if outside else np.sqrt(h + eps)
