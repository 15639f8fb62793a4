"""Torch's optimizers by hand, written so that every known variant is a change of one of them."""

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from scratch import _check

Settings = Mapping[str, Any]
Arrays = MutableMapping[str, np.ndarray]

#: Arguments of torch's classes that choose how a step is computed, not what it computes.
NO_EFFECT = frozenset({"foreach", "fused", "capturable", "differentiable"})


class UpdateRule:
    r"""An optimizer that does what torch's does, but for the changes that it is given.

    A subclass gives the step, :meth:`step`; what all families share is here.

    Args:
        settings: torch's, by torch's names; what is left out has torch's default.
        changes: of a setting, to a value or by a function of the value asked for; or of the form
            of the rule, which is torch's otherwise.

    Raises:
        TypeError: there is no such setting or form.

    Attributes:
        lr: the learning rate; it may be assigned between two updates.

    The forms of all families:

    ============ ===================================================================
    ``sign``     "torch", "gradient" (g ← −g) or "step" (w ← w + step)
    ``decay``    "torch", "coupled" (g ← g + λw), "decoupled" (w ← w − lr·λ·w),
                 "after" (the same after the step), "unscaled" (w ← w − λw)
    ``decay_on`` "all" parameters, or "matrices": no arrays of one axis
    ``counter``  what a formula has for t: "t", "behind" (t − 1, but at least 1),
                 "zero" (t − 1), "ahead" (t + 1), "per parameter" (one more for
                 each parameter, not for each step)
    ============ ===================================================================
    """

    DEFAULTS: ClassVar[Settings] = {"lr": 1e-3, "weight_decay": 0.0, "maximize": False}
    FORMS: ClassVar[Settings] = {
        "sign": "torch",
        "decay": "torch",
        "decay_on": "all",
        "counter": "t",
    }

    def __init__(self, settings: Settings | None = None, **changes: Any) -> None:
        settings = {k: v for k, v in (settings or {}).items() if k not in NO_EFFECT}
        self._refuse_unknown("settings", settings, self.DEFAULTS)
        self._refuse_unknown("changes", changes, {**self.FORMS, **self.DEFAULTS})
        self.settings, self.form = {**self.DEFAULTS, **settings}, dict(self.FORMS)
        for name, change in changes.items():
            changed = self.form if name in self.FORMS else self.settings
            changed[name] = change(changed[name]) if callable(change) else change
        self.lr = float(self.settings["lr"])
        self.state: dict[str, dict[str, Any]] = {}
        self._updates = 0

    def _refuse_unknown(self, what: str, given: Settings, known: Settings) -> None:
        if unknown := given.keys() - known.keys():
            raise TypeError(
                f"{what} of {type(self).__name__.removesuffix('Rule')} must be of "
                f"{', '.join(known)}, got {_check.names(unknown)}"
            )

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
        if self.settings["maximize"] != (self.form["sign"] == "gradient"):
            g = -g
        if style == "coupled":
            g = g + decay * w
        elif style == "decoupled":
            w *= 1 - self.lr * decay
        elif style == "unscaled":
            w *= 1 - decay
        step = self.step(g, state, self._count(state))
        w -= -step if self.form["sign"] == "step" else step
        if style == "after":
            w *= 1 - self.lr * decay

    def _decay(self, w: np.ndarray) -> tuple[str, float]:
        style = self.form["decay"]
        if style == "torch":
            style = "decoupled" if self.settings.get("decoupled_weight_decay") else "coupled"
        left_out = self.form["decay_on"] == "matrices" and w.ndim < 2
        return style, 0.0 if left_out else self.settings["weight_decay"]

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
        return counts[self.form["counter"]]


class ScaledRule(UpdateRule):
    """A rule that divides by the root of an average or sum of squares h.

    ============== =================================================================
    ``eps_place``  "outside" (√ĥ + ε), "inside" (√(ĥ + ε)), "both" (√(ĥ + ε) + ε),
                   "nowhere", "before correction" (√h + ε, then corrected),
                   "inside, before correction" (√(h + ε), then corrected)
    ``root``       whether the root is taken at all
    ============== =================================================================

    ĥ = h/c with the bias correction c, which is 1 where a family has none.
    """

    FORMS: ClassVar[Settings] = {**UpdateRule.FORMS, "eps_place": "outside", "root": True}

    def denominator(self, h: np.ndarray, correction: float = 1.0) -> np.ndarray:
        eps, place = self.settings["eps"], self.form["eps_place"]
        if place.startswith("inside") or place == "both":
            h = h + eps * (1.0 if place.endswith("before correction") else correction)
        root = np.sqrt(h) if self.form["root"] else h
        if place == "before correction":
            root = root + eps
        root = root / correction ** (0.5 if self.form["root"] else 1.0)
        return root + eps if place in ("outside", "both") else root


class SGDRule(UpdateRule):
    """``torch.optim.SGD``; its setting ``nesterov`` may also be "updated velocity".

    That is μ²b + (1 + μ)g with the b that has the g already.

    ============== =================================================================
    ``share``      of a gradient that goes into the buffer: "undampened" (1 − τ),
                   "whole", "dampening" (τ), or "average" (1 − μ)
    ``first``      what the buffer is at the first step: the "gradient", or what
                   follows from a buffer of "zero"
    ``lr_place``   "outside" of the buffer or "inside": b ← μb + lr·g, w ← w − b
    ``order``      "new": the step is along the new buffer, or the "old" one
    ============== =================================================================

    >>> params = {"w": np.array([1.0])}
    >>> SGDRule({"lr": 0.1}, sign="step").update(params, {"w": np.array([1.0])})
    >>> params["w"]
    array([1.1])
    """

    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "momentum": 0.0,
        "dampening": 0.0,
        "nesterov": False,
    }
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "share": "undampened",
        "first": "gradient",
        "lr_place": "outside",
        "order": "new",
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        return {"b": np.zeros_like(w)}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        mu, ahead = self.settings["momentum"], self.settings["nesterov"]
        if mu == 0:
            return self.lr * g
        inside = self.form["lr_place"] == "inside"
        b, scaled = state["b"], self.lr * g if inside else g
        old = b.copy()
        if t == 1 and self.form["first"] == "gradient":
            b[...] = scaled
        else:
            b *= mu
            b += self._share(mu) * scaled
        if self.form["order"] == "old":
            b = old
        if ahead == "updated velocity":
            b = (1 + mu) * scaled + mu * mu * b
        elif ahead:
            b = scaled + mu * b
        return b.copy() if inside else self.lr * b

    def _share(self, mu: float) -> float:
        tau = self.settings["dampening"]
        shares = {"undampened": 1 - tau, "whole": 1.0, "dampening": tau, "average": 1 - mu}
        return shares[self.form["share"]]


class AdagradRule(ScaledRule):
    """``torch.optim.Adagrad``."""

    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1e-2,
        "lr_decay": 0.0,
        "initial_accumulator_value": 0.0,
        "eps": 1e-10,
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        return {"h": np.full_like(w, self.settings["initial_accumulator_value"])}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        h = state["h"]
        h += g * g
        lr = self.lr / (1 + (t - 1) * self.settings["lr_decay"])
        return lr * g / self.denominator(h)


class RMSpropRule(ScaledRule):
    """``torch.optim.RMSprop``.

    ============== =================================================================
    ``v_factor``   whether g² is multiplied by 1 − α
    ``start``      what the average of squares starts from
    ``correction`` "none", or "added": h/(1 − αᵗ)
    ``lr_place``   "outside" of the momentum buffer or "inside"
    ============== =================================================================
    """

    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "lr": 1e-2,
        "alpha": 0.99,
        "eps": 1e-8,
        "momentum": 0.0,
        "centered": False,
    }
    FORMS: ClassVar[Settings] = {
        **ScaledRule.FORMS,
        "v_factor": True,
        "start": 0.0,
        "correction": "none",
        "lr_place": "outside",
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        h = np.full_like(w, self.form["start"])
        return {"h": h, "m": np.zeros_like(w), "b": np.zeros_like(w)}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        alpha, mu = self.settings["alpha"], self.settings["momentum"]
        h, m, b = state["h"], state["m"], state["b"]
        h *= alpha
        h += (1 - alpha if self.form["v_factor"] else 1.0) * g * g
        if self.settings["centered"]:
            m += (1 - alpha) * (g - m)
            h = h - m * m
        correction = 1 - alpha**t if self.form["correction"] == "added" else 1.0
        step = g / self.denominator(h, correction)
        if not mu:
            return self.lr * step
        inside = self.form["lr_place"] == "inside"
        b *= mu
        b += self.lr * step if inside else step
        return b if inside else self.lr * b


class AdamRule(ScaledRule):
    """``torch.optim.Adam``; its setting ``amsgrad`` may also be "corrected".

    That is the maximum of v̂, not of v.

    ============== =================================================================
    ``m_factor``   whether g is multiplied by 1 − β₁
    ``v_factor``   whether g² is multiplied by 1 − β₂
    ``correction`` "both" moments, "first" only, "second" only, "none"
    ============== =================================================================
    """

    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "amsgrad": False,
        "decoupled_weight_decay": False,
    }
    FORMS: ClassVar[Settings] = {
        **ScaledRule.FORMS,
        "m_factor": True,
        "v_factor": True,
        "correction": "both",
    }

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.zeros_like(w) for name in ("m", "v", "largest")}

    def step(self, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        beta1, beta2 = self.settings["betas"]
        m, v, largest = state["m"], state["v"], state["largest"]
        m *= beta1
        m += (1 - beta1 if self.form["m_factor"] else 1.0) * g
        v *= beta2
        v += (1 - beta2 if self.form["v_factor"] else 1.0) * g * g
        correct1 = self._correction("first", beta1, t)
        correct2 = self._correction("second", beta2, t)
        if self.settings["amsgrad"]:
            if self.settings["amsgrad"] == "corrected":
                v, correct2 = v / correct2, 1.0
            v = np.maximum(largest, v, out=largest)
        return self.lr / correct1 * m / self.denominator(v, correct2)

    def _correction(self, moment: str, beta: float, t: int) -> float:
        # With a counter from zero, 1 − β⁰ = 0: who writes that guards against it.
        if t == 0 or self.form["correction"] not in ("both", moment):
            return 1.0
        return 1 - beta**t


class AdamWRule(AdamRule):
    """``torch.optim.AdamW``: Adam with the decoupled decay."""

    DEFAULTS: ClassVar[Settings] = {
        **AdamRule.DEFAULTS,
        "weight_decay": 1e-2,
        "decoupled_weight_decay": True,
    }


#: By the name of a family, what does the same as torch's class until it is changed.
FAMILIES: dict[str, type[UpdateRule]] = {
    cls.__name__.removesuffix("Rule"): cls
    for cls in (SGDRule, AdagradRule, RMSpropRule, AdamRule, AdamWRule)
}
