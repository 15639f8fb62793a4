"""One small implementation for each family, with a dial for everything that people do otherwise."""

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from scratch import _check

Settings = Mapping[str, Any]
Arrays = MutableMapping[str, np.ndarray]

#: Arguments of torch's classes that choose how a step is computed, not what it computes.
NO_EFFECT = frozenset({"foreach", "fused", "capturable", "differentiable"})


class Reference:
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
        """What is to be subtracted from the parameter, lr included; the buffers change in place."""
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


class Scaled(Reference):
    """What divides by the root of an average or sum of squares h.

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
        **Reference.DIALS,
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
