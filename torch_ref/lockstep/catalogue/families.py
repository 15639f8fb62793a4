"""The families: SGD, Adagrad, RMSprop, Adam and AdamW, each a step with its dials."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.catalogue.reference import Reference, Scaled, Settings


class SGD(Reference):
    """``torch.optim.SGD``.

    ============== =================================================================
    ``momentum``   "asked", "inverted" (1 − μ) or "ignored"
    ``dampening``  "asked", "ignored", "inverted" (τ·g instead of (1 − τ)·g), or
                   "average" ((1 − μ)·g)
    ``first``      what the buffer is at the first step: the "gradient", or what
                   follows from a buffer of "zero"
    ``lr_place``   "outside" of the buffer or "inside": b ← μb + lr·g, w ← w − b
    ``nesterov``   "asked", "ignored", "always", or "updated velocity":
                   μ²b + (1 + μ)g with the b that has the g already
    ``order``      "new": the step is along the new buffer, or the "old" one
    ============== =================================================================

    >>> params = {"w": np.array([1.0])}
    >>> SGD({"lr": 0.1}, sign="step").update(params, {"w": np.array([1.0])})
    >>> params["w"]
    array([1.1])
    """

    DEFAULTS: ClassVar[Settings] = {
        **Reference.DEFAULTS,
        "momentum": 0.0,
        "dampening": 0.0,
        "nesterov": False,
    }
    DIALS: ClassVar[Settings] = {
        **Reference.DIALS,
        "momentum": "asked",
        "dampening": "asked",
        "first": "gradient",
        "lr_place": "outside",
        "nesterov": "asked",
        "order": "new",
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        return {"b": np.zeros_like(w)}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        mu, inside = self._mu(), self.dials["lr_place"] == "inside"
        if mu == 0:
            return self.lr * g
        b, scaled = state["b"], self.lr * g if inside else g
        old = b.copy()
        if t == 1 and self.dials["first"] == "gradient":
            b[...] = scaled
        else:
            b *= mu
            b += self._share(mu) * scaled
        ahead = self.dials["nesterov"]
        if self.dials["order"] == "old":
            b = old
        if ahead == "always" or (self.settings["nesterov"] and ahead == "asked"):
            b = scaled + mu * b
        elif self.settings["nesterov"] and ahead == "updated velocity":
            b = (1 + mu) * scaled + mu * mu * b
        return b.copy() if inside else self.lr * b

    def _mu(self) -> float:
        mu, dial = self.settings["momentum"], self.dials["momentum"]
        return {"asked": mu, "inverted": 1 - mu if mu else 0.0, "ignored": 0.0}[dial]

    def _share(self, mu: float) -> float:
        """The part of a gradient that goes into the buffer."""
        tau = self.settings["dampening"]
        shares = {"asked": 1 - tau, "ignored": 1.0, "inverted": tau, "average": 1 - mu}
        return shares[self.dials["dampening"]]


class Adagrad(Scaled):
    """``torch.optim.Adagrad``.

    ============ ===================================================================
    ``start``    what the sum starts from, ``None`` for what was asked for
    ``lr_decay`` "asked" or "ignored"
    ============ ===================================================================
    """

    DEFAULTS: ClassVar[Settings] = {
        **Reference.DEFAULTS,
        "lr": 1e-2,
        "lr_decay": 0.0,
        "initial_accumulator_value": 0.0,
        "eps": 1e-10,
    }
    DIALS: ClassVar[Settings] = {**Scaled.DIALS, "start": None, "lr_decay": "asked"}

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        start = self.dials["start"]
        asked = self.settings["initial_accumulator_value"]
        return {"h": np.full_like(w, asked if start is None else start)}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        h, lr = state["h"], self.lr
        h += g * g
        if self.dials["lr_decay"] == "asked":
            lr = lr / (1 + (t - 1) * self.settings["lr_decay"])
        return lr * g / self.denominator(h)


class RMSprop(Scaled):
    """``torch.optim.RMSprop``.

    ============== =================================================================
    ``alpha``      "asked" or "inverted" (1 − α)
    ``v_factor``   whether g² is multiplied by 1 − α
    ``start``      what the average of squares starts from
    ``correction`` "none", or "added": h/(1 − αᵗ)
    ``centered``   "asked" or "ignored"
    ``momentum``   "asked" or "ignored"
    ``lr_place``   "outside" of the momentum buffer or "inside"
    ============== =================================================================
    """

    DEFAULTS: ClassVar[Settings] = {
        **Reference.DEFAULTS,
        "lr": 1e-2,
        "alpha": 0.99,
        "eps": 1e-8,
        "momentum": 0.0,
        "centered": False,
    }
    DIALS: ClassVar[Settings] = {
        **Scaled.DIALS,
        "alpha": "asked",
        "v_factor": True,
        "start": 0.0,
        "correction": "none",
        "centered": "asked",
        "momentum": "asked",
        "lr_place": "outside",
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        h = np.full_like(w, self.dials["start"])
        return {"h": h, "m": np.zeros_like(w), "b": np.zeros_like(w)}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        alpha = self.settings["alpha"]
        if self.dials["alpha"] == "inverted":
            alpha = 1 - alpha
        h, m, b = state["h"], state["m"], state["b"]
        h *= alpha
        h += (1 - alpha if self.dials["v_factor"] else 1.0) * g * g
        if self.settings["centered"] and self.dials["centered"] == "asked":
            m += (1 - alpha) * (g - m)
            h = h - m * m
        correction = 1 - alpha**t if self.dials["correction"] == "added" else 1.0
        step = g / self.denominator(h, correction)
        if not self.settings["momentum"] or self.dials["momentum"] == "ignored":
            return self.lr * step
        inside = self.dials["lr_place"] == "inside"
        b *= self.settings["momentum"]
        b += self.lr * step if inside else step
        return b if inside else self.lr * b


class Adam(Scaled):
    """``torch.optim.Adam``.

    ============== =================================================================
    ``betas``      "asked" or "swapped"
    ``m_factor``   whether g is multiplied by 1 − β₁
    ``v_factor``   whether g² is multiplied by 1 − β₂
    ``correction`` "both" moments, "first" only, "second" only, "none"
    ``amsgrad``    "asked", "ignored", or "corrected": the maximum of v̂, not of v
    ============== =================================================================
    """

    DEFAULTS: ClassVar[Settings] = {
        **Reference.DEFAULTS,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "amsgrad": False,
        "decoupled_weight_decay": False,
    }
    DIALS: ClassVar[Settings] = {
        **Scaled.DIALS,
        "betas": "asked",
        "m_factor": True,
        "v_factor": True,
        "correction": "both",
        "amsgrad": "asked",
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.zeros_like(w) for name in ("m", "v", "largest")}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1, beta2 = self.settings["betas"]
        if self.dials["betas"] == "swapped":
            beta1, beta2 = beta2, beta1
        m, v, largest = state["m"], state["v"], state["largest"]
        m *= beta1
        m += (1 - beta1 if self.dials["m_factor"] else 1.0) * g
        v *= beta2
        v += (1 - beta2 if self.dials["v_factor"] else 1.0) * g * g
        correct1 = self._correction("first", beta1, t)
        correct2 = self._correction("second", beta2, t)
        if self.settings["amsgrad"] and self.dials["amsgrad"] != "ignored":
            if self.dials["amsgrad"] == "corrected":
                v, correct2 = v / correct2, 1.0
            v = np.maximum(largest, v, out=largest)
        return self.lr / correct1 * m / self.denominator(v, correct2)

    def _correction(self, moment: str, beta: float, t: int) -> float:
        # With a counter from zero, 1 − β⁰ = 0: who writes that guards against it.
        if t == 0 or self.dials["correction"] not in ("both", moment):
            return 1.0
        return 1 - beta**t


class AdamW(Adam):
    """``torch.optim.AdamW``: Adam with the decoupled decay."""

    DEFAULTS: ClassVar[Settings] = {
        **Adam.DEFAULTS,
        "weight_decay": 1e-2,
        "decoupled_weight_decay": True,
    }
