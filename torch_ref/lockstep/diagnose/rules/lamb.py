"""LAMB, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Arrays, Settings
from torch_ref.lockstep.diagnose.rules.moments import MomentsRule
from torch_ref.lockstep.diagnose.variants.decay import ANY_DECAY, SIGN
from torch_ref.lockstep.diagnose.variants.epsilon import ADAMS_EPSILON
from torch_ref.lockstep.diagnose.variants.moments import MOMENTS
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_TRUST = "multiplies the step by ‖w‖/‖u‖, u = m̂/(√v̂ + eps) + λw; by 1 where one of them is 0"
_RATIO = (
    variant("no trust ratio: Adam's step", _TRUST, trust="none"),
    variant("no trust ratio without weight decay", _TRUST, "timm", trust="with decay"),
    variant(
        "no trust ratio without weight decay, gradients clipped to a norm of 1",
        _TRUST,
        "timm",
        trust="with decay",
        clip=1.0,
    ),
    variant("gradients clipped to a norm of 1", "takes them as they are", "NVIDIA", clip=1.0),
    variant("trust ratio of at most 1", _TRUST, trust="clipped"),
    variant(
        "norm of the weights cut at 10, eps in the ratio, m alone corrected, after it",
        _TRUST,
        "pytorch_optimizer, the first version of the paper",
        trust="of 10",
        correction="first",
    ),
    variant("trust ratio of the whole model", _TRUST, trust="whole"),
    variant("trust ratio inverted", _TRUST, trust="inverted"),
    variant("trust ratio without the decay in it", _TRUST, decay="after the ratio"),
    variant("weight decay decoupled from the trust ratio", "has λw in u", decay="decoupled"),
)


class LAMBRule(MomentsRule):
    """LAMB: Adam's step with the decay in it, scaled to the size of its parameter.

    ========= =======================================================================
    ``trust`` the "ratio" ‖w‖/‖u‖, "none", one only "with decay", "clipped" to 1,
              with ‖w‖ "of 10" at most, ‖u‖ + ε and m corrected after it, "inverted",
              or with the weights of the "whole" model
    ``clip``  the norm to which all gradients together are cut, or ``None``
    ========= =======================================================================

    The form ``decay`` is "in the step", or "after the ratio" that is then without it.
    """

    PAPER: ClassVar[str] = "You et al. 2020, arXiv:1904.00962"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_RATIO,
        *ADAMS_EPSILON,
        *MOMENTS,
        *ANY_DECAY,
        *SIGN,
    )
    DEFAULTS: ClassVar[Settings] = {**MomentsRule.DEFAULTS, "eps": 1e-6}
    FORMS: ClassVar[Settings] = {
        **MomentsRule.FORMS,
        "decay": "in the step",
        "trust": "ratio",
        "clip": None,
    }

    def prepare(self, params: Arrays, grads: Any) -> None:
        norm = _norm(*grads.values())
        self._divisor = max(1.0, norm / self.form["clip"]) if self.form["clip"] else 1.0
        self._weights = _norm(*params.values())

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        g = g / self._divisor
        m, v, correct1, correct2 = self.moments(g, g * g, state, t)
        late = correct1 if self.form["trust"] == "of 10" else 1.0
        u = m / (correct1 / late) / self.denominator(v, correct2)
        decay, style = self.decay_of(w), self.form["decay"]
        if style == "in the step":
            u = u + decay * w
        ratio = self._ratio(w, u, decay)
        if style == "after the ratio":
            u = u + decay * w
        return self.lr / late * ratio * u

    def _ratio(self, w: np.ndarray, u: np.ndarray, decay: float) -> float:
        trust, size, length = self.form["trust"], _norm(w), _norm(u)
        if trust == "none" or (trust == "with decay" and not decay) or 0 in (size, length):
            return 1.0
        if trust == "of 10":
            return min(size, 10.0) / (length + self.settings["eps"])
        ratios = {"inverted": length / size, "whole": self._weights / length}
        ratio = ratios.get(trust, size / length)
        return min(ratio, 1.0) if trust == "clipped" else ratio


def _norm(*arrays: np.ndarray) -> float:
    return float(np.sqrt(sum(np.sum(a * a) for a in arrays)))
