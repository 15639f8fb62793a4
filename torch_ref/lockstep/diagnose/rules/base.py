"""What all rules share: settings, changes, the weight decay and the counter; and a denominator."""

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from scratch import _check
from torch_ref.lockstep.finding import Variant

Settings = Mapping[str, Any]
Arrays = MutableMapping[str, np.ndarray]

#: Arguments of torch's classes that choose how a step is computed, not what it computes.
NO_EFFECT = frozenset({"foreach", "fused", "capturable", "differentiable"})


class UpdateRule:
    r"""An optimizer that does what torch's does, but for the changes that it is given.

    A subclass gives the step, :meth:`step`, and its known ``VARIANTS``, in the order in which
    findings are listed; what all families share is here.

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

    VARIANTS: ClassVar[tuple[Variant, ...]] = ()
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
