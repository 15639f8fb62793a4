"""LARS, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import ANY_DECAY, SIGN
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_LOCAL = "scales g + λw by trust_coefficient·‖w‖/(‖g‖ + λ‖w‖), and by 1 where a norm is 0"
_RATE = (
    variant("norm of g + λw in the ratio", _LOCAL, "optax", ratio="sum"),
    variant("ratio of the gradient without the decay", _LOCAL, ratio="gradient"),
    variant("no ratio without weight decay", _LOCAL, "timm", ratio="with decay"),
    variant("ratio of matrices alone", _LOCAL, ratio="matrices"),
    variant(
        "ratio and decay of matrices alone",
        _LOCAL,
        "pytorch_optimizer",
        ratio="matrices",
        decay_on="matrices",
    ),
    variant("ratio of at most lr", _LOCAL, "LARC", ratio="clipped"),
    variant("no ratio: SGD", _LOCAL, ratio="none"),
    variant(
        "trust_coefficient 0.02, not the one asked for",
        "has the one it is given, {trust_coefficient:g}",
        "the paper",
        trust_coefficient=0.02,
    ),
    variant(
        "lr inside the momentum buffer",
        "has b = μb + ratio·(g + λw) and w −= lr·b",
        "the paper, optax, tinygrad",
        lr_place="inside",
    ),
    variant("no epsilon", "has ‖g‖ + λ‖w‖ + eps with eps = {eps:g}", "the paper, optax", eps=0.0),
    variant("momentum ignored", "has b = μb + ratio·(g + λw)", momentum=0.0),
    variant("nesterov ignored", "looks ahead", nesterov=False),
    variant("momentum as a moving average", "has b = μb + ratio·(g + λw)", share="average"),
)


class LARSRule(UpdateRule):
    """LARS: momentum whose steps are scaled to the size of their parameter.

    ============ ====================================================================
    ``ratio``    η‖w‖/(‖g‖ + λ‖w‖) is the "norms"; "sum", η‖w‖/‖g + λw‖; "gradient",
                 η‖w‖/‖g‖; one only "with decay", only of "matrices", "clipped" to
                 lr, or "none"
    ``lr_place`` "outside" of the momentum buffer, or "inside"
    ``share``    of a gradient in the buffer: "whole", or "average" (1 − μ)
    ============ ====================================================================
    """

    PAPER: ClassVar[str] = "You et al. 2017, arXiv:1708.03888"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_RATE, *ANY_DECAY, *SIGN)
    DEFAULTS: ClassVar[Settings] = {
        **UpdateRule.DEFAULTS,
        "momentum": 0.9,
        "trust_coefficient": 1e-3,
        "eps": 1e-8,
        "nesterov": False,
    }
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "decay": "in the step",
        "ratio": "norms",
        "lr_place": "outside",
        "share": "whole",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"b": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        mu, decay, b = self.settings["momentum"], self.decay_of(w), state["b"]
        scaled = self._ratio(w, g, decay) * (g + decay * w)
        inside = self.form["lr_place"] == "inside"
        scaled = self.lr * scaled if inside else scaled
        b *= mu
        b += (1 - mu if self.form["share"] == "average" else 1.0) * scaled
        step = scaled + mu * b if self.settings["nesterov"] else b.copy()
        return step if inside else self.lr * step

    def _ratio(self, w: np.ndarray, g: np.ndarray, decay: float) -> float:
        kind = self.form["ratio"]
        unscaled = self.settings["trust_coefficient"] is None
        left_out = {"none": True, "with decay": not decay, "matrices": w.ndim < 2}
        size, length = _norm(w), _norm(g)
        if unscaled or left_out.get(kind) or 0 in (size, length):
            return 1.0
        below = {"sum": _norm(g + decay * w), "gradient": length}
        length = below.get(kind, length + decay * size)
        ratio = self.settings["trust_coefficient"] * size / (length + self.settings["eps"])
        return min(ratio / self.lr, 1.0) if kind == "clipped" else ratio


def _norm(array: np.ndarray) -> float:
    return float(np.sqrt(np.sum(array * array)))
