"""MADGRAD, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_DUAL = "has z = x₀ − s/(∛v + eps), with s and v the sums of λg and λg², λ = (lr + eps)·√t"
_AVERAGED = (
    variant("square root in place of the cube root", _DUAL, "Adagrad's", root="square"),
    variant("lr not added to by epsilon", _DUAL, lr_plus=False),
    variant("λ in float32", _DUAL, "optax", growing="in float32"),
    variant("λ without √t", _DUAL, growing=False),
    variant("λ from √(t − 1)", _DUAL, counter="zero"),
    variant("epsilon inside the cube root", _DUAL, eps_place="inside"),
    variant("momentum ignored", "has w = μw + (1 − μ)z", momentum=0.0),
    variant(
        "momentum inverted",
        "keeps the part momentum = {momentum:g} of w",
        momentum=lambda mu: mu and 1 - mu,
    ),
    variant("eps 1e-8, not the one asked for", "has the one it is given, {eps:g}", eps=1e-8),
)


class MADGRADRule(UpdateRule):
    """MADGRAD: w ← μw + (1 − μ)z, z = x₀ − s/(∛v + ε), s += λg, v += λg², λ = (lr + ε)√t.

    ============= ==================================================================
    ``root``      "cube" or "square"
    ``lr_plus``   whether ε is added to lr
    ``growing``   whether λ grows with √t; or it does "in float32"
    ``eps_place`` "outside" of the root, or "inside"
    ============= ==================================================================
    """

    PAPER: ClassVar[str] = "Defazio and Jelassi 2021, arXiv:2101.11075"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_AVERAGED, *COUPLED, *EVERYWHERE)
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1e-2,
        "momentum": 0.9,
        "eps": 1e-6,
        "decoupled_weight_decay": False,
    }
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "root": "cube",
        "lr_plus": True,
        "growing": True,
        "eps_place": "outside",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"v": np.zeros_like(w), "s": np.zeros_like(w), "start": w.copy()}

    def _weight(self, eps: float, t: int) -> float:
        if self.form["growing"] == "in float32":
            return float(np.float32(self.lr + eps) * np.sqrt(np.float32(t)))
        return (self.lr + eps) * (t**0.5 if self.form["growing"] else 1.0)

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        eps, mu = self.settings["eps"], self.settings["momentum"]
        weight = self._weight(eps if self.form["lr_plus"] else 0.0, t)
        state["v"] += weight * g * g
        state["s"] += weight * g
        inside = self.form["eps_place"] == "inside"
        v = state["v"] + eps if inside else state["v"]
        root = np.cbrt(v) if self.form["root"] == "cube" else np.sqrt(v)
        z = state["start"] - state["s"] / (root if inside else root + eps)
        return (1 - mu) * (w - z)
