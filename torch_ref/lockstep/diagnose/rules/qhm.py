"""QHM and QHAdam, and the known ways to write them otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import COUPLED, EVERYWHERE, MEMORY
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_MIXES = "steps along (1 − ν)g + νb, with the average b = μb + (1 − μ)g"
_QUASI = (
    variant("b a sum, not an average", _MIXES, "momentum as in SGD", averaged=False),
    variant("nu inverted", _MIXES, nu=lambda nu: 1 - nu),
    variant("nu ignored, 1", _MIXES, nu=1.0),
    variant("the b of before", _MIXES, order="old"),
    variant("b corrected for its start", "has none", corrected=True),
)


class QHMRule(UpdateRule):
    """QHM: w ← w − lr·((1 − ν)g + νb), b ← μb + (1 − μ)g.

    ============= ==================================================================
    ``averaged``  whether g is multiplied by 1 − μ
    ``order``     the "new" b or the "old"
    ``corrected`` whether b is divided by 1 − μᵗ
    ============= ==================================================================
    """

    PAPER: ClassVar[str] = "Ma and Yarats 2019, arXiv:1810.06801"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_QUASI, *COUPLED, *EVERYWHERE)
    DEFAULTS: ClassVar[Settings] = {**UpdateRule.DEFAULTS, "momentum": 0.999, "nu": 0.7}
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "averaged": True,
        "order": "new",
        "corrected": False,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"b": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        mu, nu, old = self.settings["momentum"], self.settings["nu"], state["b"]
        b = state["b"] = mu * old + (1 - mu if self.form["averaged"] else 1.0) * g
        b = old if self.form["order"] == "old" else b
        b = b / (1 - mu**t) if self.form["corrected"] else b
        return self.lr * ((1 - nu) * g + nu * b)


_MIXES_BOTH = "steps along (1 − ν₁)g + ν₁m̂ over √((1 − ν₂)g² + ν₂v̂) + eps"
_QUASI_ADAM = (
    variant("nus inverted", _MIXES_BOTH, nus=lambda nus: tuple(1 - nu for nu in nus)),
    variant("nus ignored, (1, 1): Adam", _MIXES_BOTH, "Adam", nus=(1.0, 1.0)),
    variant(
        "averages weighted by sums of powers in float32",
        "corrects them by 1 − βᵗ, in double precision",
        "pytorch_optimizer, qhoptim",
        weights="float32 sums",
    ),
    variant("nus swapped", _MIXES_BOTH, nus=lambda nus: (nus[1], nus[0])),
)


class QHAdamRule(MomentsRule):
    """QHAdam: w ← w − lr·((1 − ν₁)g + ν₁m̂)/(√((1 − ν₂)g² + ν₂v̂) + ε).

    Its form ``weights`` are the "powers" of β, or, of m̂ and v̂ themselves, "float32 sums" of them.
    """

    PAPER: ClassVar[str] = "Ma and Yarats 2019, arXiv:1810.06801"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_QUASI_ADAM,
        *(each for each in ADAMS_EPSILON if "before" not in each.name),
        *MOMENTS,
        *COUPLED,
        *EVERYWHERE,
        *MEMORY,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "nus": (0.7, 1.0)}
    FORMS: ClassVar[Settings] = {**MomentsRule.FORMS, "weights": "powers"}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        nu1, nu2 = self.settings["nus"]
        if self.form["weights"] == "float32 sums":
            m, v = (_mean(state, name, new, beta) for name, new, beta in self._new(g))
            correct1 = correct2 = 1.0
        else:
            m, v, correct1, correct2 = self.moments(g, g * g, state, t)
        squares = (1 - nu2) * g * g + nu2 * v / correct2
        return self.lr * ((1 - nu1) * g + nu1 * m / correct1) / self.denominator(squares)

    def _new(self, g: np.ndarray) -> tuple[tuple[str, np.ndarray, float], ...]:
        beta1, beta2 = self.settings["betas"]
        return ("m", g, beta1), ("v", g * g, beta2)


def _mean(state: dict[str, Any], name: str, new: np.ndarray, beta: float) -> np.ndarray:
    """The weighted mean with ``new`` in it, of which 1 + β + β² … is the sum of all weights."""
    total = state.get(f"weight of {name}", np.float32(0)) * np.float32(beta) + np.float32(1)
    state[f"weight of {name}"] = total
    mean: np.ndarray = state[name]
    mean += float(np.float32(1) / total) * (new - mean)
    return mean
