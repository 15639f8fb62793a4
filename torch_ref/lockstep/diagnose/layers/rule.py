"""Torch's normalization layers by hand, with a setting for each known way to differ from them."""

import math
from typing import Any

import numpy as np

from torch_ref.lockstep.diagnose.layers.norms import Normalization, Settings


class NormRule:
    """A layer of one kind; every statistic is held in x's shape, repeated along its block."""

    layout = ""

    def __init__(
        self, norm: Normalization, sizes: Settings, dtype: np.dtype, settings: Settings
    ) -> None:
        self._norm, self._sizes, self._seen = norm, sizes, 0
        self._settings = {**norm.defaults, **settings}
        self._track = self._settings.get("track_running_stats", False)
        eps = self._settings["eps"]
        self._eps = float(np.finfo(dtype).eps) if eps is None else eps
        self._held: dict[str, np.ndarray] = {}
        self._grads: dict[str, np.ndarray] = {}
        self._sums: dict[str, np.ndarray] = {}
        c = math.prod(norm.parameter_shape(sizes))
        if self._settings.get("affine", self._settings.get("elementwise_affine")):
            self._held["weight"] = np.ones(c, dtype)
            if self._settings.get("bias"):
                self._held["bias"] = np.zeros(c, dtype)
        if self._track:
            start = self._settings.get("start", 1)
            ones = np.full(c, 1 if isinstance(start, str) else start, dtype)
            self._held.update(running_mean=np.zeros(c, dtype), running_var=ones)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        x, setting = self._turned(x), self._settings.get
        self._block, self._axes = self._norm.blocks(x.shape, self._sizes, self._settings)
        if setting("everything"):
            self._block, self._axes = x.shape, tuple(range(x.ndim))
        self._n = math.prod(self._block[axis] for axis in self._axes)
        centred = setting("centred", self._norm.centred)
        mean: Any = self._mean(x) if centred else np.zeros_like(x)
        var: Any = self._mean((x - mean) ** 2)
        batch = mean, var
        if self._track and (training or setting("evaluation") == "update"):
            self._update(*batch)
        if training or not self._track or setting("batch_always"):
            # σ² is Σ(x − μ)²/d
            self._d = {True: self._n - 1, "sum": 1}.get(setting("unbiased"), self._n)
            var = var * (self._n / self._d)
        else:
            mean, var = (self._spread(f"running_{name}", x.ndim, 0) for name in ("mean", "var"))
        eps = self._eps if training else setting("eps_evaluating", self._eps)
        self._x, self._centred, self._var = x, x - mean, var
        self._scale, self._slope = _scale(var, eps, setting("eps_outside", False))
        if setting("by_formula"):
            self._slope = -(self._scale**3)
        self._upper = x if setting("uncentred") else self._centred
        self._x_hat = self._upper * self._scale
        if self._track and not training and setting("evaluation") == "update after":
            self._update(*batch)
        self._y = self._x_hat * self._gamma(x.ndim) + self._beta(x.ndim)
        return self._turned(self._y, back=True)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy, setting = self._turned(dy), self._settings.get
        self._take_gradients(dy)
        dx_hat = dy * self._gamma(dy.ndim) ** setting("dx_weight", 1)
        dx = dx_hat * self._scale
        mean_term = self._mean(dy * self._scale if setting("mean_of") == "dy" else dx)
        # ∂scale/∂σ² · ∂σ²/∂x, where ∂σ²/∂x = 2·(x − μ)/d
        weighted = dy if setting("var_of") == "dy" else dx_hat
        held: dict[Any, Any] = {"x": self._x, "x for x̂": self._x / self._scale}
        held["1"] = 1 / self._scale
        along = self._mean(weighted * held.get(setting("var_of"), self._upper))
        along = along * (self._n / self._d)
        centred = held.get(setting("var_along"), self._centred)
        var_term = centred * self._slope * self._scale ** setting("slope_power", 0) * along
        if setting("centred", self._norm.centred):
            # Zero for the biased variance in exact arithmetic, but not where ε is outside.
            own = self._mean(var_term) if centred is self._centred else 0.0
            through = 0.0 if setting("uncentred") else mean_term
            dx = dx - self._times("mean_term") * (through + own)
            if setting("surplus"):
                dx = dx - self._mean(self._x) * self._slope * along
        dx = (dx + self._times("var_term") * var_term) * self._scale ** setting("dx_scale", 0)
        return self._turned(dx, back=True)

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        return (self._grads if gradient and name in self._held else self._held).get(name)

    def write(self, name: str, values: np.ndarray) -> None:
        self._held[name][...] = values.reshape(-1)

    def normalized(self, y: np.ndarray) -> np.ndarray:
        """(y − β)/γ: what an output was before the parameters came to it."""
        x_hat: np.ndarray = (y - self._beta(y.ndim)) / self._gamma(y.ndim)
        return x_hat

    def scale_of(self, y: np.ndarray) -> tuple[float, float]:
        """1/√(σ² + ε) as an output ``y`` of the last x shows it where σ² is least; and that σ²."""
        var = np.broadcast_to(self._var, y.shape)
        spread = np.where(var > 0, var, np.inf)
        least = np.isclose(spread, spread.min(), rtol=1e-9, atol=0)
        at = np.unravel_index(np.where(least, np.abs(self._centred), -1).argmax(), y.shape)
        gamma, beta = (
            np.broadcast_to(np.asarray(each, float), y.shape)[at]
            for each in (self._gamma(y.ndim), self._beta(y.ndim))
        )
        return float((y[at] - beta) / (gamma * self._centred[at])), float(var[at])

    def _take_gradients(self, dy: np.ndarray) -> None:
        setting = self._settings.get
        x_hat, w = self._x_hat, self._spread("weight", dy.ndim, 1)
        held = {"x": self._x, "centred": self._centred, "y": self._y, "γ·x̂": w * x_hat}
        along, slope = held.get(setting("along", ""), x_hat), w if setting("bias_weighted") else 1.0
        if not setting("by_formula"):
            along, slope = self._derived(along, slope, w, self._spread("bias", dy.ndim, 0))
        grads = {"weight": self._sum_back(dy * along), "bias": self._sum_back(dy * slope)}
        rows = dy.size // grads["bias"].size
        grads = {n: g / rows if setting("averaged") in (True, n) else g for n, g in grads.items()}
        grads = {n: -g if setting("negated") == n else g for n, g in grads.items()}
        if setting("grads_swapped"):
            grads = {"weight": grads["bias"], "bias": grads["weight"]}
        if setting("added_up"):
            grads = self._sums = {n: g + self._sums.get(n, 0) for n, g in grads.items()}
        self._grads = grads

    def _derived(self, along: Any, slope: Any, w: Any, b: Any) -> tuple[Any, Any]:
        """∂y/∂w and ∂y/∂b, where y is no w·x̂ + b."""
        gamma, beta = self._settings.get("gamma", ""), self._settings.get("beta", "")
        along = along * np.sign(w) if gamma == "|w|" else along
        if beta == "w·b":
            return along + b, w
        return along, -slope if beta == "-b" else slope

    def _update(self, mean: np.ndarray, var: np.ndarray) -> None:
        self._seen += 1
        setting, m = self._settings.get, self._settings["momentum"]
        if m is None:  # the plain mean, or never
            m = 1 / self._seen if self._norm.counts else 0.0
        m = 1 - m if setting("momentum_kept") else m
        if isinstance(setting("start"), str) and self._seen == 1:
            m = 1.0  # exactly, whatever the rounding of the correction is
        elif setting("start") == "corrected":  # running/(1 − (1 − m)ᵗ), from zeros
            m = m / (1 - (1 - m) ** self._seen) if m else 0.0
        var = var + setting("running_eps", 0) * self._eps
        unbiased = self._n / (self._n - 1)
        factors = {True: unbiased, False: 1.0, "inverse": 1 / unbiased}
        var = var * factors[setting("unbiased_running", True)]
        var = np.sqrt(var) if setting("running_std") else var
        kept = 1.0 if setting("added_to") else 1 - m
        for name, new in (("mean", mean), ("var", var)):
            if setting(f"updates_{name}", True):
                running, repeats = f"running_{name}", new.size // new.shape[1]
                new = self._sum_back(new) / repeats
                self._held[running] = kept * self._held[running] + m * new

    def _times(self, term: str) -> float:
        """By what a term of the backward pass is multiplied."""
        factor, n = self._settings.get(term, 1.0), self._n
        return {"n": n, "n/(n-1)": n / max(n - 1, 1)}[factor] if isinstance(factor, str) else factor

    def _gamma(self, ndim: int) -> np.ndarray | float:
        w, b = self._spread("weight", ndim, 1), self._spread("bias", ndim, 0)
        known = {"1 + w": 1 + w, "1": 1.0, "b": b, "1 + b": 1 + b, "|w|": np.abs(w)}
        return known.get(self._settings.get("gamma", ""), w)

    def _beta(self, ndim: int) -> np.ndarray | float:
        w, b = self._spread("weight", ndim, 1), self._spread("bias", ndim, 0)
        known = {"0": 0.0, "w": w, "w - 1": w - 1, "w·b": w * b, "-b": -b}
        return known.get(self._settings.get("beta", ""), b)

    def _turned(self, x: np.ndarray, back: bool = False) -> np.ndarray:
        """x with its last axis as the second, where that is taken for the channels; or back."""
        if not self._settings.get("channels_last"):
            return x
        return np.moveaxis(x, 1, -1) if back else np.moveaxis(x, -1, 1)

    def _mean(self, values: np.ndarray) -> np.ndarray:
        """The mean over each block, repeated along it."""
        blocks = values.reshape(self._block)
        mean = blocks.mean(axis=self._axes, keepdims=True)
        return np.broadcast_to(mean, blocks.shape).reshape(values.shape)

    def _spread(self, name: str, ndim: int, otherwise: float) -> np.ndarray | float:
        """Return the array held under ``name``, shaped to broadcast with x."""
        held = self._held.get(name)
        if held is None:
            return otherwise
        shape = self._norm.parameter_shape(self._sizes)
        return (
            held.reshape(*shape, *(1,) * (ndim - 2))
            if self._norm.by_channel
            else held.reshape(shape)
        )

    def _sum_back(self, values: np.ndarray) -> np.ndarray:
        """The sums over all that share a γ."""
        channels = (0, *range(2, values.ndim)) if self._norm.by_channel else (0,)
        return values.sum(axis=channels).reshape(-1)


def _scale(var: Any, eps: float, place: bool | str) -> tuple[Any, Any]:
    """What x − μ is multiplied by, for each place of ε; and twice its derivative by σ²."""
    if place is True:
        s = 1 / (np.sqrt(var) + eps)
        return s, -(s**2) / np.sqrt(var)
    if place == "both":
        root = np.sqrt(var + eps)
        s = 1 / (root + eps)
        return s, -(s**2) / root
    if place == "squared":
        s = 1 / (var + eps)
        return s, -2 * s**2
    if place == "times":
        s = np.sqrt(var + eps)
        return s, 1 / s
    if place == "twice":
        s = 1 / np.sqrt(np.sqrt(var) + eps)
        return s, -(s**3) / (2 * np.sqrt(var))
    s = 1 / np.sqrt(np.maximum(var, eps) if place == "least" else var + eps)
    return s, -(s**3) * (var > eps) if place == "least" else -(s**3)
