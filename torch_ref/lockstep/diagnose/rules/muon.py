"""``torch.optim.Muon``, and the known ways to write it otherwise."""

from typing import Any, ClassVar

import numpy as np

from scratch.optim.muon import bfloat16
from torch_ref.lockstep.diagnose.rules.base import Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.decay import ANY_DECAY, DECOUPLED_DECAY, SIGN
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_ITERATES = "iterates 5 times in bfloat16, whatever the parameters are"
_SCALE = "scales the step by √max(1, rows/columns), here adjust_lr_fn = {adjust_lr_fn}"
_MOMENTUM = "orthogonalizes μb + (1 − μ)g, with b = μb + (1 − μ)g"
_ORTHOGONAL = (
    variant("iterated in the parameters' precision", _ITERATES, "optax, Keras, MLX", rounds=False),
    variant(
        "the momentum corrected for its start, columns where rows are, in full precision",
        _MOMENTUM,
        "optax's muon",
        along="corrected",
        scale="swapped",
        norm="added",
        eps=1e-8,
        rounds=False,
    ),
    variant("the raw gradient orthogonalized, without momentum", _MOMENTUM, along="gradient"),
    variant("nesterov ignored", _MOMENTUM, nesterov=False),
    variant("not orthogonalized: divided by its norm alone", _ITERATES, ns_steps=0),
    variant(
        "the coefficients of the cubic, (3/2, −1/2, 0)",
        "has ns_coefficients = {ns_coefficients}",
        "first drafts of the method",
        ns_coefficients=(1.5, -0.5, 0.0),
    ),
    variant(
        "orthogonalized exactly, by singular values",
        _ITERATES,
        "who takes an SVD",
        iterates=False,
        rounds=False,
    ),
    *(
        variant(
            f"{steps} iteration{'s' if steps > 1 else ''}, not those asked for",
            "has ns_steps = {ns_steps}",
            ns_steps=steps,
        )
        for steps in (1, 2, 3, 4, 6, 7, 8, 10)
    ),
    variant("rows where columns are: √max(1, columns/rows)", _SCALE, scale="swapped"),
    variant("no scale by the shape", _SCALE, "tinygrad", scale="none"),
    variant("scaled by 0.2·√max(rows, columns)", _SCALE, "Moonlight, Keras", scale="rms"),
    variant("scaled by √(rows/columns)", _SCALE, scale="unclamped"),
    variant("momentum 0.9, not the one asked for", "has momentum = {momentum:g}", momentum=0.9),
)


class MuonRule(UpdateRule):
    """``torch.optim.Muon``, for matrices.

    ============ ====================================================================
    ``rounds``   whether each product is rounded to bfloat16
    ``iterates`` whether the singular values are brought near 1 by iterations, or are 1
    ``along``    the "momentum", the "gradient", or the momentum "corrected" for its
                 start
    ``norm``     is at least ε, "maximum", or has it "added"
    ``scale``    by "shape", as ``adjust_lr_fn`` says; with rows and columns "swapped";
                 "none"; "rms", 0.2·√max(n, m); "unclamped", √(n/m)
    ============ ====================================================================
    """

    AXES: ClassVar[int] = 2
    TEXTBOOK: ClassVar[tuple[Variant, ...]] = _ORTHOGONAL[:1]
    VARIANTS: ClassVar[tuple[Variant, ...]] = (
        *_ORTHOGONAL,
        *DECOUPLED_DECAY,
        *(each for each in ANY_DECAY if "decay_on" not in each.changes),
        *SIGN,
    )
    DEFAULTS: ClassVar[Settings] = {
        "lr": 1e-3,
        "weight_decay": 0.1,
        "maximize": False,
        "momentum": 0.95,
        "nesterov": True,
        "ns_coefficients": (3.4445, -4.775, 2.0315),
        "eps": 1e-7,
        "ns_steps": 5,
        "adjust_lr_fn": None,
    }
    FORMS: ClassVar[Settings] = {
        **UpdateRule.FORMS,
        "decay": "decoupled",
        "rounds": True,
        "iterates": True,
        "along": "momentum",
        "norm": "maximum",
        "scale": "shape",
    }

    def init_state(self, w: np.ndarray) -> dict[str, Any]:
        return {"b": np.zeros_like(w)}

    def step(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int) -> np.ndarray:
        mu, b = self.settings["momentum"], state["b"]
        b *= mu
        b += (1 - mu) * g
        along = self._along(g, b, t)
        return self.lr * self._scale(*w.shape) * self._orthogonal(along).astype(w.dtype)

    def _along(self, g: np.ndarray, b: np.ndarray, t: int) -> np.ndarray:
        if self.form["along"] == "gradient":
            return g
        mu, ahead = self.settings["momentum"], self.settings["nesterov"]
        now, following = 1.0, 1.0
        if self.form["along"] == "corrected":
            now, following = 1 - mu**t, 1 - mu ** (t + ahead)
        return mu * b / following + (1 - mu) * g / now if ahead else b / now

    def _orthogonal(self, u: np.ndarray) -> np.ndarray:
        if not self.form["iterates"]:
            left, _, right = np.linalg.svd(u, full_matrices=False)
            return left @ right
        rounded = bfloat16 if self.form["rounds"] else np.asarray
        a, b, c = self.settings["ns_coefficients"]
        tall = len(u) > u.shape[1]
        x = rounded(u.T if tall else u)
        norm, eps = np.sqrt(np.sum(x * x)), self.settings["eps"]
        norm = norm + eps if self.form["norm"] == "added" else np.maximum(norm, eps)
        x = rounded(x / rounded(norm))
        for _ in range(self.settings["ns_steps"]):
            square = rounded(x @ x.T)
            x = rounded(a * x + rounded(b * square + c * (square @ square)) @ x)
        return x.T if tall else x

    def _scale(self, n: int, m: int) -> float:
        kind = self.settings["adjust_lr_fn"] or "original"
        kind = self.form["scale"] if self.form["scale"] != "shape" else kind
        scales = {
            "original": max(1, n / m) ** 0.5,
            "swapped": max(1, m / n) ** 0.5,
            "none": 1.0,
            "rms": 0.2 * max(n, m) ** 0.5,
            "match_rms_adamw": 0.2 * max(n, m) ** 0.5,
            "unclamped": (n / m) ** 0.5,
            "spectral_unclamped": (n / m) ** 0.5,
        }
        return float(scales[kind])
