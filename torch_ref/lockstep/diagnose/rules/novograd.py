"""NovoGrad, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import ScaledRule, Settings
from torch_ref.lockstep.diagnose.variants.decay import ANY_DECAY, SIGN
from torch_ref.lockstep.diagnose.variants.epsilon import PLACES, other_values
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_LAYER = (
    "divides by the root of one average for each parameter, of ‖g‖², which starts with the first"
)
_NORMED = (
    variant("the average of ‖g‖² from zero", _LAYER, start="zero"),
    variant("an average for each element", _LAYER, "Adam-like code", by="element"),
    variant("the norm averaged, not its square", _LAYER, by="norm"),
    variant("the average of ‖g‖² kept in float32", _LAYER, "timm", kept="float32"),
    variant(
        "gradients averaged, (1 − β₁)",
        "adds them whole: m = β₁m + g/√v + λw",
        "with grad_averaging",
        averaged=True,
    ),
    variant(
        "beta1 and beta2 swapped",
        "has β₁ for m, β₂ for v",
        betas=lambda betas: (betas[1], betas[0]),
    ),
    variant(
        "weight decay in the gradient before it is normalized", "adds λw to g/√v", decay="coupled"
    ),
    variant(
        "weight decay decoupled", "adds λw to g/√v, so that it goes through m", decay="decoupled"
    ),
    variant("bias correction of v", "has none", correction=True),
)


class NovoGradRule(ScaledRule):
    """NovoGrad: m ← β₁m + g/(√v + ε) + λw with one v for each parameter, the average of ‖g‖².

    ============== =================================================================
    ``start``      of v, with the first "gradient" or at "zero"
    ``by``         v is one of the "parameter", or of each "element", or an average
                   of the "norm"
    ``kept``       v, in "double" or in "float32"
    ``averaged``   whether what is added to m is multiplied by 1 − β₁
    ``correction`` whether v is divided by 1 − β₂ᵗ
    ============== =================================================================
    """

    PAPER: ClassVar[str] = "Ginsburg et al. 2019, arXiv:1905.11286"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_NORMED,
        *PLACES,
        *other_values("1e-6", "1e-7"),
        *ANY_DECAY,
        *SIGN,
    )
    DEFAULTS: ClassVar[Settings] = {**ScaledRule.DEFAULTS, "betas": (0.95, 0.98), "eps": 1e-8}
    FORMS: ClassVar[Settings] = {
        **ScaledRule.FORMS,
        "decay": "in the step",
        "start": "gradient",
        "by": "parameter",
        "kept": "double",
        "averaged": False,
        "correction": False,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"m": np.zeros_like(w), "v": 0.0}

    def _kept(self, value: Any) -> Any:
        return np.float32(value) if self.form["kept"] == "float32" else value

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        (beta1, beta2), m = self.settings["betas"], state["m"]
        squares = g * g if self.form["by"] == "element" else np.sum(g * g)
        squares = np.sqrt(squares) if self.form["by"] == "norm" else squares
        first = state["step"] == 1 and self.form["start"] == "gradient"
        v = squares if first else self._kept(beta2) * state["v"] + (1 - beta2) * squares
        v = state["v"] = self._kept(v)
        v = v * v if self.form["by"] == "norm" else v
        below = self.denominator(v, 1 - beta2**t if self.form["correction"] else 1.0)
        added = g / below
        if self.form["decay"] == "in the step":
            added = added + self.decay_of(w) * w
        m *= beta1
        m += (1 - beta1 if self.form["averaged"] else 1.0) * added
        return self.lr * m
