"""``torch.optim.Adafactor``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import DECOUPLED_DECAY, EVERYWHERE, MEMORY
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_CLIPS = "divides the update u = g/√v̂ by max(1, RMS(u)/d), with d = {d:g}"
_FLOOR = "takes ε₁ as the least mean(r) and ε₁² as the least v̂, and adds nothing to g²"
_STEP = "has the step min(lr, 1/√t)·max(ε₂, RMS(w))"
_FACTORED = (
    variant(
        "ε₁ added to g²", _FLOOR, "the paper, optax, Keras, MLX, transformers", eps_place="squares"
    ),
    variant(
        "ε₁ = 1e-30 added to g²",
        _FLOOR,
        "the paper, optax, Keras, MLX, transformers",
        eps_place="squares",
        eps=(1e-30, 1e-3),
    ),
    variant(
        "the paper's: ε₁ = 1e-30 added to g², and lr without a bound by 1/√t",
        f"{_FLOOR}; {_STEP}",
        "transformers, timm, optax with a rate of its own",
        eps_place="squares",
        eps=(1e-30, 1e-3),
        relative="lr",
    ),
    variant("not factored: the whole average of g²", "has rows and columns", factored=False),
    variant(
        "not factored, ε₁ = 1e-30 added to g², lr without a bound",
        f"has rows and columns; {_STEP}",
        "optax for matrices of less than 128",
        averaged="in float32",
        factored=False,
        eps_place="squares",
        eps=(1e-30, 1e-3),
        relative="lr",
    ),
    variant(
        "the paper's, with β̂ in float32",
        f"computes β̂ in double precision; {_FLOOR}; {_STEP}",
        "optax",
        averaged="in float32",
        eps_place="squares",
        eps=(1e-30, 1e-3),
        relative="lr",
    ),
    variant("rows not divided by their mean", "has v̂ = r·c/mean(r)", normalized=False),
    variant("lr without a bound by 1/√t", _STEP, "transformers, optax", relative="lr"),
    variant("1/√t alone, lr ignored", _STEP, relative="t"),
    variant("step not scaled by the size of the weights", _STEP, scaled=False),
    variant("a constant decay of the averages", "has β̂ₜ = 1 − t^beta2_decay", averaged="constant"),
    variant(
        "the averages' decay counted from one ahead",
        "has β̂ₜ = 1 − t^beta2_decay, with t = 1 at first",
        counter="ahead",
    ),
    variant("the update not clipped", _CLIPS, clips="nothing"),
    variant("the gradient clipped, not the update", _CLIPS, clips="gradient"),
    variant("updates divided by min(1, RMS(u)·d)", _CLIPS, clips="direction"),
    variant("clipping threshold ignored, 1", _CLIPS, d=1.0),
    variant(
        "weight decay scaled by the whole step",
        "scales it by lr: w −= lr·λ·w",
        "transformers",
        decay="corrected",
    ),
)


class AdafactorRule(UpdateRule):
    """``torch.optim.Adafactor``.

    ============== =================================================================
    ``eps_place``  ε₁ is the "floor" of mean(r), and its square of v̂; or it is added
                   to the "squares" of the gradient
    ``factored``   whether matrices have rows and columns
    ``normalized`` whether these are divided by the mean of the rows
    ``relative``   the step is "bounded", min(lr, 1/√t), or "lr", or "t", 1/√t
    ``scaled``     whether it is multiplied by max(ε₂, RMS(w))
    ``averaged``   with β̂ₜ = 1 − t^τ, "growing", that "in float32", or with 0.999,
                   "constant"
    ``clips``      the "update", the "gradient", "nothing"; or the update the wrong
                   way, "direction"
    ============== =================================================================

    The form ``decay`` may also be "corrected", w ← w − step·λ·w.
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_FACTORED,
        *DECOUPLED_DECAY,
        *EVERYWHERE,
        *MEMORY[:1],
    )
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1e-2,
        "beta2_decay": -0.8,
        "eps": (None, 1e-3),
        "d": 1.0,
    }
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "decay": "decoupled",
        "eps_place": "floor",
        "factored": True,
        "normalized": True,
        "relative": "bounded",
        "scaled": True,
        "averaged": "growing",
        "clips": "update",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"v": 0.0, "r": 0.0, "c": 0.0}

    def decay_rate(self, style: str, t: int) -> float:
        return self._scale if style == "corrected" else super().decay_rate(style, t)

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        # Torch measures the weights before it decays them.
        size = max(self.settings["eps"][1], _rms(w)) if self.form["scaled"] else 1.0
        t = state["step"] + 1
        rates = {"bounded": min(self.lr, t**-0.5), "lr": self.lr, "t": t**-0.5}
        self._scale = rates[self.form["relative"]] * size
        super()._update(w, g, state)

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        clips, d = self.form["clips"], self.settings["d"]
        eps1 = self.settings["eps"][0]
        eps1 = float(np.finfo(w.dtype).eps) if eps1 is None else eps1
        g = g / max(1.0, _rms(g) / d) if clips == "gradient" else g
        u = g / np.sqrt(self._average(g * g, eps1, state, t))
        if clips == "update":
            u = u / max(1.0, _rms(u) / d)
        elif clips == "direction":
            u = u / min(1.0, _rms(u) * d)
        return self._scale * u

    def _average(
        self, squares: np.ndarray, eps1: float, state: dict[str, Any], t: int
    ) -> np.ndarray:
        """v̂, with these squares in it."""
        new = self._share(t)
        added = self.form["eps_place"] == "squares"
        squares = squares + eps1 if added else squares
        if squares.ndim < 2 or not self.form["factored"]:
            state["v"] = v = (1 - new) * state["v"] + new * squares
        else:
            r = state["r"] = (1 - new) * state["r"] + new * squares.mean(-1, keepdims=True)
            c = state["c"] = (1 - new) * state["c"] + new * squares.mean(-2, keepdims=True)
            mean = r.mean(-2, keepdims=True) if self.form["normalized"] else 1.0
            v = r * c / (mean if added else np.maximum(mean, eps1))
        return v if added else np.maximum(v, eps1 * eps1)

    def _share(self, t: int) -> float:
        """1 − β̂ₜ."""
        tau, averaged = self.settings["beta2_decay"], self.form["averaged"]
        if averaged == "in float32":
            return 1 - float(np.float32(1) - np.float32(t) ** np.float32(tau))
        return float(t**tau) if averaged == "growing" else 1e-3


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x * x)))
