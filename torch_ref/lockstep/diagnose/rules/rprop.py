"""``torch.optim.Rprop``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import SIGN
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_WAITS = "waits a step where the gradient turned, and takes it as 0 from then on"
_TURNS = (
    variant(
        "the update of the step before",
        "steps with the sign of the gradient it is given and the size changed by it",
        "optax's rprop",
        applied="late",
    ),
    variant("steps on where the gradient turned", _WAITS, "Rprop without its wait", turn="steps"),
    variant("goes back where the gradient turned", _WAITS, "Rprop⁺, the first paper", turn="back"),
    variant(
        "waits where the gradient turned, but remembers its sign",
        _WAITS,
        turn="waits, remembers",
    ),
    variant("steps with the size of before", "changes the size first", size="old"),
    variant(
        "etas swapped",
        "has etas = (η⁻, η⁺), here {etas}: smaller where the gradient turned",
        etas=lambda etas: (etas[1], etas[0]),
    ),
    variant("sizes without bounds", "keeps them in step_sizes = {step_sizes}", bounded=False),
    variant(
        "etas (0.5, 1.2), not those asked for",
        "has those it is given, {etas}",
        etas=(0.5, 1.2),
    ),
    variant("the whole gradient, not its sign", "steps by sign(g)·size", signed=False),
)


class RpropRule(UpdateRule):
    """``torch.optim.Rprop``; what is assigned to lr after the first step has no effect.

    ============== =================================================================
    ``turn``       where the gradient turned, it "waits" with g = 0 and has g = 0 for
                   the one before in the next step; it "steps" with the smaller
                   size; it goes "back" by its last step; or it "waits, remembers" g
    ``size``       the step is of the "new" size or the "old"
    ``applied``    the update of "now", or the "late" one
    ``bounded``    whether the sizes are kept in ``step_sizes``
    ``signed``     whether the step is sign(g)·size or g·size
    ============== =================================================================
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (*_TURNS, *SIGN)
    DEFAULTS: ClassVar[Settings] = {
        "lr": 1e-2,
        "etas": (0.5, 1.2),
        "step_sizes": (1e-6, 50.0),
        "maximize": False,
    }
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "turn": "waits",
        "size": "new",
        "applied": "now",
        "bounded": True,
        "signed": True,
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        zero = np.zeros_like(w)
        return {"before": zero, "step_before": zero, "size": np.full_like(w, self.lr)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        agreement, old = g * state["before"], state["size"]
        size = self._size(old, agreement)
        turned, turn = agreement < 0, self.form["turn"]
        still = np.where(turned, 0, g)
        state["before"] = still if turn in ("waits", "back") else g
        along = g if turn == "steps" else still
        used = old if self.form["size"] == "old" else size
        step = used * (np.sign(along) if self.form["signed"] else along)
        if turn == "back":
            step = np.where(turned, -state["step_before"], step)
        state["size"], state["step_before"], before = size, step, state["step_before"]
        return np.where(turned, 0, before) if self.form["applied"] == "late" else step

    def _size(self, size: np.ndarray, agreement: np.ndarray) -> np.ndarray:
        shrink, grow = self.settings["etas"]
        factors = np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1.0))
        size = size * factors.astype(np.asarray(size).dtype)
        return np.clip(size, *self.settings["step_sizes"]) if self.form["bounded"] else size
