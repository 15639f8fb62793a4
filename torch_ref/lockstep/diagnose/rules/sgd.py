"""``torch.optim.SGD``, and the known ways to get its momentum wrong."""

from typing import Any, ClassVar

import numpy as np

from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import (
    COUPLED_DECAY,
    DECOUPLED_DECAY,
    DECOUPLED_FROM_BUFFER,
    EVERYWHERE,
    SCALE,
)
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

WHOLE_GRADIENT = "adds the whole gradient, less its dampening: b = μb + (1 − τ)g"
MOMENTUM = (
    variant(
        "lr inside the momentum buffer",
        "keeps it outside: b = μb + g, w −= lr·b; the two are equal until lr changes",
        "the chapter, Keras, Caffe",
        lr_place="inside",
    ),
    variant(
        "momentum as a moving average, (1 − momentum)·g",
        WHOLE_GRADIENT,
        "courses that start from moving averages",
        share="average",
        first="zero",
    ),
    variant(
        "momentum as a moving average, its first step the whole gradient",
        WHOLE_GRADIENT,
        share="average",
    ),
    # After the moving average, which does the same where lr = 1 − momentum, and is seen more often.
    variant(
        "lr inside the momentum buffer and outside, lr² in all",
        "has it once: b = μb + g, w −= lr·b",
        lr_place="both",
    ),
    variant(
        "momentum buffer from zero, so that the first step is dampened too",
        "starts the buffer with the gradient: b = g at the first step",
        first="zero",
    ),
    variant(
        "dampening ignored",
        "has b = μb + (1 − τ)g with dampening τ = {dampening:g}",
        share="whole",
    ),
    variant(
        "dampening inverted",
        "leaves the part τ = {dampening:g} out: b = μb + (1 − τ)g",
        share="dampening",
    ),
    variant(
        "step along the buffer before its update",
        "updates the buffer first: b = μb + g, then w −= lr·b",
        order="old",
    ),
    variant(
        "momentum inverted",
        "keeps the part momentum = {momentum:g}: b = μb + g",
        momentum=lambda mu: mu and 1 - mu,
    ),
    variant("momentum ignored", "has b = μb + g and w −= lr·b", momentum=0.0),
    variant(
        "Nesterov from the already updated velocity",
        "has w −= lr·(g + μb) with the new b",
        nesterov=lambda asked: asked and "updated velocity",
    ),
    variant(
        "Nesterov from the already updated velocity, lr inside the buffer",
        "has w −= lr·(g + μb) with the new b; w += μ²v − (1 + μ)·lr·g needs the old v",
        "widely copied code",
        nesterov=lambda asked: asked and "updated velocity",
        lr_place="inside",
    ),
    variant("Nesterov ignored", "looks ahead: w −= lr·(g + μb)", nesterov=False),
    variant("Nesterov, not asked for", "has w −= lr·b without nesterov", nesterov=True),
)


class SGDRule(UpdateRule):
    """``torch.optim.SGD``; its setting ``nesterov`` may also be "updated velocity".

    That is μ²b + (1 + μ)g with the b that has the g already.

    ============== =================================================================
    ``share``      of a gradient that goes into the buffer: "undampened" (1 − τ),
                   "whole", "dampening" (τ), or "average" (1 − μ)
    ``first``      what the buffer is at the first step: the "gradient", or what
                   follows from a buffer of "zero"
    ``lr_place``   "outside" of the buffer or "inside": b ← μb + lr·g, w ← w − b; or
                   "both": b ← μb + lr·g, w ← w − lr·b
    ``order``      "new": the step is along the new buffer, or the "old" one
    ============== =================================================================

    >>> params = {"w": np.array([1.0])}
    >>> SGDRule({"lr": 0.1}, sign="step").update(params, {"w": np.array([1.0])})
    >>> params["w"]
    array([1.1])
    """

    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *MOMENTUM,
        DECOUPLED_FROM_BUFFER,
        *COUPLED_DECAY,
        *EVERYWHERE,
        *SCALE,
    )
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

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        mu, ahead = self.settings["momentum"], self.settings["nesterov"]
        if mu == 0:
            return self.lr * g
        place = self.form["lr_place"]
        b, scaled = state["b"], g if place == "outside" else self.lr * g
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
        return b.copy() if place == "inside" else self.lr * b

    def _share(self, mu: float) -> float:
        tau = self.settings["dampening"]
        shares = {"undampened": 1 - tau, "whole": 1.0, "dampening": tau, "average": 1 - mu}
        return shares[self.form["share"]]


class SGDWRule(SGDRule):
    """SGDW: SGD whose weight decay is decoupled."""

    PAPER: ClassVar[str] = "Loshchilov and Hutter 2019, arXiv:1711.05101"
    VARIANTS: ClassVar[tuple[Variant, ...]] = (*MOMENTUM, *DECOUPLED_DECAY, *EVERYWHERE)
    FORMS: ClassVar[Settings] = {**SGDRule.FORMS, "decay": "decoupled"}
