"""Two moments, of the gradient and of its square, and the corrections for their start at zero."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import ScaledRule, Settings


class MomentsRule(ScaledRule):
    """A rule with Adam's moments m and v, corrected for their start at zero.

    ==================== ===========================================================
    ``m_factor``         whether g is multiplied by 1 − β₁
    ``v_factor``         whether g² is multiplied by 1 − β₂
    ``correction``       of "both" moments, the "first" only, the "second", "none"
    ``correction_betas`` that a correction has: its "own" β, "swapped", the "first"
                         for both, or the "second"
    ``corrected``        copies of the moments, "aside", or they themselves, "in
                         place"; or they are "multiplied" by what divides them; or
                         that of one alone, as "m in place" or "v multiplied"
    ``power``            1 − β₁ᵗ has a "power" of β₁, or a "product", 1 − β₁·t
    ``precision``        of the corrections: "double", "float32", or from a "float32
                         product" of the βs, or a "float32 sum" of 1 − β
    ``start``            of the moments, at "zero" or with the first "gradient"
    ``lost``             which moment is made anew in every step: none, "m" or "v"
    ``shares``           of the new: "1 − β", or β itself for "m", "v" or "both"
    ``step_by``          both moments "new", or as "old m" or "old v" they were before
                         this gradient
    ==================== ===========================================================

    The form ``decay`` may also be "corrected", w ← w − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·λ·w, or "corrected
    first", w ← w − lr/(1 − β₁ᵗ)·λ·w.
    """

    DEFAULTS: ClassVar[Settings] = {**ScaledRule.DEFAULTS, "betas": (0.9, 0.999), "eps": 1e-8}
    FORMS: ClassVar[Settings] = {
        **ScaledRule.FORMS,
        "m_factor": True,
        "v_factor": True,
        "correction": "both",
        "correction_betas": "own",
        "corrected": "aside",
        "power": "power",
        "precision": "double",
        "start": "zero",
        "lost": "",
        "shares": "1 − β",
        "step_by": "new",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"m": np.zeros_like(w), "v": np.zeros_like(w)}

    def moments(
        self, g: np.ndarray, squares: np.ndarray, state: dict[str, Any], t: int
    ) -> tuple[np.ndarray, np.ndarray, float, float]:
        """The moments with this gradient in them, and what they are to be divided by."""
        beta1, beta2 = self.settings["betas"][:2]
        old = {f"old {name}": state[name].copy() for name in "mv"}
        m = self.average(state, "m", beta1, g, self.form["m_factor"])
        v = self.average(state, "v", beta2, squares, self.form["v_factor"])
        correct1, correct2 = self.corrections(t)
        if self.form["corrected"] in ("in place", "m in place"):
            m /= correct1
            correct1 = 1.0
        if self.form["corrected"] in ("in place", "v in place"):
            v /= correct2
            correct2 = 1.0
        by = self.form["step_by"]
        m, v = (old[by] if by == f"old {name}" else new for name, new in (("m", m), ("v", v)))
        return m, v, correct1, correct2

    def average(
        self, state: dict[str, Any], name: str, beta: float, new: np.ndarray, factor: bool = True
    ) -> np.ndarray:
        """The buffer of that name with ``new`` in it, changed in place."""
        buffer: np.ndarray = state[name]
        if self.form["lost"] == name:
            buffer[...] = 0.0
        if self.form["shares"] in (name, "both"):
            beta = 1 - beta
        if state["step"] == 1 and self.form["start"] == "gradient":
            buffer[...] = new
        else:
            buffer *= beta
            buffer += (1 - beta if factor else 1.0) * new
        return buffer

    def corrections(self, t: int) -> tuple[float, float]:
        beta1, beta2 = self.settings["betas"][:2]
        chosen = {
            "own": (beta1, beta2),
            "swapped": (beta2, beta1),
            "first": (beta1, beta1),
            "second": (beta2, beta2),
        }
        first, second = chosen[self.form["correction_betas"]]
        return self._correction("first", first, t), self._correction("second", second, t)

    def _correction(self, moment: str, beta: float, t: int) -> float:
        # With a counter from zero, 1 − β⁰ = 0: who writes that guards against it.
        if t == 0 or self.form["correction"] not in ("both", moment):
            return 1.0
        if moment == "first" and self.form["power"] == "product":
            return float(1 - beta * t)
        correction = float(1 - _power(beta, t, self.form["precision"]))
        multiplied = ("multiplied", f"{'m' if moment == 'first' else 'v'} multiplied")
        return 1 / correction if self.form["corrected"] in multiplied else correction

    def decay_rate(self, style: str, t: int) -> float:
        if not style.startswith("corrected"):
            return super().decay_rate(style, t)
        correct1, correct2 = self.corrections(t)
        return self.lr / correct1 * (1.0 if style == "corrected first" else correct2**0.5)


def _power(beta: float, t: int, precision: str) -> Any:
    if precision == "float32":
        return np.float32(beta) ** np.float32(t)
    if precision == "float32 product":
        return np.multiply.reduce(np.full(t, beta, np.float32))
    if precision == "float32 sum":
        total = np.float32(0)
        for _ in range(t):
            total = total * np.float32(beta) + np.float32(1 - beta)
        return 1 - float(total)
    return beta**t
