"""D-Adaptation and Prodigy, and the known ways to write them otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Arrays, Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import SIGN
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_GROWS = "estimates the distance d to the solution from the gradients, from d0 = {d0:g} on"
_ESTIMATES = (
    variant("d never estimated: d0 for ever", _GROWS, estimated=False),
    variant("d0 1e-3, not the one asked for", "starts at the one it is given, {d0:g}", d0=1e-3),
    variant("eps 1e-6, not the one asked for", "has the one it is given, {eps:g}", eps=1e-6),
    variant(
        "bias correction, not asked for",
        "has use_bias_correction = {use_bias_correction}",
        "optax",
        use_bias_correction=True,
    ),
    variant(
        "bias correction ignored",
        "has use_bias_correction = {use_bias_correction}",
        use_bias_correction=False,
    ),
    variant("weight decay ignored", "decays w by d·lr·λ, λ = {weight_decay:g}", weight_decay=0.0),
)


class _Estimating(UpdateRule):
    """What all share: d, which grows from ``d0`` with what the gradients say."""

    FORMS: ClassVar[Settings] = {**UpdateRule.FORMS, "decay": "in the step", "estimated": True}

    def __init__(self, settings: Settings | None = None, **changes: Any) -> None:
        super().__init__(settings, **changes)
        self._d, self._numerator, self._steps = self.settings["d0"], 0.0, 0

    def grow(self, estimate: float) -> None:
        """Take an estimate of d where it is larger, but not ``growth_rate`` times as large."""
        if self.form["estimated"]:
            self._d = max(self._d, min(estimate, self._d * self.settings["growth_rate"]))


class ProdigyRule(_Estimating):
    """Prodigy: Adam of the gradients times d, with lr·d for its rate; the decay is decoupled."""

    PAPER: ClassVar[str] = "Mishchenko and Defazio 2023, arXiv:2306.06101"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_ESTIMATES, SIGN[1])
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1.0,
        "betas": (0.9, 0.999),
        "beta3": None,
        "eps": 1e-8,
        "d0": 1e-6,
        "d_coef": 1.0,
        "growth_rate": np.inf,
        "use_bias_correction": False,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"start": w.copy(), **{name: np.zeros_like(w) for name in "mvs"}}

    def prepare(self, params: Arrays, grads: Any) -> None:
        (beta1, beta2), d, d0 = self.settings["betas"], self._d, self.settings["d0"]
        beta3 = beta2**0.5 if self.settings["beta3"] is None else self.settings["beta3"]
        self._steps += 1
        corrected = (1 - beta2**self._steps) ** 0.5 / (1 - beta1**self._steps)
        self._rate = d * self.lr * (corrected if self.settings["use_bias_correction"] else 1.0)
        self._numerator *= beta3
        size = 0.0
        for name, w in params.items():
            state, g = self.state[name], self._signed(grads[name])
            self._numerator += d / d0 * self._rate * float(np.sum(g * (state["start"] - w)))
            state["m"] = beta1 * state["m"] + d * (1 - beta1) * g
            state["v"] = beta2 * state["v"] + d * d * (1 - beta2) * g * g
            state["s"] = beta3 * state["s"] + d / d0 * self._rate * g
            size += float(np.abs(state["s"]).sum())
        if size:
            self.grow(self.settings["d_coef"] * self._numerator / size)

    def _signed(self, g: np.ndarray) -> np.ndarray:
        return -g if self.settings["maximize"] != (self.form["sign"] == "gradient") else g

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        below = np.sqrt(state["v"]) + self._d * self.settings["eps"]
        return self._rate * (state["m"] / below + self.decay_of(w) * w)


class DAdaptAdamRule(_Estimating):
    """D-Adaptation for Adam: d from the weighted sums of gradients."""

    PAPER: ClassVar[str] = "Defazio and Mishchenko 2023, arXiv:2301.07733"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_ESTIMATES[:-1], SIGN[1])
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1.0,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "d0": 1e-6,
        "growth_rate": np.inf,
        "use_bias_correction": False,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {name: np.zeros_like(w) for name in "mvs"}

    def prepare(self, params: Arrays, grads: Any) -> None:
        (beta1, beta2), eps = self.settings["betas"], self.settings["eps"]
        self._steps, kept = self._steps + 1, beta2**0.5
        corrected = (1 - beta2**self._steps) ** 0.5 / (1 - beta1**self._steps)
        rate = self._d * self.lr * (corrected if self.settings["use_bias_correction"] else 1.0)
        self._rate, dot, size = rate, 0.0, 0.0
        for name, w in params.items():
            state, decay = self.state[name], self.decay_of(w)
            g = grads[name] + decay * w
            g = -g if self.settings["maximize"] != (self.form["sign"] == "gradient") else g
            dot += rate * float(np.sum(g * state["s"] / (np.sqrt(state["v"]) + eps)))
            state["m"] = beta1 * state["m"] + rate * (1 - beta1) * g
            state["v"] = beta2 * state["v"] + (1 - beta2) * g * g
            state["s"] = kept * state["s"] + rate * (1 - kept) * g
            size += float(np.abs(state["s"]).sum())
        self._numerator = kept * self._numerator + (1 - kept) * dot
        if size:
            self.grow(self._numerator / ((1 - kept) * size))

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        step: np.ndarray = state["m"] / (np.sqrt(state["v"]) + self.settings["eps"])
        return step


class DAdaptSGDRule(_Estimating):
    """D-Adaptation for SGD: z ← z − lr·d/‖g₁‖·g, w ← μw + (1 − μ)z."""

    PAPER: ClassVar[str] = "Defazio and Mishchenko 2023, arXiv:2301.07733"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (_ESTIMATES[1], SIGN[1])
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1.0,
        "momentum": 0.9,
        "d0": 1e-6,
        "growth_rate": np.inf,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"start": w.copy(), "z": w.copy(), "s": np.zeros_like(w)}

    def prepare(self, params: Arrays, grads: Any) -> None:
        self._steps += 1
        flips = self.settings["maximize"] != (self.form["sign"] == "gradient")
        if self._steps == 1:
            self._first = float(np.sqrt(sum(np.sum(g * g) for g in grads.values())))
        rate, size = self._d * self.lr / self._first, 0.0
        for name, w in params.items():
            state, g = self.state[name], grads[name] + self.decay_of(w) * w
            g = -g if flips else g
            self._numerator += rate * float(np.sum(g * state["s"]))
            state["s"] = state["s"] + rate * g
            size += float(np.sum(state["s"] ** 2))
        if size:
            self.grow(2 * self._numerator / size**0.5)

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        mu, rate = self.settings["momentum"], self._d * self.lr / self._first
        z = state["start"] - state["s"]
        return (1 - mu) * (w - z) if rate else np.zeros_like(w)
