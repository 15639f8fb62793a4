"""What all rules share: settings, changes, the weight decay and the counter; and a denominator."""

import copy
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from scratch import _check
from torch_ref.lockstep.finding import Variant

Settings = Mapping[str, Any]
Arrays = MutableMapping[str, np.ndarray]

#: Arguments of torch's classes that choose how a step is computed, not what it computes.
NO_EFFECT = frozenset({"foreach", "fused", "capturable", "differentiable"})
#: Decays of the parameter itself that come before the step; the last two are Adam's alone.
_BEFORE = ("decoupled", "unscaled", "corrected", "corrected first")
#: Of the names of all parameters, those that are updated.
_PARTS: Mapping[str, Callable[[list[str]], list[str]]] = {
    "all": lambda names: names,
    "first": lambda names: names[:1],
    "last": lambda names: names[-1:],
}
_DIVIDED: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "nothing": lambda g: g,
    "rows": lambda g: g / (len(g) if g.ndim else 1),
    "elements": lambda g: g / g.size,
    "norm": lambda g: g / (np.sqrt((g * g).sum()) or 1.0),
    "size": np.sign,
}


class UpdateRule:
    r"""An optimizer that does what the one of its name does, but for the changes it is given.

    A subclass gives the step, :meth:`step`, and its known ``VARIANTS``, in the order in which
    findings are listed; what all families share is here.

    Args:
        settings: by torch's names; what is left out has the default.
        changes: of a setting, to a value or by a function of the value asked for; or of the form
            of the rule.

    Raises:
        TypeError: there is no such setting or form.

    Attributes:
        PAPER: where the formula is from, for what torch does not have.
        AXES: that a parameter must have, 0 for any number.
        ROWS: whether it is for gradients that lack some rows.
        TEXTBOOK: of the variants, those in which it is torch that rounds.
        lr: the learning rate; it may be assigned between two updates.

    The forms of all families:

    ============ ===================================================================
    ``sign``     "torch", "gradient" (g ← −g) or "step" (w ← w + step)
    ``decay``    "torch", "coupled" (g ← g + λw), "decoupled" (w ← w − lr·λ·w),
                 "after" (the same after the step), "unscaled" (w ← w − λw),
                 "proximal" (w ← w/(1 + lr·λ) after the step), "sign" (g ← g + λ·sign w)
    ``decay_on`` "all" parameters, or "matrices": no arrays of one axis
    ``counter``  what a formula has for t: "t", "behind" (t − 1, but at least 1),
                 "zero" (t − 1), "ahead" (t + 1), "still" (1 for ever), "per
                 parameter" (one more for each parameter, not for each step)
    ``gradient`` that of "now", the "late" one of the step before, zero at first; or the
                 "sum" of all so far
    ``divided``  the gradient by "nothing", or its number of "rows" or "elements"; by its
                 "norm"; or each element by its "size", which leaves the sign
    ``updated``  "all" parameters, or the "first" alone, or the "last"
    ``zeros``    elements whose gradient is zero are "taken" as others, or "left" as they
                 are, and their buffers too
    ``lr_times`` how often a step is multiplied by lr: "once" or "twice"
    ``memory``   the buffers are "kept", or made "anew" in every step
    ``rates``    ``None``, or what has the ``factor`` of lr in a step
    ============ ===================================================================

    And ``clipped_by`` is ``None``, or what has the ``clipped`` gradients, which are used.
    """

    PAPER: ClassVar[str] = ""
    AXES: ClassVar[int] = 0
    ROWS: ClassVar[bool] = False
    TEXTBOOK: ClassVar[tuple[Variant, ...]] = ()
    VARIANTS: ClassVar[tuple[Variant, ...]] = ()
    DEFAULTS: ClassVar[Settings] = {"lr": 1e-3, "weight_decay": 0.0, "maximize": False}
    FORMS: ClassVar[Settings] = {
        "sign": "torch",
        "decay": "torch",
        "decay_on": "all",
        "counter": "t",
        "gradient": "now",
        "divided": "nothing",
        "updated": "all",
        "zeros": "taken",
        "lr_times": "once",
        "memory": "kept",
        "rates": None,
        "clipped_by": None,
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
        self._updates = self._taken = 0

    def _refuse_unknown(self, what: str, given: Settings, known: Settings) -> None:
        if unknown := given.keys() - known.keys():
            raise TypeError(
                f"{what} of {type(self).__name__.removesuffix('Rule')} must be of "
                f"{', '.join(known)}, got {_check.names(unknown)}"
            )

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        """The buffers for a parameter ``w`` before its first step."""
        return {}

    def prepare(self, params: Arrays, grads: Mapping[str, np.ndarray]) -> None:
        """Compute what a step needs of all parameters together; the states are there."""

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        """Return what to subtract from the parameter, lr included; buffers change in place."""
        raise NotImplementedError

    def update(self, params: Arrays, grads: Mapping[str, np.ndarray]) -> None:
        """Take one step: change every array of ``params`` in place."""
        self._taken += 1
        lr, rates, clips = self.lr, self.form["rates"], self.form["clipped_by"]
        # A variant may divide by zero where torch does not; the result shows it.
        with np.errstate(all="ignore"):
            try:
                self.lr = lr * rates.factor(self._taken) if rates else lr
                self._update_all(params, clips.clipped(grads) if clips else grads)
            except (ZeroDivisionError, OverflowError):  # of a number, that is no array's
                for w in params.values():
                    w[...] = np.nan
            finally:
                self.lr = lr

    def _update_all(self, params: Arrays, grads: Mapping[str, np.ndarray]) -> None:
        for name, w in params.items():
            if name not in self.state:
                self.state[name] = {"step": 0, **self.init_state(w)}
        self.prepare(params, grads)
        for name in _PARTS[self.form["updated"]](list(params)):
            if self.form["zeros"] == "left":
                self._update_some(params[name], grads[name], self.state[name])
            else:
                self._update(params[name], grads[name], self.state[name])

    def _update_some(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        """Leave the elements, and those of the buffers, as they are where the gradient is zero."""
        still = g == 0
        before: dict[str, Any] = {"w": w.copy(), **copy.deepcopy(state)}
        self._update(w, g, state)
        for name, array in {"w": w, **state}.items():
            old = before.get(name)
            if isinstance(old, np.ndarray) and np.shape(array) == old.shape == g.shape:
                array[still] = old[still]

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        g = self._gradient(g, state)
        style, t = self.form["decay"], self._count(state)
        if style == "torch":
            style = "decoupled" if self.settings.get("decoupled_weight_decay") else "coupled"
        decay = self.decay_of(w)
        if style in ("coupled", "sign"):
            g = g + decay * (w if style == "coupled" else np.sign(w))
        elif style in _BEFORE:
            w *= 1 - self.decay_rate(style, t) * decay
        step = self.step(w, g, state, t) * (self.lr if self.form["lr_times"] == "twice" else 1)
        w -= -step if self.form["sign"] == "step" else step
        if style == "after":
            w *= 1 - self.lr * decay
        elif style == "proximal":
            w /= 1 + self.lr * decay

    def _gradient(self, g: np.ndarray, state: dict[str, Any]) -> np.ndarray:
        if self.form["memory"] == "anew":
            state |= self.init_state(np.zeros_like(g))
        if self.form["gradient"] == "late":
            state["late"], g = g.copy(), state.get("late", np.zeros_like(g))
        elif self.form["gradient"] == "sum":
            g = state["sum"] = state.get("sum", 0.0) + g
        g = _DIVIDED[self.form["divided"]](g)
        return -g if self.settings["maximize"] != (self.form["sign"] == "gradient") else g

    def decay_of(self, w: np.ndarray) -> float:
        """The weight decay of a parameter."""
        left_out = self.form["decay_on"] == "matrices" and w.ndim < 2
        return 0.0 if left_out else self.settings.get("weight_decay", 0.0)

    def decay_rate(self, style: str, t: int) -> float:
        """What the decay of ``w`` itself is multiplied by."""
        return 1.0 if style == "unscaled" else self.lr

    def _count(self, state: dict[str, Any]) -> int:
        self._updates += 1
        state["step"] += 1
        t = state["step"]
        counts = {
            "t": t,
            "behind": max(t - 1, 1),
            "zero": t - 1,
            "ahead": t + 1,
            "still": 1,
            "per parameter": self._updates,
        }
        return counts[self.form["counter"]]


class ScaledRule(UpdateRule):
    """A rule that divides by the root of an average or sum of squares h.

    ============== =================================================================
    ``eps_place``  "outside" (√ĥ + ε), "inside" (√(ĥ + ε)), "both" (√(ĥ + ε) + ε),
                   "nowhere", "before correction" (√h + ε, then corrected),
                   "inside, before correction" (√(h + ε), then corrected),
                   "maximum" (max(√ĥ, ε)), "squared" (√(ĥ + ε²)), "1e-15 inside"
                   (√(h + 1e-15) + ε, then corrected), "1e-15 in v̂" (√(ĥ + 1e-15) + ε)
    ``root``       whether the root is taken at all
    ``squares``    of the "elements" of g; or one for an array, a "sum" or a "mean";
                   a sum for each of the "rows"; one sum for "all" parameters; or
                   "sizes", |g| in place of g²
    ============== =================================================================

    ĥ = h/c with the bias correction c, which is 1 where a family has none.
    """

    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "eps_place": "outside",
        "root": True,
        "squares": "elements",
    }

    def prepare(self, params: Arrays, grads: Mapping[str, np.ndarray]) -> None:
        if self.form["squares"] == "all":
            self._all = float(sum((g * g).sum() for g in grads.values()))

    def squared(self, g: np.ndarray) -> np.ndarray:
        """What the average or the sum is of, in the shape of g."""
        over, squares = self.form["squares"], g * g
        if over == "elements":
            return squares
        if over == "sizes":
            return np.abs(g)
        if over == "all":
            return np.full_like(g, self._all)
        if over == "rows" and g.ndim:
            return np.repeat(squares.sum(-1, keepdims=True), g.shape[-1], axis=-1)
        return np.full_like(g, squares.sum() if over == "sum" else squares.mean())

    def denominator(self, h: np.ndarray, correction: float = 1.0) -> np.ndarray:
        eps, place = self.settings["eps"], self.form["eps_place"]
        if place.startswith("inside") or place == "both":
            h = h + eps * (1.0 if place.endswith("before correction") else correction)
        elif place == "squared":
            h = h + eps * eps * correction
        elif place.startswith("1e-15"):
            h = h + 1e-15 * (correction if place.endswith("v̂") else 1.0)
        root = np.sqrt(h) if self.form["root"] else h
        if place in ("before correction", "1e-15 inside"):
            root = root + eps
        root = root / correction ** (0.5 if self.form["root"] else 1.0)
        if place == "maximum":
            return np.maximum(root, eps)
        return root + eps if place in ("outside", "both", "1e-15 in v̂") else root
