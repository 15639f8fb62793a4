"""Torch's optimizers by hand, with a dial for everything that people do otherwise."""

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from scratch import _check

Settings = Mapping[str, Any]
Arrays = MutableMapping[str, np.ndarray]

#: Arguments of torch's classes that choose how a step is computed, not what it computes.
NO_EFFECT = frozenset({"foreach", "fused", "capturable", "differentiable"})


class Dialled:
    r"""An optimizer that does what torch's does, until a dial is turned.

    A subclass gives the step, :meth:`step`; what all families share is here.

    Args:
        settings: torch's, by torch's names; what is left out has torch's default.
        dials: how to differ; what is left out is as in torch.

    Raises:
        TypeError: there is no such setting or dial.

    Attributes:
        lr: the learning rate; it may be assigned between two updates.

    The dials of all families:

    ================ ===============================================================
    ``sign``         "torch", "gradient" (g ← −g) or "step" (w ← w + step)
    ``decay``        "torch", "coupled" (g ← g + λw), "decoupled" (w ← w − lr·λ·w),
                     "after" (the same after the step), "unscaled" (w ← w − λw)
    ``decay_factor`` what λ is multiplied by
    ``decay_on``     "all" parameters, or "matrices": no arrays of one axis
    ``counter``      what a formula has for t: "t", "behind" (t − 1, but at least 1),
                     "zero" (t − 1), "ahead" (t + 1), "per parameter" (one more for
                     each parameter, not for each step)
    ================ ===============================================================
    """

    DEFAULTS: ClassVar[Settings] = {"lr": 1e-3, "weight_decay": 0.0, "maximize": False}
    DIALS: ClassVar[Settings] = {
        "sign": "torch",
        "decay": "torch",
        "decay_factor": 1.0,
        "decay_on": "all",
        "counter": "t",
    }

    def __init__(self, settings: Settings | None = None, **dials: Any) -> None:
        settings = {k: v for k, v in (settings or {}).items() if k not in NO_EFFECT}
        for what, given, known in (
            ("settings", settings, self.DEFAULTS),
            ("dials", dials, self.DIALS),
        ):
            if unknown := given.keys() - known.keys():
                raise TypeError(
                    f"{what} of {type(self).__name__} must be of {', '.join(known)}, got "
                    f"{_check.names(unknown)}"
                )
        self.settings = {**self.DEFAULTS, **settings}
        self.dials = {**self.DIALS, **dials}
        self.lr = float(self.settings["lr"])
        self.state: dict[str, dict[str, Any]] = {}
        self._updates = 0

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """The buffers for a parameter ``w`` before its first step."""
        return {}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        """Return what to subtract from the parameter, lr included; buffers change in place."""
        raise NotImplementedError

    def update(self, params: Arrays, grads: Mapping[str, np.ndarray]) -> None:
        """Take one step: change every array of ``params`` in place."""
        # A variant may divide by zero where torch does not; the result shows it.
        with np.errstate(all="ignore"):
            for name, w in params.items():
                if name not in self.state:
                    self.state[name] = {"step": 0, **self.init_state(w)}
                self._update(w, grads[name], self.state[name])

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        style, decay = self._decay(w)
        if self.settings["maximize"] != (self.dials["sign"] == "gradient"):
            g = -g
        if style == "coupled":
            g = g + decay * w
        elif style == "decoupled":
            w *= 1 - self.lr * decay
        elif style == "unscaled":
            w *= 1 - decay
        step = self.step(g, state, self._count(state))
        w -= -step if self.dials["sign"] == "step" else step
        if style == "after":
            w *= 1 - self.lr * decay

    def _decay(self, w: np.ndarray) -> tuple[str, float]:
        style = self.dials["decay"]
        if style == "torch":
            style = "decoupled" if self.settings.get("decoupled_weight_decay") else "coupled"
        if self.dials["decay_on"] == "matrices" and w.ndim < 2:
            return style, 0.0
        return style, self.settings["weight_decay"] * self.dials["decay_factor"]

    def _count(self, state: dict[str, Any]) -> int:
        self._updates += 1
        state["step"] += 1
        t = state["step"]
        counts = {
            "t": t,
            "behind": max(t - 1, 1),
            "zero": t - 1,
            "ahead": t + 1,
            "per parameter": self._updates,
        }
        return counts[self.dials["counter"]]


class Scaled(Dialled):
    """Rules that divide by the root of an average or sum of squares h.

    ============== =================================================================
    ``eps_place``  "outside" (√ĥ + ε), "inside" (√(ĥ + ε)), "both" (√(ĥ + ε) + ε),
                   "nowhere", "before correction" (√h + ε, then corrected),
                   "inside, before correction" (√(h + ε), then corrected)
    ``eps``        its value, ``None`` for the one that was asked for
    ``root``       whether the root is taken at all
    ============== =================================================================

    ĥ = h/c with the bias correction c, which is 1 where a family has none.
    """

    DIALS: ClassVar[Settings] = {
        **Dialled.DIALS,
        "eps_place": "outside",
        "eps": None,
        "root": True,
    }

    def denominator(self, h: np.ndarray, correction: float = 1.0) -> np.ndarray:
        eps = self.settings["eps"] if self.dials["eps"] is None else self.dials["eps"]
        place, power = self.dials["eps_place"], 0.5 if self.dials["root"] else 1.0
        before = place.endswith("before correction")
        if place.startswith("inside") or place == "both":
            h = h + eps * (correction if not before else 1.0)
        root = np.sqrt(h) if self.dials["root"] else h
        if place == "before correction":
            root = root + eps
        root = root / correction**power
        return root + eps if place in ("outside", "both") else root


class SGD(Dialled):
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
        **Dialled.DEFAULTS,
        "momentum": 0.0,
        "dampening": 0.0,
        "nesterov": False,
    }
    DIALS: ClassVar[Settings] = {
        **Dialled.DIALS,
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
        **Dialled.DEFAULTS,
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
        **Dialled.DEFAULTS,
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
        **Dialled.DEFAULTS,
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


#: By the name of a family, what does the same as torch's class until a dial is turned.
FAMILIES: dict[str, type[Dialled]] = {
    cls.__name__: cls for cls in (SGD, Adagrad, RMSprop, Adam, AdamW)
}
