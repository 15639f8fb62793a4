"""Schedule-free SGD and AdamW, and the known ways to write them otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import ScaledRule, Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import ANY_DECAY, SIGN
from torch_ref.lockstep.diagnose.variants.epsilon import PLACES, other_values
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_AVERAGES = "averages the z with weights lr², the largest lr so far"
_POINT = "takes its gradients at y = (1 − β)z + βx, which is what the parameters are"
_FREE = (
    variant("z averaged with equal weights", _AVERAGES, weighted=False),
    variant("the average x in the parameters, not y", _POINT, point="x"),
    variant("no average: z in the parameters", _POINT, point="z"),
    variant("weights from one step ahead", _AVERAGES, counted="ahead"),
    variant("weight decay at z", "adds λy to the gradient", decay="at z"),
    variant(
        "weight decay ignored", "adds λy to the gradient, λ = {weight_decay:g}", weight_decay=0.0
    ),
)


class _ScheduleFree(UpdateRule):
    """What both share: z ← z − lr·u, x ← the average of the z, y ← (1 − β)z + βx.

    ============ ====================================================================
    ``weighted`` whether z is averaged by lr², or equally
    ``point``    what the parameters are: "y", or "x", or "z"
    ``counted``  weights from "now", or one step "ahead"
    ============ ====================================================================
    """

    PAPER: ClassVar[str] = "Defazio et al. 2024, arXiv:2405.15682"
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "decay": "in the step",
        "weighted": True,
        "point": "y",
        "counted": "now",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"z": w.copy(), "x": w.copy(), "sum": 0.0, "largest": 0.0}

    def moved(self, w: np.ndarray, u: np.ndarray, state: dict[str, Any], beta: float) -> np.ndarray:
        """What is to be subtracted from w where z goes along u."""
        at = state["z"] if self.form["decay"] == "at z" else w
        u = u + self.decay_of(w) * at
        rate = self.lr * self._warm_up(state["step"])
        state["largest"] = max(rate, state["largest"])
        weight = state["largest"] ** 2 if self.form["weighted"] else 1.0
        state["sum"] += weight
        part = weight / (state["sum"] + (weight if self.form["counted"] == "ahead" else 0.0))
        state["z"] = state["z"] - rate * u
        state["x"] = (1 - part) * state["x"] + part * state["z"]
        y = (1 - beta) * state["z"] + beta * state["x"]
        return w - {"y": y, "x": state["x"], "z": state["z"]}[self.form["point"]]

    def _warm_up(self, step: int) -> float:
        return min(1.0, step / max(self.settings["warmup_steps"], 1))


class ScheduleFreeSGDRule(_ScheduleFree):
    """Schedule-free SGD, whose parameters while it trains are y."""

    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_FREE, *ANY_DECAY[:2], *SIGN)
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1.0,
        "momentum": 0.9,
        "warmup_steps": 0,
    }

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        return self.moved(w, g, state, self.settings["momentum"])


class ScheduleFreeAdamWRule(_ScheduleFree, ScaledRule):
    """Schedule-free AdamW, whose parameters while it trains are y."""

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_FREE,
        variant("bias correction missing", "has v̂ = v/(1 − β₂ᵗ)", corrected=False),
        variant(
            "1e-15 inside the root", "has √v̂ + eps", "pytorch_optimizer", eps_place="1e-15 in v̂"
        ),
        *PLACES,
        *other_values("1e-7", "1e-6"),
        *ANY_DECAY[:2],
        *SIGN,
    )
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 2.5e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "warmup_steps": 0,
    }
    FORMS: ClassVar[Settings] = {**ScaledRule.FORMS, **_ScheduleFree.FORMS, "corrected": True}

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {**super().init_state(w), "v": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1, beta2 = self.settings["betas"]
        v = state["v"] = beta2 * state["v"] + (1 - beta2) * g * g
        below = self.denominator(v, 1 - beta2**t if self.form["corrected"] else 1.0)
        return self.moved(w, g / below, state, beta1)
